/** Combos of src/base/combos.ts, whose place is `combos`: the number of a combination, 0 where it has none yet. */
import { mix32 } from './hash';
import { COMBOS_MASK, COMBOS_SLOTS, COMBOS_WORDS } from './records';

export function comboOf(combos: usize, a: i32, b: i32, c: i32, d: i32): i32 {
  const slots: usize = load<u32>(combos + COMBOS_SLOTS);
  if (slots === 0) return 0;
  const mask = load<i32>(combos + COMBOS_MASK);
  let slot = mix32((a * 0x9e3779b1) ^ (b * 0x85ebca77) ^ (c * 0xc2b2ae3d) ^ (d * 0x27d4eb2f)) & mask;
  while (true) {
    const at = slots + <usize>slot * (4 * COMBOS_WORDS);
    const id = load<i32>(at, 16);
    if (id === 0) return 0;
    if (load<i32>(at) === a && load<i32>(at, 4) === b && load<i32>(at, 8) === c && load<i32>(at, 12) === d)
      return id;
    slot = (slot + 1) & mask;
  }
}
