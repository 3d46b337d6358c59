import { KeyTable } from '../base/key-table.ts';

/**
 * The elements of one set: numbered by their words, with the extensions of the elements in columns, by number.
 *
 *   columns timeoutAt[i] packets[i] bytes[i] nomatch[i] skbmark[i] …
 *
 * An element is a few words (address, prefix length, protocol and port …); what they mean is the set type's affair.
 * Looking one up takes no allocation and no string. Places of deleted elements are used again.
 */
export class ElementTable {
  readonly width: number;
  readonly #keys: KeyTable;
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

  constructor(width: number) {
    this.width = width;
    this.#keys = new KeyTable(width);
    const places = this.#keys.capacity;
    this.timeoutAt = new Float64Array(places);
    this.packets = new Float64Array(places);
    this.bytes = new Float64Array(places);
    this.nomatch = new Uint8Array(places);
    this.skbmark = new Int32Array(places);
    this.skbmarkmask = new Int32Array(places);
    this.skbprio = new Int32Array(places);
    this.skbqueue = new Int32Array(places);
  }

  get size(): number {
    return this.#keys.count;
  }

  /** `width` words of each element, by place. */
  get words(): Int32Array {
    return this.#keys.keys;
  }

  /** Place of the element with these words, -1 when there is none. */
  find(key: Int32Array): number {
    return this.#keys.find(key);
  }

  /** Adds an element that is not there yet; its extensions are all zero. Gives its place. */
  insert(key: Int32Array): number {
    const place = this.#keys.add(key);
    if (place >= this.timeoutAt.length) this.#grow();
    this.timeoutAt[place] = PERMANENT;
    this.packets[place] = 0;
    this.bytes[place] = 0;
    this.nomatch[place] = 0;
    this.skbmark[place] = 0;
    this.skbmarkmask[place] = 0;
    this.skbprio[place] = 0;
    this.skbqueue[place] = 0;
    return place;
  }

  remove(place: number): void {
    this.#keys.remove(place);
  }

  /** All places that are taken, in no order that means anything. */
  *places(): Generator<number> {
    for (let place = 0; place < this.#keys.high; place++) if (this.#keys.isTaken(place)) yield place;
  }

  #grow(): void {
    const places = this.#keys.capacity;
    this.timeoutAt = grown(this.timeoutAt, new Float64Array(places));
    this.packets = grown(this.packets, new Float64Array(places));
    this.bytes = grown(this.bytes, new Float64Array(places));
    this.nomatch = grown(this.nomatch, new Uint8Array(places));
    this.skbmark = grown(this.skbmark, new Int32Array(places));
    this.skbmarkmask = grown(this.skbmarkmask, new Int32Array(places));
    this.skbprio = grown(this.skbprio, new Int32Array(places));
    this.skbqueue = grown(this.skbqueue, new Int32Array(places));
  }
}

/** Value of timeoutAt of an element that never runs out: IPSET_ELEM_PERMANENT. */
export const PERMANENT = Number.POSITIVE_INFINITY;

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
