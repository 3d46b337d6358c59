import type { Batch } from '../batch/batch.ts';
import { ECHO_LINK_PACKETS } from '../direction/direction-stage.ts';

/**
 * The queue between the direction stage and the ordered stage: a batch is handed on when ECHO_LINK_PACKETS packets
 * behind it have been sorted (or the input is at its end), so that the echo of each of its packets is known,
 * whatever the size of batches.
 */
export class LookAhead {
  readonly #queue: Batch[] = [];
  #rows = 0;
  readonly #packetsAhead: number;

  /** `linksEchoes`: false where none are looked for, and batches are handed on at once. */
  constructor(linksEchoes: boolean) {
    this.#packetsAhead = linksEchoes ? ECHO_LINK_PACKETS : 0;
  }

  push(batch: Batch): void {
    this.#queue.push(batch);
    this.#rows += batch.count;
  }

  /** The next batch that may be replayed, undefined when more must be sorted first. */
  next(isEnd: boolean): Batch | undefined {
    const batch = this.#queue[0];
    if (batch === undefined || (!isEnd && this.#rows - batch.count < this.#packetsAhead)) return undefined;
    this.#queue.shift();
    this.#rows -= batch.count;
    return batch;
  }

  /** Batches behind the one that `next` gave. */
  get ahead(): readonly Batch[] {
    return this.#queue;
  }
}
