import { mix32 } from '../base/hash.ts';

/**
 * The elements of one set: an open-addressing hash over words, with the extensions of the elements in columns.
 *
 *   slots   | 0 | 3 | 0 | 1 | 2 | …      index of the element + 1, 0 when the slot is free; linear probing
 *   words   | element 0: `width` words | element 1 | …
 *   columns timeoutAt[i] packets[i] bytes[i] nomatch[i] skbmark[i] …
 *
 * An element is a few words (address, prefix length, protocol and port …); what they mean is the set type's affair.
 * Looking one up takes no allocation and no string. Places of deleted elements are used again; the slots behind a
 * deleted one move up, so that there are no tombstones. At most three quarters of the slots are taken.
 */
export class ElementTable {
  readonly width: number;
  words: Int32Array;
  /** Jiffies at which the element runs out, PERMANENT for never. Only where the set has timeouts. */
  timeoutAt: Float64Array;
  packets: Float64Array;
  bytes: Float64Array;
  /** 1 for an element that was added with `nomatch`. */
  nomatch: Uint8Array;
  skbmark: Int32Array;
  skbmarkmask: Int32Array;
  skbprio: Int32Array;
  skbqueue: Int32Array;
  #slots: Int32Array;
  #places: number;
  /** Places behind the last one that was ever used. */
  #used = 0;
  readonly #free: number[] = [];
  #live: Uint8Array;

  constructor(width: number, expected = 16) {
    this.width = width;
    let places = 16;
    while (places < expected) places *= 2;
    this.#places = places;
    this.words = new Int32Array(places * width);
    this.timeoutAt = new Float64Array(places);
    this.packets = new Float64Array(places);
    this.bytes = new Float64Array(places);
    this.nomatch = new Uint8Array(places);
    this.skbmark = new Int32Array(places);
    this.skbmarkmask = new Int32Array(places);
    this.skbprio = new Int32Array(places);
    this.skbqueue = new Int32Array(places);
    this.#live = new Uint8Array(places);
    this.#slots = new Int32Array(2 * places);
  }

  get size(): number {
    return this.#used - this.#free.length;
  }

  /** Place of the element with these words, -1 when there is none. */
  find(key: Int32Array): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const { width, words } = this;
    for (let slot = hashWords(key, 0, width) & mask; ; slot = (slot + 1) & mask) {
      const place = slots[slot]! - 1;
      if (place < 0) return -1;
      let k = 0;
      for (let at = place * width; k < width && words[at + k] === key[k]; k++);
      if (k === width) return place;
    }
  }

  /** Adds an element that is not there yet; its extensions are all zero. Gives its place. */
  insert(key: Int32Array): number {
    if (this.#free.length === 0 && this.#used === this.#places) this.#grow();
    const place = this.#free.pop() ?? this.#used++;
    const { width } = this;
    for (let k = 0; k < width; k++) this.words[place * width + k] = key[k]!;
    this.timeoutAt[place] = PERMANENT;
    this.packets[place] = 0;
    this.bytes[place] = 0;
    this.nomatch[place] = 0;
    this.skbmark[place] = 0;
    this.skbmarkmask[place] = 0;
    this.skbprio[place] = 0;
    this.skbqueue[place] = 0;
    this.#live[place] = 1;
    this.#link(place);
    return place;
  }

  remove(place: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#homeOf(place);
    while (slots[hole] !== place + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#homeOf(slots[slot]! - 1);
      // The element may move up unless its home lies behind the hole.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot]!;
      hole = slot;
    }
    slots[hole] = 0;
    this.#live[place] = 0;
    this.#free.push(place);
  }

  /** All places that are taken, in no order that means anything. */
  *places(): Generator<number> {
    for (let place = 0; place < this.#used; place++) if (this.#live[place] === 1) yield place;
  }

  #homeOf(place: number): number {
    return hashWords(this.words, place * this.width, this.width) & (this.#slots.length - 1);
  }

  #link(place: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#homeOf(place);
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = place + 1;
  }

  #grow(): void {
    const places = 2 * this.#places;
    this.#places = places;
    this.words = grown(this.words, new Int32Array(places * this.width));
    this.timeoutAt = grown(this.timeoutAt, new Float64Array(places));
    this.packets = grown(this.packets, new Float64Array(places));
    this.bytes = grown(this.bytes, new Float64Array(places));
    this.nomatch = grown(this.nomatch, new Uint8Array(places));
    this.skbmark = grown(this.skbmark, new Int32Array(places));
    this.skbmarkmask = grown(this.skbmarkmask, new Int32Array(places));
    this.skbprio = grown(this.skbprio, new Int32Array(places));
    this.skbqueue = grown(this.skbqueue, new Int32Array(places));
    this.#live = grown(this.#live, new Uint8Array(places));
    this.#slots = new Int32Array(2 * places);
    for (let place = 0; place < this.#used; place++) this.#link(place);
  }
}

/** Value of timeoutAt of an element that never runs out: IPSET_ELEM_PERMANENT. */
export const PERMANENT = Number.POSITIVE_INFINITY;

function hashWords(words: Int32Array, at: number, count: number): number {
  let h = 0x9e3779b1;
  for (let k = 0; k < count; k++) {
    h = Math.imul(h ^ words[at + k]!, 0x85ebca77);
    h = (h << 13) | (h >>> 19);
  }
  return mix32(h);
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
