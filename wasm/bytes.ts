/**
 * Big endian words. WebAssembly has no instruction that swaps bytes: for many of them at once one that moves bytes is cheaper,
 * a swizzle and not a shuffle, of which V8 makes five instructions.
 */

export function big16(at: usize): u32 {
  const word: u32 = load<u16>(at);
  return ((word & 0xff) << 8) | (word >>> 8);
}

export function big32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

/** Four words. */
export function big32x4(at: usize): v128 {
  return i8x16.swizzle(v128.load(at), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}
