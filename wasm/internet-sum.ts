/** The low half of each word. */
const LOW: u32 = 0xffff;

/**
 * One's complement sum (RFC 1071) of `bytes` (at most 2^18) bytes at `at` as 16-bit words in the memory's own, little
 * endian, order; not folded, below 2^34. A sum in this order is the swapped one of the other (RFC 1071, section 2 (B)):
 * whether it is 0xffff, or congruent to another, comes out the same.
 *
 * Reads up to 63 bytes behind the end, and masks them: a loop over the last bytes would cost a mispredicted branch,
 * which is more than all the rest of a short packet.
 */
export function internetSum(at: usize, bytes: u32): u64 {
  const mask = i32x4.splat(LOW);
  let low = i32x4.splat(0);
  let high = i32x4.splat(0);
  // A loop that is jumped over costs less than one that ends at once.
  if (bytes >= 64) {
    do {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      const c = v128.load(at, 32);
      const d = v128.load(at, 48);
      low = i32x4.add(low, i32x4.add(v128.and(a, mask), v128.and(b, mask)));
      low = i32x4.add(low, i32x4.add(v128.and(c, mask), v128.and(d, mask)));
      high = i32x4.add(high, i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16)));
      high = i32x4.add(high, i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16)));
      at += 64;
      bytes -= 64;
    } while (bytes >= 64);
  }
  const a = v128.and(v128.load(at), firstOf(bytes));
  const b = v128.and(v128.load(at, 16), firstOf(bytes - 16));
  const c = v128.and(v128.load(at, 32), firstOf(bytes - 32));
  const d = v128.and(v128.load(at, 48), firstOf(bytes - 48));
  low = i32x4.add(low, i32x4.add(v128.and(a, mask), v128.and(b, mask)));
  low = i32x4.add(low, i32x4.add(v128.and(c, mask), v128.and(d, mask)));
  high = i32x4.add(high, i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16)));
  high = i32x4.add(high, i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16)));
  // A lane has 2^14 vectors at most, of which each adds two times 16 bits.
  return lanes(i32x4.add(low, high));
}

/** Ones in so many of the first bytes (-48 to 63). */
function firstOf(bytes: u32): v128 {
  return i8x16.gt_s(i8x16.splat(<i8>bytes), i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

function lanes(words: v128): u64 {
  const both = i64x2.add(i64x2.extend_low_i32x4_u(words), i64x2.extend_high_i32x4_u(words));
  return i64x2.extract_lane(both, 0) + i64x2.extract_lane(both, 1);
}

/** To 16 bits, of a sum below 2^38: 0 only for nothing but zeros, 0xffff for any other multiple of it. */
export function fold(sum: u64): u32 {
  // At most three times 0xffff, and then at most 0xffff + 2.
  const once = <u32>(sum & 0xffff) + (<u32>(sum >>> 16) & 0xffff) + <u32>(sum >>> 32);
  const twice = (once & 0xffff) + (once >>> 16);
  return (twice & 0xffff) + (twice >>> 16);
}
