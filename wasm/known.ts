/**
 * Packets of a known connection that are not everyday ones: which open or close it, or whose way the connection does not
 * know yet and a walk of another one tells. What trackRow() of src/conntrack/track-row.ts and Recall.connection() of
 * src/netfilter/recall.ts do.
 */
import { account, countPacket, countRecalled } from './count';
import { ECHO_REQUEST, ECHO_REQUEST6 } from './kinds';
import {
  AT_FAMILY,
  AT_LENGTH,
  AT_QUICK,
  AT_TIME_NS,
  AT_WAY,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
} from './layout';
import { isLiveOf } from './live';
import { findWalk, NOT_TRANSLATED } from './memo';
import {
  C_MARK,
  C_STATUS,
  C_TIMEOUT,
  C_UDP_STREAM,
  C_WAYS,
  C_WAYS_MARK,
  C_WAYS_STATUS,
  CONTEXT_FLAGS,
  CONTEXT_ICMP,
  CONTEXT_ICMPV6,
  CONTEXT_RECORDS,
  CONTEXT_UDP,
  CONTEXT_UDP_STREAM,
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  ENTRY_DROPPED,
  ENTRY_FORKS,
  HAS_ACCOUNTS,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_CLASH,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  IPS_TEMPLATE,
  IPS_WHOLE_WAY,
  READS_STATUS4,
  READS_STATUS6,
  TRANSLATES4,
  TRANSLATES6,
  TUPLE_DPORT,
  WALK_ESTABLISHED,
  WALK_NEW,
  WALK_REPLY,
} from './records';
import { RECORD_SHIFT } from './table';
import { judge, keepsTimeout, NOT_HERE, statusAfter, takeTcp } from './tcp';

const STATUS_GATE: u32 =
  IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE | IPS_FIXED_TIMEOUT | IPS_WHOLE_WAY | IPS_EXPECTED;
const NAT: u32 = IPS_SRC_NAT | IPS_DST_NAT;
const NAT_DONE: u32 = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;

/** Takes row `i`, which is quick and may be of `reference`; false, and nothing is done, where it cannot. */
export function takeKnown(batch: usize, i: u32, reference: u32, context: usize): bool {
  const dir = reference & 1;
  const at: usize = load<u32>(context, CONTEXT_RECORDS) + ((reference >>> 1) << RECORD_SHIFT);
  const isIpv4 = load<u8>(batch + i, AT_FAMILY) === 4;
  const now = load<f64>(batch + 8 * i, AT_TIME_NS);
  const status = load<u32>(at, 4 * C_STATUS);
  if (!isLiveOf(batch, i, at, dir) || (status & STATUS_GATE) !== IPS_CONFIRMED) return false;

  // What becomes of it, before anything is changed.
  const kind: u32 = load<u8>(batch + i, AT_QUICK);
  const isTcp = kind === PLAIN_TCP4 || kind === PLAIN_TCP6;
  let after = status;
  let judged = NOT_HERE;
  let timeout: f64 = 0;
  if (isTcp) {
    judged = judge(batch, i, at, dir, status, context);
    if (judged === NOT_HERE) return false;
    after = statusAfter(judged, status);
  } else if (kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6) {
    if (load<u32>(at, 4 * TUPLE_DPORT) >>> 8 !== (isIpv4 ? ECHO_REQUEST : ECHO_REQUEST6)) return false;
    timeout = load<f64>(context + (isIpv4 ? 0 : CONTEXT_ICMPV6 - CONTEXT_ICMP), CONTEXT_ICMP);
  } else {
    const isStream = (status & IPS_SEEN_REPLY) !== 0 && now > load<f64>(at, 4 * C_UDP_STREAM);
    timeout = load<f64>(context + (isStream ? CONTEXT_UDP_STREAM - CONTEXT_UDP : 0), CONTEXT_UDP);
    if (isStream && (status & IPS_NAT_CLASH) === 0) after |= IPS_ASSURED;
  }
  let state: u32 = (status & IPS_SEEN_REPLY) !== 0 ? CT_ESTABLISHED : CT_NEW;
  if (dir === 1) {
    after |= IPS_SEEN_REPLY;
    state = CT_ESTABLISHED_REPLY;
  }

  // Its way: that of the connection, or of another's walk.
  const flags = load<u32>(context, CONTEXT_FLAGS);
  const mark = load<u32>(at, 4 * C_MARK);
  const read: u32 = (flags & (isIpv4 ? READS_STATUS4 : READS_STATUS6)) !== 0 ? after : 0;
  const way = load<u32>(batch + 4 * i, AT_WAY);
  const pair = at + 4 * (state === CT_ESTABLISHED ? 0 : 2 * (state - 1));
  const isOfWays =
    ((load<u32>(at, 4 * C_WAYS_MARK) ^ mark) | (load<u32>(at, 4 * C_WAYS_STATUS) ^ read)) === 0;
  let path: u32 = isOfWays && load<u32>(pair, 4 * C_WAYS) === way ? load<u32>(pair, 4 * C_WAYS + 4) : 0;
  if (<i32>path < 0) return false;
  const isRecalled = path === 0;
  if (isRecalled) {
    if (
      state === CT_NEW &&
      (after & NAT_DONE) !== NAT_DONE &&
      (flags & (isIpv4 ? TRANSLATES4 : TRANSLATES6)) !== 0
    )
      return false;
    const walk = state === CT_ESTABLISHED ? WALK_ESTABLISHED : state === CT_NEW ? WALK_NEW : WALK_REPLY;
    const connection = (after & NAT) !== 0 ? at : NOT_TRANSLATED;
    path = findWalk(batch, i, walk, connection, dir, context) & ~ENTRY_DROPPED;
    if (path === 0 || (path & ENTRY_FORKS) !== 0) return false;
  }

  const lengthBytes = load<u32>(batch + 4 * i, AT_LENGTH);
  let isAccounted = (flags & HAS_ACCOUNTS) !== 0;
  if (isTcp) {
    if (!takeTcp(batch, i, at, dir, status, judged, now, context)) return false;
    if (keepsTimeout(judged)) isAccounted = false;
  } else store<f64>(at, now + timeout, 4 * C_TIMEOUT);
  store<u32>(at, after, 4 * C_STATUS);
  if (isAccounted) account(reference, lengthBytes, context);
  if (!isRecalled) {
    countPacket(batch, i, path - 1, state, lengthBytes, context);
    return true;
  }
  // PathCache.setConnection.
  if (!isOfWays) {
    v128.store(at, i32x4.splat(0), 4 * C_WAYS);
    store<u64>(at, 0, 4 * C_WAYS + 16);
    store<u32>(at, mark, 4 * C_WAYS_MARK);
    store<u32>(at, read, 4 * C_WAYS_STATUS);
  }
  store<u32>(pair, way, 4 * C_WAYS);
  store<u32>(pair, path, 4 * C_WAYS + 4);
  countRecalled(batch, i, path - 1, state, lengthBytes, context);
  return true;
}
