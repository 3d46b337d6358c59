/**
 * Searching for a pattern, as Horspool does: what stands under the pattern's last byte says how far it may move. On
 * payload that does not hold the pattern it looks at one byte in as many as the pattern has.
 *
 * (Nigel Horspool, "Practical fast searching in strings", 1980. The kernel's own, `bm` and `kmp` in lib/ts_bm.c and
 * lib/ts_kmp.c, find the same.)
 */
export interface Search {
  /** With `fold` applied. */
  readonly pattern: Uint8Array;
  /** By byte under the pattern's last: how far to move. */
  readonly moves: Uint8Array;
  /** What a byte counts as. */
  readonly fold: Uint8Array;
}

/** `pattern`: 1 to 255 bytes. */
export function makeSearch(pattern: Uint8Array, ignoreCase: boolean): Search {
  const fold = Uint8Array.from({ length: 256 }, (_, byte) => (ignoreCase ? toUpper(byte) : byte));
  const folded = pattern.map((byte) => fold[byte]!);
  const last = folded.length - 1;
  const byFolded = new Uint8Array(256).fill(folded.length);
  for (let i = 0; i < last; i++) byFolded[folded[i]!] = last - i;
  return { pattern: folded, moves: fold.map((byte) => byFolded[byte]!), fold };
}

/** Where in bytes[begin, end) the pattern begins for the first time, or -1. */
export function search(
  { pattern, moves, fold }: Search,
  bytes: Uint8Array,
  begin: number,
  end: number,
): number {
  const last = pattern.length - 1;
  const lastByte = pattern[last]!;
  for (let tail = begin + last; tail < end; ) {
    const byte = bytes[tail]!;
    if (fold[byte] === lastByte) {
      let i = last - 1;
      const at = tail - last;
      while (i >= 0 && fold[bytes[at + i]!] === pattern[i]) i--;
      if (i < 0) return at;
    }
    tail += moves[byte]!;
  }
  return -1;
}

/** toupper() of the kernel (lib/ctype.c), which knows Latin-1. */
function toUpper(byte: number): number {
  if (byte >= 0x61 && byte <= 0x7a) return byte - 32;
  if (byte >= 0xe0 && byte <= 0xfe && byte !== 0xf7) return byte - 32;
  return byte;
}
