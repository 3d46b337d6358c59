import { highestSack } from '../decode/tcp-sack.ts';
import { IPS_SEQ_ADJUST } from '../packet/conntrack-access.ts';
import type { ConntrackCore } from './core.ts';
import {
  IGNORED_TCP_ACK_UNDER,
  IGNORED_TCP_MORE,
  IGNORED_TCP_SEQ_UNDER,
  INVALID_TCP_ACK_OVER,
  INVALID_TCP_SEQ_OVER,
} from './invalid.ts';
import {
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_LAST_SEQ,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  RECORD_SHIFT,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
} from './layout.ts';
import {
  FLAG_BE_LIBERAL,
  FLAG_DATA_UNACKNOWLEDGED,
  FLAG_MAXACK_SET,
  FLAG_SACK_PERM,
  FLAG_WINDOW_SCALE,
  synOptions,
} from './tcp-options.ts';
import { TCP_ACK_SET, TCP_SYN_RECV, TCP_SYN_SENT } from './tcp-states.ts';

/**
 * TCP window tracking: is this segment one that the receiver would take? tcp_in_window() in
 * net/netfilter/nf_conntrack_proto_tcp.c, after Guido van Rooij's "Real Stateful TCP Packet Filtering in IP
 * Filter" (SANE 2000).
 *
 * We stand in the middle: segments may be lost behind us, so we never know an end's window exactly, only bounds
 * for it. For each direction the entry keeps
 *
 *   END     highest sequence number sent so far (+ 1)
 *   MAXEND  highest sequence number that the other end has offered to take
 *   MAXWIN  largest window that the sender has offered, scaled
 *   MAXACK  highest acknowledgement that it has sent
 *
 * A segment of sequence numbers [seq, end), acknowledging up to `ack` (or, with SACK, the right edge of its
 * highest block), is in the window when
 *
 *   I    seq <= sender.MAXEND                       not beyond what the receiver offered
 *   II   end >= sender.END - receiver.MAXWIN        not so old that it was acknowledged long ago
 *   III  sack <= receiver.END                       acknowledges nothing that was not sent
 *   IV   sack >= receiver.END - max(sender.MAXWIN, 66000)   nor something ages old
 *
 * I and III make it INVALID, II and IV let it pass without a change of state; a sender that was picked up in the
 * middle (its window scale is not known) is allowed everything, and so is everybody with tcp_be_liberal.
 *
 * Sequence numbers are 32-bit words compared by the sign of their difference. Sums of them are cut to words at once
 * (`| 0`): one that leaves the 32 bits throws the whole function out of optimised code.
 */

export const WINDOW_ACCEPT = 0;
/** Passes, and changes nothing. */
export const WINDOW_IGNORE = 1;
export const WINDOW_INVALID = 2;

/** Never fewer than this many bytes are thought to be under way back (MAXACKWINCONST). */
export const MAX_ACK_WINDOW = 66000;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * Judges a segment and updates both directions. `flags`, `seq`, `ack`, `window` are of its header;
 * `payloadBytes` is what the IP length leaves behind the header of `headerBytes`.
 */
export function inWindow(
  core: ConntrackCore,
  ct: number,
  dir: number,
  kind: number,
  flags: number,
  seqOfPacket: number,
  ackOfPacket: number,
  window: number,
  view: DataView,
  l4: number,
  headerBytes: number,
  captureEnd: number,
  payloadBytes: number,
): number {
  const w = core.words;
  const at = ct << RECORD_SHIFT;
  const sender = at + C_TCP_SEEN + dir * TCP_SEEN_WORDS;
  const receiver = at + C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS;
  let seq = seqOfPacket;
  let ack = ackOfPacket;
  let sack = ackOfPacket;
  let win = window;
  let end = (seq + payloadBytes + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0)) | 0;
  const state = w[at + C_STATE]!;

  if ((w[receiver + SEEN_FLAGS]! & FLAG_SACK_PERM) !== 0) {
    sack = highestSack(view, l4, headerBytes, captureEnd, ack);
  }
  if ((w[at + C_STATUS]! & IPS_SEQ_ADJUST) !== 0) {
    // What the other end is told it has sent: back to what it has sent.
    const offset = core.adjustments.offset(ct, 1 - dir, (ack - 1) | 0);
    ack = (ack - offset) | 0;
    sack = (sack - offset) | 0;
  }

  if (w[sender + SEEN_MAXWIN] === 0) {
    if ((flags & SYN) !== 0) {
      initSender(w, sender, receiver, view, l4, headerBytes, captureEnd, end, win, dir);
      // Simultaneous open.
      if ((flags & ACK) === 0) return WINDOW_ACCEPT;
    } else {
      // In the middle of a connection whose history is lost.
      w[sender + SEEN_END] = end;
      const scaled = win << (w[sender + SEEN_FLAGS]! >> 8);
      w[sender + SEEN_MAXWIN] = scaled === 0 ? 1 : scaled;
      w[sender + SEEN_MAXEND] = end + w[sender + SEEN_MAXWIN]!;
      if (w[receiver + SEEN_MAXWIN] === 0) {
        w[receiver + SEEN_END] = sack;
        w[receiver + SEEN_MAXEND] = sack;
      } else if (sack === ((w[receiver + SEEN_END]! + 1) | 0)) {
        // Probably the answer to a keep-alive.
        w[receiver + SEEN_END] = sack;
      }
    }
  } else if (
    (flags & SYN) !== 0 &&
    after(end, w[sender + SEEN_END]!) &&
    (state === TCP_SYN_SENT || state === TCP_SYN_RECV)
  ) {
    // Begun anew with other sequence numbers.
    initSender(w, sender, receiver, view, l4, headerBytes, captureEnd, end, win, dir);
    if (dir === 1 && (flags & ACK) === 0) return WINDOW_ACCEPT;
  }

  // Without ACK, or in an RST of a stack that leaves the number 0: as if it were right.
  if ((flags & ACK) === 0 || ((flags & RST) !== 0 && ack === 0)) {
    ack = w[receiver + SEEN_END]!;
    sack = ack;
  }
  // An RST that answers a SYN.
  if ((flags & RST) !== 0 && seq === 0 && state === TCP_SYN_SENT) {
    seq = w[sender + SEEN_END]!;
    end = seq;
  }

  const senderEnd = w[sender + SEEN_END]!;
  const receiverEnd = w[receiver + SEEN_END]!;
  const receiverMaxWin = w[receiver + SEEN_MAXWIN]! >>> 0;
  const ackWindow = Math.max(w[sender + SEEN_MAXWIN]! >>> 0, MAX_ACK_WINDOW);

  if (!before(seq, (w[sender + SEEN_MAXEND]! + 1) | 0)) {
    const overshoot = (end - w[sender + SEEN_MAXEND]! + 1) >>> 0;
    if (
      receiverMaxWin !== 0 &&
      after(end, (senderEnd - receiverMaxWin - 1) | 0) &&
      after(sack, (receiverEnd - ackWindow - 1) | 0) &&
      overshoot <= receiverMaxWin &&
      before(sack, (receiverEnd + 1) | 0)
    ) {
      // A sender that overruns the window: remembered, so that its data may be acknowledged.
      w[sender + SEEN_END] = end;
      w[sender + SEEN_FLAGS]! |= FLAG_DATA_UNACKNOWLEDGED;
      return unlessLiberal(core, sender, WINDOW_IGNORE, IGNORED_TCP_MORE);
    }
    return unlessLiberal(core, sender, WINDOW_INVALID, INVALID_TCP_SEQ_OVER);
  }
  if (!before(sack, (receiverEnd + 1) | 0)) {
    return unlessLiberal(core, sender, WINDOW_INVALID, INVALID_TCP_ACK_OVER);
  }
  if (receiverMaxWin !== 0 && !after(end, (senderEnd - receiverMaxWin - 1) | 0)) {
    return unlessLiberal(core, sender, WINDOW_IGNORE, IGNORED_TCP_SEQ_UNDER);
  }
  if (!after(sack, (receiverEnd - ackWindow - 1) | 0)) {
    return unlessLiberal(core, sender, WINDOW_IGNORE, IGNORED_TCP_ACK_UNDER);
  }

  if ((flags & SYN) === 0) win <<= w[sender + SEEN_FLAGS]! >> 8;

  const offered = (win + (sack - ack)) >>> 0;
  if (w[sender + SEEN_MAXWIN]! >>> 0 < offered) w[sender + SEEN_MAXWIN] = offered;
  if (after(end, senderEnd)) {
    w[sender + SEEN_END] = end;
    w[sender + SEEN_FLAGS]! |= FLAG_DATA_UNACKNOWLEDGED;
  }
  if ((flags & ACK) !== 0) {
    if ((w[sender + SEEN_FLAGS]! & FLAG_MAXACK_SET) === 0) {
      w[sender + SEEN_MAXACK] = ack;
      w[sender + SEEN_FLAGS]! |= FLAG_MAXACK_SET;
    } else if (after(ack, w[sender + SEEN_MAXACK]!)) {
      w[sender + SEEN_MAXACK] = ack;
    }
  }
  if (receiverMaxWin !== 0 && after(end, w[sender + SEEN_MAXEND]!)) {
    w[receiver + SEEN_MAXWIN]! += end - w[sender + SEEN_MAXEND]!;
  }
  if (after((sack + win) | 0, (w[receiver + SEEN_MAXEND]! - 1) | 0)) {
    w[receiver + SEEN_MAXEND] = sack + win + (win === 0 ? 1 : 0);
  }
  if (ack === receiverEnd) w[receiver + SEEN_FLAGS]! &= ~FLAG_DATA_UNACKNOWLEDGED;

  if (kind === TCP_ACK_SET) noteAck(w, at, dir, seq, ack, end, window);
  return WINDOW_ACCEPT;
}

/** Counts how often the very same segment came again (what max_retrans limits). */
function noteAck(
  w: Int32Array,
  at: number,
  dir: number,
  seq: number,
  ack: number,
  end: number,
  window: number,
): void {
  const last = w[at + C_TCP_LAST]!;
  if (
    ((last >> 8) & 255) === dir &&
    w[at + C_TCP_LAST_SEQ] === seq &&
    w[at + C_TCP_LAST_ACK] === ack &&
    w[at + C_TCP_LAST_END] === end &&
    (w[at + C_TCP_LAST_WIN]! & 0xffff) === window
  ) {
    // An unsigned byte in the kernel: the 256th begins at 0 again.
    w[at + C_TCP_LAST] = (last & 0xffff) | ((((last >> 16) + 1) & 255) << 16);
    return;
  }
  w[at + C_TCP_LAST] = (last & 255) | (dir << 8);
  w[at + C_TCP_LAST_SEQ] = seq;
  w[at + C_TCP_LAST_ACK] = ack;
  w[at + C_TCP_LAST_END] = end;
  w[at + C_TCP_LAST_WIN] = (w[at + C_TCP_LAST_WIN]! & ~0xffff) | window;
}

/** tcp_init_sender(): a direction begins with a SYN or SYN+ACK. Scaling holds only when both announce it. */
function initSender(
  w: Int32Array,
  sender: number,
  receiver: number,
  view: DataView,
  l4: number,
  headerBytes: number,
  captureEnd: number,
  end: number,
  win: number,
  dir: number,
): void {
  w[sender + SEEN_END] = end;
  w[sender + SEEN_MAXEND] = end;
  w[sender + SEEN_MAXWIN] = win === 0 ? 1 : win;
  w[sender + SEEN_FLAGS] = synOptions(view, l4, headerBytes, captureEnd, w[sender + SEEN_FLAGS]!);
  const both = w[sender + SEEN_FLAGS]! & w[receiver + SEEN_FLAGS]!;
  if (dir === 1 && (both & FLAG_WINDOW_SCALE) === 0) {
    w[sender + SEEN_FLAGS]! &= 255;
    w[receiver + SEEN_FLAGS]! &= 255;
  }
}

/** nf_tcp_log_invalid(). */
function unlessLiberal(core: ConntrackCore, sender: number, verdict: number, reason: number): number {
  if (core.tcpBeLiberal || (core.words[sender + SEEN_FLAGS]! & FLAG_BE_LIBERAL) !== 0) return WINDOW_ACCEPT;
  core.lastInvalidReason = reason;
  return verdict;
}

function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}
