import type { Arena } from '../base/arena.ts';

/**
 * A partition in an arena, for kernels (wasm/memo.ts): byte offsets of its members. How many bounds there are; the lowest;
 * the shift to buckets; the last bucket in which values begin; addresses.
 */
export const PARTITION_LENGTH = 0;
export const PARTITION_BASE = 4;
export const PARTITION_SHIFT = 8;
export const PARTITION_LAST_BUCKET = 12;
export const PARTITION_BOUNDS = 16;
export const PARTITION_CLASSES = 20;
export const PARTITION_BUCKETS = 24;
export const PARTITION_BYTES = 28;

/**
 * A register's values put into classes that no test can tell apart: all that lie in the same of the ranges that are
 * tested for. Classes are numbered from 1 on; values in none of the ranges are of class 1.
 *
 * The ranges' bounds cut the values into cells (as in chain-index.ts), and cells that lie in the same ranges are of one
 * class. Where very many ranges lie one on top of the other, cells are left classes of their own: that is right as well,
 * and only tells more apart than need be.
 */
export class Partition {
  #bounds: Uint32Array;
  #classes: Int32Array;
  /** By the highest bits of the distance from the lowest bound: the cell in which such values begin. */
  #buckets: Int32Array;
  /** Where it lies in an arena, -1 when it does not. */
  #place = -1;
  readonly #base: number;
  readonly #shift: number;
  /** Classes there are. */
  readonly count: number;

  /** `ranges`: pairs [lo, hi] of unsigned words, in any order. */
  constructor(ranges: readonly number[]) {
    const { bounds, classes, count } = makeCells(ranges);
    this.#bounds = bounds;
    this.#classes = classes;
    this.count = count;
    this.#base = bounds[0] ?? 0;
    const last = bounds.length - 1;
    const span = (bounds[last] ?? 0) - this.#base;
    let shift = 0;
    while (span / 2 ** shift > Math.max(bounds.length, 1)) shift++;
    this.#shift = shift;
    const buckets = new Int32Array(Math.floor(span / 2 ** shift) + 2);
    for (let bucket = 0, cell = 0; bucket < buckets.length - 1; bucket++) {
      while (cell < last && bounds[cell + 1]! <= this.#base + bucket * 2 ** shift) cell++;
      buckets[bucket] = cell;
    }
    buckets[buckets.length - 1] = Math.max(last, 0);
    this.#buckets = buckets;
  }

  /** Class of a word. */
  classOf(word: number): number {
    const value = word >>> 0;
    const bounds = this.#bounds;
    if (bounds.length === 0 || value < this.#base) return 1;
    const buckets = this.#buckets;
    let bucket = (value - this.#base) >>> this.#shift;
    if (bucket > buckets.length - 2) bucket = buckets.length - 2;
    let low = buckets[bucket]!;
    let high = buckets[bucket + 1]!;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (bounds[middle]! <= value) low = middle;
      else high = middle - 1;
    }
    return this.#classes[low]!;
  }

  /** Moves it into an arena, if it is in none yet: its address there, or -1 when there is no room. */
  moveInto(arena: Arena): number {
    if (this.#place >= 0) return this.#place;
    const { length } = this.#bounds;
    const at = arena.take(PARTITION_BYTES + 8 * length + 4 * this.#buckets.length);
    if (at < 0) return -1;
    const { buffer } = arena;
    const bounds = at + PARTITION_BYTES;
    const classes = bounds + 4 * length;
    const buckets = classes + 4 * length;
    const members = new Int32Array(buffer, at, PARTITION_BYTES / 4);
    members[PARTITION_LENGTH / 4] = length;
    members[PARTITION_BASE / 4] = this.#base;
    members[PARTITION_SHIFT / 4] = this.#shift;
    members[PARTITION_LAST_BUCKET / 4] = this.#buckets.length - 2;
    members[PARTITION_BOUNDS / 4] = bounds;
    members[PARTITION_CLASSES / 4] = classes;
    members[PARTITION_BUCKETS / 4] = buckets;
    this.#bounds = moved(this.#bounds, new Uint32Array(buffer, bounds, length));
    this.#classes = moved(this.#classes, new Int32Array(buffer, classes, length));
    this.#buckets = moved(this.#buckets, new Int32Array(buffer, buckets, this.#buckets.length));
    this.#place = at;
    return at;
  }
}

function moved<T extends Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Ranges in one place for which cells are still compared. */
const MOST_OVERLAPS = 8;

interface Cells {
  readonly bounds: Uint32Array;
  /** By cell; cell i begins at bounds[i]. */
  readonly classes: Int32Array;
  readonly count: number;
}

function makeCells(ranges: readonly number[]): Cells {
  const lows = sortedRanges(ranges);
  const edges: number[] = [];
  for (let i = 0; i < lows.length; i += 2) {
    edges.push(lows[i]!);
    if (lows[i + 1] !== 0xffffffff) edges.push(lows[i + 1]! + 1);
  }
  const sorted = Uint32Array.from(edges).sort();
  const bounds = sorted.filter((bound, i) => i === 0 || bound !== sorted[i - 1]);
  const classes = new Int32Array(bounds.length);
  const known = new Map<string, number>([['', 1]]);
  let count = 1;
  /** Numbers of the ranges that hold the cell at hand, ascending. */
  let open: number[] = [];
  let next = 0;
  for (const [cell, bound] of bounds.entries()) {
    open = open.filter((range) => lows[2 * range + 1]! >= bound);
    for (; next < lows.length && lows[next] === bound; next += 2) open.push(next / 2);
    const key = open.length > MOST_OVERLAPS ? `cell ${cell}` : open.join();
    let one = known.get(key);
    if (one === undefined) {
      one = ++count;
      known.set(key, one);
    }
    classes[cell] = one;
  }
  return { bounds, classes, count };
}

/** The pairs in order of their lower ends, each once. */
function sortedRanges(ranges: readonly number[]): Float64Array {
  // A pair is one number: 32 bits of each end are more than a double holds, so that the ends' order is kept apart.
  const order = Array.from({ length: ranges.length / 2 }, (_, i) => 2 * i);
  order.sort((a, b) => ranges[a]! - ranges[b]! || ranges[a + 1]! - ranges[b + 1]!);
  const out = new Float64Array(ranges.length);
  let used = 0;
  for (const i of order) {
    if (used > 0 && out[used - 2] === ranges[i] && out[used - 1] === ranges[i + 1]) continue;
    out[used++] = ranges[i]!;
    out[used++] = ranges[i + 1]!;
  }
  return out.subarray(0, used);
}
