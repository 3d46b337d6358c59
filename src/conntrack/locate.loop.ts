import type { Columns } from '../batch/batch.ts';
import { C_PROTO, C_STATUS, RECORD_SHIFT } from './layout.ts';
import type { ConntrackTable } from './table.ts';

/** In the column `reference`: no connection had the packet's tuple. */
export const REFERENCE_UNKNOWN = -1;

/**
 * Finds the connections of many rows at once, and loads their records. Look-ups are bound by the memory's latency, not by
 * instructions, so this goes through three loops, two of which do nothing but load, without a branch that depends on
 * what they load: then many misses are under way at a time. (One loop for all three took 1.4 times as long: 10 M packets,
 * 200,000 flows.)
 *
 *   1  the home slot of each row's hash in the connection index is loaded
 *   2  it is looked which records are referred to there: the column `reference`
 *   3  the lines of these records are loaded
 *
 * A reference is a hint: until its row's turn comes, connections may have come and gone. Whoever uses it must compare the
 * tuple, and look itself where it is REFERENCE_UNKNOWN.
 *
 * (Tried, and not worth it: a decoding worker that looks connections up ahead, to bring their lines into the cache that the
 * cores share, took 10 % more CPU time for 2 % more throughput.)
 */
export class Locator {
  readonly #table: ConntrackTable;
  /** Of what was loaded, lest a compiler leave the loads out. */
  touched = 0;

  constructor(table: ConntrackTable) {
    this.#table = table;
  }

  /** Loops 1 to 3 for rows [begin, end), some hundreds at most: what they load has to stay in the cache. */
  locate(c: Columns, begin: number, end: number): void {
    const { index, indexMask: mask, words } = this.#table;
    const { tupleHash, reference } = c;
    let sum = 0;
    for (let i = begin; i < end; i++) sum ^= index[2 * (tupleHash[i]! & mask)]!;
    for (let i = begin; i < end; i++) reference[i] = probe(index, mask, tupleHash[i]!);
    for (let i = begin; i < end; i++) {
      const found = reference[i]! > 0 ? reference[i]! : 0;
      const at = (found >> 1) << RECORD_SHIFT;
      sum ^= words[at + ((found & 1) << 4)]! ^ words[at + C_PROTO]! ^ words[at + C_STATUS]!;
    }
    this.touched ^= sum;
  }
}

/** What the index refers to under a hash: the first reference that has all its bits, else REFERENCE_UNKNOWN. */
function probe(index: Int32Array, mask: number, hash: number): number {
  let slot = hash & mask;
  for (;;) {
    const reference = index[2 * slot + 1]!;
    if (reference === 0) return REFERENCE_UNKNOWN;
    if (index[2 * slot] === hash) return reference - 1;
    slot = (slot + 1) & mask;
  }
}
