/**
 * TCP segments that change the state of their connection, or are of one that is not in full swing: tcpPacket() of
 * src/conntrack/tcp.ts and inWindow() of tcp-window.ts, where they accept a segment, and nothing about it is out of the
 * ordinary: no urgent data, no simultaneous open, nothing that was ignored before, no reset whose numbers are in doubt.
 */
import { ACK, FIN, KIND_FLAGS, RST, SYN } from './kinds';
import { AT_PAYLOAD_BYTES, AT_TCP_ACK, AT_TCP_FLAGS, AT_TCP_SACK, AT_TCP_SEQ, AT_TCP_WINDOW } from './layout';
import {
  C_STATE,
  C_TCP_LAST,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_LAST_SEQ,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  C_TIMEOUT,
  CONTEXT_MAX_RETRANS,
  CONTEXT_TCP_TIMEOUTS,
  CONTEXT_TRANSITIONS,
  FLAG_CLOSE_INIT,
  FLAG_DATA_UNACKNOWLEDGED,
  FLAG_EXP_CHALLENGE_ACK,
  FLAG_MAXACK_SET,
  FLAG_SACK_PERM,
  FLAG_SIMULTANEOUS_OPEN,
  FLAG_WINDOW_SCALE,
  IPS_ASSURED,
  IPS_SEEN_REPLY,
  MAX_ACK_WINDOW,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_ACK_SET,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_FIN_SET,
  TCP_FIN_WAIT,
  TCP_IGNORE,
  TCP_INVALID,
  TCP_LAST_ACK,
  TCP_RST_SET,
  TCP_SEEN_WORDS,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_SYN_SENT2,
  TCP_SYN_SET,
  TCP_SYNACK_SET,
  TCP_TIME_WAIT,
  TCP_TIMEOUT_RETRANS,
  TCP_TIMEOUT_UNACK,
} from './records';
import { synOptions } from './tcp-options';

/** Where last_flags stand in C_TCP_LAST_WIN. */
const LAST_FLAGS_SHIFT: u32 = 16;

/** What `judge` says of a segment that is not for this place; else new state | old state << 8 | kind << 16 | JUDGED_*. */
export const NOT_HERE: u32 = 0xffffffff;
/** A reset of a connection that is closing: its numbers do not matter. */
const JUDGED_BELIEVED: u32 = 1 << 24;
/** A SYN that is sent again: the connection lives no longer for it, and it is not accounted for. */
const JUDGED_AGAIN: u32 = 1 << 25;

/** Where a segment leads its connection, at `at` with `status`. Changes nothing. */
export function judge(batch: usize, i: u32, at: usize, dir: u32, status: u32, context: usize): u32 {
  const kind = kindOf(load<u8>(batch + i, AT_TCP_FLAGS) & KIND_FLAGS);
  if (kind === NOT_HERE) return NOT_HERE;
  const oldState = load<u32>(at, 4 * C_STATE);
  let newState: u32 = load<u8>(context + 96 * dir + 16 * kind + oldState, CONTEXT_TRANSITIONS);
  if (newState === TCP_INVALID || newState === TCP_IGNORE || newState === TCP_SYN_SENT2) return NOT_HERE;
  const last = load<u32>(at, 4 * C_TCP_LAST);
  const lastFlags = load<u32>(at, 4 * C_TCP_LAST_WIN) >>> LAST_FLAGS_SHIFT;
  const isAnswered = (status & IPS_SEEN_REPLY) !== 0;
  let more: u32 = 0;
  if (newState === TCP_SYN_SENT) {
    if (oldState >= TCP_TIME_WAIT) return NOT_HERE;
    if (!isAnswered && oldState === TCP_SYN_SENT) more = JUDGED_AGAIN;
  } else if (newState === TCP_SYN_RECV) {
    if (dir === 1 && kind === TCP_ACK_SET && (lastFlags & FLAG_SIMULTANEOUS_OPEN) !== 0)
      newState = TCP_ESTABLISHED;
  } else if (newState === TCP_TIME_WAIT) {
    if (oldState === TCP_LAST_ACK && (lastFlags & FLAG_EXP_CHALLENGE_ACK) !== 0) return NOT_HERE;
  } else if (kind === TCP_RST_SET) {
    // One that nothing answered before ends the connection.
    if (!isAnswered) return NOT_HERE;
    if (oldState >= TCP_FIN_WAIT && oldState <= TCP_CLOSE) more = JUDGED_BELIEVED;
    else if (!isExactReset(batch, i, at, dir, oldState, status, last)) return NOT_HERE;
  }
  return newState | (oldState << 8) | (kind << 16) | more;
}

function kindOf(flags: u32): u32 {
  if (flags === ACK) return TCP_ACK_SET;
  if (flags === (FIN | ACK)) return TCP_FIN_SET;
  if (flags === SYN) return TCP_SYN_SET;
  if (flags === (SYN | ACK)) return TCP_SYNACK_SET;
  return flags === (RST | ACK) || flags === RST ? TCP_RST_SET : NOT_HERE;
}

/** judgeReset() of src/conntrack/tcp-reset.ts comes to RESET_IN_WINDOW, since the other side has acknowledged so far. */
function isExactReset(
  batch: usize,
  i: u32,
  at: usize,
  dir: u32,
  oldState: u32,
  status: u32,
  last: u32,
): bool {
  const other = at + 4 * (C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS);
  if ((load<u32>(other, 4 * SEEN_FLAGS) & FLAG_MAXACK_SET) === 0 || (last & 255) === TCP_SYN_SET)
    return false;
  const seq = load<u32>(batch + 4 * i, AT_TCP_SEQ);
  const isEstablished = oldState === TCP_ESTABLISHED && (status & IPS_ASSURED) !== 0;
  return seq === load<u32>(other, 4 * SEEN_MAXACK) && (seq !== 0 || isEstablished);
}

/** Status of the connection behind the segment, but for IPS_SEEN_REPLY. */
export function statusAfter(judged: u32, status: u32): u32 {
  const newState = judged & 255;
  const oldState = (judged >>> 8) & 255;
  const isOpen = newState === TCP_ESTABLISHED && (oldState === TCP_SYN_RECV || oldState === TCP_ESTABLISHED);
  return isOpen && (status & IPS_SEEN_REPLY) !== 0 ? status | IPS_ASSURED : status;
}

/** The segment does not let its connection live longer, and is not accounted for. */
export function keepsTimeout(judged: u32): bool {
  return (judged & JUDGED_AGAIN) !== 0;
}

/** Sequence number `a` lies before `b`. */
export function before(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}

/** Takes a segment of which `judge` has spoken; false, and nothing is changed, when it is not inside the window. */
export function takeTcp(
  batch: usize,
  i: u32,
  at: usize,
  dir: u32,
  status: u32,
  judged: u32,
  now: f64,
  context: usize,
): bool {
  const newState = judged & 255;
  const oldState = (judged >>> 8) & 255;
  const kind = (judged >>> 16) & 255;
  const p4 = batch + 4 * i;
  const sender = at + 4 * (C_TCP_SEEN + dir * TCP_SEEN_WORDS);
  const receiver = at + 4 * (C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS);
  const window: u32 = load<u16>(batch + 2 * i, AT_TCP_WINDOW);
  const last = load<u32>(at, 4 * C_TCP_LAST);
  let lastWindow = load<u32>(at, 4 * C_TCP_LAST_WIN);
  let senderFlags = load<u32>(sender, 4 * SEEN_FLAGS);
  let receiverFlags = load<u32>(receiver, 4 * SEEN_FLAGS);
  let retransmissions = (last >>> 16) & 255;

  if ((judged & JUDGED_BELIEVED) === 0) {
    const flags: u32 = load<u8>(batch + i, AT_TCP_FLAGS);
    const seq = load<u32>(p4, AT_TCP_SEQ);
    const end = seq + load<u32>(p4, AT_PAYLOAD_BYTES) + ((flags >>> 1) & 1) + (flags & 1);
    let ack = load<u32>(p4, AT_TCP_ACK);
    let sack = (receiverFlags & FLAG_SACK_PERM) !== 0 ? load<u32>(p4, AT_TCP_SACK) : ack;
    let senderEnd = load<u32>(sender, 4 * SEEN_END);
    let senderMaxEnd = load<u32>(sender, 4 * SEEN_MAXEND);
    let senderMaxWin = load<u32>(sender, 4 * SEEN_MAXWIN);
    const receiverEnd = load<u32>(receiver, 4 * SEEN_END);
    let receiverMaxEnd = load<u32>(receiver, 4 * SEEN_MAXEND);
    let receiverMaxWin = load<u32>(receiver, 4 * SEEN_MAXWIN);

    if (senderMaxWin === 0) {
      // tcp_init_sender(), of the answer to a SYN.
      if (kind !== TCP_SYNACK_SET) return false;
      senderEnd = end;
      senderMaxEnd = end;
      senderMaxWin = max<u32>(window, 1);
      senderFlags = synOptions(batch, i, senderFlags);
      if (dir === 1 && (senderFlags & receiverFlags & FLAG_WINDOW_SCALE) === 0) {
        senderFlags &= 255;
        receiverFlags &= 255;
      }
    } else if ((flags & SYN) !== 0 && before(senderEnd, end)) return false;
    if ((flags & ACK) === 0 || (kind === TCP_RST_SET && ack === 0)) {
      ack = receiverEnd;
      sack = ack;
    }
    if (kind === TCP_RST_SET && oldState === TCP_SYN_SENT) return false;

    const ackWindow = max<u32>(senderMaxWin, MAX_ACK_WINDOW);
    const isInside =
      before(seq, senderMaxEnd + 1) &&
      before(sack, receiverEnd + 1) &&
      (receiverMaxWin === 0 || before(senderEnd - receiverMaxWin - 1, end)) &&
      before(receiverEnd - ackWindow - 1, sack);
    if (!isInside) return false;

    const win = (flags & SYN) !== 0 ? window : window << (senderFlags >>> 8);
    senderMaxWin = max<u32>(senderMaxWin, win + sack - ack);
    if (before(senderEnd, end)) {
      senderEnd = end;
      senderFlags |= FLAG_DATA_UNACKNOWLEDGED;
    }
    if ((flags & ACK) !== 0) {
      const maxAck = load<u32>(sender, 4 * SEEN_MAXACK);
      if ((senderFlags & FLAG_MAXACK_SET) === 0 || before(maxAck, ack))
        store<u32>(sender, ack, 4 * SEEN_MAXACK);
      senderFlags |= FLAG_MAXACK_SET;
    }
    if (receiverMaxWin !== 0 && before(senderMaxEnd, end)) receiverMaxWin += end - senderMaxEnd;
    if (before(receiverMaxEnd - 1, sack + win)) receiverMaxEnd = sack + win + (win === 0 ? 1 : 0);
    if (ack === receiverEnd) receiverFlags &= ~FLAG_DATA_UNACKNOWLEDGED;

    store<u32>(sender, senderEnd, 4 * SEEN_END);
    store<u32>(sender, senderMaxEnd, 4 * SEEN_MAXEND);
    store<u32>(sender, senderMaxWin, 4 * SEEN_MAXWIN);
    store<u32>(receiver, receiverMaxEnd, 4 * SEEN_MAXEND);
    store<u32>(receiver, receiverMaxWin, 4 * SEEN_MAXWIN);
    if (kind === TCP_ACK_SET) {
      const isSame =
        ((load<u32>(at, 4 * C_TCP_LAST_SEQ) ^ seq) |
          (((last >>> 8) & 255) ^ dir) |
          (load<u32>(at, 4 * C_TCP_LAST_ACK) ^ ack) |
          (load<u32>(at, 4 * C_TCP_LAST_END) ^ end) |
          ((lastWindow & 0xffff) ^ window)) ===
        0;
      // An unsigned byte in the kernel: the 256th begins at 0 again.
      retransmissions = isSame ? (retransmissions + 1) & 255 : 0;
      lastWindow = (lastWindow & 0xffff0000) | window;
      store<u32>(at, seq, 4 * C_TCP_LAST_SEQ);
      store<u32>(at, ack, 4 * C_TCP_LAST_ACK);
      store<u32>(at, end, 4 * C_TCP_LAST_END);
      store<u32>(at, lastWindow, 4 * C_TCP_LAST_WIN);
    }
  }

  if (newState === TCP_FIN_WAIT && oldState !== TCP_FIN_WAIT) senderFlags |= FLAG_CLOSE_INIT;
  store<u32>(sender, senderFlags, 4 * SEEN_FLAGS);
  store<u32>(receiver, receiverFlags, 4 * SEEN_FLAGS);
  store<u32>(at, kind | (dir << 8) | (retransmissions << 16), 4 * C_TCP_LAST);
  store<u32>(at, newState, 4 * C_STATE);
  if (keepsTimeout(judged)) return true;
  const isUnacknowledged = ((senderFlags | receiverFlags) & FLAG_DATA_UNACKNOWLEDGED) !== 0;
  const hasWindow = (lastWindow & 0xffff) !== 0;
  let timeout = timeoutOf(newState, kind, retransmissions, isUnacknowledged, hasWindow, context);
  if ((status & IPS_SEEN_REPLY) === 0 && newState === TCP_ESTABLISHED)
    timeout = min<f64>(timeout, timeoutIn(TCP_TIMEOUT_UNACK, context));
  store<f64>(at, now + timeout, 4 * C_TIMEOUT);
  return true;
}

function timeoutIn(which: u32, context: usize): f64 {
  return load<f64>(context + 8 * which, CONTEXT_TCP_TIMEOUTS);
}

function timeoutOf(
  state: u32,
  kind: u32,
  retransmissions: u32,
  isUnacknowledged: bool,
  hasWindow: bool,
  context: usize,
): f64 {
  const timeout = timeoutIn(state, context);
  const retrans = timeoutIn(TCP_TIMEOUT_RETRANS, context);
  if (retransmissions >= load<u32>(context, CONTEXT_MAX_RETRANS) && timeout > retrans) return retrans;
  if (kind === TCP_RST_SET) return timeoutIn(TCP_CLOSE, context);
  const unacknowledged = timeoutIn(TCP_TIMEOUT_UNACK, context);
  if (isUnacknowledged && timeout > unacknowledged) return unacknowledged;
  return !hasWindow && timeout > retrans ? retrans : timeout;
}
