import { assert } from '../base/assert.ts';
import type { InterfaceTest, RuntimeMatch } from '../evaluate/runtime.ts';
import type { Emitter } from '../extension/emitter.ts';

/**
 * Rules as numbers: what a rule asks of a packet is a run of tests in one Int32Array, all of which must hold.
 *
 *   MASKED  register mask value      (word & mask) === value
 *   RANGE   register lo hi           lo <= unsigned word <= hi
 *   RANGES  register start count     unsigned word lies in one of `count` pairs of `ranges` from `start` on
 *   IFACE   register test            interfaces[test] holds for the word
 *   CALL    match depends            calls[match] evaluates to true; a way depends on `depends` (DEPENDS_*) then
 *   FORK    match                    calls[match], which must see each packet, evaluates to true
 *   NOT     end …tests               the tests up to `end` do not all hold
 *   ANY     end (blockEnd …tests)*   the tests of at least one block all hold
 *   NEVER
 *   UNSHARE                          what follows depends on more than the path key holds
 */
export const OP_MASKED = 1;
export const OP_RANGE = 2;
export const OP_RANGES = 3;
export const OP_IFACE = 4;
export const OP_CALL = 6;
export const OP_NOT = 7;
export const OP_ANY = 8;
export const OP_NEVER = 9;
export const OP_UNSHARE = 10;
export const OP_FORK = 11;

/** The tests of all rules of one family, and what they refer to. */
export class TestCode {
  code = new Int32Array(1 << 6);
  used = 0;
  readonly rangePairs: number[] = [];
  ranges = new Uint32Array(0);
  readonly interfaces: InterfaceTest[] = [];
  readonly calls: RuntimeMatch[] = [];

  push(word: number): number {
    if (this.used === this.code.length) {
      const grown = new Int32Array(2 * this.used);
      grown.set(this.code);
      this.code = grown;
    }
    this.code[this.used] = word;
    return this.used++;
  }

  /** Forgets everything. */
  clear(): void {
    this.used = 0;
    this.rangePairs.length = 0;
    this.interfaces.length = 0;
    this.calls.length = 0;
  }

  /** To be called once all rules are in: makes the arrays that the loops read. */
  seal(): void {
    this.ranges = Uint32Array.from(this.rangePairs);
  }
}

/** Sees every test on a register while it is emitted: the planner's eyes. */
export interface TestListener {
  /** `top` is true for a test that must hold by itself (not inside NOT or ANY). */
  masked(register: number, mask: number, value: number, top: boolean): void;
  /** `pairs` as Emitter.ranges takes them. */
  ranges(register: number, pairs: readonly number[], top: boolean): void;
}

/** Emits the tests of one rule. */
export class CodeEmitter implements Emitter {
  readonly #code: TestCode;
  readonly #listener: TestListener;
  #depth = 0;

  constructor(code: TestCode, listener: TestListener) {
    this.#code = code;
    this.#listener = listener;
  }

  masked(register: number, mask: number, value: number): void {
    this.#listener.masked(register, mask | 0, value | 0, this.#depth === 0);
    this.#words(OP_MASKED, register, mask | 0, value | 0);
  }

  range(register: number, lo: number, hi: number): void {
    if (lo === hi) {
      this.masked(register, -1, lo);
      return;
    }
    this.#listener.ranges(register, [lo, hi], this.#depth === 0);
    this.#words(OP_RANGE, register, lo | 0, hi | 0);
  }

  ranges(register: number, pairs: readonly number[]): void {
    assert(pairs.length % 2 === 0, 'ranges come in pairs');
    if (pairs.length === 2) {
      this.range(register, pairs[0]!, pairs[1]!);
      return;
    }
    this.#listener.ranges(register, pairs, this.#depth === 0);
    this.#words(OP_RANGES, register, this.#code.rangePairs.length, pairs.length / 2);
    for (const bound of pairs) this.#code.rangePairs.push(bound);
  }

  not(body: (e: Emitter) => void): void {
    this.#code.push(OP_NOT);
    const end = this.#code.push(0);
    this.#depth++;
    body(this);
    this.#depth--;
    this.#code.code[end] = this.#code.used;
  }

  anyOf(...bodies: ((e: Emitter) => void)[]): void {
    this.#code.push(OP_ANY);
    const end = this.#code.push(0);
    this.#depth++;
    for (const body of bodies) {
      const blockEnd = this.#code.push(0);
      body(this);
      this.#code.code[blockEnd] = this.#code.used;
    }
    this.#depth--;
    this.#code.code[end] = this.#code.used;
  }

  never(): void {
    this.#code.push(OP_NEVER);
  }

  unshare(): void {
    this.#code.push(OP_UNSHARE);
  }

  iface(register: number, test: InterfaceTest): void {
    this.#words(OP_IFACE, register, this.#code.interfaces.length);
    this.#code.interfaces.push(test);
  }

  call(match: RuntimeMatch, depends: number): void {
    this.#words(OP_CALL, this.#code.calls.length, depends);
    this.#code.calls.push(match);
  }

  /** As `call`, of a match that must see each packet: what it says splits the way. */
  fork(match: RuntimeMatch): void {
    this.#words(OP_FORK, this.#code.calls.length);
    this.#code.calls.push(match);
  }

  #words(...words: number[]): void {
    for (const word of words) this.#code.push(word);
  }
}
