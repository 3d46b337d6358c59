import type { Batch } from '../batch/batch.ts';

/**
 * Finds the records of one capture format in a block of its bytes. The bytes lie at the start of a batch's data
 * area; `walk` writes the record columns of rows 0.. and says in its fields how far it came.
 */
export interface Walker {
  /** Base of the `timeNs` column; to be set before the first walk whose times matter. */
  setClock(baseNs: bigint): void;
  /** Walks data[0, to). */
  walk(batch: Batch, to: number): void;
  /** Rows written by the last walk. */
  readonly rows: number;
  /** Offset in data of the first byte that was not used up. */
  readonly next: number;
  /** Bytes from `next` on that are needed before the walk can go on (more than there were); 0 when the rows are full. */
  readonly needBytes: number;
  /** What is wrong at `next`, or undefined. */
  readonly damage: string | undefined;
  /** True when bytes of a record were used up already: the file must not end at `next`. */
  readonly amidRecord: boolean;
  /** Where in data the record of row 0 begins, valid when rows > 0. */
  readonly firstRecord: number;
  /** Exact time stamp of row 0, valid when rows > 0; undefined when it has none. */
  firstTimeNs(batch: Batch): bigint | undefined;
  /** What the bytes that are left over at the end of the file were to be, such as "a record header". */
  describeTail(bytes: number): string;
}
