/**
 * A seeded generator of 32-bit words (sfc32 of PractRand): the same seed gives the same words on every machine.
 * Fast enough to be asked several times a packet.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 4294967296) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 15; i++) this.word();
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 to n - 1, for n up to 2^32. The bias (n / 2^32) is of no matter here. */
  below(n: number): number {
    return Math.floor((this.word() * n) / 4294967296);
  }

  /** From 0 up to, but not, 1. */
  fraction(): number {
    return this.word() / 4294967296;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
