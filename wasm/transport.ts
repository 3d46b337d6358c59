/** Transport headers of the fast path, and the verdict over their checksums. */
import { big16, big32x4 } from './bytes';
import { fold, internetSum } from './internet-sum';
import {
  AT_CHECKSUM,
  AT_DATA,
  AT_DPORT,
  AT_L4_OFFSET,
  AT_PAYLOAD_BYTES,
  AT_PLAIN,
  AT_SPORT,
  AT_TCP_ACK,
  AT_TCP_FLAGS,
  AT_TCP_SACK,
  AT_TCP_SEQ,
  AT_TCP_WINDOW,
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNKNOWN,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
} from './layout';
import { highestSack } from './tcp-sack';

const TCP_BYTES: u32 = 20;
/** Of UDP and ICMP. */
const SHORT_BYTES: u32 = 8;
/** More than internetSum adds. */
const MOST_BYTES: u32 = 1 << 18;

/** ICMP types with an identifier, one bit a type (src/decode/icmp.ts); and ICMPv6 types, from 128 on (icmpv6.ts). */
export const ICMP_QUERIES: u32 = 0x0007e101;
const ICMPV6_QUERIES: u32 = 0x00001803;

/**
 * Source port << 16 | destination port, or what stands for them: of ICMP the identifier, and type << 8 | code. `first`
 * and `second` are the header's first two words.
 */
export function portsOf(l4proto: u32, first: u32, second: u32): u32 {
  if (l4proto === IPPROTO_ICMP) {
    const type = first >>> 24;
    const isQuery = type < 32 && ((ICMP_QUERIES >>> type) & 1) !== 0;
    return (first >>> 16) | (isQuery ? second & 0xffff0000 : 0);
  }
  if (l4proto === IPPROTO_ICMPV6) {
    const type = (first >>> 24) - 128;
    const isQuery = type < 32 && ((ICMPV6_QUERIES >>> type) & 1) !== 0;
    return (first >>> 16) | (isQuery ? second & 0xffff0000 : 0);
  }
  return first;
}

/**
 * The header at `l4` in the data area: the packet has `length` bytes from it on, `captured` of them are there. `pseudo`
 * is the sum of both addresses in the memory's order; `plainTcp` is PLAIN_TCP4 or PLAIN_TCP6. False when it is for row.ts.
 */
export function decodeTransport(
  batch: usize,
  i: u32,
  l4: u32,
  length: u32,
  captured: u32,
  l4proto: u32,
  ports: u32,
  pseudo: u64,
  verify: bool,
  plainTcp: u32,
): bool {
  const header = batch + l4 + AT_DATA;
  const p1 = batch + i;
  const p2 = batch + 2 * i;
  const p4 = batch + 4 * i;
  let plain: u32 = 0;
  let payloadBytes: u32 = 0;
  let flags: u32 = 0;
  let window: u32 = 0;
  let seq: u32 = 0;
  let ack: u32 = 0;
  let sack: u32 = 0;
  if (l4proto === IPPROTO_TCP) {
    if (captured < TCP_BYTES) return false;
    const words = big32x4(header + 4);
    seq = i32x4.extract_lane(words, 0);
    ack = i32x4.extract_lane(words, 1);
    const third: u32 = i32x4.extract_lane(words, 2);
    flags = third >>> 16;
    window = third;
    const headerBytes = (third >>> 28) * 4;
    if (headerBytes >= TCP_BYTES && headerBytes <= length) {
      plain = plainTcp;
      payloadBytes = length - headerBytes;
      sack = headerBytes === TCP_BYTES ? ack : highestSack(header, headerBytes, header + captured, ack);
    }
  } else if (l4proto === IPPROTO_UDP) {
    if (captured < SHORT_BYTES) return false;
    const stated = big16(header + 4);
    if (stated >= SHORT_BYTES && stated <= length) {
      plain = plainTcp + 1;
      payloadBytes = length - SHORT_BYTES;
    }
  } else {
    if ((l4proto !== IPPROTO_ICMP && l4proto !== IPPROTO_ICMPV6) || captured < SHORT_BYTES) return false;
    // Echo requests and replies: ICMP 8 and 0, ICMPv6 128 and 129.
    const type = (ports >>> 8) & 0xff;
    if (l4proto === IPPROTO_ICMP) plain = (type & ~8) === 0 ? PLAIN_ECHO4 : 0;
    else plain = (type & ~1) === 128 ? PLAIN_ECHO6 : 0;
  }

  let checksum = CHECKSUM_UNKNOWN;
  if (verify) {
    if (length > MOST_BYTES) return false;
    checksum = verdictOf(header, length, l4proto, pseudo, plainTcp === PLAIN_TCP4);
  }
  store<u8>(p1, checksum, AT_CHECKSUM);
  store<u8>(p1, plain, AT_PLAIN);
  store<u8>(p1, flags, AT_TCP_FLAGS);
  store<u16>(p2, ports >>> 16, AT_SPORT);
  store<u16>(p2, ports, AT_DPORT);
  store<u16>(p2, window, AT_TCP_WINDOW);
  store<u32>(p4, l4, AT_L4_OFFSET);
  store<u32>(p4, payloadBytes, AT_PAYLOAD_BYTES);
  store<u32>(p4, seq, AT_TCP_SEQ);
  store<u32>(p4, ack, AT_TCP_ACK);
  store<u32>(p4, sack, AT_TCP_SACK);
  return true;
}

/** CHECKSUM_* of a whole segment, as verdictOf of src/decode/checksum.loop.ts; `addresses` as decodeTransport has it. */
function verdictOf(header: usize, bytes: u32, l4proto: u32, addresses: u64, isIpv4: bool): u32 {
  if (l4proto === IPPROTO_ICMP)
    return fold(internetSum(header, bytes)) === 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
  const withoutLength = addresses + (l4proto << 8);
  const pseudo = withoutLength + swap16(bytes) + swap16(bytes >>> 16);
  let stored: u32 = 1;
  if (l4proto === IPPROTO_UDP) {
    stored = load<u16>(header, 6);
    if (stored === 0) return isIpv4 ? CHECKSUM_GOOD : CHECKSUM_PARTIAL;
  }
  if (fold(internetSum(header, bytes) + pseudo) === 0xffff) return CHECKSUM_GOOD;
  if (l4proto === IPPROTO_ICMPV6) return CHECKSUM_BAD;
  if (l4proto === IPPROTO_TCP) stored = load<u16>(header, 16);
  const found = stored % 0xffff;
  const isPartial = stored === 0 || found === fold(pseudo) % 0xffff || found === fold(withoutLength) % 0xffff;
  return isPartial ? CHECKSUM_PARTIAL : CHECKSUM_BAD;
}

function swap16(half: u32): u32 {
  return ((half & 0xff) << 8) | ((half >>> 8) & 0xff);
}
