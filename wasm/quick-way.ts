/**
 * The everyday part of the quick way: src/netfilter/quick-way.loop.ts says what that is, does the same, and takes over
 * wherever this stops. Whatever is not everyday is left as it was
 * found: a row is either taken to its end or not touched at all.
 *
 * `context` is the address of a structure that src/netfilter/quick-kernels.ts fills in.
 */
import { account, countPacket } from './count';
import { ACK, ECHO_REQUEST, ECHO_REQUEST6, KIND_FLAGS } from './kinds';
import {
  AT_FAMILY,
  AT_LENGTH,
  AT_PAYLOAD_BYTES,
  AT_QUICK,
  AT_REFERENCE,
  AT_TCP_ACK,
  AT_TCP_FLAGS,
  AT_TCP_SACK,
  AT_TCP_SEQ,
  AT_TCP_WINDOW,
  AT_TIME_NS,
  AT_WAY,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
} from './layout';
import { isLiveOf } from './live';
import {
  C_MARK,
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_LAST_SEQ,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  C_TIMEOUT,
  C_UDP_STREAM,
  C_WAYS,
  C_WAYS_MARK,
  C_WAYS_STATUS,
  CONTEXT_ESTABLISHED,
  CONTEXT_FLAGS,
  CONTEXT_ICMP,
  CONTEXT_ICMPV6,
  CONTEXT_MAX_RETRANS,
  CONTEXT_RECORDS,
  CONTEXT_RETRANS,
  CONTEXT_UDP,
  CONTEXT_UDP_STREAM,
  CONTEXT_UNACK,
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  FLAG_DATA_UNACKNOWLEDGED,
  FLAG_MAXACK_SET,
  FLAG_SACK_PERM,
  HAS_ACCOUNTS,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_CLASH,
  IPS_SEEN_REPLY,
  IPS_TEMPLATE,
  IPS_WHOLE_WAY,
  MAX_ACK_WINDOW,
  READS_STATUS4,
  READS_STATUS6,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_ACK_SET,
  TCP_ESTABLISHED,
  TCP_SEEN_WORDS,
  TUPLE_DPORT,
} from './records';
import { RECORD_SHIFT } from './table';
import { before } from './tcp';

const STATUS_GATE: u32 = IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE | IPS_FIXED_TIMEOUT | IPS_WHOLE_WAY;
const STATUS_EXPECTED_GATE: u32 = STATUS_GATE | IPS_EXPECTED;
const STATUS_TCP: u32 = IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED;
const STATUS_TCP_GATE: u32 = STATUS_GATE | IPS_SEEN_REPLY | IPS_ASSURED;

/** Takes rows from `begin` on, which must be located; gives the row at which it stopped, untouched, or `end`. */
export function takeEveryday(batch: usize, begin: u32, end: u32, context: usize): u32 {
  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  const flags = load<u32>(context, CONTEXT_FLAGS);
  for (let i = begin; i < end; i++) {
    const p1 = batch + i;
    const p2 = batch + 2 * i;
    const p4 = batch + 4 * i;
    const kind: u32 = load<u8>(p1, AT_QUICK);
    const reference = load<i32>(p4, AT_REFERENCE);
    if (kind === 0 || reference < 0) return i;
    const dir: u32 = reference & 1;
    const at: usize = records + ((<u32>reference >>> 1) << RECORD_SHIFT);
    const isIpv4 = load<u8>(p1, AT_FAMILY) === 4;
    const now = load<f64>(batch + 8 * i, AT_TIME_NS);
    if (!isLiveOf(batch, i, at, dir)) return i;

    const status = load<u32>(at, 4 * C_STATUS);
    const isTcp = kind === PLAIN_TCP4 || kind === PLAIN_TCP6;
    const isEcho = kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6;
    const isAnswered = (status & IPS_SEEN_REPLY) !== 0;
    let after = status;
    let isStream = false;
    let state: u32 = CT_ESTABLISHED;
    if (isTcp) {
      if (
        (load<u8>(p1, AT_TCP_FLAGS) & KIND_FLAGS) !== ACK ||
        (status & STATUS_TCP_GATE) !== STATUS_TCP ||
        load<u32>(at, 4 * C_STATE) !== TCP_ESTABLISHED
      )
        return i;
      state = dir === 1 ? CT_ESTABLISHED_REPLY : CT_ESTABLISHED;
    } else {
      if ((status & STATUS_EXPECTED_GATE) !== IPS_CONFIRMED) return i;
      if (isEcho) {
        const request = isIpv4 ? ECHO_REQUEST : ECHO_REQUEST6;
        if (load<u32>(at, 4 * TUPLE_DPORT) >>> 8 !== request) return i;
      } else {
        isStream = isAnswered && now > load<f64>(at, 4 * C_UDP_STREAM);
        if (isStream && (status & IPS_NAT_CLASH) === 0) after |= IPS_ASSURED;
      }
      if (dir === 1) after |= IPS_SEEN_REPLY;
      state = dir === 1 ? CT_ESTABLISHED_REPLY : isAnswered ? CT_ESTABLISHED : CT_NEW;
    }

    // The way, before anything is changed: wayPair() of src/netfilter/path-cache.ts.
    const pair = at + 4 * (state === CT_ESTABLISHED ? 0 : 2 * (state - 1));
    const readsStatus = (flags & (isIpv4 ? READS_STATUS4 : READS_STATUS6)) !== 0;
    const path = load<u32>(pair, 4 * C_WAYS + 4);
    const differs =
      (load<u32>(pair, 4 * C_WAYS) ^ load<u32>(p4, AT_WAY)) |
      (load<u32>(at, 4 * C_WAYS_MARK) ^ load<u32>(at, 4 * C_MARK)) |
      (load<u32>(at, 4 * C_WAYS_STATUS) ^ (readsStatus ? after : 0));
    // Negative where the way splits at a fork.
    if (<i32>path <= 0 || differs !== 0) return i;

    if (isTcp) {
      if (!takeSegment(at, dir, p2, p4, now, context)) return i;
    } else {
      const timeout = isEcho
        ? load<f64>(context + (isIpv4 ? 0 : CONTEXT_ICMPV6 - CONTEXT_ICMP), CONTEXT_ICMP)
        : load<f64>(context + (isStream ? CONTEXT_UDP_STREAM - CONTEXT_UDP : 0), CONTEXT_UDP);
      store<f64>(at, now + timeout, 4 * C_TIMEOUT);
      store<u32>(at, after, 4 * C_STATUS);
    }

    const lengthBytes = load<u32>(p4, AT_LENGTH);
    if ((flags & HAS_ACCOUNTS) !== 0) account(<u32>reference, lengthBytes, context);
    countPacket(batch, i, path - 1, state, lengthBytes, context);
  }
  return end;
}

/** tcp_in_window() and what follows, of an everyday segment; false, and nothing is changed, when it is not inside. */
function takeSegment(at: usize, dir: u32, p2: usize, p4: usize, now: f64, context: usize): bool {
  const sender = at + 4 * (dir * TCP_SEEN_WORDS);
  const receiver = at + 4 * ((1 - dir) * TCP_SEEN_WORDS);
  const seq = load<u32>(p4, AT_TCP_SEQ);
  const ack = load<u32>(p4, AT_TCP_ACK);
  const segmentEnd = seq + load<u32>(p4, AT_PAYLOAD_BYTES);
  let receiverFlags = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const sack = (receiverFlags & FLAG_SACK_PERM) !== 0 ? load<u32>(p4, AT_TCP_SACK) : ack;
  const senderEnd = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_END));
  const senderMaxEnd = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXEND));
  const senderMaxWin = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const receiverEnd = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_END));
  const receiverMaxEnd = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_MAXEND));
  const receiverMaxWin = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const ackWindow = max<u32>(senderMaxWin, MAX_ACK_WINDOW);
  const isInside =
    <i32>senderMaxWin > 0 &&
    <i32>receiverMaxWin >= 0 &&
    before(seq, senderMaxEnd + 1) &&
    before(sack, receiverEnd + 1) &&
    (receiverMaxWin === 0 || before(senderEnd - receiverMaxWin - 1, segmentEnd)) &&
    before(receiverEnd - ackWindow - 1, sack);
  if (!isInside) return false;

  const window: u32 = load<u16>(p2, AT_TCP_WINDOW);
  let senderFlags = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const win = window << (senderFlags >>> 8);
  store<u32>(sender, max<u32>(senderMaxWin, win + sack - ack), 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const isNew = before(senderEnd, segmentEnd);
  store<u32>(sender, isNew ? segmentEnd : senderEnd, 4 * (C_TCP_SEEN + SEEN_END));
  senderFlags |= isNew ? FLAG_DATA_UNACKNOWLEDGED : 0;
  const maxAck = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXACK));
  const isFurther = (senderFlags & FLAG_MAXACK_SET) === 0 || before(maxAck, ack);
  store<u32>(sender, isFurther ? ack : maxAck, 4 * (C_TCP_SEEN + SEEN_MAXACK));
  senderFlags |= FLAG_MAXACK_SET;
  store<u32>(sender, senderFlags, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const grows = receiverMaxWin !== 0 && before(senderMaxEnd, segmentEnd);
  store<u32>(
    receiver,
    receiverMaxWin + (grows ? segmentEnd - senderMaxEnd : 0),
    4 * (C_TCP_SEEN + SEEN_MAXWIN),
  );
  const offeredEnd = sack + win;
  store<u32>(
    receiver,
    before(receiverMaxEnd - 1, offeredEnd) ? offeredEnd + (win === 0 ? 1 : 0) : receiverMaxEnd,
    4 * (C_TCP_SEEN + SEEN_MAXEND),
  );
  receiverFlags &= ack === receiverEnd ? ~FLAG_DATA_UNACKNOWLEDGED : -1;
  store<u32>(receiver, receiverFlags, 4 * (C_TCP_SEEN + SEEN_FLAGS));

  const last = load<u32>(at, 4 * C_TCP_LAST);
  const lastWindow = load<u32>(at, 4 * C_TCP_LAST_WIN);
  const isSame =
    ((load<u32>(at, 4 * C_TCP_LAST_SEQ) ^ seq) |
      (((last >>> 8) & 255) ^ dir) |
      (load<u32>(at, 4 * C_TCP_LAST_ACK) ^ ack) |
      (load<u32>(at, 4 * C_TCP_LAST_END) ^ segmentEnd) |
      ((lastWindow & 0xffff) ^ window)) ===
    0;
  // An unsigned byte in the kernel: the 256th begins at 0 again.
  const retransmissions: u32 = isSame ? ((last >>> 16) + 1) & 255 : 0;
  store<u32>(at, seq, 4 * C_TCP_LAST_SEQ);
  store<u32>(at, ack, 4 * C_TCP_LAST_ACK);
  store<u32>(at, segmentEnd, 4 * C_TCP_LAST_END);
  store<u32>(at, (lastWindow & 0xffff0000) | window, 4 * C_TCP_LAST_WIN);
  store<u32>(at, TCP_ACK_SET | (dir << 8) | (retransmissions << 16), 4 * C_TCP_LAST);

  const isUnacknowledged = ((senderFlags | receiverFlags) & FLAG_DATA_UNACKNOWLEDGED) !== 0;
  let which: usize = CONTEXT_ESTABLISHED;
  if (window === 0) which = CONTEXT_RETRANS;
  if (isUnacknowledged) which = CONTEXT_UNACK;
  if (retransmissions >= load<u32>(context, CONTEXT_MAX_RETRANS)) which = CONTEXT_RETRANS;
  store<f64>(at, now + load<f64>(context + which), 4 * C_TIMEOUT);
  return true;
}
