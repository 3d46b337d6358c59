import type { Columns } from '../batch/batch.ts';
import { C_PROTO, C_STATUS, HEADER_INDEX_USED, RECORD_SHIFT } from './layout.ts';
import type { ConntrackTable } from './table.ts';

/** In the column `reference`: no connection had the packet's tuple. */
export const REFERENCE_UNKNOWN = -1;

/**
 * A search is given up after so many slots. Half of the index is empty, so that none is ever this long; but while
 * another thread enlarges the index, what is read of it is anything.
 */
const MOST_PROBES = 256;

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
 * A reference is a hint: whoever uses it must compare the tuple, and look itself where it is REFERENCE_UNKNOWN. So the
 * table may be changed by another thread meanwhile: while the ordered stage is busy, a decoding worker looks ahead for
 * it, and brings into the cache that they share what the ordered stage would have to wait for.
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
    const { index, header } = this.#table;
    const mask = header[HEADER_INDEX_USED]! - 1;
    const { tupleHash, reference } = c;
    const lastWord = 2 * mask + 1;
    let sum = 0;
    for (let i = begin; i < end; i++) sum ^= index[2 * (tupleHash[i]! & mask)]!;
    for (let i = begin; i < end; i++) {
      const hash = tupleHash[i]!;
      let slot = 2 * (hash & mask);
      let left = MOST_PROBES;
      while (index[slot] !== hash && index[slot + 1] !== 0 && --left > 0) slot = (slot + 2) & lastWord;
      reference[i] = index[slot] === hash ? index[slot + 1]! - 1 : REFERENCE_UNKNOWN;
    }
    this.touched ^= sum;
    this.touch(c, begin, end);
  }

  /** Loop 3 alone, for rows that have been located before. */
  touch(c: Columns, begin: number, end: number): void {
    const { words } = this.#table;
    const { reference } = c;
    let sum = 0;
    for (let i = begin; i < end; i++) {
      const found = reference[i]! > 0 ? reference[i]! : 0;
      const at = (found >> 1) << RECORD_SHIFT;
      sum ^= words[at + ((found & 1) << 4)]! ^ words[at + C_PROTO]! ^ words[at + C_STATUS]!;
    }
    this.touched ^= sum;
  }
}
