import type { Arena } from '../base/arena.ts';
import type { Batch } from '../batch/batch.ts';
import { type Kernels, kernelsOf } from '../batch/kernels.ts';

/**
 * What `number` of wasm/columns.ts is given: byte offsets of the members of one structure. NUMBERS_OPEN: a byte for each
 * PLAIN_*; then bits of checksums, and the length up to which packets are in MTU class 0; then numbers of ways in of that
 * class, direct-mapped:  signature | entrance | number (0: none) | (unused)
 */
export const NUMBERS_OPEN = 0;
export const NUMBERS_CHECKSUMS = 8;
export const NUMBERS_SMALLEST = 12;
export const NUMBERS_WAYS = 16;
/** Shift from a hash to a slot, of which there are 2 ^ (32 - NUMBERS_SHIFT); and from that to bytes. */
export const NUMBERS_SHIFT = 24;
export const NUMBERS_WORDS_SHIFT = 4;
const NUMBERS_BYTES = NUMBERS_WAYS + (1 << (32 - NUMBERS_SHIFT + NUMBERS_WORDS_SHIFT));

/** The kernel that numbers the ways in of a batch's rows, and the numbers that it has at hand. */
export class QuickNumbers {
  readonly #arena: Arena;
  readonly #at: number;
  readonly #words: Int32Array;
  #kernels: Kernels | undefined;

  private constructor(arena: Arena, at: number, open: Uint8Array, checksums: number, smallest: number) {
    this.#arena = arena;
    this.#at = at;
    this.#words = new Int32Array(arena.buffer, at, NUMBERS_BYTES / 4);
    new Uint8Array(arena.buffer, at, NUMBERS_BYTES).set(open, NUMBERS_OPEN);
    this.#words[NUMBERS_CHECKSUMS / 4] = checksums;
    this.#words[NUMBERS_SMALLEST / 4] = smallest;
  }

  /** Undefined where there is no arena, or no room in it. Arguments as QuickColumns has them. */
  static in(
    arena: Arena | undefined,
    open: Uint8Array,
    checksums: number,
    smallest: number,
  ): QuickNumbers | undefined {
    const at = arena?.take(NUMBERS_BYTES) ?? -1;
    return arena === undefined || at < 0 ? undefined : new QuickNumbers(arena, at, open, checksums, smallest);
  }

  takes(batch: Batch): boolean {
    if (batch.place.memory !== this.#arena.memory) return false;
    this.#kernels ??= kernelsOf(batch);
    return this.#kernels !== undefined;
  }

  /** Numbers rows from `begin` on; gives the one at which it stopped, of which nothing is written, or the batch's count. */
  number(batch: Batch, begin: number, signs: boolean): number {
    return this.#kernels!.number(batch.place.offset, begin, batch.count, this.#at, signs ? 1 : 0);
  }

  /** The number of a way in, of MTU class 0, is at hand from now on. */
  learn(signature: number, entrance: number, way: number): void {
    const hash = Math.imul(signature, 0x9e3779b1) ^ Math.imul(entrance, 0x85ebca77);
    const at = NUMBERS_WAYS / 4 + ((hash >>> NUMBERS_SHIFT) << (NUMBERS_WORDS_SHIFT - 2));
    this.#words[at] = signature;
    this.#words[at + 1] = entrance;
    this.#words[at + 2] = way;
  }
}
