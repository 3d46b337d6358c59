/** An Int32Array in the making: grows as it is written. Words that were never set are 0. */
export class Words {
  #words = new Int32Array(64);
  used: number;

  /** The first `used` words are taken. */
  constructor(used = 0) {
    this.used = used;
  }

  push(word: number): void {
    const at = this.reserve(1);
    this.#words[at] = word;
  }

  /** Takes `count` words more; gives the first of them. */
  reserve(count: number): number {
    const at = this.used;
    this.used += count;
    if (this.used > this.#words.length) {
      let size = 2 * this.#words.length;
      while (size < this.used) size *= 2;
      const grown = new Int32Array(size);
      grown.set(this.#words);
      this.#words = grown;
    }
    return at;
  }

  at(i: number): number {
    return this.#words[i]!;
  }

  set(i: number, word: number): void {
    this.#words[i] = word;
  }

  /** What there is so far, without room to grow. */
  array(): Int32Array {
    return this.#words.slice(0, this.used);
  }
}
