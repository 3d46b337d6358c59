import type { Batch } from '../batch/batch.ts';

/**
 * Copies rows [row, …) of `from` behind the `to.count` rows of `to`, as long as they are not later than
 * `limitNs` (equal ones only if `equalToo`) and there is room for rows and bytes. Returns the first row not taken.
 * `used` is how many bytes of to's data are taken; `bytes` are from.data and to.data as Buffers.
 */
export function takeRows(
  from: Batch,
  fromBytes: Buffer,
  row: number,
  to: Batch,
  toBytes: Buffer,
  used: number,
  limitNs: number,
  equalToo: boolean,
): number {
  const a = from.columns;
  const b = to.columns;
  const rows = from.count;
  const { capacity } = to;
  const dataBytes = toBytes.length;
  let out = to.count;
  while (row < rows && out < capacity) {
    const timeNs = a.timeNs[row]!;
    if (timeNs > limitNs || (timeNs === limitNs && !equalToo)) break;
    const captured = a.capLen[row]!;
    if (captured > dataBytes - used) break;
    const begin = a.dataOffset[row]!;
    fromBytes.copy(toBytes, used, begin, begin + captured);
    b.timeNs[out] = timeNs;
    b.dataOffset[out] = used;
    b.capLen[out] = captured;
    b.origLen[out] = a.origLen[row]!;
    b.source[out] = a.source[row]!;
    b.linktype[out] = a.linktype[row]!;
    b.recordDirection[out] = a.recordDirection[row]!;
    b.timeInvalid[out] = a.timeInvalid[row]!;
    used += captured;
    row++;
    out++;
  }
  to.count = out;
  return row;
}
