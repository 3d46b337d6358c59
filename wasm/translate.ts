/**
 * What the connection of a first packet is translated to: RecallTranslated of src/netfilter/recall-translated.ts, by the steps
 * that src/netfilter/translation-steps.ts has written down.
 */
import { hashTuple, mix32 } from './hash';
import { findWalk } from './memo';
import {
  C_REPLY,
  C_SOURCE_NEXT,
  C_SOURCE_PREV,
  CONTEXT_INDEX,
  CONTEXT_MASK,
  CONTEXT_MEMO,
  CONTEXT_RECORDS,
  CONTEXT_SOURCE_MASK,
  CONTEXT_SOURCES,
  ENTRY_TRANSLATED,
  IPS_DST_NAT,
  IPS_SRC_NAT,
  MEMO_RECORD,
  MEMO_STEPS,
  STEP_ADDRESS,
  STEP_BYTES,
  STEP_DESTINATION,
  STEP_FLAGS,
  STEP_MASQ_OIF,
  STEP_PATH,
  STEP_PLAIN,
  STEP_PORT,
  STEP_STAYS,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_ZONE,
  WALK_FIRST,
} from './records';
import { probe, RECORD_SHIFT } from './table';

/** Of what `translate` leaves: the answers' addresses and source port, status bits, interface of MASQUERADE. */
export const ANSWERS_FROM: usize = 4 * (C_REPLY + TUPLE_SADDR);
export const ANSWERS_TO: usize = 4 * (C_REPLY + TUPLE_DADDR);
export const ANSWERS_PORT: usize = 4 * (C_REPLY + TUPLE_SPORT);
export const TRANSLATED_STATUS: usize = 128;
export const TRANSLATED_OIF: usize = 132;

/** Where `translate` leaves what it has found. */
export function translation(context: usize): usize {
  return load<u32>(context, CONTEXT_MEMO) + MEMO_RECORD;
}

/**
 * Translates the connection that row `i` begins, of which the memo has `known`: path + 1; 0 where JavaScript has to, as for
 * packets that are dropped once their destination is exchanged. The ports are those of its original tuple.
 */
export function translate(
  batch: usize,
  i: u32,
  known: u32,
  saddr: v128,
  daddr: v128,
  sport: u32,
  dport: u32,
  replyDport: u32,
  l4proto: u32,
  isIpv4: bool,
  isEcho: bool,
  context: usize,
): u32 {
  const memo: usize = load<u32>(context, CONTEXT_MEMO);
  const steps: usize = load<u32>(memo, MEMO_STEPS);
  if (steps === 0) return 0;
  const to = memo + MEMO_RECORD;
  let step = stepOf(steps, known);
  let status: u32 = 0;
  let from = daddr;
  let port = dport;
  v128.store(to, daddr, ANSWERS_FROM);
  v128.store(to, saddr, ANSWERS_TO);
  store<u32>(to, dport, ANSWERS_PORT);
  if ((load<u32>(step, STEP_FLAGS) & STEP_DESTINATION) !== 0) {
    from = exchanged(step, daddr);
    const given = load<i32>(step, STEP_PORT);
    port = given < 0 ? dport : given;
    if (port !== dport) {
      if (isEcho) return 0;
      status = IPS_DST_NAT;
    }
    if (v128.any_true(v128.xor(from, daddr))) status = IPS_DST_NAT;
    v128.store(to, from, ANSWERS_FROM);
    store<u32>(to, port, ANSWERS_PORT);
    store<u32>(to, sport, 4 * (C_REPLY + TUPLE_DPORT));
    const next = findWalk(batch, i, WALK_FIRST, to, 0, context);
    if (next === 0) return 0;
    step = stepOf(steps, next);
  }
  // What get_unique_tuple() asks of the destination, whatever becomes of the source; who is found may have expired, and go.
  if (isTaken(from, saddr, isEcho ? sport : port, replyDport, l4proto, isIpv4, context)) return 0;
  if ((load<u32>(step, STEP_FLAGS) & STEP_PLAIN) === 0) return 0;
  const path = load<u32>(step, STEP_PATH);
  const source = exchanged(step, saddr);
  if (v128.any_true(v128.xor(source, saddr))) {
    if (hasSibling(saddr, sport, l4proto | (isIpv4 ? 4 << 8 : 6 << 8), context)) return 0;
    status |= IPS_SRC_NAT;
  }
  v128.store(to, source, ANSWERS_TO);
  store<u32>(to, status, TRANSLATED_STATUS);
  store<u32>(to, load<u32>(step, STEP_MASQ_OIF), TRANSLATED_OIF);
  return path;
}

/** The step that an entry of the memo names; one that is not plain where none is plain. */
function stepOf(steps: usize, known: u32): usize {
  return steps + STEP_BYTES * ((known & ~ENTRY_TRANSLATED) - 1);
}

function exchanged(step: usize, address: v128): v128 {
  return v128.or(v128.and(address, v128.load(step, STEP_STAYS)), v128.load(step, STEP_ADDRESS));
}

function isTaken(
  from: v128,
  to: v128,
  sport: u32,
  dport: u32,
  l4proto: u32,
  isIpv4: bool,
  context: usize,
): bool {
  const ports: i32 = (sport << 16) | dport;
  const hash: u32 = hashTuple(from, to, ports, l4proto, isIpv4);
  return probe(load<u32>(context, CONTEXT_INDEX), load<u32>(context, CONTEXT_MASK), hash) >= 0;
}

/** bucketOf() of src/nat/source-index.ts, in the default zone; its address. */
function bucketOf(saddr: v128, sport: u32, proto: u32, context: usize): usize {
  let h = mix32(i32x4.extract_lane(saddr, 0) ^ ((sport | (proto << 16)) * 0x9e3779b1));
  h = mix32(
    h ^
      i32x4.extract_lane(saddr, 1) ^
      (i32x4.extract_lane(saddr, 2) * 0x85ebca77) ^
      (i32x4.extract_lane(saddr, 3) * 0xc2b2ae3d),
  );
  const bucket: u32 = mix32(h) & load<u32>(context, CONTEXT_SOURCE_MASK);
  return <usize>load<u32>(context, CONTEXT_SOURCES) + (bucket << 2);
}

/** Some other connection of this source is translated, whatever becomes of it: find_appropriate_src() may have a say. */
function hasSibling(saddr: v128, sport: u32, proto: u32, context: usize): bool {
  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  for (let next = load<u32>(bucketOf(saddr, sport, proto, context)); next !== 0; ) {
    const at = records + ((next - 1) << RECORD_SHIFT);
    if (
      !v128.any_true(v128.xor(v128.load(at), saddr)) &&
      ((load<u32>(at, 4 * TUPLE_SPORT) ^ sport) |
        (load<u32>(at, 4 * TUPLE_PROTO) ^ proto) |
        load<u32>(at, 4 * TUPLE_ZONE)) ===
        0
    )
      return true;
    next = load<u32>(at, 4 * C_SOURCE_NEXT);
  }
  return false;
}

/** linkSource() of src/nat/source-index.ts. */
export function linkSource(ct: u32, saddr: v128, sport: u32, proto: u32, context: usize): void {
  const records: usize = load<u32>(context, CONTEXT_RECORDS);
  const bucket = bucketOf(saddr, sport, proto, context);
  const next = load<u32>(bucket);
  const at = records + (ct << RECORD_SHIFT);
  store<u32>(at, next, 4 * C_SOURCE_NEXT);
  const number: i32 = <i32>((bucket - <usize>load<u32>(context, CONTEXT_SOURCES)) >>> 2);
  store<i32>(at, -number - 1, 4 * C_SOURCE_PREV);
  if (next !== 0) store<u32>(records + ((next - 1) << RECORD_SHIFT), ct + 1, 4 * C_SOURCE_PREV);
  store<u32>(bucket, ct + 1);
}
