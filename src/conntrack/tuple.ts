import { hashTuple4, hashTuple6, mix32 } from '../base/hash.ts';
import {
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../packet/packet.ts';

/**
 * Tuples: the key by which a packet finds its connection. A tuple lies in an Int32Array as TUPLE_* of
 * packet/conntrack-access.ts say: both addresses, both ports (ICMP: identifier, and type << 8 | code), then
 * protocol and family in one word. Registers have the addresses in the same order, so a packet's own addresses
 * serve as the tuple's without being copied.
 */

/** The last word of a tuple's key. */
export function protoWord(l4proto: number, family: number): number {
  return l4proto | (family << 8);
}

/** Hash of a tuple in a zone. Addresses at `at` of `words`: 4 of the source, 4 of the destination. */
export function tupleHash(
  words: Int32Array,
  at: number,
  sport: number,
  dport: number,
  proto: number,
  zone: number,
): number {
  const h =
    proto >> 8 === 4
      ? hashTuple4(words[at]!, words[at + 4]!, sport, dport, proto & 255)
      : hashTuple6(words, at, words, at + 4, sport, dport, proto & 255);
  return zone === 0 ? h : mix32(h ^ Math.imul(zone, 0x9e3779b1));
}

/** Type + 1 of the ICMP message that answers a type, 0 when none does (nf_conntrack_proto_icmp.c, invmap). */
const ICMP_INVERSE = new Uint8Array(256);
for (const [query, reply] of [
  [8, 0], // echo
  [13, 14], // time stamp
  [15, 16], // information
  [17, 18], // address mask
] as const) {
  ICMP_INVERSE[query] = reply + 1;
  ICMP_INVERSE[reply] = query + 1;
}

/** As ICMP_INVERSE, for ICMPv6 (nf_conntrack_proto_icmpv6.c, invmap): echo and node information. */
const ICMPV6_INVERSE = new Uint8Array(256);
for (const [query, reply] of [
  [128, 129],
  [139, 140],
] as const) {
  ICMPV6_INVERSE[query] = reply + 1;
  ICMPV6_INVERSE[reply] = query + 1;
}

/**
 * nf_ct_invert_tuple(): writes the tuple of the answers to the tuple at `from` into `out` at `to` (the two may
 * not overlap). False when there can be none: an ICMP message that is no query and no answer.
 */
export function invertTuple(out: Int32Array, to: number, words: Int32Array, from: number): boolean {
  for (let i = 0; i < 4; i++) {
    out[to + TUPLE_SADDR + i] = words[from + TUPLE_DADDR + i]!;
    out[to + TUPLE_DADDR + i] = words[from + TUPLE_SADDR + i]!;
  }
  const proto = words[from + TUPLE_PROTO]!;
  const sport = words[from + TUPLE_SPORT]!;
  const dport = words[from + TUPLE_DPORT]!;
  out[to + TUPLE_PROTO] = proto;
  const l4proto = proto & 255;
  if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) {
    const inverse = (l4proto === IPPROTO_ICMP ? ICMP_INVERSE : ICMPV6_INVERSE)[dport >> 8]!;
    if (inverse === 0) return false;
    out[to + TUPLE_SPORT] = sport;
    out[to + TUPLE_DPORT] = ((inverse - 1) << 8) | (dport & 255);
    return true;
  }
  out[to + TUPLE_SPORT] = dport;
  out[to + TUPLE_DPORT] = sport;
  return true;
}

/** True when the tuples at `i` and `j` are the same (zones aside). */
export function sameTuple(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  for (let k = 0; k <= TUPLE_PROTO; k++) if (a[i + k] !== b[j + k]) return false;
  return true;
}
