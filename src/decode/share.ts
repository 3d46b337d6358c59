import { swapBytes } from '../base/jhash.ts';
import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT, NO_OFFSET } from '../batch/layout.ts';
import { ICMP_ERROR_TYPES } from './icmp.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from './protocols.ts';

/**
 * One of several shares of a capture's packets. All packets that have to do with each other are in one share: those of a
 * connection in both directions, errors about them, the fragments of a packet. So shares can be replayed apart, each in
 * its own thread, and their counters added up (workers/shares.ts).
 */
export interface Share {
  /** From 0 to `count` - 1. What is not IP is in share 0. */
  readonly index: number;
  readonly count: number;
  /**
   * What tells to which share a packet belongs: the pair of its addresses, of TCP with the ports (one pair of addresses
   * may have most of a capture's packets; datagrams come in fragments, which have no ports); or, where addresses are
   * translated, what translation mostly leaves alone: the greater one of its two ports.
   */
  readonly by: 'addresses' | 'ports';
}

/** Packets cannot be dealt into shares: the capture has to be replayed as a whole. The message says why. */
export class NotSharable extends Error {
  override readonly name = 'NotSharable';
}

/** Which of `count` shares has a key. As shareOf of wasm/share.ts. */
function shareOf(key: number, count: number): number {
  return Math.floor(((Math.imul(key, 0x9e3779b1) >>> 0) * count) / 4294967296);
}

/** The same for both orders of IPv4 addresses: as they lie in the packet, which is what the kernel reads. */
function pairKey(a: number, b: number): number {
  return swapBytes(a ^ b);
}

/** With the ports of TCP, in both orders the same; they too as they lie in the packet. */
function withPorts(key: number, sport: number, dport: number): number {
  const both = sport ^ dport;
  return (key + Math.imul((both >>> 8) | ((both & 0xff) << 8), 0x85ebca77)) | 0;
}

function folded(words: Int32Array, at: number): number {
  let h = words[at]!;
  for (let k = 1; k < 4; k++) h = Math.imul(h, 0x9e3779b1) ^ words[at + k]!;
  return h;
}

function portKey(l4proto: number, port: number): number {
  return (l4proto << 16) | port;
}

/** Protocols of whose connections conntrack knows the ports (nf_ct_get_tuple()); DCCP's it does not. */
const HAS_PORTS: ReadonlySet<number> = new Set([IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP]);

/** ICMPv6 types below: nf_conntrack_icmpv6_error(). */
const ICMPV6_NO_ERROR = 128;
/** It carries the packet that is to go another way, and belongs to its connection: nf_conntrack_icmpv6_redirect(). */
const ICMPV6_REDIRECT = 137;
const ICMP_HEADER_BYTES = 8;
/** Two addresses, and the head of the option that carries the packet. */
const REDIRECT_BYTES = 40;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;

const inner = new Int32Array(8);

/** The share of decoded row `i`. Answers as wasm/share.ts does, which knows the common kinds of packets alone. */
export function ownerOf(batch: Batch, i: number, { count, by }: Share): number {
  const c = batch.columns;
  const family = c.family[i]!;
  if (family === 0) return 0;
  const l4proto = c.l4proto[i]!;
  const isFragment = (c.decodeFlags[i]! & DECODE_FRAGMENT) !== 0;
  if (isFragment && by === 'ports') throw new NotSharable('fragments, whose ports are not known');
  const hasHeader = c.l4Offset[i] !== NO_OFFSET && c.fragOffset[i] === 0;
  const type = c.dport[i]! >> 8;
  if (hasHeader && isError(family, l4proto, type)) {
    if (isFragment) throw new NotSharable('an ICMP error in fragments');
    const isRedirect6 = family === 6 && type === ICMPV6_REDIRECT;
    const at = c.l4Offset[i]! + ICMP_HEADER_BYTES + (isRedirect6 ? REDIRECT_BYTES : 0);
    const owner = ownerOfError(batch, i, at, count, by);
    if (owner >= 0) return owner;
  }
  if (by === 'addresses') {
    const s = 4 * i;
    const key = family === 4 ? pairKey(c.saddr[s]!, c.daddr[s]!) : folded(c.saddr, s) ^ folded(c.daddr, s);
    if (l4proto !== IPPROTO_TCP) return shareOf(key, count);
    if (isFragment) throw new NotSharable('fragments of TCP');
    return shareOf(withPorts(key, c.sport[i]!, c.dport[i]!), count);
  }
  return shareOf(keyByPorts(l4proto, c.sport[i]!, c.dport[i]!), count);
}

/** `dport` is type << 8 | code for ICMP, and `sport` the identifier. What has no ports is all in one share. */
function keyByPorts(l4proto: number, sport: number, dport: number): number {
  if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) return portKey(l4proto, sport);
  return HAS_PORTS.has(l4proto) ? portKey(l4proto, Math.max(sport, dport)) : 0;
}

function isError(family: number, l4proto: number, type: number): boolean {
  if (family === 4) return l4proto === IPPROTO_ICMP && ICMP_ERROR_TYPES.has(type);
  return l4proto === IPPROTO_ICMPV6 && (type < ICMPV6_NO_ERROR || type === ICMPV6_REDIRECT);
}

/** The share of the packet that an error is about, which is quoted at `at`; -1 when not enough of it is. */
function ownerOfError(batch: Batch, i: number, at: number, count: number, by: Share['by']): number {
  const { view, columns: c } = batch;
  const end = c.l3Offset[i]! + c.l3CapLen[i]!;
  const isIpv4 = c.family[i] === 4;
  const headerBytes = isIpv4 ? IPV4_BYTES : IPV6_BYTES;
  if (at + headerBytes > end) return -1;
  const l4proto = view.getUint8(at + (isIpv4 ? 9 : 6));
  const l4 = at + (isIpv4 ? (view.getUint8(at) & 15) * 4 : IPV6_BYTES);
  if (!isIpv4 && IPV6_EXTENSIONS.has(l4proto))
    throw new NotSharable('an ICMPv6 error about a packet with extension headers');
  if (by === 'addresses') {
    let key: number;
    if (isIpv4) key = pairKey(view.getInt32(at + 12), view.getInt32(at + 16));
    else {
      for (let k = 0; k < 8; k++) inner[k] = view.getInt32(at + 8 + 4 * k);
      key = folded(inner, 0) ^ folded(inner, 4);
    }
    if (l4proto !== IPPROTO_TCP) return shareOf(key, count);
    return l4 + 4 > end ? -1 : shareOf(withPorts(key, view.getUint16(l4), view.getUint16(l4 + 2)), count);
  }
  if (l4proto !== IPPROTO_ICMP && l4proto !== IPPROTO_ICMPV6 && !HAS_PORTS.has(l4proto))
    return shareOf(keyByPorts(l4proto, 0, 0), count);
  // nf_ct_get_tuple_ports() asks for four bytes.
  if (l4 + 4 > end) return -1;
  if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6)
    return l4 + ICMP_HEADER_BYTES > end ? -1 : shareOf(portKey(l4proto, view.getUint16(l4 + 4)), count);
  return shareOf(keyByPorts(l4proto, view.getUint16(l4), view.getUint16(l4 + 2)), count);
}

/** Hop-by-hop, routing, fragment, AH, destination options, mobility. */
const IPV6_EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60, 135]);

/** The share of connections with a tuple: as ownerOf of a packet that has it. `words` and `at` as in conntrack/tuple.ts. */
export function ownerOfTuple(l4proto: number, sport: number, dport: number, { count }: Share): number {
  return shareOf(keyByPorts(l4proto, sport, dport), count);
}
