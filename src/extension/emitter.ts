/**
 * What a match may say to the compiler about itself: tests on registers, all of which must hold. A match that
 * can say all it does in these needs no call while it runs, and the planner may index the chain by them.
 * Tests see the register's word as it is (see registers.ts); `-1` in a register means "the packet has none".
 */
export interface Emitter {
  /** (word & mask) === value. */
  masked(register: number, mask: number, value: number): void;
  /** lo <= (word as unsigned) <= hi. */
  range(register: number, lo: number, hi: number): void;
  /** The word, as unsigned, lies in one of the ranges: pairs [lo, hi], sorted, not overlapping. */
  ranges(register: number, pairs: readonly number[]): void;
  /** Holds when the tests that `body` emits do not all hold. */
  not(body: (e: Emitter) => void): void;
  /** Holds when the tests of at least one body all hold. */
  anyOf(...bodies: ((e: Emitter) => void)[]): void;
  /** Never holds. */
  never(): void;
}
