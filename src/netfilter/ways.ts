import { mix32 } from '../base/hash.ts';

/**
 * Numbers for ways in. All that decides which way a packet goes, but for its connection, is its signature
 * (Sharing.signature), how it came in (entranceOf) and its class of length (MtuClasses): few combinations of them ever
 * occur, so each is given a number, and a known way is told by that number alone.
 *
 *   table, open addressing:  signature | entrance | MTU class | number (0: empty slot)
 */
export class Ways {
  #slots = new Int32Array(4 << FIRST_BITS);
  #count = 0;
  #last = 0;
  #lastSignature = 0;
  #lastEntrance = 0;
  #lastMtuClass = 0;

  /** The number of a combination: from 1 on, the same for the same. */
  idOf(signature: number, entrance: number, mtuClass: number): number {
    if (
      this.#last !== 0 &&
      this.#lastSignature === signature &&
      this.#lastEntrance === entrance &&
      this.#lastMtuClass === mtuClass
    ) {
      return this.#last;
    }
    const id = this.#find(signature, entrance, mtuClass);
    this.#last = id;
    this.#lastSignature = signature;
    this.#lastEntrance = entrance;
    this.#lastMtuClass = mtuClass;
    return id;
  }

  #find(signature: number, entrance: number, mtuClass: number): number {
    const slots = this.#slots;
    const mask = slots.length / 4 - 1;
    for (let slot = hashOf(signature, entrance, mtuClass) & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const id = slots[at + 3]!;
      if (id === 0) return this.#add(at, signature, entrance, mtuClass);
      if (slots[at] === signature && slots[at + 1] === entrance && slots[at + 2] === mtuClass) return id;
    }
  }

  #add(at: number, signature: number, entrance: number, mtuClass: number): number {
    const slots = this.#slots;
    const id = ++this.#count;
    slots[at] = signature;
    slots[at + 1] = entrance;
    slots[at + 2] = mtuClass;
    slots[at + 3] = id;
    if (8 * id > slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length / 4 - 1;
    for (let from = 0; from < old.length; from += 4) {
      if (old[from + 3] === 0) continue;
      let slot = hashOf(old[from]!, old[from + 1]!, old[from + 2]!) & mask;
      while (slots[4 * slot + 3] !== 0) slot = (slot + 1) & mask;
      slots.set(old.subarray(from, from + 4), 4 * slot);
    }
    this.#slots = slots;
  }
}

const FIRST_BITS = 8;

function hashOf(signature: number, entrance: number, mtuClass: number): number {
  return mix32(Math.imul(signature, 0x9e3779b1) ^ Math.imul(entrance, 0x85ebca77) ^ mtuClass);
}
