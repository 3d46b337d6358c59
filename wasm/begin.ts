/**
 * A first packet begins its connection: Recall.first of src/netfilter/recall.ts and src/conntrack/begin-row.ts, where a walk
 * of another connection tells the way.
 */
import { countRecalled } from './count';
import { hashTuple } from './hash';
import { ECHO_REPLY, ECHO_REPLY6, ECHO_REQUEST, ECHO_REQUEST6, KIND_FLAGS, SYN } from './kinds';
import {
  AT_DADDR,
  AT_DPORT,
  AT_FAMILY,
  AT_L4PROTO,
  AT_LENGTH,
  AT_PAYLOAD_BYTES,
  AT_QUICK,
  AT_SADDR,
  AT_SPORT,
  AT_TCP_FLAGS,
  AT_TCP_SEQ,
  AT_TCP_WINDOW,
  AT_TIME_NS,
  AT_TUPLE_HASH,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
} from './layout';
import { findWalk, NOT_TRANSLATED } from './memo';
import {
  ACCOUNT_ELEMENTS,
  BEGINS,
  C_FREE_NEXT,
  C_MASQ_OIF,
  C_PROTO,
  C_REPLY,
  C_STATUS,
  C_TIMEOUT,
  C_UDP_STREAM,
  CONTEXT_ACCOUNTS,
  CONTEXT_CONFIRMED,
  CONTEXT_EVICTION,
  CONTEXT_FLAGS,
  CONTEXT_HEADER,
  CONTEXT_ICMP,
  CONTEXT_ICMPV6,
  CONTEXT_INDEX,
  CONTEXT_MASK,
  CONTEXT_MOST,
  CONTEXT_RECORDS,
  CONTEXT_TCP_TIMEOUTS,
  CONTEXT_UDP,
  CT_NEW,
  ENTRY_DROPPED,
  ENTRY_FORKS,
  ENTRY_TRANSLATED,
  HAS_ACCOUNTS,
  HEADER_BURIED,
  HEADER_CAPACITY,
  HEADER_COUNT,
  HEADER_FREE,
  HEADER_GC_NEXT,
  HEADER_HIGH,
  HEADER_INDEX_COUNT,
  HEADER_NEXT_ROUND_NS,
  HEADER_NEXT_SWEEP_NS,
  HEADER_SOONEST_NS,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT_DONE,
  IPS_DYING,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  ROUND_GOOD_FOR_NS,
  STREAM_AFTER_NS,
  SWEEP_RECORDS,
  TCP_SYN_SENT,
  TCP_TIMEOUT_RETRANS,
  TRANSLATES4,
  TRANSLATES6,
  WALK_FIRST,
} from './records';
import { canKill, kill, place, probe, RECORD_SHIFT } from './table';
import { synOptions } from './tcp-options';
import {
  ANSWERS_FROM,
  ANSWERS_PORT,
  ANSWERS_TO,
  linkSource,
  TRANSLATED_OIF,
  TRANSLATED_STATUS,
  translate,
  translation,
} from './translate';

const NOBODY: u32 = 0xffffffff;

/** Takes row `i`, which is quick, and whose tuple the table does not have; false, and nothing is done, where it cannot. */
export function begin(batch: usize, i: u32, context: usize): bool {
  const flags = load<u32>(context, CONTEXT_FLAGS);
  if ((flags & BEGINS) === 0) return false;
  const p2 = batch + 2 * i;
  const p16 = batch + 16 * i;
  const kind: u32 = load<u8>(batch + i, AT_QUICK);
  const sport: u32 = load<u16>(p2, AT_SPORT);
  const dport: u32 = load<u16>(p2, AT_DPORT);
  let replySport = dport;
  let replyDport = sport;
  const isTcp = kind === PLAIN_TCP4 || kind === PLAIN_TCP6;
  const isEcho = kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6;
  if (isTcp) {
    if ((load<u8>(batch + i, AT_TCP_FLAGS) & KIND_FLAGS) !== SYN) return false;
  } else if (isEcho) {
    if (dport >>> 8 !== (kind === PLAIN_ECHO4 ? ECHO_REQUEST : ECHO_REQUEST6)) return false;
    replySport = sport;
    replyDport = ((kind === PLAIN_ECHO4 ? ECHO_REPLY : ECHO_REPLY6) << 8) | (dport & 255);
  }

  const isIpv4 = load<u8>(batch + i, AT_FAMILY) === 4;
  const l4proto: u32 = load<u8>(batch + i, AT_L4PROTO);
  const index: usize = load<u32>(context, CONTEXT_INDEX);
  const mask = load<u32>(context, CONTEXT_MASK);
  const hash = load<u32>(batch + 4 * i, AT_TUPLE_HASH);
  const saddr = v128.load(p16, AT_SADDR);
  const daddr = v128.load(p16, AT_DADDR);
  if (probe(index, mask, hash) >= 0) return false;
  let known = findWalk(batch, i, WALK_FIRST, NOT_TRANSLATED, 0, context);
  if (known === 0 || (known & ENTRY_FORKS) !== 0) return false;
  // Where the answers come from, and where they go.
  let from = daddr;
  let to = saddr;
  let status: u32 = IPS_CONFIRMED;
  let masqueradedBy: u32 = 0;
  if ((flags & (isIpv4 ? TRANSLATES4 : TRANSLATES6)) !== 0) status |= IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
  if ((known & ENTRY_TRANSLATED) !== 0) {
    known = translate(
      batch,
      i,
      known,
      saddr,
      daddr,
      sport,
      dport,
      replyDport,
      l4proto,
      isIpv4,
      isEcho,
      context,
    );
    if (known === 0) return false;
    const translated = translation(context);
    from = v128.load(translated, ANSWERS_FROM);
    to = v128.load(translated, ANSWERS_TO);
    if (!isEcho) replySport = load<u32>(translated, ANSWERS_PORT);
    status |= load<u32>(translated, TRANSLATED_STATUS);
    masqueradedBy = load<u32>(translated, TRANSLATED_OIF);
  }
  const isDropped = (known & ENTRY_DROPPED) !== 0;
  const replyPorts: i32 = (replySport << 16) | replyDport;
  const replyHash: u32 = hashTuple(from, to, replyPorts, l4proto, isIpv4);
  if (!isDropped && (replyHash === hash || probe(index, mask, replyHash) >= 0)) return false;

  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  const header: usize = load<u32>(context, CONTEXT_HEADER);
  const now = load<f64>(batch + 8 * i, AT_TIME_NS);
  const used = load<u32>(header, 4 * HEADER_COUNT) - load<u32>(header, 4 * HEADER_BURIED);
  let victim: u32 = NOBODY;
  if (used >= load<u32>(context, CONTEXT_MOST)) {
    if (now >= load<f64>(header, 8 * HEADER_NEXT_SWEEP_NS)) return false;
    victim = victimNear(records, index, mask, hash, load<u32>(context, CONTEXT_EVICTION));
    if (victim === NOBODY || !canKill(records, header, victim)) return false;
  }
  if (!isDropped) {
    const references: u32 = load<u32>(header, 4 * HEADER_INDEX_COUNT) + (victim === NOBODY ? 2 : 0);
    if (references << 1 > mask) return false;
    if (victim === NOBODY && load<u32>(header, 4 * HEADER_FREE) === 0) {
      if (load<u32>(header, 4 * HEADER_HIGH) >= load<u32>(header, 4 * HEADER_CAPACITY)) return false;
      if (!sweep(records, header, now)) return false;
    }
  }

  // From here on it is done.
  if (victim !== NOBODY) kill(records, header, index, mask, victim);
  const lengthBytes = load<u32>(batch + 4 * i, AT_LENGTH);
  if (!isDropped) {
    const ct = allocate(records, header);
    const at = records + (ct << RECORD_SHIFT);
    const zero = i32x4.splat(0);
    const proto = l4proto | (isIpv4 ? 4 << 8 : 6 << 8);
    v128.store(at, saddr);
    v128.store(at, daddr, 16);
    storeWords(at + 32, sport, dport, proto, 0);
    v128.store(at, zero, 48);
    v128.store(at, from, 4 * C_REPLY);
    v128.store(at, to, 4 * C_REPLY + 16);
    storeWords(at + 4 * C_REPLY + 32, replySport, replyDport, proto, 0);
    v128.store(at, zero, 4 * C_REPLY + 48);
    let timeout: f64 = 0;
    if (isTcp) timeout = beginTcp(batch, i, at, context);
    else {
      v128.store(at, zero, 4 * C_PROTO);
      v128.store(at, zero, 4 * C_PROTO + 16);
      v128.store(at, zero, 4 * C_PROTO + 32);
      v128.store(at, zero, 4 * C_PROTO + 48);
      if (isEcho) timeout = load<f64>(context + (isIpv4 ? 0 : CONTEXT_ICMPV6 - CONTEXT_ICMP), CONTEXT_ICMP);
      else {
        timeout = load<f64>(context, CONTEXT_UDP);
        store<f64>(at, now + <f64>STREAM_AFTER_NS, 4 * C_UDP_STREAM);
      }
    }
    store<u64>(at, status, 4 * C_STATUS);
    store<f64>(at, timeout + now, 4 * C_TIMEOUT);
    v128.store(at, zero, 4 * C_STATUS + 16);
    v128.store(at, zero, 4 * C_STATUS + 32);
    storeWords(at + 4 * C_MASQ_OIF, masqueradedBy, 0, 0, 0);
    if ((status & IPS_SRC_NAT) !== 0) linkSource(ct, saddr, sport, proto, context);
    if ((flags & HAS_ACCOUNTS) !== 0) {
      const accounts: usize = load<u32>(context, CONTEXT_ACCOUNTS) + 8 * ACCOUNT_ELEMENTS * ct;
      store<f64>(accounts, 1);
      store<f64>(accounts, <f64>lengthBytes, 8);
      v128.store(accounts, zero, 16);
    }
    store<u32>(header, load<u32>(header, 4 * HEADER_INDEX_COUNT) + 2, 4 * HEADER_INDEX_COUNT);
    place(index, mask, hash, (ct << 1) + 1);
    place(index, mask, replyHash, (ct << 1) + 2);
    const confirmed: usize = load<u32>(context, CONTEXT_CONFIRMED) + 8 * ((isIpv4 ? 0 : 256) + l4proto);
    store<f64>(confirmed, load<f64>(confirmed) + 1);
  }
  countRecalled(batch, i, (known & ~ENTRY_DROPPED) - 1, CT_NEW, lengthBytes, context);
  return true;
}

/** The connection that early_drop() takes for one of this hash; NOBODY when all near are assured. */
function victimNear(records: usize, index: usize, mask: u32, hash: u32, limit: u32): u32 {
  let seen: u32 = 0;
  let slot = hash & mask;
  for (let i: u32 = 0; i <= mask && seen < limit; i++, slot = (slot + 1) & mask) {
    const reference = load<u32>(index + (slot << 3), 4);
    if (reference === 0) continue;
    seen++;
    const ct = (reference - 1) >>> 1;
    const status = load<u32>(records + (ct << RECORD_SHIFT), 4 * C_STATUS);
    if ((status & (IPS_ASSURED | IPS_DYING)) === 0) return ct;
  }
  return NOBODY;
}

/** sweep() of src/conntrack/expire.ts, where nothing has come to its end; else false, and nothing is done. */
function sweep(records: usize, header: usize, now: f64): bool {
  if (now < load<f64>(header, 8 * HEADER_NEXT_ROUND_NS)) return true;
  const high = load<u32>(header, 4 * HEADER_HIGH);
  let next = load<u32>(header, 4 * HEADER_GC_NEXT);
  let soonest = load<f64>(header, 8 * HEADER_SOONEST_NS);
  const ends = next + SWEEP_RECORDS >= high;
  const nextRound = min<f64>(soonest, now + ROUND_GOOD_FOR_NS);
  if (ends) soonest = Infinity;
  for (let i: u32 = 0; i < SWEEP_RECORDS && i < high; i++) {
    if (next >= high) next = 0;
    const at = records + (next << RECORD_SHIFT);
    if ((load<u32>(at, 4 * C_STATUS) & (IPS_CONFIRMED | IPS_DYING)) === IPS_CONFIRMED) {
      const expiry = load<f64>(at, 4 * C_TIMEOUT);
      if (expiry <= now) return false;
      if (expiry < soonest) soonest = expiry;
    }
    next++;
  }
  if (ends) store<f64>(header, nextRound, 8 * HEADER_NEXT_ROUND_NS);
  store<f64>(header, soonest, 8 * HEADER_SOONEST_NS);
  store<u32>(header, next, 4 * HEADER_GC_NEXT);
  return true;
}

/** ConntrackTable.allocateRecord, when there is one; the record is as it was left. */
function allocate(records: usize, header: usize): u32 {
  const free = load<u32>(header, 4 * HEADER_FREE);
  let ct = free - 1;
  if (free !== 0)
    store<u32>(header, load<u32>(records + (ct << RECORD_SHIFT), 4 * C_FREE_NEXT), 4 * HEADER_FREE);
  else {
    ct = load<u32>(header, 4 * HEADER_HIGH);
    store<u32>(header, ct + 1, 4 * HEADER_HIGH);
  }
  store<u32>(header, load<u32>(header, 4 * HEADER_COUNT) + 1, 4 * HEADER_COUNT);
  return ct;
}

function storeWords(at: usize, a: u32, b: u32, c: u32, d: u32): void {
  store<u32>(at, a);
  store<u32>(at, b, 4);
  store<u32>(at, c, 8);
  store<u32>(at, d, 12);
}

/** The state of a SYN's connection, as tcpPacket() of src/conntrack/tcp.ts leaves it; its timeout. */
function beginTcp(batch: usize, i: u32, at: usize, context: usize): f64 {
  const p4 = batch + 4 * i;
  const window: u32 = load<u16>(batch + 2 * i, AT_TCP_WINDOW);
  const segmentEnd = load<u32>(p4, AT_TCP_SEQ) + load<u32>(p4, AT_PAYLOAD_BYTES) + 1;
  const offered = max<u32>(window, 1);
  // C_STATE, C_TCP_LAST (TCP_SYN_SET, original), C_TCP_LAST_WIN, and both C_TCP_SEEN from SEEN_END on.
  storeWords(at + 4 * C_PROTO, TCP_SYN_SENT, 0, 0, segmentEnd);
  storeWords(at + 4 * C_PROTO + 16, segmentEnd, offered, 0, synOptions(batch, i, 0));
  storeWords(at + 4 * C_PROTO + 32, 0, offered, 0, 0);
  v128.store(at, i32x4.splat(0), 4 * C_PROTO + 48);
  return min<f64>(
    load<f64>(context, CONTEXT_TCP_TIMEOUTS + 8 * TCP_SYN_SENT),
    load<f64>(context, CONTEXT_TCP_TIMEOUTS + 8 * TCP_TIMEOUT_RETRANS),
  );
}
