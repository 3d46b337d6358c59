/**
 * Captured bytes of one record at most: a record that claims more is damage. Linux' BIG TCP makes packets of half
 * a megabyte, Wireshark's wiretap stops at 16 MiB for a block.
 */
export const MAX_CAPTURED_BYTES = 16 << 20;

/**
 * libpcap's MAXIMUM_SNAPLEN: files are known to hold records longer than the snap length in their header, so up
 * to here that header is not believed.
 */
export const TOLERATED_SNAPLEN = 262144;

/** Captured bytes of one record at most, in a file or interface of that snap length (0: none is stated). */
export function maxCapturedBytes(snaplen: number): number {
  if (snaplen === 0) return MAX_CAPTURED_BYTES;
  return Math.min(MAX_CAPTURED_BYTES, Math.max(snaplen, TOLERATED_SNAPLEN));
}
