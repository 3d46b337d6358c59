/**
 * ConditionSet.numberOf of src/compile/conditions.ts: which conditions of rules hold for the packet whose registers were
 * written to CONDITIONS_PACKET. `conditions`: the set's place.
 */
import { comboOf } from './combos';
import { mix32 } from './hash';
import {
  BOX_WORDS,
  CELL_SHIFT,
  CONDITIONS_BOUNDS,
  CONDITIONS_BOXES,
  CONDITIONS_COUNT,
  CONDITIONS_LISTS,
  CONDITIONS_NODES,
  CONDITIONS_PACKET,
  CONDITIONS_PENDING,
  CONDITIONS_REGISTER_COUNT,
  CONDITIONS_REGISTERS,
  CONDITIONS_ROOT,
  CONDITIONS_SETS,
  HASH_TABLE,
  MOST_PENDING,
  NODE_HASH,
  RANGES_LEVELS,
} from './records';

/** In place of a number: JavaScript has to look. */
export const UNKNOWN_CONDITIONS: i32 = -1;

export function conditionsOf(conditions: usize): i32 {
  const r = conditions + CONDITIONS_PACKET;
  const nodes: usize = load<u32>(conditions + CONDITIONS_NODES);
  const lists: usize = load<u32>(conditions + CONDITIONS_LISTS);
  const pending = conditions + CONDITIONS_PENDING;
  const full = pending + 4 * MOST_PENDING;
  let waiting = pending;
  let number = 0;
  let node = load<i32>(conditions + CONDITIONS_ROOT);
  while (true) {
    if (node < 0) {
      let at = lists + ((<usize>-node) << 2);
      const end = at + 4 + ((<usize>load<i32>(at)) << 2);
      for (at += 4; at < end; at += 4) {
        const box = load<i32>(at);
        if (!holds(conditions, box, r)) continue;
        if (number === 0) number = box + 1;
        else {
          const set = comboOf(load<u32>(conditions + CONDITIONS_SETS), number, box, 0, 0);
          if (set === 0) return UNKNOWN_CONDITIONS;
          number = load<i32>(conditions + CONDITIONS_COUNT) + set;
        }
      }
      node = 0;
    }
    if (node === 0) {
      if (waiting === pending) return number;
      waiting -= 4;
      node = load<i32>(waiting);
      continue;
    }
    const at = nodes + ((<usize>node) << 2);
    const word = load<i32>(r + ((<usize>load<i32>(at, 4)) << 2));
    let rest: i32;
    if (load<i32>(at) === NODE_HASH) {
      const key = word & load<i32>(at, 8);
      const mask = load<i32>(at, 12);
      rest = load<i32>(at, 16);
      let slot = mix32(key) & mask;
      while (true) {
        const pair = at + 4 * HASH_TABLE + ((<usize>slot) << 3);
        node = load<i32>(pair, 4);
        if (node === 0 || load<i32>(pair) === key) break;
        slot = (slot + 1) & mask;
      }
    } else {
      rest = load<i32>(at, 32);
      const levels = load<i32>(at, 28);
      let cell = cellOf(conditions, at, word);
      node = 0;
      if (cell >= 0) {
        if (waiting + ((<usize>levels) << 2) > full) return UNKNOWN_CONDITIONS;
        const first = load<i32>(at + 4 * RANGES_LEVELS);
        if (first !== 0) node = load<i32>(nodes + ((<usize>(first + cell)) << 2));
        for (let level = 1; level < levels; level++) {
          cell >>= CELL_SHIFT;
          const levelAt = load<i32>(at + 4 * RANGES_LEVELS + ((<usize>level) << 2));
          if (levelAt === 0) continue;
          const above = load<i32>(nodes + ((<usize>(levelAt + cell)) << 2));
          if (above !== 0) {
            store<i32>(waiting, above);
            waiting += 4;
          }
        }
      }
    }
    if (rest !== 0) {
      if (waiting === full) return UNKNOWN_CONDITIONS;
      store<i32>(waiting, rest);
      waiting += 4;
    }
  }
}

function holds(conditions: usize, box: i32, r: usize): boolean {
  const count = load<i32>(conditions + CONDITIONS_REGISTER_COUNT);
  let registers: usize = load<u32>(conditions + CONDITIONS_REGISTERS);
  let at: usize = <usize>load<u32>(conditions + CONDITIONS_BOXES) + <usize>(box * count) * (4 * BOX_WORDS);
  const end = registers + ((<usize>count) << 2);
  for (; registers < end; registers += 4, at += 4 * BOX_WORDS) {
    const word = load<i32>(r + ((<usize>load<i32>(registers)) << 2));
    if (<u32>(word - load<i32>(at)) > load<u32>(at, 4)) return false;
  }
  return true;
}

/** findCell of src/compile/search-index.loop.ts, of the node at `at`. */
function cellOf(conditions: usize, at: usize, word: i32): i32 {
  const base = load<u32>(at, 12);
  if (<u32>word < base) return -1;
  const nodes: usize = load<u32>(conditions + CONDITIONS_NODES);
  const buckets = load<u32>(at, 16);
  const bucketsAt = nodes + ((<usize>load<i32>(at, 20)) << 2);
  const bounds: usize = <usize>load<u32>(conditions + CONDITIONS_BOUNDS) + ((<usize>load<i32>(at, 24)) << 2);
  let bucket = (<u32>word - base) >> load<u32>(at, 8);
  if (bucket >= buckets) bucket = buckets - 1;
  let low = load<i32>(bucketsAt + ((<usize>bucket) << 2));
  let high = load<i32>(bucketsAt + ((<usize>bucket) << 2), 4);
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (load<u32>(bounds + ((<usize>middle) << 2)) <= <u32>word) low = middle;
    else high = middle - 1;
  }
  return low;
}
