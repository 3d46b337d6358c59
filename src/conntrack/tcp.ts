import { CHECKSUM_BAD } from '../batch/layout.ts';
import { IPS_ASSURED, IPS_CONFIRMED, IPS_FIXED_TIMEOUT, IPS_SEEN_REPLY } from '../packet/conntrack-access.ts';
import { HOOK_PREROUTING } from '../packet/registers.ts';
import {
  type ConntrackCore,
  TRACK_ACCEPT,
  TRACK_DROP,
  TRACK_INVALID,
  TRACK_REPEAT,
  type Tracked,
} from './core.ts';
import {
  IGNORED_TCP_CHALLENGE_ACK,
  IGNORED_TCP_STATE,
  INVALID_CAPTURE_CUT,
  INVALID_CHECKSUM,
  INVALID_TCP_FLAGS,
  INVALID_TCP_NEW,
  INVALID_TCP_NOT_LOOSE,
  INVALID_TCP_RST,
  INVALID_TCP_STATE,
  INVALID_TRUNCATED,
  tcpStateReason,
} from './invalid.ts';
import {
  C_PROTO,
  C_PROTO_WORDS,
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_LAST_END,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  C_TIMEOUT,
  RECORD_SHIFT,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
} from './layout.ts';
import { adoptIgnoredSyn, LAST_FLAGS_SHIFT, noteIgnored } from './tcp-ignored.ts';
import {
  FLAG_BE_LIBERAL,
  FLAG_CLOSE_INIT,
  FLAG_DATA_UNACKNOWLEDGED,
  FLAG_EXP_CHALLENGE_ACK,
  FLAG_SACK_PERM,
  FLAG_SIMULTANEOUS_OPEN,
  synOptions,
} from './tcp-options.ts';
import {
  judgeReset,
  RESET_BELIEVED,
  RESET_BELIEVED_KEEPS_STATE,
  RESET_INVALID,
  RESET_KEEPS_STATE,
} from './tcp-reset.ts';
import {
  TCP_ACK_SET,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_FIN_SET,
  TCP_FIN_WAIT,
  TCP_FLAGS_VALID,
  TCP_IGNORE,
  TCP_INVALID,
  TCP_KIND,
  TCP_LAST_ACK,
  TCP_NONE,
  TCP_NONE_SET,
  TCP_RST_SET,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_SYN_SENT2,
  TCP_SYN_SET,
  TCP_SYNACK_SET,
  TCP_TIME_WAIT,
  TCP_TRANSITIONS,
} from './tcp-states.ts';
import { inWindow, WINDOW_ACCEPT, WINDOW_INVALID } from './tcp-window.ts';
import { SECOND_NS, TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK } from './timeouts.ts';

/**
 * TCP: nf_conntrack_tcp_packet() in net/netfilter/nf_conntrack_proto_tcp.c.
 *
 * The transition table (tcp-states.ts) says where a packet would lead; before it is believed, the exceptions
 * that TCP's real life needs are looked at (a closed connection begun anew, packets that may be right while our
 * entry is wrong, RFC 5961's challenge ACKs, resets that must hit the sequence number), and then the window
 * (tcp-window.ts). What passes sets state and timeout.
 *
 * `last` remembers the packet before: its kind and direction, and of ignored packets and pure ACKs the numbers,
 * so that an answer to an ignored packet can bring the entry back in step.
 *
 * Arguments: of the TCP header flags (-1: it was not captured), sequence, acknowledgement (both as signed words) and
 * window; CHECKSUM_*; offsets in `view` of the header and behind the last captured byte; `l4Length`, the bytes
 * that the IP header leaves for TCP; `lengthBytes`, the whole packet's, for accounting.
 * Cost: reads lines 0 and 2 of the record, allocates nothing.
 */
export function tcpPacket(
  core: ConntrackCore,
  ct: number,
  dir: number,
  flags: number,
  seq: number,
  ack: number,
  window: number,
  checksum: number,
  view: DataView,
  l4: number,
  end: number,
  l4Length: number,
  lengthBytes: number,
  hook: number,
): Tracked {
  if (flags < 0) return invalid(core, l4Length < 20 ? INVALID_TRUNCATED : INVALID_CAPTURE_CUT);
  const headerBytes = l4 + 13 <= end ? (view.getUint8(l4 + 12) >> 4) << 2 : 20;
  if (headerBytes < 20 || l4Length < headerBytes) return invalid(core, INVALID_TRUNCATED);
  if (hook === HOOK_PREROUTING && core.verifyChecksums && checksum === CHECKSUM_BAD) {
    return invalid(core, INVALID_CHECKSUM);
  }
  if (TCP_FLAGS_VALID[flags & 255] === 0) return invalid(core, INVALID_TCP_FLAGS);

  const w = core.words;
  const at = ct << RECORD_SHIFT;
  const payloadBytes = l4Length - headerBytes;
  const segmentEnd = (seq + payloadBytes + ((flags >> 1) & 1) + (flags & 1)) | 0;
  const kind = TCP_KIND[flags & 255]!;

  if (
    (w[at + C_STATUS]! & IPS_CONFIRMED) === 0 &&
    !begin(core, at, kind, window, segmentEnd, view, l4, headerBytes, end)
  ) {
    return TRACK_INVALID;
  }

  let oldState = w[at + C_STATE]!;
  let newState = TCP_TRANSITIONS[dir * 96 + kind * 16 + oldState]!;
  const last = w[at + C_TCP_LAST]!;
  const lastIndex = last & 255;
  const lastDir = (last >> 8) & 255;
  const own = at + C_TCP_SEEN + dir * TCP_SEEN_WORDS;
  const other = at + C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS;
  let skipWindow = false;

  switch (newState) {
    case TCP_SYN_SENT:
      if (oldState < TCP_TIME_WAIT) break;
      if (
        ((w[own + SEEN_FLAGS]! | w[other + SEEN_FLAGS]!) & FLAG_CLOSE_INIT) !== 0 ||
        (lastDir === dir && lastIndex === TCP_RST_SET)
      ) {
        // A closed or aborted connection is begun anew.
        return core.kill(ct) ? TRACK_REPEAT : TRACK_DROP;
      }
      newState = TCP_IGNORE;
      break;
    case TCP_SYN_SENT2:
      w[at + C_TCP_LAST_WIN]! |= FLAG_SIMULTANEOUS_OPEN << LAST_FLAGS_SHIFT;
      break;
    case TCP_SYN_RECV:
      if (
        dir === 1 &&
        kind === TCP_ACK_SET &&
        (w[at + C_TCP_LAST_WIN]! & (FLAG_SIMULTANEOUS_OPEN << LAST_FLAGS_SHIFT)) !== 0
      ) {
        newState = TCP_ESTABLISHED;
      }
      break;
    case TCP_TIME_WAIT:
      if (
        oldState === TCP_LAST_ACK &&
        kind === TCP_ACK_SET &&
        lastDir !== dir &&
        lastIndex === TCP_SYN_SET &&
        (w[at + C_TCP_LAST_WIN]! & (FLAG_EXP_CHALLENGE_ACK << LAST_FLAGS_SHIFT)) !== 0
      ) {
        // The answer to a stray SYN, not to the last FIN.
        w[at + C_TCP_LAST_WIN]! &= ~(FLAG_EXP_CHALLENGE_ACK << LAST_FLAGS_SHIFT);
        core.lastInvalidReason = IGNORED_TCP_CHALLENGE_ACK;
        return TRACK_ACCEPT;
      }
      break;
    case TCP_CLOSE:
      if (kind !== TCP_RST_SET) break;
      switch (judgeReset(core, at, dir, oldState, seq, ack, lastIndex, lastDir)) {
        case RESET_INVALID:
          return invalid(core, INVALID_TCP_RST);
        case RESET_KEEPS_STATE:
          newState = oldState;
          break;
        case RESET_BELIEVED:
          skipWindow = true;
          break;
        case RESET_BELIEVED_KEEPS_STATE:
          newState = oldState;
          skipWindow = true;
          break;
      }
      break;
    case TCP_INVALID:
      return invalid(core, tcpStateReason(INVALID_TCP_STATE, dir, kind, oldState));
  }

  if (newState === TCP_IGNORE) {
    if (
      kind === TCP_SYNACK_SET &&
      lastIndex === TCP_SYN_SET &&
      lastDir !== dir &&
      ack === w[at + C_TCP_LAST_END]
    ) {
      // It acknowledges a SYN that was ignored: the ends are in step, we were not.
      adoptIgnoredSyn(w, at, lastDir, own);
      oldState = TCP_SYN_SENT;
      newState = TCP_SYN_RECV;
    } else {
      noteIgnored(w, at, dir, kind, oldState, seq, ack, segmentEnd, window, view, l4, headerBytes, end);
      core.lastInvalidReason = tcpStateReason(IGNORED_TCP_STATE, dir, kind, oldState);
      return TRACK_ACCEPT;
    }
  }

  if (!skipWindow) {
    const verdict = inWindow(
      core,
      ct,
      dir,
      kind,
      flags,
      seq,
      ack,
      window,
      view,
      l4,
      headerBytes,
      end,
      payloadBytes,
    );
    if (verdict !== WINDOW_ACCEPT) {
      if (verdict !== WINDOW_INVALID) return TRACK_ACCEPT;
      handleInvalid(core, at, dir, kind);
      return TRACK_INVALID;
    }
  }
  return accept(core, ct, dir, kind, oldState, newState, lengthBytes);
}

/** The second half: a packet in the window sets state, timeout and status. */
function accept(
  core: ConntrackCore,
  ct: number,
  dir: number,
  kind: number,
  oldState: number,
  newState: number,
  lengthBytes: number,
): Tracked {
  const w = core.words;
  const at = ct << RECORD_SHIFT;
  const retransmissions = (w[at + C_TCP_LAST]! >> 16) & 255;
  w[at + C_TCP_LAST] = kind | (dir << 8) | (retransmissions << 16);
  w[at + C_STATE] = newState;
  if (oldState !== newState && newState === TCP_FIN_WAIT) {
    w[at + C_TCP_SEEN + dir * TCP_SEEN_WORDS + SEEN_FLAGS]! |= FLAG_CLOSE_INIT;
  }
  const timeouts = core.timeoutsOf(ct).tcp;
  const unacknowledged =
    (w[at + C_TCP_SEEN + SEEN_FLAGS]! | w[at + C_TCP_SEEN + TCP_SEEN_WORDS + SEEN_FLAGS]!) &
    FLAG_DATA_UNACKNOWLEDGED;
  let timeout = timeouts[newState]!;
  if (retransmissions >= core.tcpMaxRetrans && timeout > timeouts[TCP_TIMEOUT_RETRANS]!) {
    timeout = timeouts[TCP_TIMEOUT_RETRANS]!;
  } else if (kind === TCP_RST_SET) {
    timeout = timeouts[TCP_CLOSE]!;
  } else if (unacknowledged !== 0 && timeout > timeouts[TCP_TIMEOUT_UNACK]!) {
    timeout = timeouts[TCP_TIMEOUT_UNACK]!;
  } else if ((w[at + C_TCP_LAST_WIN]! & 0xffff) === 0 && timeout > timeouts[TCP_TIMEOUT_RETRANS]!) {
    timeout = timeouts[TCP_TIMEOUT_RETRANS]!;
  }

  const status = w[at + C_STATUS]!;
  if ((status & IPS_SEEN_REPLY) === 0) {
    if (kind === TCP_RST_SET) {
      // The only answer is an RST: there was no connection.
      if (core.acct) core.account(ct, dir, lengthBytes);
      core.kill(ct);
      return TRACK_ACCEPT;
    }
    // A SYN sent again does not let the entry live longer.
    if (kind === TCP_SYN_SET && oldState === TCP_SYN_SENT) return TRACK_ACCEPT;
    if (newState === TCP_ESTABLISHED && timeout > timeouts[TCP_TIMEOUT_UNACK]!) {
      timeout = timeouts[TCP_TIMEOUT_UNACK]!;
    }
  } else if (
    (status & IPS_ASSURED) === 0 &&
    (oldState === TCP_SYN_RECV || oldState === TCP_ESTABLISHED) &&
    newState === TCP_ESTABLISHED
  ) {
    w[at + C_STATUS] = status | IPS_ASSURED;
  }
  core.refresh(ct, dir, timeout, lengthBytes);
  return TRACK_ACCEPT;
}

/**
 * tcp_new(): the first packet of a connection. False, with the reason noted, when it cannot begin one.
 *
 * `--midstream established`: whatever is no SYN belongs to a connection that the capture did not see begin; it is
 * taken for an established, answered one at once, whichever of its packets comes first.
 */
function begin(
  core: ConntrackCore,
  at: number,
  kind: number,
  window: number,
  segmentEnd: number,
  view: DataView,
  l4: number,
  headerBytes: number,
  end: number,
): boolean {
  const w = core.words;
  const newState = TCP_TRANSITIONS[kind * 16 + TCP_NONE]!;
  const midstream = core.midstreamEstablished && kind !== TCP_SYN_SET && kind !== TCP_NONE_SET;
  if (newState >= TCP_INVALID && !midstream) {
    core.lastInvalidReason = INVALID_TCP_NEW;
    return false;
  }
  if (newState !== TCP_SYN_SENT && !core.tcpLoose && !midstream) {
    core.lastInvalidReason = INVALID_TCP_NOT_LOOSE;
    return false;
  }
  w.fill(0, at + C_PROTO, at + C_PROTO + C_PROTO_WORDS);
  const seen = at + C_TCP_SEEN;
  w[seen + SEEN_END] = segmentEnd;
  w[seen + SEEN_MAXWIN] = window === 0 ? 1 : window;
  w[seen + SEEN_MAXEND] = segmentEnd;
  if (newState === TCP_SYN_SENT) {
    w[seen + SEEN_FLAGS] = synOptions(view, l4, headerBytes, end, 0);
  } else {
    // Its window scale is not known, so nothing of it is held against the window.
    w[seen + SEEN_MAXEND]! += w[seen + SEEN_MAXWIN]!;
    w[seen + SEEN_FLAGS] = FLAG_SACK_PERM | FLAG_BE_LIBERAL;
    w[seen + TCP_SEEN_WORDS + SEEN_FLAGS] = FLAG_SACK_PERM | FLAG_BE_LIBERAL;
    core.midstreamCount++;
    if (midstream) {
      w[at + C_STATUS]! |= IPS_SEEN_REPLY | IPS_ASSURED;
      // A SYN+ACK whose SYN was missed leads on from SYN_RECV, anything else from ESTABLISHED.
      w[at + C_STATE] = kind === TCP_SYNACK_SET ? TCP_SYN_RECV : TCP_ESTABLISHED;
    }
  }
  w[at + C_TCP_LAST] = TCP_NONE_SET;
  return true;
}

/** nf_tcp_handle_invalid(): a FIN or RST out of the window, and another from the other side, shorten the life. */
function handleInvalid(core: ConntrackCore, at: number, dir: number, kind: number): void {
  const w = core.words;
  const status = w[at + C_STATUS]!;
  if ((status & IPS_ASSURED) === 0 || (status & IPS_FIXED_TIMEOUT) !== 0) return;
  if (kind !== TCP_RST_SET && kind !== TCP_FIN_SET) return;
  const last = w[at + C_TCP_LAST]!;
  const lastIndex = last & 255;
  if (((last >> 8) & 255) !== dir && (lastIndex === TCP_FIN_SET || lastIndex === TCP_RST_SET)) {
    const left = core.floats[(at + C_TIMEOUT) >> 1]! - core.nowNs;
    const unacknowledged = core.timeoutsOf(at >> RECORD_SHIFT).tcp[TCP_TIMEOUT_UNACK]!;
    if (left >= 120 * SECOND_NS && left > unacknowledged) {
      core.floats[(at + C_TIMEOUT) >> 1] = core.nowNs + unacknowledged;
    }
    return;
  }
  w[at + C_TCP_LAST] = kind | (dir << 8) | (last & 0xff0000);
}

function invalid(core: ConntrackCore, reason: number): Tracked {
  core.lastInvalidReason = reason;
  return TRACK_INVALID;
}
