/** The connection table as src/conntrack/table.ts has it: its index, and the life and death of plain records. */
import { hashTuple } from './hash';
import {
  C_FREE_NEXT,
  C_HOLD,
  C_MASTER,
  C_SOURCE_PREV,
  C_STATUS,
  HEADER_COUNT,
  HEADER_FREE,
  HEADER_INDEX_COUNT,
  HEADER_LIMBO,
  HEADER_LIMBO_NEXT,
  IPS_DYING,
  IPS_WHOLE_WAY,
  LIMBO_RECORDS,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_ZONE,
} from './records';

/** A record is 256 bytes, the tuple of its reply direction 64 behind that of the original one. */
export const RECORD_SHIFT: u32 = 8;
export const DIRECTION_SHIFT: u32 = 6;

/** What the index refers to under a hash: the first reference that has all its bits, else -1. */
export function probe(index: usize, mask: u32, hash: u32): i32 {
  let at = index + ((hash & mask) << 3);
  for (let slot = hash & mask; load<u32>(at, 4) !== 0; at = index + (slot << 3)) {
    if (load<u32>(at) === hash) return load<u32>(at, 4) - 1;
    slot = (slot + 1) & mask;
  }
  return -1;
}

/** ConntrackTable.place, of a hash that the index does not have. */
export function place(index: usize, mask: u32, hash: u32, reference: u32): void {
  let at = index + ((hash & mask) << 3);
  for (let slot = hash & mask; load<u32>(at, 4) !== 0; at = index + (slot << 3)) slot = (slot + 1) & mask;
  store<u32>(at, hash);
  store<u32>(at, reference, 4);
}

/** Nothing but the table knows of the record. */
function isPlain(at: usize): bool {
  const others =
    (load<u32>(at, 4 * C_STATUS) & IPS_WHOLE_WAY) |
    load<u32>(at, 4 * C_MASTER) |
    load<u32>(at, 4 * C_SOURCE_PREV) |
    load<u32>(at, 4 * TUPLE_ZONE) |
    load<u32>(at + (1 << DIRECTION_SHIFT), 4 * TUPLE_ZONE);
  return others === 0;
}

/** The record that has been longest in limbo and leaves it for the next one that dies: its number + 1, or 0. */
function nextOfLimbo(header: usize): u32 {
  return load<u32>(header + 4 * load<u32>(header, 4 * HEADER_LIMBO_NEXT), 4 * HEADER_LIMBO);
}

/** If record `ct` is killed here, another one becomes free, and nothing else happens. */
export function canKill(records: usize, header: usize, ct: u32): bool {
  const oldest = nextOfLimbo(header);
  if (oldest === 0 || !isPlain(records + (ct << RECORD_SHIFT))) return false;
  const freed = records + ((oldest - 1) << RECORD_SHIFT);
  return isPlain(freed) && load<u32>(freed, 4 * C_HOLD) === 0;
}

/** ConntrackCore.kill, of a record in the index of which canKill has just spoken. */
export function kill(records: usize, header: usize, index: usize, mask: u32, ct: u32): void {
  const at = records + (ct << RECORD_SHIFT);
  removeTuple(index, mask, at, (ct << 1) + 1);
  removeTuple(index, mask, at + (1 << DIRECTION_SHIFT), (ct << 1) + 2);
  store<u32>(header, load<u32>(header, 4 * HEADER_INDEX_COUNT) - 2, 4 * HEADER_INDEX_COUNT);
  store<u32>(at, load<u32>(at, 4 * C_STATUS) | IPS_DYING, 4 * C_STATUS);

  const next = load<u32>(header, 4 * HEADER_LIMBO_NEXT);
  const oldest = nextOfLimbo(header);
  store<u32>(header + 4 * next, ct + 1, 4 * HEADER_LIMBO);
  store<u32>(header, (next + 1) & (LIMBO_RECORDS - 1), 4 * HEADER_LIMBO_NEXT);
  // One is buried, and one freed.
  const freed = records + ((oldest - 1) << RECORD_SHIFT);
  store<u32>(freed, 0, 4 * C_STATUS);
  store<u32>(freed, load<u32>(header, 4 * HEADER_FREE), 4 * C_FREE_NEXT);
  store<u32>(header, oldest, 4 * HEADER_FREE);
  store<u32>(header, load<u32>(header, 4 * HEADER_COUNT) - 1, 4 * HEADER_COUNT);
}

/** ConntrackTable.hashOf, of the tuple at `tuple`, in the default zone. */
export function hashAt(tuple: usize): u32 {
  const ports: i32 = (load<i32>(tuple, 4 * TUPLE_SPORT) << 16) | load<i32>(tuple, 4 * TUPLE_DPORT);
  const proto = load<i32>(tuple, 4 * TUPLE_PROTO);
  return hashTuple(v128.load(tuple), v128.load(tuple, 16), ports, proto & 255, proto >>> 8 === 4);
}

/** ConntrackTable.removeTuple, of the tuple at `tuple`, in the default zone. */
function removeTuple(index: usize, mask: u32, tuple: usize, reference: u32): void {
  let slot = hashAt(tuple) & mask;
  while (load<u32>(index + (slot << 3), 4) !== reference) slot = (slot + 1) & mask;
  // Close the gap: every entry behind it that may move there (its home is not behind the gap) does.
  for (let next = (slot + 1) & mask; ; next = (next + 1) & mask) {
    const from = index + (next << 3);
    if (load<u32>(from, 4) === 0) break;
    const home = load<u32>(from) & mask;
    if (((next - home) & mask) >= ((next - slot) & mask)) {
      store<u64>(index + (slot << 3), load<u64>(from));
      slot = next;
    }
  }
  store<u64>(index + (slot << 3), 0);
}
