import { mix32 } from '../base/hash.ts';
import { R_DPORT } from '../packet/registers.ts';
import { BOX_LOW, BOX_MORE, BOX_WORDS } from './condition-layout.ts';
import type { RuleKey } from './rule-keys.ts';
import { Words } from './words.ts';

/** Conditions are about registers below this one: addresses, ports, and the protocol that goes with them. */
export const CONDITION_REGISTERS = R_DPORT + 1;

/** Boxes in the making, each once. They all have a range of the same registers: of those that they do not ask for, all there is. */
export class Boxes {
  readonly words = new Words();
  count = 0;
  readonly #placeOf = new Int32Array(CONDITION_REGISTERS).fill(-1);
  readonly #box: Int32Array;
  /** Open addressing: number of the box + 1. */
  #slots = new Int32Array(64);

  constructor(registers: Int32Array) {
    for (const [k, register] of registers.entries()) this.#placeOf[register] = BOX_WORDS * k;
    this.#box = new Int32Array(BOX_WORDS * registers.length);
  }

  /** Adds what these keys ask for, which have one range each. False when there is such a box. */
  add(keys: readonly RuleKey[]): boolean {
    const box = this.#box;
    for (let at = 0; at < box.length; at += BOX_WORDS) {
      box[at + BOX_LOW] = 0;
      box[at + BOX_MORE] = -1;
    }
    for (const { register, pairs } of keys) {
      const at = this.#placeOf[register]!;
      box[at + BOX_LOW] = pairs[0]!;
      box[at + BOX_MORE] = pairs[1]! - pairs[0]!;
    }
    const mask = this.#slots.length - 1;
    let slot = this.#hash() & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask)
      if (this.#isBox(this.#slots[slot]! - 1)) return false;
    this.#slots[slot] = ++this.count;
    for (const word of box) this.words.push(word);
    if (2 * this.count > mask) this.#grow();
    return true;
  }

  #hash(): number {
    let hash = 0;
    for (const word of this.#box) hash = Math.imul((hash << 5) | (hash >>> 27), 0x85ebca77) ^ word;
    return mix32(hash);
  }

  /** The box at hand is that one. */
  #isBox(number: number): boolean {
    const box = this.#box;
    const from = number * box.length;
    for (let k = 0; k < box.length; k++) if (this.words.at(from + k) !== box[k]) return false;
    return true;
  }

  #grow(): void {
    const box = this.#box;
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.count; number++) {
      for (let k = 0; k < box.length; k++) box[k] = this.words.at(number * box.length + k);
      let slot = this.#hash() & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** How many boxes a rule with these keys has. */
export function boxCountOf(keys: readonly RuleKey[]): number {
  return keys.reduce((count, { pairs }) => (count * pairs.length) / 2, 1);
}

/** Its boxes: keys with one range each, in every combination. */
export function boxesOf(keys: readonly RuleKey[]): readonly (readonly RuleKey[])[] {
  if (keys.every(({ pairs }) => pairs.length === 2)) return [keys];
  let boxes: RuleKey[][] = [[]];
  for (const { register, pairs } of keys) {
    const ranges = Array.from({ length: pairs.length / 2 }, (_, i) => pairs.slice(2 * i, 2 * i + 2));
    boxes = boxes.flatMap((box) => ranges.map((range) => [...box, { register, pairs: range }]));
  }
  return boxes;
}
