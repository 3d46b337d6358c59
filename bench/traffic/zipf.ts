import type { Random } from '../base/random.ts';

/**
 * Draws ranks 0 … n - 1 with probabilities 1, 1/2^s, 1/3^s … by Vose's alias method: a draw costs two words and two
 * look-ups whatever n is.
 */
export class Zipf {
  readonly #threshold: Float64Array;
  readonly #alias: Int32Array;

  constructor(n: number, s: number) {
    const weight = new Float64Array(n);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += weight[i] = (i + 1) ** -s;
    for (let i = 0; i < n; i++) weight[i]! *= n / sum;
    this.#threshold = new Float64Array(n).fill(1);
    this.#alias = new Int32Array(n);
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < n; i++) (weight[i]! < 1 ? small : large).push(i);
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!;
      const high = large.at(-1)!;
      this.#threshold[low] = weight[low]!;
      this.#alias[low] = high;
      weight[high]! -= 1 - weight[low]!;
      if (weight[high]! < 1) small.push(large.pop()!);
    }
  }

  draw(random: Random): number {
    const i = random.below(this.#threshold.length);
    return random.fraction() < this.#threshold[i]! ? i : this.#alias[i]!;
  }
}
