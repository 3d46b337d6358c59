/** Integer hashes. All take and give 32-bit integers (signed; use `>>> 0` where an unsigned one is needed). */

/** Finalizer of MurmurHash3: every input bit changes every output bit with a probability near one half. */
export function mix32(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Hash of the first `words` words of a key. */
export function hashKey(key: Int32Array, words: number): number {
  let h = 0x9e3779b1;
  for (let i = 0; i < words; i++) {
    h = Math.imul(h ^ key[i]!, 0x85ebca77);
    h = (h << 13) | (h >>> 19);
  }
  return mix32(h);
}

/**
 * Hash of an IPv4 connection tuple in one direction: it is not symmetric, since conntrack enters each
 * connection under both of its tuples. Addresses are 32-bit words in host order, ports 0..65535.
 */
export function hashTuple4(
  saddr: number,
  daddr: number,
  sport: number,
  dport: number,
  l4proto: number,
): number {
  let h = Math.imul(saddr, 0x9e3779b1) ^ Math.imul(daddr, 0x85ebca77);
  h ^= Math.imul((sport << 16) | dport, 0xc2b2ae3d);
  return mix32(h + Math.imul(l4proto, 0x27d4eb2f));
}

/** As hashTuple4, of an IPv6 tuple: `s` and `d` hold the addresses as four 32-bit words each at `si` and `di`. */
export function hashTuple6(
  s: Int32Array,
  si: number,
  d: Int32Array,
  di: number,
  sport: number,
  dport: number,
  l4proto: number,
): number {
  let h = Math.imul(s[si], 0x9e3779b1) + 0x165667b1;
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ s[si + 1];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ s[si + 2];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ s[si + 3];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ d[di];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ d[di + 1];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ d[di + 2];
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca77) ^ d[di + 3];
  h ^= Math.imul((sport << 16) | dport, 0xc2b2ae3d);
  return mix32(h + Math.imul(l4proto, 0x27d4eb2f));
}
