import { CHECKSUM_BAD } from '../batch/layout.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import { C_REPLY, C_STATUS, RECORD_SHIFT } from '../conntrack/layout.ts';
import { invertTuple } from '../conntrack/tuple.ts';
import {
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  MANIP_DST,
  MANIP_SRC,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  type Packet,
} from '../packet/packet.ts';
import {
  CT_IS_REPLY,
  HOOK_INPUT,
  HOOK_POSTROUTING,
  R_CHECKSUM,
  R_CT,
  R_CTINFO,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_ID,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_LENGTH,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';
import { makePrivate } from '../packet/rewrite.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';

/**
 * Translating packets as their connection says: nf_nat_packet() and nf_nat_manip_pkt() in
 * net/netfilter/nf_nat_core.c and nf_nat_proto.c, and for ICMP errors, whose inside has to be translated back as
 * well, nf_nat_icmp_reply_translation().
 *
 * A packet of direction d is made to look like the inverse of the other direction's tuple. Only registers are
 * changed; the bytes follow when something asks for them (Packet.touch), but the inside of an ICMP error has no
 * registers and is rewritten at once, in a private copy.
 */

/** HOOK2MANIP(): sources are changed on the way out, destinations on the way in. */
export function manipOf(hook: number): 0 | 1 {
  return hook === HOOK_POSTROUTING || hook === HOOK_INPUT ? MANIP_SRC : MANIP_DST;
}

const target = new Int32Array(TUPLE_WORDS);

/** Status bit that says whether packets of a direction are changed in a way: inverted for the reply direction. */
function statusBit(manip: 0 | 1, dir: number): number {
  return (manip === MANIP_SRC) === (dir === 0) ? IPS_SRC_NAT : IPS_DST_NAT;
}

/** nf_nat_packet(): changes the registers of a packet of connection `ct` as the hook asks. */
export function manipPacket(core: ConntrackCore, p: Packet, ct: number, dir: number, hook: number): Verdict {
  const manip = manipOf(hook);
  const at = ct << RECORD_SHIFT;
  if ((core.words[at + C_STATUS]! & statusBit(manip, dir)) === 0) return VERDICT_ACCEPT;
  const other = dir === 0 ? at + C_REPLY : at;
  invertTuple(target, 0, core.words, other);
  return applyToRegisters(p, manip, true);
}

/** Writes `target` into the packet's registers; ports only when the packet's protocol is the connection's. */
function applyToRegisters(p: Packet, manip: 0 | 1, withPorts: boolean): Verdict {
  const r = p.r;
  const [address, from] = manip === MANIP_SRC ? [R_SADDR, TUPLE_SADDR] : [R_DADDR, TUPLE_DADDR];
  for (let i = 0; i < 4; i++) r[address + i] = target[from + i]!;
  if (withPorts) {
    switch (r[R_L4PROTO]) {
      case IPPROTO_TCP:
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
      case IPPROTO_SCTP:
        if (manip === MANIP_SRC) r[R_SPORT] = target[TUPLE_SPORT]!;
        else r[R_DPORT] = target[TUPLE_DPORT]!;
        break;
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        r[R_ICMP_ID] = target[TUPLE_SPORT]!;
        break;
      case IPPROTO_GRE:
        if (!writeCallId(p, manip)) return VERDICT_DROP;
    }
  }
  p.touch();
  return VERDICT_ACCEPT;
}

/** gre_manip_pkt(): PPTP's GRE names the receiver's call. False: too short, or of a version that nobody knows. */
function writeCallId(p: Packet, manip: 0 | 1): boolean {
  if (p.l3Offset + p.r[R_LENGTH]! < p.l4Offset + 8) return false;
  if (manip === MANIP_SRC || p.l4Offset + 8 > p.l3End) return true;
  const version = p.view.getUint16(p.l4Offset) & 7;
  if (version === 1) {
    makePrivate(p);
    p.view.setUint16(p.l4Offset + 6, target[TUPLE_DPORT]!);
  }
  return version <= 1;
}

const ICMP_REDIRECT = 5;
const NDISC_REDIRECT = 137;

/**
 * nf_nat_icmp_reply_translation() and its IPv6 twin: an ICMP error that is RELATED to a connection. Its inside is
 * translated the opposite way, since it travels against the packet that it carries. `verifyChecksum`: what the
 * kernel checks here, whatever nf_conntrack_checksum says.
 */
export function manipIcmpError(core: ConntrackCore, p: Packet, hook: number): Verdict {
  const r = p.r;
  const ct = r[R_CT]!;
  const at = ct << RECORD_SHIFT;
  const status = core.words[at + C_STATUS]!;
  const dir = r[R_CTINFO]! >= CT_IS_REPLY ? 1 : 0;
  const manip = manipOf(hook);
  // In OUTPUT, too, unlike conntrack: nf_ip_checksum() believes only what was summed before, and that is nothing yet.
  if (r[R_CHECKSUM] === CHECKSUM_BAD && hook !== HOOK_POSTROUTING) return VERDICT_DROP;
  const redirect = r[R_FAMILY] === 4 ? ICMP_REDIRECT : NDISC_REDIRECT;
  if (r[R_ICMP_TYPE] === redirect) {
    const done = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
    if ((status & done) !== done) return VERDICT_DROP;
    if ((status & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0) return VERDICT_DROP;
  }
  if ((status & statusBit(manip, dir)) === 0) return VERDICT_ACCEPT;
  const other = dir === 0 ? at + C_REPLY : at;
  rewriteInside(p, core.words, other, manip === MANIP_SRC ? MANIP_DST : MANIP_SRC);
  invertTuple(target, 0, core.words, other);
  return applyToRegisters(p, manip, false);
}

/** Puts address and port of the tuple at `from` into the packet that the ICMP error carries. */
function rewriteInside(p: Packet, words: Int32Array, from: number, manip: 0 | 1): void {
  const isIpv4 = p.r[R_FAMILY] === 4;
  if (p.l4Offset < 0 || p.l4Offset + 8 + (isIpv4 ? 20 : 40) > p.l3End) return;
  makePrivate(p);
  const inner = p.l4Offset + 8;
  const { view } = p;
  const l4proto = words[from + TUPLE_PROTO]! & 255;
  const l4 = isIpv4 ? inner + ((view.getUint8(inner) & 15) << 2) : innerTransport(view, inner, p.l3End);
  if (l4 >= 0) {
    const hasPorts =
      l4proto === IPPROTO_TCP ||
      l4proto === IPPROTO_UDP ||
      l4proto === IPPROTO_UDPLITE ||
      l4proto === IPPROTO_SCTP;
    if (hasPorts && l4 + 4 <= p.l3End) {
      if (manip === MANIP_SRC) view.setUint16(l4, words[from + TUPLE_SPORT]!);
      else view.setUint16(l4 + 2, words[from + TUPLE_DPORT]!);
    } else if ((l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) && l4 + 6 <= p.l3End) {
      view.setUint16(l4 + 4, words[from + TUPLE_SPORT]!);
    } else if (l4proto === IPPROTO_GRE && manip === MANIP_DST && l4 + 8 <= p.l3End) {
      if ((view.getUint16(l4) & 7) === 1) view.setUint16(l4 + 6, words[from + TUPLE_DPORT]!);
    }
  }
  const address = manip === MANIP_SRC ? from + TUPLE_SADDR : from + TUPLE_DADDR;
  if (isIpv4) {
    view.setInt32(inner + (manip === MANIP_SRC ? 12 : 16), words[address]!);
  } else {
    const field = inner + (manip === MANIP_SRC ? 8 : 24);
    for (let i = 0; i < 4; i++) view.setInt32(field + 4 * i, words[address + i]!);
  }
}

/** ipv6_skip_exthdr() over the packet inside, for headers that routers leave in place; -1 when there is no end. */
function innerTransport(view: DataView, inner: number, end: number): number {
  let next = view.getUint8(inner + 6);
  let l4 = inner + 40;
  while (next === 0 || next === 43 || next === 44 || next === 51 || next === 60) {
    if (l4 + 8 > end) return -1;
    if (next === 44 && (view.getUint16(l4 + 2) & ~7) !== 0) return -1;
    const length = view.getUint8(l4 + 1);
    const bytes = next === 44 ? 8 : next === 51 ? (length + 2) << 2 : (length + 1) << 3;
    next = view.getUint8(l4);
    l4 += bytes;
  }
  return l4;
}
