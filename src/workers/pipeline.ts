import type { Batch } from '../batch/batch.ts';
import { ECHO_LINK_BYTES, ECHO_LINK_PACKETS } from '../direction/direction-stage.ts';

/**
 * The queue between the direction stage and the ordered stage: a batch is handed on when ECHO_LINK_PACKETS packets or
 * ECHO_LINK_BYTES captured bytes behind it have been sorted (or the input is at its end), so that the echo of each of
 * its packets is known, whatever the size of batches; and so are the other fragments of a packet that this host made.
 */
export class LookAhead {
  readonly #queue: Batch[] = [];
  /** Captured bytes up to the end of each batch in the queue. */
  readonly #ends: number[] = [];
  #rows = 0;
  #position = 0;
  readonly #linksEchoes: boolean;
  readonly #mostBatches: number;

  /**
   * `linksEchoes`: false where none are looked for, and batches without own fragments are handed on at once. `mostBatches`: so many may be
   * held; where they are too few (a file with little in it but what is passed over), some echoes come too late.
   */
  constructor(linksEchoes: boolean, mostBatches = Number.POSITIVE_INFINITY) {
    this.#linksEchoes = linksEchoes;
    this.#mostBatches = mostBatches;
  }

  /** `position`: captured bytes of all packets up to the end of the batch. */
  push(batch: Batch, position: number): void {
    this.#queue.push(batch);
    this.#ends.push(position);
    this.#rows += batch.count;
    this.#position = position;
  }

  /** The next batch that may be replayed, undefined when more must be sorted first. */
  next(isEnd: boolean): Batch | undefined {
    const batch = this.#queue[0];
    if (batch === undefined || !(isEnd || this.#isReady(batch))) return undefined;
    this.#queue.shift();
    this.#ends.shift();
    this.#rows -= batch.count;
    return batch;
  }

  #isReady(batch: Batch): boolean {
    if (!(this.#linksEchoes || batch.hasOwnFragments) || this.#queue.length >= this.#mostBatches) return true;
    if (this.#rows - batch.count >= ECHO_LINK_PACKETS) return true;
    return this.#position - this.#ends[0]! >= ECHO_LINK_BYTES;
  }

  /** Batches behind the one that `next` gave. */
  get ahead(): readonly Batch[] {
    return this.#queue;
  }
}
