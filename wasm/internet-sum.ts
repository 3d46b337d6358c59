/** The low half of each word. */
const LOW: u32 = 0xffff;

/**
 * One's complement sum (RFC 1071) of `bytes` (at most 2^20) bytes at `at` as 16-bit words in the memory's own, little
 * endian, order; not folded, below 2^37. A sum in this order is the swapped one of the other (RFC 1071, section 2 (B)):
 * whether it is 0xffff, or congruent to another, comes out the same.
 *
 * Reads up to 63 bytes behind the end, and masks them: a loop over the last bytes would cost a mispredicted branch,
 * which is more than all the rest of a short packet.
 */
export function internetSum(at: usize, bytes: u32): u64 {
  const mask = i32x4.splat(LOW);
  let low = i32x4.splat(0);
  let high = i32x4.splat(0);
  for (; bytes >= 64; bytes -= 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    low = i32x4.add(low, i32x4.add(v128.and(a, mask), v128.and(b, mask)));
    low = i32x4.add(low, i32x4.add(v128.and(c, mask), v128.and(d, mask)));
    high = i32x4.add(high, i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16)));
    high = i32x4.add(high, i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16)));
    at += 64;
  }
  const left = i8x16.splat(<i8>bytes);
  const a = v128.and(
    v128.load(at),
    i8x16.gt_s(left, i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)),
  );
  const b = v128.and(
    v128.load(at, 16),
    i8x16.gt_s(left, i8x16(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)),
  );
  const c = v128.and(
    v128.load(at, 32),
    i8x16.gt_s(left, i8x16(32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47)),
  );
  const d = v128.and(
    v128.load(at, 48),
    i8x16.gt_s(left, i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63)),
  );
  low = i32x4.add(low, i32x4.add(v128.and(a, mask), v128.and(b, mask)));
  low = i32x4.add(low, i32x4.add(v128.and(c, mask), v128.and(d, mask)));
  high = i32x4.add(high, i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16)));
  high = i32x4.add(high, i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16)));
  return lanes(low) + lanes(high);
}

function lanes(words: v128): u64 {
  const both = i64x2.add(i64x2.extend_low_i32x4_u(words), i64x2.extend_high_i32x4_u(words));
  return i64x2.extract_lane(both, 0) + i64x2.extract_lane(both, 1);
}

/** To 16 bits: 0 only for nothing but zeros, 0xffff for any other multiple of it. */
export function fold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >>> 32);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return <u32>((sum & 0xffff) + (sum >>> 16));
}
