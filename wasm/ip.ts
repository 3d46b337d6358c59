/**
 * IPv4 and IPv6 headers of the fast path. `l3` is the header's offset in the data area, from which on `captured` bytes
 * were captured and `onWire` were on the wire. False when the packet is for row.ts; what was written then is of no matter.
 */
import { big32x4 } from './bytes';
import { hashTuple4, hashTuple6 } from './hash';
import { fold } from './internet-sum';
import {
  AT_DADDR,
  AT_DATA,
  AT_DECODE_FLAGS,
  AT_FAMILY,
  AT_IP_ID,
  AT_L3_CAP_LEN,
  AT_L4PROTO,
  AT_LENGTH,
  AT_SADDR,
  AT_TOS,
  AT_TTL,
  AT_TUPLE_HASH,
  DECODE_DONT_FRAGMENT,
  DECODE_PAYLOAD_CUT,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  PLAIN_TCP4,
  PLAIN_TCP6,
} from './layout';
import { decodeTransport, portsOf } from './transport';

const IPV4_BYTES: u32 = 20;
const IPV6_BYTES: u32 = 40;
/** Version 4, header length 5 words. */
export const NO_OPTIONS: u32 = 0x45;
const DONT_FRAGMENT = 0x4000;
/** "More fragments" and the offset. */
export const FRAGMENT: u32 = 0x3fff;

/** The two halves of a long word, added. */
function both(word: u64): u64 {
  return (word & 0xffffffff) + (word >>> 32);
}

export function decodeIpv4(
  batch: usize,
  i: u32,
  l3: u32,
  captured: u32,
  onWire: u32,
  linkFlags: u32,
  verify: bool,
): bool {
  if (captured < IPV4_BYTES) return false;
  const header = batch + l3 + AT_DATA;
  const first = big32x4(header);
  const word0 = i32x4.extract_lane(first, 0);
  const word1 = i32x4.extract_lane(first, 1);
  const word2 = i32x4.extract_lane(first, 2);
  const saddr = i32x4.extract_lane(first, 3);
  const second = big32x4(header + 16);
  const daddr = i32x4.extract_lane(second, 0);
  const total: u32 = word0 & 0xffff;
  if (word0 >>> 24 !== NO_OPTIONS || (word1 & FRAGMENT) !== 0 || total > onWire || total < IPV4_BYTES)
    return false;
  // In the memory's order, as internetSum adds.
  const addresses = both(load<u64>(header, 12));
  if (verify) {
    const others = both(load<u64>(header)) + load<u32>(header, 8);
    if (fold(others + addresses) !== 0xffff) return false;
  }
  const l4proto: u32 = (word2 >>> 16) & 0xff;
  const kept = min<u32>(captured, total);
  const isCut = kept < total;
  const pseudo = l4proto === IPPROTO_ICMP ? 0 : addresses;
  const ports = portsOf(l4proto, i32x4.extract_lane(second, 1), i32x4.extract_lane(second, 2));
  let flags = linkFlags;
  if ((word1 & DONT_FRAGMENT) !== 0) flags |= DECODE_DONT_FRAGMENT;
  if (isCut) flags |= DECODE_PAYLOAD_CUT;
  const p1 = batch + i;
  const p4 = batch + 4 * i;
  const p16 = batch + 16 * i;
  store<u8>(p1, 4, AT_FAMILY);
  store<u8>(p1, l4proto, AT_L4PROTO);
  store<u8>(p1, word0 >>> 16, AT_TOS);
  store<u8>(p1, word2 >>> 24, AT_TTL);
  store<u16>(batch + 2 * i, flags, AT_DECODE_FLAGS);
  store<u32>(p4, kept, AT_L3_CAP_LEN);
  store<u32>(p4, total, AT_LENGTH);
  store<u32>(p4, word1 >>> 16, AT_IP_ID);
  const none = i32x4.splat(0);
  v128.store(p16, i32x4.replace_lane(none, 0, saddr), AT_SADDR);
  v128.store(p16, i32x4.replace_lane(none, 0, daddr), AT_DADDR);
  store<i32>(p4, hashTuple4(saddr, daddr, ports, l4proto), AT_TUPLE_HASH);
  if (l4proto === IPPROTO_ICMPV6) return false;
  const l4 = l3 + IPV4_BYTES;
  const judge = verify && !isCut;
  return decodeTransport(
    batch,
    i,
    l4,
    total - IPV4_BYTES,
    kept - IPV4_BYTES,
    l4proto,
    ports,
    pseudo,
    judge,
    PLAIN_TCP4,
  );
}

export function decodeIpv6(
  batch: usize,
  i: u32,
  l3: u32,
  captured: u32,
  onWire: u32,
  linkFlags: u32,
  verify: bool,
): bool {
  if (captured < IPV6_BYTES) return false;
  const header = batch + l3 + AT_DATA;
  const first = big32x4(header);
  const word0 = i32x4.extract_lane(first, 0);
  const word1 = i32x4.extract_lane(first, 1);
  const payload: u32 = word1 >>> 16;
  if (word0 >>> 28 !== 6 || payload === 0 || payload + IPV6_BYTES > onWire) return false;
  const saddr = big32x4(header + 8);
  const daddr = big32x4(header + 24);
  if (isSpecial(saddr) || isSpecial(daddr)) return false;
  const l4proto: u32 = (word1 >>> 8) & 0xff;
  const kept = min<u32>(captured, payload + IPV6_BYTES);
  const isCut = kept < payload + IPV6_BYTES;
  let pseudo: u64 = 0;
  if (verify) {
    for (let k: u32 = 8; k < 40; k += 8) {
      pseudo += both(load<u64>(header + k));
    }
  }
  const behind = big32x4(header + 40);
  const ports = portsOf(l4proto, i32x4.extract_lane(behind, 0), i32x4.extract_lane(behind, 1));
  const p1 = batch + i;
  const p4 = batch + 4 * i;
  const p16 = batch + 16 * i;
  store<u8>(p1, 6, AT_FAMILY);
  store<u8>(p1, l4proto, AT_L4PROTO);
  store<u8>(p1, word0 >>> 20, AT_TOS);
  store<u8>(p1, word1, AT_TTL);
  store<u16>(batch + 2 * i, isCut ? linkFlags | DECODE_PAYLOAD_CUT : linkFlags, AT_DECODE_FLAGS);
  store<u32>(p4, kept, AT_L3_CAP_LEN);
  store<u32>(p4, payload + IPV6_BYTES, AT_LENGTH);
  store<u32>(p4, word0 & 0xfffff, AT_IP_ID);
  v128.store(p16, saddr, AT_SADDR);
  v128.store(p16, daddr, AT_DADDR);
  store<i32>(p4, hashTuple6(saddr, daddr, ports, l4proto), AT_TUPLE_HASH);
  if (l4proto === IPPROTO_ICMP) return false;
  const l4 = l3 + IPV6_BYTES;
  return decodeTransport(
    batch,
    i,
    l4,
    payload,
    kept - IPV6_BYTES,
    l4proto,
    ports,
    pseudo,
    verify && !isCut,
    PLAIN_TCP6,
  );
}

/** Multicast, or one of ::/96: addresses on which checks of ip6_rcv_core() depend. */
function isSpecial(address: v128): bool {
  const first = i32x4.extract_lane(address, 0);
  return (
    first >>> 24 === 0xff || (first | i32x4.extract_lane(address, 1) | i32x4.extract_lane(address, 2)) === 0
  );
}
