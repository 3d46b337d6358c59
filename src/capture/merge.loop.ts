import type { Batch } from '../batch/batch.ts';

/** Indices in the result words of `takeRows`. */
export const TAKE_ROW = 0;
export const TAKE_END = 1;
export const TAKE_WORDS = 2;

/**
 * Takes rows [row, …) of `from` into the rows of `to` from `to.count` on, as long as they are not later than
 * `limitNs` (equal ones only if `equalToo`), and as there are rows and data bytes left in `to`. Only columns are
 * copied: the packets' bytes follow in one piece for many packets, so the `dataOffset` of the new rows is still
 * that of `from`, and `piece` is noted for each.
 *
 * `end` is the end in from's data of what was taken into this piece before, and `free` how many bytes may be added.
 * Writes the first row not taken and the new end to `result`.
 */
export function takeRows(
  from: Batch,
  row: number,
  end: number,
  to: Batch,
  limitNs: number,
  equalToo: boolean,
  free: number,
  piece: number,
  pieceOf: Uint32Array,
  result: Float64Array,
): void {
  const a = from.columns;
  const b = to.columns;
  const rows = from.count;
  const { capacity } = to;
  const lastEnd = end + free;
  let out = to.count;
  while (row < rows && out < capacity) {
    const timeNs = a.timeNs[row]!;
    if (timeNs > limitNs || (timeNs === limitNs && !equalToo)) break;
    const captured = a.capLen[row]!;
    const begin = a.dataOffset[row]!;
    if (begin + captured > lastEnd) break;
    end = begin + captured;
    b.timeNs[out] = timeNs;
    b.dataOffset[out] = begin;
    b.capLen[out] = captured;
    b.origLen[out] = a.origLen[row]!;
    b.source[out] = a.source[row]!;
    b.linktype[out] = a.linktype[row]!;
    b.recordDirection[out] = a.recordDirection[row]!;
    b.timeInvalid[out] = a.timeInvalid[row]!;
    pieceOf[out] = piece;
    row++;
    out++;
  }
  to.count = out;
  result[TAKE_ROW] = row;
  result[TAKE_END] = end;
}

/** Moves each row's data offset from its capture's data to where its piece was copied. */
export function shiftOffsets(batch: Batch, pieceOf: Uint32Array, shiftOf: ArrayLike<number>): void {
  const { dataOffset } = batch.columns;
  const rows = batch.count;
  for (let i = 0; i < rows; i++) dataOffset[i] = dataOffset[i]! + shiftOf[pieceOf[i]!]!;
}
