import { BAD_HEADERS, findLastHeader, type LastHeader, UNSEEN_HEADERS } from '../matches/ipv6-headers.ts';
import { type ConntrackAccess, TUPLE_PROTO, TUPLE_SADDR, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import {
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  type Packet,
} from '../packet/packet.ts';
import { R_CT, R_FAMILY, R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';

/** What of a packet or a connection HMARK hashes; struct xt_hmark_info. Words are 32 bits, signed, in host order. */
export interface HmarkFields {
  readonly sourceMask: Int32Array;
  readonly destinationMask: Int32Array;
  /** Of both ports, source << 16 | destination, or of the SPI: bits that are kept, and bits that are set then. */
  readonly portMask: number;
  readonly portSet: number;
}

/** What is hashed: struct hmark_tuple. An IPv6 address is one word, too. */
export interface HmarkTuple {
  source: number;
  destination: number;
  /** The larger port << 16 | the smaller one, so that both directions have the same; 0 where there are none. */
  ports: number;
  protocol: number;
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const ICMP_HEADER_BYTES = 8;
const PORTS_BYTES = 4;
/** IP_MF | IP_OFFSET. */
const FRAGMENT_BITS = 0x3fff;

/** Errors whose quoted packet is hashed in their place. */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** As isIcmpError; type 0 is reserved, and none to the kernel. */
export function isIcmpv6Error(type: number): boolean {
  return type > 0 && type < 128;
}

/** hmark_ct_set_htuple(); false where the packet has no connection. */
export function readConnection(
  fields: HmarkFields,
  p: Packet,
  conntrack: ConntrackAccess,
  tuple: HmarkTuple,
): boolean {
  const ct = p.r[R_CT]!;
  if (ct < 0) return false;
  // A template is an entry of zeros, and its mark a hash of them.
  const { words } = conntrack;
  const original = conntrack.tupleAt(ct, 0);
  const reply = conntrack.tupleAt(ct, 1);
  clear(tuple);
  tuple.source = maskedTupleAddress(words, original + TUPLE_SADDR, fields.sourceMask);
  tuple.destination = maskedTupleAddress(words, reply + TUPLE_SADDR, fields.destinationMask);
  tuple.protocol = words[original + TUPLE_PROTO]! & 255;
  if (tuple.protocol !== IPPROTO_ICMP) {
    const ports = (words[original + TUPLE_SPORT]! << 16) | words[reply + TUPLE_SPORT]!;
    tuple.ports = sortedPorts(fields, ports);
  }
  return true;
}

/**
 * hmark_pkt_set_htuple_ipv4(), hmark_pkt_set_htuple_ipv6(): false where the mark stays as it is, because an ICMP error
 * quotes no whole header, or because the capture ends before what would have to be read.
 */
export function readPacket(fields: HmarkFields, p: Packet, tuple: HmarkTuple): boolean {
  clear(tuple);
  currentBytes(p);
  return p.r[R_FAMILY] === 4 ? readIpv4(fields, p, tuple) : readIpv6(fields, p, tuple);
}

function readIpv4(fields: HmarkFields, p: Packet, tuple: HmarkTuple): boolean {
  const { view, l3Offset } = p;
  let ip = 0;
  if (view.getUint8(l3Offset + 9) === IPPROTO_ICMP) {
    // A later fragment is not told from a whole message here.
    const icmp = headerBytes(p, 0);
    const seen = see(p, icmp, ICMP_HEADER_BYTES);
    if (seen === CUT_OFF) return false;
    if (seen === THERE && isIcmpError(view.getUint8(l3Offset + icmp))) {
      ip = icmp + ICMP_HEADER_BYTES;
      if (see(p, ip, IPV4_HEADER_BYTES) !== THERE) return false;
    }
  }
  const header = l3Offset + ip;
  tuple.source = view.getInt32(header + 12) & fields.sourceMask[0]!;
  tuple.destination = view.getInt32(header + 16) & fields.destinationMask[0]!;
  tuple.protocol = view.getUint8(header + 9);
  if (tuple.protocol === IPPROTO_ICMP || (view.getUint16(header + 6) & FRAGMENT_BITS) !== 0) return true;
  return readPorts(fields, p, ip + headerBytes(p, ip), tuple);
}

/** Bytes of the IPv4 header at `ip`, as it says itself. */
function headerBytes(p: Packet, ip: number): number {
  return 4 * (p.view.getUint8(p.l3Offset + ip) & 15);
}

const last: LastHeader = { protocol: 0, at: 0, isFragment: false };

function readIpv6(fields: HmarkFields, p: Packet, tuple: HmarkTuple): boolean {
  const { view, l3Offset } = p;
  let ip = 0;
  let found = findLastHeader(p, ip, last);
  if (found === UNSEEN_HEADERS) return false;
  // What breaks off is marked by the hash of nothing.
  if (found === BAD_HEADERS) return true;
  if (!last.isFragment && last.protocol === IPPROTO_ICMPV6) {
    const icmp = last.at;
    const seen = see(p, icmp, ICMP_HEADER_BYTES);
    if (seen === CUT_OFF) return false;
    if (seen === THERE && isIcmpv6Error(view.getUint8(l3Offset + icmp))) {
      ip = icmp + ICMP_HEADER_BYTES;
      if (see(p, ip, IPV6_HEADER_BYTES) !== THERE || view.getUint8(l3Offset + ip) >>> 4 !== 6) return false;
      found = findLastHeader(p, ip, last);
      if (found !== 0) return false;
    }
  }
  const header = l3Offset + ip;
  tuple.source = maskedAddress(view, header + 8, fields.sourceMask);
  tuple.destination = maskedAddress(view, header + 24, fields.destinationMask);
  tuple.protocol = last.protocol;
  if (tuple.protocol === IPPROTO_ICMPV6 || last.isFragment) return true;
  return readPorts(fields, p, last.at, tuple);
}

/** hmark_set_tuple_ports(): `at`: offset of the transport header. */
function readPorts(fields: HmarkFields, p: Packet, at: number, tuple: HmarkTuple): boolean {
  const offset = portsOffset(tuple.protocol);
  if (offset < 0) return true;
  const seen = see(p, at + offset, PORTS_BYTES);
  if (seen === THERE) tuple.ports = sortedPorts(fields, p.view.getInt32(p.l3Offset + at + offset));
  return seen !== CUT_OFF;
}

/** Where in the transport header the ports or the SPI stand, or -1: proto_ports_offset() (include/linux/in.h). */
function portsOffset(protocol: number): number {
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_DCCP:
    case IPPROTO_ESP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      return 0;
    case IPPROTO_AH:
      return 4;
    default:
      return -1;
  }
}

/** hmark_swap_ports(). */
function sortedPorts({ portMask, portSet }: HmarkFields, ports: number): number {
  const kept = (ports & portMask) | portSet;
  const source = kept >>> 16;
  const destination = kept & 0xffff;
  return destination > source ? (destination << 16) | source : kept;
}

const THERE = 1;
/** The packet ends before: skb_header_pointer() gives NULL. */
const NOT_THERE = 0;
/** The packet does not, but what was captured of it. */
const CUT_OFF = -1;

/** Whether `bytes` bytes at offset `at` of the packet can be read. */
function see(p: Packet, at: number, bytes: number): number {
  if (at + bytes > p.r[R_LENGTH]!) return NOT_THERE;
  return p.l3Offset + at + bytes > p.l3End ? CUT_OFF : THERE;
}

function maskedAddress(view: DataView, at: number, mask: Int32Array): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word ^= view.getInt32(at + 4 * i) & mask[i]!;
  return word;
}

/** The other words of an IPv4 address and of its mask are 0. */
function maskedTupleAddress(words: Int32Array, at: number, mask: Int32Array): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word ^= words[at + i]! & mask[i]!;
  return word;
}

function clear(tuple: HmarkTuple): void {
  tuple.source = 0;
  tuple.destination = 0;
  tuple.ports = 0;
  tuple.protocol = 0;
}
