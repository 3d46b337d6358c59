import {
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_GRE, type Packet } from '../packet/packet.ts';
import {
  CT_RELATED,
  CT_RELATED_REPLY,
  R_CT,
  R_CTINFO,
  R_DADDR,
  R_FAMILY,
  R_ICMP_CODE,
  R_LENGTH,
  R_SADDR,
  R_TTL,
} from '../packet/registers.ts';
import type { ConntrackCore } from './core.ts';
import { INNER_CUT, INNER_NONE, innerTuple } from './inner-tuple.ts';
import {
  INVALID_CAPTURE_CUT,
  INVALID_ICMP_INNER,
  INVALID_ICMP_OUTER,
  INVALID_ICMP_UNRELATED,
  INVALID_REDIRECT_OPTIONS,
  INVALID_REDIRECT_SENDER,
  INVALID_REDIRECT_SHORT,
} from './invalid.ts';
import { RECORD_SHIFT, REPLY_STRIDE } from './layout.ts';
import { findConnection } from './lookup.ts';
import { invertTuple } from './tuple.ts';

const inner = new Int32Array(TUPLE_WORDS);
const answer = new Int32Array(TUPLE_WORDS);

/** Option of a neighbour discovery message that carries the redirected packet (ND_OPT_REDIRECT_HDR). */
const REDIRECTED_HEADER = 4;

/**
 * ICMP errors: nf_conntrack_inet_error() in net/netfilter/nf_conntrack_proto_icmp.c, and for ICMPv6 redirects
 * nf_conntrack_icmpv6_redirect(). The error carries the beginning of the packet that caused it; the error is
 * RELATED to the connection of that packet, provided that it goes to the one who sent the packet.
 *
 * True: attached. False: INVALID, with the reason noted; or, without a reason, an ICMPv6 redirect that is to be
 * looked up like a query.
 */
export function relate(
  core: ConntrackCore,
  p: Packet,
  isRedirect6: boolean,
  zoneOriginal: number,
  zoneReply: number,
): boolean {
  const r = p.r;
  const family = r[R_FAMILY]!;
  const packetEnd = p.l3Offset + r[R_LENGTH]!;
  let at = p.l4Offset + 8;
  if (isRedirect6) {
    at = redirectedPacket(core, p, packetEnd);
    if (at < 0) return false;
  }
  const found = innerTuple(inner, p.view, at, p.l3End, packetEnd, family);
  if ((inner[TUPLE_PROTO]! & 255) === IPPROTO_GRE && inner[TUPLE_DPORT] !== 0) {
    inner[TUPLE_SPORT] = core.greKeys.lookup(inner, 0);
  }
  if (found === INNER_CUT) return fail(core, INVALID_CAPTURE_CUT);
  if (found === INNER_NONE || !invertTuple(answer, 0, inner, 0)) return fail(core, INVALID_ICMP_INNER);
  // The packet travelled one way, the error the other: the answer's tuple says in which direction that is.
  const entry = findConnection(
    core,
    answer,
    0,
    answer[TUPLE_SPORT]!,
    answer[TUPLE_DPORT]!,
    answer[TUPLE_PROTO]!,
    zoneOriginal,
    zoneReply,
  );
  if (entry < 0) return fail(core, INVALID_ICMP_UNRELATED);
  const ct = entry >> 1;
  const dir = entry & 1;
  const daddr = (ct << RECORD_SHIFT) + dir * REPLY_STRIDE + TUPLE_DADDR;
  for (let i = 0; i < 4; i++) {
    if (core.words[daddr + i] !== r[R_DADDR + i]) return fail(core, INVALID_ICMP_OUTER);
  }
  r[R_CT] = ct;
  r[R_CTINFO] = dir === 0 ? CT_RELATED : CT_RELATED_REPLY;
  return true;
}

/** Offset of the packet that an ICMPv6 redirect carries, or -1. */
function redirectedPacket(core: ConntrackCore, p: Packet, packetEnd: number): number {
  const r = p.r;
  if (p.l4Offset + 40 > packetEnd) {
    fail(core, INVALID_REDIRECT_SHORT);
    return -1;
  }
  if (r[R_ICMP_CODE] !== 0) return -1;
  const isLinkLocal = (r[R_SADDR]! & 0xffc00000) === (0xfe800000 | 0);
  if (r[R_TTL] !== 255 || !isLinkLocal) {
    fail(core, INVALID_REDIRECT_SENDER);
    return -1;
  }
  const option = p.l4Offset + 40;
  if (option + 2 > packetEnd) {
    fail(core, INVALID_REDIRECT_OPTIONS);
    return -1;
  }
  if (option + 2 > p.l3End) {
    fail(core, INVALID_CAPTURE_CUT);
    return -1;
  }
  if (p.view.getUint8(option + 1) === 0) {
    fail(core, INVALID_REDIRECT_OPTIONS);
    return -1;
  }
  return p.view.getUint8(option) === REDIRECTED_HEADER ? option + 8 : -1;
}

function fail(core: ConntrackCore, reason: number): false {
  core.lastInvalidReason = reason;
  return false;
}
