import { mix32 } from '../base/hash.ts';

/**
 * Numbers for combinations of four words: the same for the same, from 1 on.
 *
 *   table, open addressing:  four words | number (0: empty slot)
 */
export class Combos {
  #slots = new Int32Array(WORDS << FIRST_BITS);
  #count = 0;

  /** How many different ones there were. */
  get count(): number {
    return this.#count;
  }

  idOf(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const mask = slots.length / WORDS - 1;
    for (let slot = hashOf(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const at = WORDS * slot;
      const id = slots[at + 4]!;
      if (id === 0) return this.#add(at, a, b, c, d);
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) return id;
    }
  }

  #add(at: number, a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const id = ++this.#count;
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + 2] = c;
    slots[at + 3] = d;
    slots[at + 4] = id;
    if (2 * WORDS * id > slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length / WORDS - 1;
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 4] === 0) continue;
      let slot = hashOf(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!) & mask;
      while (slots[WORDS * slot + 4] !== 0) slot = (slot + 1) & mask;
      slots.set(old.subarray(from, from + WORDS), WORDS * slot);
    }
    this.#slots = slots;
  }
}

const WORDS = 5;
const FIRST_BITS = 6;

function hashOf(a: number, b: number, c: number, d: number): number {
  return mix32(
    Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d) ^ Math.imul(d, 0x27d4eb2f),
  );
}
