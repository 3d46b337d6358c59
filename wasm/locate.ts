/**
 * Locator of src/conntrack/locate.loop.ts, which says why rows are located first: finds the connections of many rows at once,
 * and loads what will be looked at when they are taken (take.ts), so that many misses are under way at a time.
 */
import { hashTuple4, hashTuple6 } from './hash';
import {
  AT_DADDR,
  AT_DPORT,
  AT_L4PROTO,
  AT_QUICK,
  AT_REFERENCE,
  AT_SADDR,
  AT_SPORT,
  AT_TUPLE_HASH,
  PLAIN_TCP4,
  PLAIN_TCP6,
  PLAIN_UDP4,
  PLAIN_UDP6,
} from './layout';
import {
  C_PROTO,
  C_REPLY,
  C_STATUS,
  CONTEXT_HEADER,
  CONTEXT_INDEX,
  CONTEXT_MASK,
  CONTEXT_MOST,
  CONTEXT_RECORDS,
  CONTEXT_TOUCHED,
  HEADER_BURIED,
  HEADER_COUNT,
} from './records';
import { DIRECTION_SHIFT, hashAt, probe, RECORD_SHIFT } from './table';

/** Writes the column `reference` of rows [begin, end), and loads what `take` will look at. */
export function locate(batch: usize, begin: u32, end: u32, context: usize): void {
  const index: usize = load<u32>(context, CONTEXT_INDEX);
  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  const mask = load<u32>(context, CONTEXT_MASK);
  let sum: u32 = 0;
  for (let i = begin; i < end; i++) {
    sum ^= load<u32>(index + ((load<u32>(batch + 4 * i, AT_TUPLE_HASH) & mask) << 3));
  }
  for (let i = begin; i < end; i++) {
    const p4 = batch + 4 * i;
    const found = probe(index, mask, load<u32>(p4, AT_TUPLE_HASH));
    store<i32>(p4, found, AT_REFERENCE);
    if (found < 0) sum ^= touchReply(batch, i, index, mask);
  }
  for (let i = begin; i < end; i++) {
    const found: u32 = max<i32>(load<i32>(batch + 4 * i, AT_REFERENCE), 0);
    const at = records + ((found >>> 1) << RECORD_SHIFT);
    sum ^=
      load<u32>(at + ((found & 1) << DIRECTION_SHIFT)) ^
      load<u32>(at, 4 * C_PROTO) ^
      load<u32>(at, 4 * C_STATUS);
  }
  const header: usize = load<u32>(context, CONTEXT_HEADER);
  const used = load<u32>(header, 4 * HEADER_COUNT) - load<u32>(header, 4 * HEADER_BURIED);
  if (used >= load<u32>(context, CONTEXT_MOST)) sum ^= touchVictims(batch, begin, end, index, records, mask);
  store<u32>(context, sum, CONTEXT_TOUCHED);
}

/** Loads where the answers to row `i` will be entered, if it begins a connection. */
function touchReply(batch: usize, i: u32, index: usize, mask: u32): u32 {
  const kind: u32 = load<u8>(batch + i, AT_QUICK);
  const isIpv4 = kind === PLAIN_TCP4 || kind === PLAIN_UDP4;
  if (!isIpv4 && kind !== PLAIN_TCP6 && kind !== PLAIN_UDP6) return 0;
  const p2 = batch + 2 * i;
  const p16 = batch + 16 * i;
  const ports: i32 = ((<i32>load<u16>(p2, AT_DPORT)) << 16) | <i32>load<u16>(p2, AT_SPORT);
  const l4proto: i32 = load<u8>(batch + i, AT_L4PROTO);
  const reply: u32 = isIpv4
    ? hashTuple4(load<i32>(p16, AT_DADDR), load<i32>(p16, AT_SADDR), ports, l4proto)
    : hashTuple6(v128.load(p16, AT_DADDR), v128.load(p16, AT_SADDR), ports, l4proto);
  return load<u32>(index + ((reply & mask) << 3));
}

/** So far behind its home the connection is looked for that makes room for a new one: a line of the index. */
const NEAR_SLOTS: u32 = 8;

/** In a full table: the connections that new ones will take the place of, and where those are entered. */
function touchVictims(batch: usize, begin: u32, end: u32, index: usize, records: usize, mask: u32): u32 {
  let sum: u32 = 0;
  for (let i = begin; i < end; i++) {
    if (load<i32>(batch + 4 * i, AT_REFERENCE) >= 0) continue;
    const victim = near(index, mask, load<u32>(batch + 4 * i, AT_TUPLE_HASH));
    const at = records + ((victim >>> 1) << RECORD_SHIFT);
    sum ^=
      load<u32>(at) ^ load<u32>(at, 4 * C_REPLY) ^ load<u32>(at, 4 * C_PROTO) ^ load<u32>(at, 4 * C_STATUS);
  }
  for (let i = begin; i < end; i++) {
    if (load<i32>(batch + 4 * i, AT_REFERENCE) >= 0) continue;
    const victim = near(index, mask, load<u32>(batch + 4 * i, AT_TUPLE_HASH));
    // It was found by the one tuple: the other's place is wanted, too.
    const other = records + ((victim >>> 1) << RECORD_SHIFT) + ((~victim & 1) << DIRECTION_SHIFT);
    sum ^= load<u32>(index + ((hashAt(other) & mask) << 3));
  }
  return sum;
}

/** The reference that early_drop() looks at first for a connection of this hash; 0 when there is none near. */
function near(index: usize, mask: u32, hash: u32): u32 {
  for (let k: u32 = 0; k < NEAR_SLOTS; k++) {
    const reference = load<u32>(index + (((hash + k) & mask) << 3), 4);
    if (reference !== 0) return reference - 1;
  }
  return 0;
}
