import { type Arena, addressIn, wordsIn } from './arena.ts';
import { mix32 } from './hash.ts';

/** What kernels are told of a table: byte offsets of its address, 0 where it is out of their reach, and of the mask of its slots. */
export const COMBOS_SLOTS = 0;
export const COMBOS_MASK = 4;
export const COMBOS_BYTES = 8;
/** Words of a slot. */
export const COMBOS_WORDS = 5;

/**
 * Numbers for combinations of four words: the same for the same, from 1 on.
 *
 *   table, open addressing:  four words | number (0: empty slot)
 *
 * Read by wasm/memo.ts too, where it lies in an arena: see COMBOS_*.
 */
export class Combos {
  readonly #arena: Arena | undefined;
  readonly #members: Int32Array;
  #slots: Int32Array;
  #count = 0;

  constructor(arena?: Arena) {
    this.#arena = arena;
    this.#members = wordsIn(arena, COMBOS_BYTES / 4);
    this.#slots = wordsIn(arena, COMBOS_WORDS << FIRST_BITS);
    this.#locate();
  }

  /** Address of COMBOS_* in the arena, 0 where they lie in none. */
  get place(): number {
    return this.#arena === undefined ? 0 : addressIn(this.#arena, this.#members);
  }

  #locate(): void {
    if (this.#arena === undefined) return;
    this.#members[COMBOS_SLOTS / 4] = addressIn(this.#arena, this.#slots);
    this.#members[COMBOS_MASK / 4] = this.#slots.length / COMBOS_WORDS - 1;
  }

  /** How many different ones there were. */
  get count(): number {
    return this.#count;
  }

  idOf(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const mask = slots.length / COMBOS_WORDS - 1;
    for (let slot = hashOf(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const at = COMBOS_WORDS * slot;
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
    if (2 * COMBOS_WORDS * id > slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = wordsIn(this.#arena, 2 * old.length);
    const mask = slots.length / COMBOS_WORDS - 1;
    for (let from = 0; from < old.length; from += COMBOS_WORDS) {
      if (old[from + 4] === 0) continue;
      let slot = hashOf(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!) & mask;
      while (slots[COMBOS_WORDS * slot + 4] !== 0) slot = (slot + 1) & mask;
      slots.set(old.subarray(from, from + COMBOS_WORDS), COMBOS_WORDS * slot);
    }
    this.#slots = slots;
    this.#locate();
  }
}

const FIRST_BITS = 6;

function hashOf(a: number, b: number, c: number, d: number): number {
  return mix32(
    Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d) ^ Math.imul(d, 0x27d4eb2f),
  );
}
