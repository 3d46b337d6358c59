/** What stands in an AgeList: came before it, and after it. */
export interface Aged<T> {
  before: T | undefined;
  after: T | undefined;
}

/** Records in the order in which they came, or were renewed. Those that are taken out are used again. */
export class AgeList<T extends Aged<T>> {
  oldest: T | undefined;
  count = 0;
  #latest: T | undefined;
  /** Those that were taken out, by `after`. */
  #free: T | undefined;
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** One more, behind the others: what it holds may be what it held when it was taken out. */
  append(): T {
    const one = this.#free ?? this.#make();
    if (this.#free !== undefined) this.#free = one.after;
    this.#link(one);
    this.count++;
    return one;
  }

  /** Moves one behind the others. */
  renew(one: T): void {
    this.#unlink(one);
    this.#link(one);
  }

  remove(one: T): void {
    this.#unlink(one);
    one.after = this.#free;
    this.#free = one;
    this.count--;
  }

  #link(one: T): void {
    one.before = this.#latest;
    one.after = undefined;
    if (this.#latest === undefined) this.oldest = one;
    else this.#latest.after = one;
    this.#latest = one;
  }

  #unlink({ before, after }: T): void {
    if (before === undefined) this.oldest = after;
    else before.after = after;
    if (after === undefined) this.#latest = before;
    else after.before = before;
  }
}
