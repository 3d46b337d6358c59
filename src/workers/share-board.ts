/**
 * What the threads that replay shares of a capture tell each other. Each reads the same batches of the capture, and is at
 * one of them.
 *
 *   word 0        ABORT: a share cannot be replayed apart; everybody stops
 *   word 1        STOP: the user wants to stop; everybody goes on to the same batch and stops there
 *   word 2        GO: the rules can be shared; threads that were given their task before that was known begin
 *   word 3 …      by share: batches replayed when STOP was seen, + 1; 0 before
 *   then          by share: connections at most at a time
 */
const ABORT = 0;
const STOP = 1;
const GO = 2;
const FIXED_WORDS = 3;

/** Of a share that has come to the end of the capture. */
const AT_END = 0x7fffffff;

export class ShareBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #shares: number;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#shares = (this.#words.length - FIXED_WORDS) / 2;
  }

  static allocate(shares: number): ShareBoard {
    return new ShareBoard(new SharedArrayBuffer(4 * (FIXED_WORDS + 2 * shares)));
  }

  static from(buffer: SharedArrayBuffer): ShareBoard {
    return new ShareBoard(buffer);
  }

  /** Everybody is to stop: what was replayed is worth nothing. */
  abort(): void {
    Atomics.store(this.#words, ABORT, 1);
    Atomics.notify(this.#words, GO);
    for (let share = 0; share < this.#shares; share++) Atomics.notify(this.#words, FIXED_WORDS + share);
  }

  get isAborted(): boolean {
    return Atomics.load(this.#words, ABORT) !== 0;
  }

  /** Everybody may begin. */
  go(): void {
    Atomics.store(this.#words, GO, 1);
    Atomics.notify(this.#words, GO);
  }

  /** Waits for `go`; false when all has been called off. */
  waitForGo(): boolean {
    while (Atomics.load(this.#words, GO) === 0 && !this.isAborted) Atomics.wait(this.#words, GO, 0, WAIT_MS);
    return !this.isAborted;
  }

  /** Everybody is to stop where the one is that has come furthest. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  /**
   * Where everybody stops, as a number of batches: waits until all shares have said how far they are. `batches`: how many
   * this one has replayed.
   */
  meet(share: number, batches: number): number {
    this.#arrive(share, batches + 1);
    let most = 0;
    for (let other = 0; other < this.#shares; other++) {
      const at = FIXED_WORDS + other;
      while (Atomics.load(this.#words, at) === 0 && !this.isAborted)
        Atomics.wait(this.#words, at, 0, WAIT_MS);
      most = Math.max(most, Atomics.load(this.#words, at));
    }
    return most - 1;
  }

  /** The share has come to the end: the others, if they are to stop, do so there. */
  end(share: number): void {
    this.#arrive(share, AT_END);
  }

  #arrive(share: number, value: number): void {
    const at = FIXED_WORDS + share;
    Atomics.compareExchange(this.#words, at, 0, value);
    Atomics.notify(this.#words, at);
  }

  /** Says how many connections the share has had at a time, and gives the sum over all shares. */
  noteConnections(share: number, most: number): number {
    const first = FIXED_WORDS + this.#shares;
    Atomics.store(this.#words, first + share, most);
    let sum = 0;
    for (let other = 0; other < this.#shares; other++) sum += Atomics.load(this.#words, first + other);
    return sum;
  }
}

/** So long at a time: whoever waits looks whether all has been called off. */
const WAIT_MS = 20;
