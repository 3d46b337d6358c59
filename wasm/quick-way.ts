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
  PLAIN_UDP4,
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

/** In place of a path: the row is not taken. */
const NOT_TAKEN: i32 = -1;

/** Takes rows from `begin` on, which must be located; gives the row at which it stopped, untouched, or `end`. */
export function takeEveryday(batch: usize, begin: u32, end: u32, context: usize): u32 {
  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  const flags = load<u32>(context, CONTEXT_FLAGS);
  for (let i = begin; i < end; i++) {
    const kind: u32 = load<i8>(batch + i, AT_QUICK);
    const reference = load<i32>(batch + 4 * i, AT_REFERENCE);
    // The kind is 0 or QUICK_PASSED, or the reference negative.
    if ((<i32>(kind - 1) | reference) < 0) return i;
    const dir: u32 = reference & 1;
    const at: usize = records + ((<u32>reference >>> 1) << RECORD_SHIFT);
    if (!isLiveOf(batch, i, at, dir)) return i;
    const lengthBytes = load<u32>(batch + 4 * i, AT_LENGTH);
    if (kind === PLAIN_TCP4 || kind === PLAIN_TCP6) {
      const path = takeSegment(batch, i, at, dir, kind, flags, context);
      if (path < 0) return i;
      countPacket(batch, i, path, dir === 1 ? CT_ESTABLISHED_REPLY : CT_ESTABLISHED, lengthBytes, context);
    } else {
      const state = stateOf(at, dir);
      const path = takeOthers(batch, i, at, dir, kind, state, flags, context);
      if (path < 0) return i;
      countPacket(batch, i, path, state, lengthBytes, context);
    }
    if ((flags & HAS_ACCOUNTS) !== 0) account(<u32>reference, lengthBytes, context);
  }
  return end;
}

/** State, CT_*, of a packet of a connection that is not TCP. */
function stateOf(at: usize, dir: u32): u32 {
  const isAnswered = (load<u32>(at, 4 * C_STATUS) & IPS_SEEN_REPLY) !== 0;
  return dir === 1 ? CT_ESTABLISHED_REPLY : isAnswered ? CT_ESTABLISHED : CT_NEW;
}

/**
 * An everyday segment, and the way of its connection: tcp_in_window() and what follows. Its path, or NOT_TAKEN and nothing is
 * changed. Conditions are signs of differences and bits of one word, so that nearly nothing is a jump.
 */
function takeSegment(batch: usize, i: u32, at: usize, dir: u32, kind: u32, flags: u32, context: usize): i32 {
  const p4 = batch + 4 * i;
  const status = load<u32>(at, 4 * C_STATUS);
  // wayPair() of src/netfilter/path-cache.ts: the pair of ESTABLISHED is the first, that of answers the third.
  const pair = at + (dir << 4);
  const reads: u32 = (flags & (kind === PLAIN_TCP4 ? READS_STATUS4 : READS_STATUS6)) !== 0 ? status : 0;
  const path = load<i32>(pair, 4 * C_WAYS + 4) - 1;
  const differs =
    ((load<u8>(batch + i, AT_TCP_FLAGS) & KIND_FLAGS) ^ ACK) |
    ((status & STATUS_TCP_GATE) ^ STATUS_TCP) |
    (load<u32>(at, 4 * C_STATE) ^ TCP_ESTABLISHED) |
    (load<u32>(pair, 4 * C_WAYS) ^ load<u32>(p4, AT_WAY)) |
    (load<u32>(at, 4 * C_WAYS_MARK) ^ load<u32>(at, 4 * C_MARK)) |
    (load<u32>(at, 4 * C_WAYS_STATUS) ^ reads);

  const sender = at + 4 * (dir * TCP_SEEN_WORDS);
  const receiver = at + 4 * (TCP_SEEN_WORDS - dir * TCP_SEEN_WORDS);
  const seq = load<u32>(p4, AT_TCP_SEQ);
  const ack = load<u32>(p4, AT_TCP_ACK);
  const segmentEnd = seq + load<u32>(p4, AT_PAYLOAD_BYTES);
  let receiverFlags = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const sack = select<u32>(load<u32>(p4, AT_TCP_SACK), ack, (receiverFlags & FLAG_SACK_PERM) !== 0);
  const senderEnd = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_END));
  const senderMaxEnd = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXEND));
  const senderMaxWin = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const receiverEnd = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_END));
  const receiverMaxWin = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const ackWindow = max<u32>(senderMaxWin, MAX_ACK_WINDOW);
  // Negative where it is inside: four differences are, the sender's window is above 0, and the receiver's not below.
  const inside =
    (seq - senderMaxEnd - 1) &
    (sack - receiverEnd - 1) &
    ((senderEnd - receiverMaxWin - 1 - segmentEnd) | (receiverMaxWin - 1)) &
    (receiverEnd - ackWindow - 1 - sack) &
    ~(receiverMaxWin | senderMaxWin | (senderMaxWin - 1));
  // A path below 0: there is none, or the way splits at a fork.
  if ((differs | ((path | <i32>~inside) >>> 31)) !== 0) return NOT_TAKEN;

  const window: u32 = load<u16>(batch + 2 * i, AT_TCP_WINDOW);
  let senderFlags = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const win = window << (senderFlags >>> 8);
  store<u32>(sender, max<u32>(senderMaxWin, win + sack - ack), 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const behindEnd = <i32>(senderEnd - segmentEnd);
  const isNew = behindEnd >> 31;
  store<u32>(sender, senderEnd - (behindEnd & isNew), 4 * (C_TCP_SEEN + SEEN_END));
  const maxAck = load<u32>(sender, 4 * (C_TCP_SEEN + SEEN_MAXACK));
  const behindAck = <i32>(maxAck - ack);
  // The second is negative while none is set.
  const isFurther = (behindAck | ((senderFlags & FLAG_MAXACK_SET) - FLAG_MAXACK_SET)) >> 31;
  store<u32>(sender, maxAck - (behindAck & isFurther), 4 * (C_TCP_SEEN + SEEN_MAXACK));
  senderFlags |= FLAG_MAXACK_SET | (isNew & FLAG_DATA_UNACKNOWLEDGED);
  store<u32>(sender, senderFlags, 4 * (C_TCP_SEEN + SEEN_FLAGS));
  const behindMaxEnd = <i32>(senderMaxEnd - segmentEnd);
  const grown = receiverMaxWin - (behindMaxEnd & (behindMaxEnd >> 31));
  store<u32>(receiver, select<u32>(grown, 0, receiverMaxWin !== 0), 4 * (C_TCP_SEEN + SEEN_MAXWIN));
  const offeredEnd = sack + win;
  const receiverMaxEnd = load<u32>(receiver, 4 * (C_TCP_SEEN + SEEN_MAXEND));
  store<u32>(
    receiver,
    select<u32>(offeredEnd + <u32>(win === 0), receiverMaxEnd, before(receiverMaxEnd - 1, offeredEnd)),
    4 * (C_TCP_SEEN + SEEN_MAXEND),
  );
  receiverFlags &= ~(<u32>(ack === receiverEnd) * FLAG_DATA_UNACKNOWLEDGED);
  store<u32>(receiver, receiverFlags, 4 * (C_TCP_SEEN + SEEN_FLAGS));

  const last = load<u32>(at, 4 * C_TCP_LAST);
  const lastWindow = load<u32>(at, 4 * C_TCP_LAST_WIN);
  const isOther =
    (load<u32>(at, 4 * C_TCP_LAST_SEQ) ^ seq) |
    (((last >>> 8) & 255) ^ dir) |
    (load<u32>(at, 4 * C_TCP_LAST_ACK) ^ ack) |
    (load<u32>(at, 4 * C_TCP_LAST_END) ^ segmentEnd) |
    ((lastWindow & 0xffff) ^ window);
  store<u32>(at, seq, 4 * C_TCP_LAST_SEQ);
  store<u32>(at, ack, 4 * C_TCP_LAST_ACK);
  store<u32>(at, segmentEnd, 4 * C_TCP_LAST_END);
  store<u32>(at, (lastWindow & 0xffff0000) | window, 4 * C_TCP_LAST_WIN);
  // An unsigned byte in the kernel: the 256th begins at 0 again.
  const retransmissions: u32 = isOther === 0 ? ((last >>> 16) + 1) & 255 : 0;
  store<u32>(at, TCP_ACK_SET | (dir << 8) | (retransmissions << 16), 4 * C_TCP_LAST);

  const isUnacknowledged = ((senderFlags | receiverFlags) & FLAG_DATA_UNACKNOWLEDGED) !== 0;
  let which: usize = select<usize>(CONTEXT_RETRANS, CONTEXT_ESTABLISHED, window === 0);
  which = select<usize>(CONTEXT_UNACK, which, isUnacknowledged);
  which = select<usize>(CONTEXT_RETRANS, which, retransmissions >= load<u32>(context, CONTEXT_MAX_RETRANS));
  store<f64>(at, load<f64>(batch + 8 * i, AT_TIME_NS) + load<f64>(context + which), 4 * C_TIMEOUT);
  return path;
}

/** The same of UDP and echoes, which come in `state`. */
function takeOthers(
  batch: usize,
  i: u32,
  at: usize,
  dir: u32,
  kind: u32,
  state: u32,
  flags: u32,
  context: usize,
): i32 {
  const status = load<u32>(at, 4 * C_STATUS);
  const now = load<f64>(batch + 8 * i, AT_TIME_NS);
  const isIpv4 = kind === PLAIN_UDP4 || kind === PLAIN_ECHO4;
  if ((status & STATUS_EXPECTED_GATE) !== IPS_CONFIRMED) return NOT_TAKEN;
  let after = status | (dir * IPS_SEEN_REPLY);
  let timeout: f64;
  if (kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6) {
    const request = isIpv4 ? ECHO_REQUEST : ECHO_REQUEST6;
    if (load<u32>(at, 4 * TUPLE_DPORT) >>> 8 !== request) return NOT_TAKEN;
    timeout = load<f64>(context + (isIpv4 ? 0 : CONTEXT_ICMPV6 - CONTEXT_ICMP), CONTEXT_ICMP);
  } else {
    const isStream = (status & IPS_SEEN_REPLY) !== 0 && now > load<f64>(at, 4 * C_UDP_STREAM);
    if (isStream && (status & IPS_NAT_CLASH) === 0) after |= IPS_ASSURED;
    timeout = load<f64>(context + (isStream ? CONTEXT_UDP_STREAM - CONTEXT_UDP : 0), CONTEXT_UDP);
  }

  // The way, before anything is changed: wayPair() of src/netfilter/path-cache.ts.
  const pair = at + 4 * (state === CT_ESTABLISHED ? 0 : 2 * (state - 1));
  const reads: u32 = (flags & (isIpv4 ? READS_STATUS4 : READS_STATUS6)) !== 0 ? after : 0;
  const path = load<i32>(pair, 4 * C_WAYS + 4) - 1;
  const differs =
    (load<u32>(pair, 4 * C_WAYS) ^ load<u32>(batch + 4 * i, AT_WAY)) |
    (load<u32>(at, 4 * C_WAYS_MARK) ^ load<u32>(at, 4 * C_MARK)) |
    (load<u32>(at, 4 * C_WAYS_STATUS) ^ reads);
  // A path below 0: there is none, or the way splits at a fork.
  if (path < 0 || differs !== 0) return NOT_TAKEN;
  store<f64>(at, now + timeout, 4 * C_TIMEOUT);
  store<u32>(at, after, 4 * C_STATUS);
  return path;
}
