import { hashTuple6 } from '../base/hash.ts';
import { DECODE_INTERFACE_CHECK, DECODE_PAYLOAD_CUT } from '../batch/layout.ts';
import {
  DROP_HEADER_CUT,
  DROP_IPV6_SCOPE_RESERVED,
  DROP_IPV6_SHORT,
  DROP_IPV6_SOURCE_MULTICAST,
  DROP_IPV6_TRUNCATED,
  DROP_IPV6_VERSION,
  DROP_NONE,
} from './drop-reasons.ts';
import type { Frame } from './frame.ts';
import { checkHopByHop } from './hop-by-hop.ts';
import { decodeExtensionHeaders } from './ipv6-extension.ts';
import { IPPROTO_HOPOPTS, IPPROTO_TCP } from './protocols.ts';

export const IPV6_HEADER_BYTES = 40;
/** Largest payload that the 16-bit length field can tell. */
export const IPV6_MAX_PAYLOAD = 65535;

const SCOPE_RESERVED = 0;
const SCOPE_INTERFACE = 1;

/** Reads an IPv6 header and what follows, with the checks of ip6_rcv_core() (net/ipv6/ip6_input.c) in their order. */
export function decodeIpv6(frame: Frame): void {
  const { c, view, row, at } = frame;
  const { onWire } = frame;
  c.family[row] = 6;
  c.l3Offset[row] = at;
  c.l3CapLen[row] = frame.captured;
  c.length[row] = onWire;
  c.drop[row] = headerProblem(frame);
  if (c.drop[row] !== DROP_NONE) return;

  const first = view.getUint32(at);
  c.tos[row] = (first >>> 20) & 255;
  c.ipId[row] = first & 0xfffff;
  c.ttl[row] = view.getUint8(at + 7);
  for (let k = 0; k < 4; k++) {
    c.saddr[4 * row + k] = view.getInt32(at + 8 + 4 * k);
    c.daddr[4 * row + k] = view.getInt32(at + 24 + 4 * k);
  }
  c.drop[row] = addressProblem(frame);

  const nextHeader = view.getUint8(at + 6);
  const payload = view.getUint16(at + 4);
  trimToPayload(frame, payload, nextHeader);
  if (nextHeader === IPPROTO_HOPOPTS && c.drop[row] === DROP_NONE) c.drop[row] = checkHopByHop(frame);
  if (frame.end < frame.wireEnd) frame.flag(DECODE_PAYLOAD_CUT);
  c.length[row] = frame.onWire;
  c.l3CapLen[row] = frame.captured;

  frame.at = at + IPV6_HEADER_BYTES;
  decodeExtensionHeaders(frame, nextHeader);
  c.tupleHash[row] = hashTuple6(
    c.saddr,
    4 * row,
    c.daddr,
    4 * row,
    c.sport[row]!,
    c.dport[row]!,
    c.l4proto[row]!,
  );
}

/** What keeps the header from being read at all. */
function headerProblem(frame: Frame): number {
  if (frame.onWire < IPV6_HEADER_BYTES) return DROP_IPV6_SHORT;
  if (frame.captured < IPV6_HEADER_BYTES) return DROP_HEADER_CUT;
  return frame.view.getUint8(frame.at) >>> 4 === 6 ? DROP_NONE : DROP_IPV6_VERSION;
}

function addressProblem(frame: Frame): number {
  const { c, row } = frame;
  const source = c.saddr[4 * row]!;
  const destination = c.daddr[4 * row]!;
  const toMulticast = destination >>> 24 === 0xff;
  const scope = (destination >>> 16) & 15;
  if (
    isLoopback(c.saddr, 4 * row) ||
    isLoopback(c.daddr, 4 * row) ||
    (toMulticast && scope === SCOPE_INTERFACE)
  ) {
    frame.flag(DECODE_INTERFACE_CHECK);
  }
  if (toMulticast && scope === SCOPE_RESERVED) return DROP_IPV6_SCOPE_RESERVED;
  return source >>> 24 === 0xff ? DROP_IPV6_SOURCE_MULTICAST : DROP_NONE;
}

const isLoopback = (words: Int32Array, i: number): boolean =>
  words[i] === 0 && words[i + 1] === 0 && words[i + 2] === 0 && words[i + 3] === 1;

/**
 * Cuts the frame to the payload length. A length of 0 is one only where no hop-by-hop header follows: else a jumbo
 * option may give it, and without one the packet keeps whatever the frame holds, padding and all, as in the kernel.
 * Linux sends BIG TCP packets with a length of 0 and no such header too (6.19 and later).
 */
function trimToPayload(frame: Frame, payload: number, nextHeader: number): void {
  const { c, row } = frame;
  const inFrame = frame.onWire - IPV6_HEADER_BYTES;
  if (payload === 0 && nextHeader === IPPROTO_HOPOPTS) return;
  if (payload === 0 && nextHeader === IPPROTO_TCP && inFrame > IPV6_MAX_PAYLOAD) return;
  if (payload > inFrame) {
    if (c.drop[row] === DROP_NONE) c.drop[row] = DROP_IPV6_TRUNCATED;
    return;
  }
  frame.trim(IPV6_HEADER_BYTES + payload);
}
