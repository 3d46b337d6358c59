import {
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';
import { protoWord } from './tuple.ts';

/** The bytes say that there is no tuple: the kernel finds none either. */
export const INNER_NONE = 0;
export const INNER_FOUND = 1;
/** The packet has the bytes, the capture has not. */
export const INNER_CUT = 2;

/**
 * nf_ct_get_tuplepr(): the tuple of the packet at offset `at` of `view` (the one that an ICMP error carries).
 * `captureEnd` is the offset behind the last captured byte, `packetEnd` behind the last byte that the packet has
 * by its own length. The tuple goes to `out`.
 */
export function innerTuple(
  out: Int32Array,
  view: DataView,
  at: number,
  captureEnd: number,
  packetEnd: number,
  family: number,
): number {
  out.fill(0);
  return family === 4
    ? innerIpv4(out, view, at, captureEnd, packetEnd)
    : innerIpv6(out, view, at, captureEnd, packetEnd);
}

function lacks(at: number, bytes: number, captureEnd: number, packetEnd: number): number {
  if (at + bytes > packetEnd) return INNER_NONE;
  return at + bytes > captureEnd ? INNER_CUT : INNER_FOUND;
}

/** ipv4_get_l4proto() and nf_ct_get_tuple(). */
function innerIpv4(
  out: Int32Array,
  view: DataView,
  at: number,
  captureEnd: number,
  packetEnd: number,
): number {
  const present = lacks(at, 20, captureEnd, packetEnd);
  if (present !== INNER_FOUND) return present;
  if ((view.getUint16(at + 6) & 0x1fff) !== 0) return INNER_NONE;
  const l4 = at + ((view.getUint8(at) & 15) << 2);
  if (l4 > packetEnd) return INNER_NONE;
  out[TUPLE_SADDR] = view.getInt32(at + 12);
  out[TUPLE_DADDR] = view.getInt32(at + 16);
  return ports(out, view, l4, captureEnd, packetEnd, view.getUint8(at + 9), 4);
}

/** Extension headers that ipv6_skip_exthdr() goes through (ipv6_ext_hdr()). */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const NO_NEXT = 59;
const DESTINATION = 60;

/** ipv6_get_l4proto() and nf_ct_get_tuple(). */
function innerIpv6(
  out: Int32Array,
  view: DataView,
  at: number,
  captureEnd: number,
  packetEnd: number,
): number {
  const present = lacks(at, 40, captureEnd, packetEnd);
  if (present !== INNER_FOUND) return present;
  for (let i = 0; i < 4; i++) {
    out[TUPLE_SADDR + i] = view.getInt32(at + 8 + 4 * i);
    out[TUPLE_DADDR + i] = view.getInt32(at + 24 + 4 * i);
  }
  let next = view.getUint8(at + 6);
  let l4 = at + 40;
  while (
    next === HOP_BY_HOP ||
    next === ROUTING ||
    next === FRAGMENT ||
    next === AUTHENTICATION ||
    next === DESTINATION ||
    next === NO_NEXT
  ) {
    if (next === NO_NEXT) return INNER_NONE;
    const header = lacks(l4, next === FRAGMENT ? 8 : 2, captureEnd, packetEnd);
    if (header !== INNER_FOUND) return header;
    if (next === FRAGMENT && (view.getUint16(l4 + 2) & ~7) !== 0) return INNER_NONE;
    const lengthField = view.getUint8(l4 + 1);
    const bytes =
      next === FRAGMENT ? 8 : next === AUTHENTICATION ? (lengthField + 2) << 2 : (lengthField + 1) << 3;
    next = view.getUint8(l4);
    l4 += bytes;
  }
  return ports(out, view, l4, captureEnd, packetEnd, next, 6);
}

function ports(
  out: Int32Array,
  view: DataView,
  l4: number,
  captureEnd: number,
  packetEnd: number,
  l4proto: number,
  family: number,
): number {
  out[TUPLE_PROTO] = protoWord(l4proto, family);
  switch (l4proto) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP: {
      const present = lacks(l4, 4, captureEnd, packetEnd);
      if (present !== INNER_FOUND) return present;
      out[TUPLE_SPORT] = view.getUint16(l4);
      out[TUPLE_DPORT] = view.getUint16(l4 + 2);
      return INNER_FOUND;
    }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      const present = lacks(l4, 8, captureEnd, packetEnd);
      if (present !== INNER_FOUND) return present;
      out[TUPLE_SPORT] = view.getUint16(l4 + 4);
      out[TUPLE_DPORT] = view.getUint16(l4);
      return INNER_FOUND;
    }
    case IPPROTO_GRE: {
      const key = greKey(view, l4, captureEnd, packetEnd);
      if (key < 0) return INNER_NONE;
      out[TUPLE_DPORT] = key;
      return INNER_FOUND;
    }
    default:
      return INNER_FOUND;
  }
}

const GRE_PROTOCOL_PPP = 0x880b;

/**
 * gre_pkt_to_tuple(): the call identifier of PPTP's GRE (version 1), 0 for any other GRE, -1 for a version 1
 * that carries no PPP.
 */
export function greKey(view: DataView, l4: number, captureEnd: number, packetEnd: number): number {
  if (lacks(l4, 4, captureEnd, packetEnd) !== INNER_FOUND) return 0;
  if ((view.getUint16(l4) & 7) !== 1) return 0;
  if (lacks(l4, 8, captureEnd, packetEnd) !== INNER_FOUND) return 0;
  if (view.getUint16(l4 + 2) !== GRE_PROTOCOL_PPP) return -1;
  return view.getUint16(l4 + 6);
}
