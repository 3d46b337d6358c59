import { assert } from '../base/assert.ts';

/**
 * The ring: how batches are handed from thread to thread. Batch number s lies in slot s mod `slots`; each slot has
 * one word that says whose it is:
 *
 *   FREE ──reader──> READ ──decoder──> DECODED ──ordered stage──> DONE ──reader──> FREE
 *
 * A word is written only by the stage that owns the slot, with Atomics.store, which publishes all that the stage has
 * written into the batch before; the next stage sees the word with Atomics.load and may read the batch. Waiting is
 * spinning for a moment and then sleeping on the word: a hand-over costs 0.1 µs when the other side is awake and
 * some 50 µs when it has to be woken.
 *
 *   words of the control buffer:  [0] next batch to decode (claimed with Atomics.add)
 *                                 [1] number of batches in all, -1 while it is not known
 *                                 [2] 1 when the run is to be given up
 *                                 [3] version of the source table
 *                                 [4] number of batches read so far
 *                                 [16 + slot] state of the slot
 */
export const SLOT_FREE = 0;
export const SLOT_READ = 1;
export const SLOT_DECODED = 2;
export const SLOT_DONE = 3;

const NEXT_TO_DECODE = 0;
const TOTAL = 1;
const ABORT = 2;
const SOURCES = 3;
const READ = 4;
const STATES = 16;

/** Spins before sleeping: some 20 µs. */
const SPINS = 4000;
/** A sleeper looks up now and then, so that a wake-up that was missed costs a moment and not the run. */
const SLEEP_MS = 100;

export class Ring {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly slots: number;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.slots = this.#words.length - STATES;
  }

  static allocate(slots: number): Ring {
    const ring = new Ring(new SharedArrayBuffer(4 * (STATES + slots)));
    ring.#words[TOTAL] = -1;
    return ring;
  }

  static from(buffer: SharedArrayBuffer): Ring {
    assert(buffer.byteLength > 4 * STATES, 'not a ring buffer');
    return new Ring(buffer);
  }

  slotOf(sequence: number): number {
    return sequence % this.slots;
  }

  state(slot: number): number {
    return Atomics.load(this.#words, STATES + slot);
  }

  /** Hands a slot on, and wakes who sleeps on it. */
  hand(slot: number, state: number): void {
    Atomics.store(this.#words, STATES + slot, state);
    Atomics.notify(this.#words, STATES + slot);
  }

  /** Number of the next batch that nobody decodes yet. */
  claim(): number {
    return Atomics.add(this.#words, NEXT_TO_DECODE, 1);
  }

  /** Hands on batch `sequence`, which has been read. */
  handRead(sequence: number): void {
    this.hand(this.slotOf(sequence), SLOT_READ);
    Atomics.store(this.#words, READ, sequence + 1);
    Atomics.notify(this.#words, READ);
  }

  /** Claims the next batch that nobody decodes yet if it has been read: its number, else -1. */
  tryClaim(): number {
    const next = Atomics.load(this.#words, NEXT_TO_DECODE);
    if (next >= Atomics.load(this.#words, READ) || this.isAborted) return -1;
    return Atomics.compareExchange(this.#words, NEXT_TO_DECODE, next, next + 1) === next ? next : -1;
  }

  /** Says that there are `total` batches and no more, and wakes everybody. */
  finish(total: number): void {
    Atomics.store(this.#words, TOTAL, total);
    this.#wakeAll();
  }

  /** Has everybody stop as soon as they look. */
  abort(): void {
    Atomics.store(this.#words, ABORT, 1);
    this.#wakeAll();
  }

  get isAborted(): boolean {
    return Atomics.load(this.#words, ABORT) !== 0;
  }

  /** True when batch `sequence` will never come. */
  isPastEnd(sequence: number): boolean {
    const total = Atomics.load(this.#words, TOTAL);
    return (total >= 0 && sequence >= total) || this.isAborted;
  }

  get sourcesVersion(): number {
    return Atomics.load(this.#words, SOURCES);
  }

  publishSources(): void {
    Atomics.add(this.#words, SOURCES, 1);
  }

  #wakeAll(): void {
    Atomics.notify(this.#words, READ);
    for (let slot = 0; slot < this.slots; slot++) Atomics.notify(this.#words, STATES + slot);
  }

  /**
   * Waits until batch `sequence` has been read; false when it will never come. Not for the main thread.
   * (Its slot's word does not tell: it is SLOT_READ while the batch a round before is still being decoded.)
   */
  waitForRead(sequence: number): boolean {
    return this.#wait(sequence, READ, (count) => count > sequence);
  }

  /** Waits until batch `sequence` is decoded; false when it will never come. Not for the main thread. */
  waitForDecoded(sequence: number): boolean {
    return this.#wait(sequence, STATES + this.slotOf(sequence), (state) => state === SLOT_DECODED);
  }

  /** Waits until the word at `at` is as wanted. */
  #wait(sequence: number, at: number, isWanted: (word: number) => boolean): boolean {
    const words = this.#words;
    for (;;) {
      for (let i = 0; i < SPINS; i++) {
        if (isWanted(Atomics.load(words, at))) return !this.isAborted;
        if ((i & 255) === 0 && this.isPastEnd(sequence)) return false;
      }
      const now = Atomics.load(words, at);
      if (isWanted(now)) return !this.isAborted;
      if (this.isPastEnd(sequence)) return false;
      Atomics.wait(words, at, now, SLEEP_MS);
    }
  }

  /** As `waitFor`, for the main thread, which may not sleep: resolves when the slot has changed or a moment has passed. */
  async change(slot: number, from: number): Promise<void> {
    const waiting = (Atomics as unknown as WaitAsync).waitAsync(this.#words, STATES + slot, from, SLEEP_MS);
    if (waiting.async) await waiting.value;
  }
}

/** Atomics.waitAsync (ES2024; Node has it since 16). */
interface WaitAsync {
  waitAsync(
    words: Int32Array,
    index: number,
    value: number,
    timeoutMs: number,
  ):
    | { readonly async: true; readonly value: Promise<string> }
    | { readonly async: false; readonly value: string };
}
