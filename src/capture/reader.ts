import type { Batch } from '../batch/batch.ts';
import type { RunClock } from './clock.ts';
import type { CaptureDamage } from './damage.ts';
import type { CaptureInput } from './input.ts';
import type { Merge } from './merge.ts';
import type { CaptureSource } from './source.ts';

/** How far a reader is. */
export interface CapturePosition {
  /** Bytes read of the files on disk. */
  readonly fileBytes: number;
  /** Bytes of all files on disk; undefined when standard input or a pipe is among them. */
  readonly fileBytesTotal: number | undefined;
  /** Packets handed out. */
  readonly packets: number;
}

/**
 * All captures of a run as one sequence of packets.
 *
 * `fill` writes the record columns and the data of the next packets into a batch (rows 0..n-1), sets
 * `batch.count` and returns n. It returns a plain number when the answer is at hand (one uncompressed file) and a
 * Promise otherwise. When it gives 0, look at `neededDataBytes`:
 *
 *   0       the captures are at their end;
 *   other   the next packet is larger than the batch's data area: call again with a batch of at least so many
 *           data bytes, `allocateBatch(BATCH_CAPACITY, reader.neededDataBytes)`. No packet is ever cut.
 *
 * It may throw a UserError, for a packet of a link type that cannot be replayed.
 */
export class CaptureReader {
  readonly clock: RunClock;
  /** In the order they were met; a pcapng file may add to them with every fill. */
  readonly sources: readonly CaptureSource[];
  /** Where captures broke so far, in the order it was found. */
  readonly damage: readonly CaptureDamage[];
  readonly #from: CaptureInput | Merge;
  readonly #fileBytesTotal: number | undefined;
  #packets = 0;

  constructor(
    from: CaptureInput | Merge,
    clock: RunClock,
    sources: readonly CaptureSource[],
    damage: readonly CaptureDamage[],
    fileBytesTotal: number | undefined,
  ) {
    this.#from = from;
    this.clock = clock;
    this.sources = sources;
    this.damage = damage;
    this.#fileBytesTotal = fileBytesTotal;
  }

  get neededDataBytes(): number {
    return this.#from.neededDataBytes;
  }

  get position(): CapturePosition {
    return {
      fileBytes: this.#from.fileBytes,
      fileBytesTotal: this.#fileBytesTotal,
      packets: this.#packets,
    };
  }

  fill(batch: Batch): number | Promise<number> {
    const rows = this.#from.fill(batch);
    if (typeof rows !== 'number') {
      return rows.then((count) => {
        this.#packets += count;
        return count;
      });
    }
    this.#packets += rows;
    return rows;
  }

  close(): void {
    this.#from.close();
  }
}
