/**
 * Whose a packet is, told from its headers as they lie in the data, before anything is decoded: src/decode/share.ts says
 * what shares are, and must agree (test/decode/share.test.ts).
 */
import { big16, big32, big32x4 } from './bytes';
import { NO_OPTIONS } from './ip';
import { ECHO_REPLY6, ECHO_REQUEST6 } from './kinds';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from './layout';
import { ICMP_QUERIES } from './transport';

/** Not known here: src/decode/share.ts has to look. */
export const UNDEALT: i32 = -1;

function shareOf(key: i32, count: u32): i32 {
  return <i32>((<u64>(<u32>(key * 0x9e3779b1)) * <u64>count) >> 32);
}

/** With the ports of TCP, in both orders the same: `ports` as they lie in the packet. */
function withPorts(key: i32, ports: u32): i32 {
  return key + ((ports ^ (ports >>> 16)) & 0xffff) * 0x85ebca77;
}

function folded(words: v128): i32 {
  let h = i32x4.extract_lane(words, 0);
  h = (h * 0x9e3779b1) ^ i32x4.extract_lane(words, 1);
  h = (h * 0x9e3779b1) ^ i32x4.extract_lane(words, 2);
  return (h * 0x9e3779b1) ^ i32x4.extract_lane(words, 3);
}

/** Fragment offset and "more fragments", as the memory has them. */
const FRAGMENT_STORED: u32 = 0xff3f;

/**
 * The share of TCP or UDP over IPv4, by addresses, of which 28 bytes or more lie at `header`; UNDEALT when it is anything else.
 * Each packet of a capture goes through it in each thread, which is why nothing is brought into another order for it.
 */
export function ownerOfPlain(header: usize, count: u32): i32 {
  const l4proto: u32 = load<u8>(header, 9);
  const isTcp = <i32>(l4proto === IPPROTO_TCP);
  const isOther = (isTcp | <i32>(l4proto === IPPROTO_UDP)) ^ 1;
  const odd = (<i32>load<u8>(header) ^ NO_OPTIONS) | (<i32>load<u16>(header, 6) & FRAGMENT_STORED) | isOther;
  if (odd !== 0) return UNDEALT;
  return byAddresses(header, isTcp !== 0, count);
}

function byAddresses(header: usize, isTcp: bool, count: u32): i32 {
  const key = load<i32>(header, 12) ^ load<i32>(header, 16);
  return shareOf(select<i32>(withPorts(key, load<u32>(header, 20)), key, isTcp), count);
}

/** The share of an IPv4 packet of which `captured` bytes lie at `header`, or UNDEALT. */
export function ownerOfIpv4(header: usize, captured: u32, count: u32, byPorts: bool): i32 {
  // With the first word of the transport header, which a packet of interest has.
  if (captured < 28 || load<u8>(header) !== NO_OPTIONS || (load<u16>(header, 6) & FRAGMENT_STORED) !== 0)
    return UNDEALT;
  const l4proto: u32 = load<u8>(header, 9);
  const words = big32x4(header + 12);
  const ports: u32 = i32x4.extract_lane(words, 2);
  if (!hasPorts(l4proto)) {
    if (l4proto !== IPPROTO_ICMP || ports >>> 24 > 31 || ((ICMP_QUERIES >>> (ports >>> 24)) & 1) === 0)
      return UNDEALT;
    if (byPorts) return shareOf((l4proto << 16) | (<u32>i32x4.extract_lane(words, 3) >>> 16), count);
  } else if (byPorts) return shareOf((l4proto << 16) | greater(ports), count);
  return byAddresses(header, l4proto === IPPROTO_TCP, count);
}

/** The same for an IPv6 packet. */
export function ownerOfIpv6(header: usize, captured: u32, count: u32, byPorts: bool): i32 {
  if (captured < 48 || load<u8>(header) >>> 4 !== 6) return UNDEALT;
  const l4proto: u32 = load<u8>(header, 6);
  const ports = big32(header + 40);
  if (!hasPorts(l4proto)) {
    const type = ports >>> 24;
    if (l4proto !== IPPROTO_ICMPV6 || (type !== ECHO_REQUEST6 && type !== ECHO_REPLY6)) return UNDEALT;
    if (byPorts) return shareOf((l4proto << 16) | big16(header + 44), count);
  } else if (byPorts) return shareOf((l4proto << 16) | greater(ports), count);
  const key = folded(big32x4(header + 8)) ^ folded(big32x4(header + 24));
  return shareOf(select<i32>(withPorts(key, load<u32>(header, 40)), key, l4proto === IPPROTO_TCP), count);
}

/** Without a jump: which of the two it is cannot be guessed. */
function hasPorts(l4proto: u32): bool {
  return <bool>(<i32>(l4proto === IPPROTO_TCP) | <i32>(l4proto === IPPROTO_UDP));
}

/** The greater one of both ports. */
function greater(ports: u32): u32 {
  return max<u32>(ports >>> 16, ports & 0xffff);
}
