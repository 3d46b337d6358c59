/** Bytes whose halves can be added to a 32-bit sum (at most 0xffff * 4 to begin with) before it has to be folded. */
const FOLD_BYTES = 32768;

/**
 * One's complement sum (RFC 1071) of data[at, at + bytes) added to `sum`, folded to 16 bits. `sum` is below 2^20.
 * With the checksum field in place it is 0xffff when the checksum is right.
 */
export function internetSum(view: DataView, at: number, bytes: number, sum: number): number {
  const end = at + bytes;
  while (at < end) {
    const stop = Math.min(end, at + FOLD_BYTES);
    const words = stop - 15;
    for (; at < words; at += 16) {
      const a = view.getUint32(at);
      const b = view.getUint32(at + 4);
      const c = view.getUint32(at + 8);
      const d = view.getUint32(at + 12);
      sum =
        (sum +
          (a & 0xffff) +
          (a >>> 16) +
          (b & 0xffff) +
          (b >>> 16) +
          (c & 0xffff) +
          (c >>> 16) +
          (d & 0xffff) +
          (d >>> 16)) |
        0;
    }
    for (; at < stop - 1; at += 2) sum = (sum + view.getUint16(at)) | 0;
    if (at < stop) sum = (sum + (view.getUint8(at++) << 8)) | 0;
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}
