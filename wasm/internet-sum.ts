const LOW: u32 = 0xffff;

/**
 * One's complement sum (RFC 1071) of `bytes` (at most 2^20) bytes at `at` as 16-bit words in the memory's own, little
 * endian, order; not folded, below 2^40. A sum in this order is the swapped one of the other (RFC 1071, section 2 (B)):
 * whether it is 0xffff, or congruent to another, comes out the same.
 */
export function internetSum(at: usize, bytes: u32): u64 {
  let sum: u64 = 0;
  if (bytes >= 64) {
    let low0 = i32x4.splat(0);
    let low1 = i32x4.splat(0);
    let high0 = i32x4.splat(0);
    let high1 = i32x4.splat(0);
    const mask = i32x4.splat(LOW);
    const stop = at + (bytes & ~31);
    for (; at < stop; at += 32) {
      const one = v128.load(at);
      const two = v128.load(at, 16);
      low0 = i32x4.add(low0, v128.and(one, mask));
      low1 = i32x4.add(low1, v128.and(two, mask));
      high0 = i32x4.add(high0, i32x4.shr_u(one, 16));
      high1 = i32x4.add(high1, i32x4.shr_u(two, 16));
    }
    sum = lanes(low0) + lanes(low1) + lanes(high0) + lanes(high1);
    bytes &= 31;
  }
  for (; bytes >= 8; bytes -= 8) {
    const word = load<u64>(at);
    sum += (word & 0xffffffff) + (word >>> 32);
    at += 8;
  }
  if (bytes & 4) {
    sum += load<u32>(at);
    at += 4;
  }
  if (bytes & 2) {
    sum += load<u16>(at);
    at += 2;
  }
  if (bytes & 1) sum += load<u8>(at);
  return sum;
}

function lanes(words: v128): u64 {
  const low = i64x2.extend_low_i32x4_u(words);
  const both = i64x2.add(low, i64x2.extend_high_i32x4_u(words));
  return i64x2.extract_lane(both, 0) + i64x2.extract_lane(both, 1);
}

/** To 16 bits: 0 only for nothing but zeros, 0xffff for any other multiple of it. */
export function fold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >>> 32);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return <u32>((sum & 0xffff) + (sum >>> 16));
}
