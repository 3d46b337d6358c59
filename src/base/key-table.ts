import { hashKey } from './hash.ts';

const FIRST_NUMBERS = 16;

/**
 * Numbers keys of a few words each: from 0 on, and those that are free again before new ones. Open addressing with linear probing
 * over typed arrays; a key that is taken out leaves no gap. Nothing is allocated but to grow.
 */
export class KeyTable {
  readonly #keyWords: number;
  /** Number + 1 of the key that stands there; 0 where none does. At most half of them are taken. */
  #slots = new Int32Array(2 * FIRST_NUMBERS);
  /** By number; another array when it has grown. */
  keys: Int32Array;
  #hashes = new Int32Array(FIRST_NUMBERS);
  #taken = new Uint8Array(FIRST_NUMBERS);
  /** Numbers that are free again: a stack. */
  #free = new Int32Array(FIRST_NUMBERS);
  #freeCount = 0;
  /** Numbers from here on have never been given. */
  high = 0;
  count = 0;

  constructor(keyWords: number) {
    this.#keyWords = keyWords;
    this.keys = new Int32Array(FIRST_NUMBERS * keyWords);
  }

  /** Numbers that there is room for: those who keep something by number have to grow with it. */
  get capacity(): number {
    return this.#hashes.length;
  }

  /** The number of a key, -1 for one that is not there. */
  find(key: Int32Array): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = hashKey(key, this.#keyWords);
    for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const number = slots[slot]! - 1;
      if (this.#hashes[number] === hash && this.#isAt(number, key)) return number;
    }
    return -1;
  }

  /** Some key has this number. */
  isTaken(number: number): boolean {
    return this.#taken[number] === 1;
  }

  /** Enters a key that is not there; its number. */
  add(key: Int32Array): number {
    if (this.count === this.capacity) this.#grow();
    const number = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.high++;
    const hash = hashKey(key, this.#keyWords);
    this.#hashes[number] = hash;
    for (let i = 0; i < this.#keyWords; i++) this.keys[number * this.#keyWords + i] = key[i]!;
    this.#taken[number] = 1;
    this.#place(hash, number);
    this.count++;
    return number;
  }

  /** Takes a key out, whose number may be given to another. */
  remove(number: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = this.#hashes[number]! & mask;
    while (slots[gap] !== number + 1) gap = (gap + 1) & mask;
    // What stands behind it, and would have stood there or before, moves up.
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot]!;
      gap = slot;
    }
    slots[gap] = 0;
    this.#taken[number] = 0;
    this.#free[this.#freeCount++] = number;
    this.count--;
  }

  #isAt(number: number, key: Int32Array): boolean {
    const at = number * this.#keyWords;
    for (let i = 0; i < this.#keyWords; i++) if (this.keys[at + i] !== key[i]) return false;
    return true;
  }

  #place(hash: number, number: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = number + 1;
  }

  /** All numbers are taken. */
  #grow(): void {
    this.keys = grown(this.keys);
    this.#hashes = grown(this.#hashes);
    this.#free = grown(this.#free);
    const taken = new Uint8Array(2 * this.#taken.length);
    taken.set(this.#taken);
    this.#taken = taken;
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.high; number++) this.#place(this.#hashes[number]!, number);
  }
}

function grown(words: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * words.length);
  twice.set(words);
  return twice;
}
