/**
 * Bob Jenkins' lookup3 over words, as include/linux/jhash.h of Linux has it (public domain algorithm, May 2006):
 * jhash2(). The kernel picks an address out of a NAT range and the node of a cluster with it, so it has to be the same to the bit.
 */
const INITIAL = 0xdeadbeef | 0;

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Hash of `count` words at `at`, as a signed 32-bit word. */
export function jhash2(words: Int32Array, at: number, count: number, initial: number): number {
  let a = (INITIAL + (count << 2) + initial) | 0;
  let b = a;
  let c = a;
  let i = at;
  let left = count;
  while (left > 3) {
    a = (a + words[i]!) | 0;
    b = (b + words[i + 1]!) | 0;
    c = (c + words[i + 2]!) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4);
    b = (b + a) | 0;
    i += 3;
    left -= 3;
  }
  if (left === 0) return c;
  if (left === 3) c = (c + words[i + 2]!) | 0;
  if (left >= 2) b = (b + words[i + 1]!) | 0;
  a = (a + words[i]!) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  return ((c ^ b) - rotate(b, 24)) | 0;
}

/** reciprocal_scale(): `word`, as unsigned, scaled into 0 .. range - 1: the upper half of the 64-bit product. */
export function reciprocalScale(word: number, range: number): number {
  const unsigned = word >>> 0;
  // Both factors are below 2^32: the product is exact when taken in halves of 16 bits.
  const low = (unsigned & 0xffff) * range;
  const high = (unsigned >>> 16) * range;
  return Math.floor((high + Math.floor(low / 65536)) / 65536) >>> 0;
}

/** A word as a little-endian machine reads the bytes of one in network order. */
export function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
