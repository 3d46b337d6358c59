import { mix32 } from '../base/hash.ts';
import type { Family } from '../base/inet.ts';

/**
 * Address -> number (an interface id), for both families: open addressing, five words a slot, no allocation by `get`.
 *
 *   slot:  | word 0 | word 1 | word 2 | word 3 | family and value: value << 4 | family, 0 when empty |
 */
export class AddressMap {
  private slots = new Int32Array(5 * 16);
  private slotMask = 15;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The number given to the address, 0 when it has none. */
  get(family: Family, words: Int32Array, at: number): number {
    const { slots } = this;
    const slot = this.findSlot(slots, this.slotMask, family, words, at);
    return slots[slot + 4]! >>> 4;
  }

  /** Keeps the number that an address got first. */
  add(family: Family, words: Int32Array, at: number, value: number): void {
    const slot = this.findSlot(this.slots, this.slotMask, family, words, at);
    if (this.slots[slot + 4] !== 0) return;
    this.write(this.slots, slot, family, words, at, value);
    this.count++;
    if (this.count * 2 > this.slotMask) this.grow();
  }

  private write(
    slots: Int32Array,
    slot: number,
    family: number,
    words: Int32Array,
    at: number,
    value: number,
  ): void {
    slots[slot] = words[at]!;
    for (let i = 1; i < 4; i++) slots[slot + i] = family === 4 ? 0 : words[at + i]!;
    slots[slot + 4] = (value << 4) | family;
  }

  private findSlot(
    slots: Int32Array,
    slotMask: number,
    family: number,
    words: Int32Array,
    at: number,
  ): number {
    const w0 = words[at]!;
    const w1 = family === 4 ? 0 : words[at + 1]!;
    const w2 = family === 4 ? 0 : words[at + 2]!;
    const w3 = family === 4 ? 0 : words[at + 3]!;
    let h = Math.imul(w0, 0x9e3779b1) + family;
    h = Math.imul((h ^ (h >>> 15)) + w1, 0x85ebca77);
    h = Math.imul((h ^ (h >>> 15)) + w2, 0xc2b2ae3d);
    let index = mix32((h ^ (h >>> 15)) + w3) & slotMask;
    for (;;) {
      const slot = index * 5;
      if (slots[slot + 4] === 0) return slot;
      if (
        slots[slot] === w0 &&
        slots[slot + 1] === w1 &&
        slots[slot + 2] === w2 &&
        slots[slot + 3] === w3 &&
        (slots[slot + 4]! & 15) === family
      )
        return slot;
      index = (index + 1) & slotMask;
    }
  }

  private grow(): void {
    const old = this.slots;
    const slotMask = this.slotMask * 2 + 1;
    const slots = new Int32Array(5 * (slotMask + 1));
    for (let slot = 0; slot < old.length; slot += 5) {
      if (old[slot + 4] === 0) continue;
      const family = old[slot + 4]! & 15;
      this.write(
        slots,
        this.findSlot(slots, slotMask, family, old, slot),
        family,
        old,
        slot,
        old[slot + 4]! >>> 4,
      );
    }
    this.slots = slots;
    this.slotMask = slotMask;
  }
}
