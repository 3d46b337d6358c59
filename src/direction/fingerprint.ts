import { hashTuple4, mix32 } from '../base/hash.ts';
import type { Batch } from '../batch/batch.ts';
import {
  DECODE_FRAGMENT,
  DECODE_MORE_FRAGMENTS,
  DECODE_PAYLOAD_CUT,
  NO_OFFSET,
  PLAIN_TCP4,
  PLAIN_TCP6,
} from '../batch/layout.ts';
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';
import { DIRECTION_IN } from './director.ts';

/**
 * The fingerprint of a packet: a 64-bit hash over what forwarding and address translation leave alone, and over
 * nothing else. Left out: the link header, TTL, TOS (rules may set it), checksums, addresses, ports, ICMP
 * identifiers, TCP options (MSS clamping). Taken in: family, protocol, IPv4 identification or IPv6 flow label, and
 *
 *   TCP           sequence, acknowledgement, flags, window, payload length
 *   UDP(-Lite)    length and the first 32 bytes of payload
 *   ICMP query    type, code, sequence, the first 32 bytes of payload
 *   ICMP error    type, code, and of the packet inside: its length, identification and protocol
 *   GRE of PPTP   length and the first 32 bytes behind the number of the call
 *   others        length and the first 32 bytes behind the IP header
 *   IPv4 fragments  offset and length; and, for one that surely leaves, the identification alone: a router may cut
 *                   them anew (takeAnyFragment)
 *   IPv6 fragments  protocol, offset, length, the last 32 bytes, and the hop limit, which is one less on the way
 *                   out: a router that has put them together gives them another identification, and cuts
 *                   them as they were. (The hop limit tells a forwarded ping from the answer to one.) A packet
 *                   in one fragment (atomic) is taken as without that header, which a router that puts
 *                   fragments together takes away.
 */
const PAYLOAD_BYTES = 32;
const FRAGMENT_HEADER_BYTES = 8;

/** [0] and [1]: the two halves of the last fingerprint. An output parameter: no allocation per packet. */
export const fingerprint = new Int32Array(2);

/** Writes the fingerprint of row `i` to `fingerprint`. `leaves`: the packet is on its way out. */
export function takeFingerprint(batch: Batch, i: number, leaves: boolean): void {
  const c = batch.columns;
  const l4proto = c.l4proto[i]!;
  const family = c.family[i]!;
  const flags = c.decodeFlags[i]!;
  const isAtomic =
    family === 6 &&
    (flags & (DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS)) === DECODE_FRAGMENT &&
    c.fragOffset[i] === 0;
  const isFragment = (flags & DECODE_FRAGMENT) !== 0 && !isAtomic;
  const id = isAtomic ? flowLabel(batch, i) : c.ipId[i]!;
  let a = Math.imul(id, 0x9e3779b1) ^ (l4proto << 8) ^ family;
  let b = mix32(a);
  if (isFragment && family === 6) {
    takeTail(batch, i, c.ttl[i]! - (leaves ? 0 : 1));
    return;
  }
  if (isFragment) {
    fingerprint[0] = mix32(a ^ Math.imul((c.fragOffset[i]! << 16) | c.length[i]!, 0x27d4eb2f));
    fingerprint[1] = b;
    return;
  }
  const l4 = c.l4Offset[i]!;
  const end = c.l3Offset[i]! + c.l3CapLen[i]!;
  if (l4 === NO_OFFSET) {
    fingerprint[0] = mix32(a ^ (c.length[i]! - (isAtomic ? FRAGMENT_HEADER_BYTES : 0)));
    fingerprint[1] = b;
    return;
  }
  const l4Bytes = c.l3Offset[i]! + c.length[i]! - l4;
  const { view } = batch;
  let payload = l4;
  if (l4proto === IPPROTO_TCP && l4 + 13 < end) {
    const payloadBytes = l4Bytes - 4 * (view.getUint8(l4 + 12) >>> 4);
    const seq = c.tcpSeq[i]!;
    const ack = c.tcpAck[i]!;
    fingerprint[0] = tcpA(a, seq, ack, c.tcpFlags[i]!, c.tcpWindow[i]!, payloadBytes);
    fingerprint[1] = tcpB(a, seq, ack, payloadBytes);
    return;
  }
  if (l4proto === IPPROTO_UDP || l4proto === IPPROTO_UDPLITE) {
    payload = l4 + 8;
  } else if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) {
    const type = c.dport[i]! >>> 8;
    a = mix32(a ^ Math.imul(c.dport[i]! + 1, 0x27d4eb2f));
    if (isIcmpError(l4proto, type)) {
      const inner = l4 + 8;
      if (family === 4 && inner + 10 <= end) {
        a = mix32(a ^ view.getUint32(inner + 2) ^ Math.imul(view.getUint8(inner + 9), 0x165667b1));
      } else if (family === 6 && inner + 8 <= end) {
        a = mix32(a ^ view.getUint32(inner) ^ Math.imul(view.getUint32(inner + 4) & 0xffffff00, 0x165667b1));
      }
      fingerprint[0] = a;
      fingerprint[1] = mix32(b ^ l4Bytes);
      return;
    }
    if (l4 + 8 <= end) a = mix32(a ^ view.getUint16(l4 + 6));
    payload = l4 + 8;
  }
  // PPTP's GRE: NAT gives the call another number, which stands before the sequence number.
  if (l4proto === IPPROTO_GRE && l4 + 8 <= end && (view.getUint16(l4) & 7) === 1) payload = l4 + 8;
  const stop = Math.min(end, payload + PAYLOAD_BYTES);
  let at = payload;
  for (; at + 4 <= stop; at += 4) {
    a = Math.imul((a << 5) | (a >>> 27), 0x85ebca77) ^ view.getInt32(at);
    b = Math.imul((b << 7) | (b >>> 25), 0xc2b2ae3d) + view.getInt32(at);
  }
  for (; at < stop; at++) a = Math.imul(a, 31) ^ view.getUint8(at);
  fingerprint[0] = mix32(a ^ l4Bytes);
  fingerprint[1] = mix32(b);
  return;
}

const tcpA = (
  a: number,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  payloadBytes: number,
): number => hashTuple4(seq ^ a, ack, flags, window, payloadBytes);

const tcpB = (a: number, seq: number, ack: number, payloadBytes: number): number =>
  mix32(mix32(a) + Math.imul(seq, 0x85ebca77) + Math.imul(ack, 0xc2b2ae3d) + payloadBytes);

/**
 * Writes the fingerprints of rows [begin, end) to `a` and `b`, from 0 on. Of the rows `direction` tells which leave; what
 * is written for packets that are not IP means nothing. Plain TCP, which most packets are, is done from columns alone.
 */
export function takeFingerprints(
  batch: Batch,
  begin: number,
  end: number,
  a: Int32Array,
  b: Int32Array,
): void {
  const { plain, family, direction, ipId, tcpSeq, tcpAck, tcpFlags, tcpWindow, payloadBytes } = batch.columns;
  for (let i = begin; i < end; i++) {
    const kind = plain[i]!;
    if (kind === PLAIN_TCP4 || kind === PLAIN_TCP6) {
      const start = Math.imul(ipId[i]!, 0x9e3779b1) ^ (IPPROTO_TCP << 8) ^ family[i]!;
      const seq = tcpSeq[i]!;
      const ack = tcpAck[i]!;
      const bytes = payloadBytes[i]!;
      a[i - begin] = tcpA(start, seq, ack, tcpFlags[i]!, tcpWindow[i]!, bytes);
      b[i - begin] = tcpB(start, seq, ack, bytes);
    } else if (family[i] !== 0) {
      takeFingerprint(batch, i, direction[i] !== DIRECTION_IN);
      a[i - begin] = fingerprint[0]!;
      b[i - begin] = fingerprint[1]!;
    }
  }
}

/** The fingerprint that all fragments of one IPv4 packet have in common. */
export function takeAnyFragment(batch: Batch, i: number): void {
  const c = batch.columns;
  const a = Math.imul(c.ipId[i]!, 0x9e3779b1) ^ (c.l4proto[i]! << 8) ^ 4;
  fingerprint[0] = mix32(a ^ 0x46524147);
  fingerprint[1] = mix32(a);
}

function takeTail(batch: Batch, i: number, hopLimit: number): void {
  const c = batch.columns;
  const end = c.l3Offset[i]! + c.l3CapLen[i]!;
  let a = Math.imul(c.fragOffset[i]! + 1, 0x9e3779b1) ^ c.l4proto[i]!;
  let b = mix32(c.length[i]! ^ (hopLimit << 16));
  // Where the capture is cut short, the tails of the two captures are not of the same place.
  if ((c.decodeFlags[i]! & DECODE_PAYLOAD_CUT) === 0) {
    for (let at = Math.max(c.l3Offset[i]! + 48, end - PAYLOAD_BYTES); at + 4 <= end; at += 4) {
      a = Math.imul((a << 5) | (a >>> 27), 0x85ebca77) ^ batch.view.getInt32(at);
      b = Math.imul((b << 7) | (b >>> 25), 0xc2b2ae3d) + batch.view.getInt32(at);
    }
  }
  fingerprint[0] = mix32(a ^ c.length[i]!);
  fingerprint[1] = mix32(b);
}

/** ICMP types that carry the packet they are about (RFC 792, RFC 4443). */
function isIcmpError(l4proto: number, type: number): boolean {
  if (l4proto === IPPROTO_ICMPV6) return type >= 1 && type <= 4;
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

function flowLabel(batch: Batch, i: number): number {
  return batch.view.getUint32(batch.columns.l3Offset[i]!) & 0xfffff;
}
