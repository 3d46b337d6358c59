import type { Conntrack } from '../conntrack/conntrack.ts';
import { INNER_FOUND, innerTuple } from '../conntrack/inner-tuple.ts';
import { findConnection } from '../conntrack/lookup.ts';
import { protoWord } from '../conntrack/tuple.ts';
import { ICMP_ERROR_TYPES } from '../decode/icmp.ts';
import {
  IPS_DST_NAT,
  IPS_SRC_NAT,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, type Packet } from '../packet/packet.ts';
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_CODE,
  R_ICMP_ID,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_LENGTH,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';

/**
 * The form in which this host made a packet. A capture shows an outbound packet as it left, translated; OUTPUT saw
 * it before. A web server behind REDIRECT answers from port 8080, and the capture says 80.
 *
 * The wire form W of a packet of a translated connection is the inverse of one of the connection's tuples; looking
 * up that inverse gives the connection and the tuple, and the other tuple is what OUTPUT saw. The first packet of
 * a connection that this host opens and translates is not in the table yet: it is replayed as it left, and the
 * report says so where rules translate in OUTPUT.
 */
export class LocalForm {
  readonly #conntrack: Conntrack;
  readonly #tuple = new Int32Array(TUPLE_WORDS);

  constructor(conntrack: Conntrack) {
    this.#conntrack = conntrack;
  }

  /** Puts the registers of an outbound packet back to what OUTPUT saw. */
  restore(p: Packet): void {
    const { r } = p;
    const l4proto = r[R_L4PROTO]!;
    const core = this.#conntrack.core;
    core.nowNs = p.timeNs;
    const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
    if (isIcmp && isIcmpError(r[R_FAMILY]!, r[R_ICMP_TYPE]!)) {
      this.#restoreError(p);
      return;
    }
    const tuple = this.#tuple;
    for (let i = 0; i < 4; i++) {
      tuple[TUPLE_SADDR + i] = r[R_DADDR + i]!;
      tuple[TUPLE_DADDR + i] = r[R_SADDR + i]!;
    }
    if (isIcmp) {
      if (r[R_ICMP_TYPE]! < 0) return;
      tuple[TUPLE_SPORT] = r[R_ICMP_ID]!;
      tuple[TUPLE_DPORT] = invertIcmpType(r[R_ICMP_TYPE]!) << 8;
    } else {
      if (r[R_SPORT]! < 0) return;
      tuple[TUPLE_SPORT] = r[R_DPORT]!;
      tuple[TUPLE_DPORT] = r[R_SPORT]!;
    }
    const proto = protoWord(l4proto, r[R_FAMILY]!);
    const found = findConnection(core, tuple, 0, tuple[TUPLE_SPORT]!, tuple[TUPLE_DPORT]!, proto, 0, 0);
    if (found < 0) return;
    const ct = found >> 1;
    if ((this.#conntrack.status(ct) & (IPS_SRC_NAT | IPS_DST_NAT)) === 0) return;
    this.take(p, ct, (found & 1) === 0 ? 1 : 0);
  }

  /** Gives the packet the addresses and ports of a tuple of its connection. */
  take(p: Packet, ct: number, dir: 0 | 1): void {
    const { r } = p;
    const { words } = this.#conntrack;
    const at = this.#conntrack.tupleAt(ct, dir);
    for (let i = 0; i < 4; i++) {
      r[R_SADDR + i] = words[at + TUPLE_SADDR + i]!;
      r[R_DADDR + i] = words[at + TUPLE_DADDR + i]!;
    }
    const l4proto = r[R_L4PROTO]!;
    if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) r[R_ICMP_ID] = words[at + TUPLE_SPORT]!;
    else if (r[R_SPORT]! >= 0) {
      r[R_SPORT] = words[at + TUPLE_SPORT]!;
      r[R_DPORT] = words[at + TUPLE_DPORT]!;
    }
    p.touch();
  }

  /**
   * An ICMP error about a packet of a translated connection quotes it on the wire as its sender wrote it, and in
   * OUTPUT as it was after translation. Conntrack would not know the quoted tuple by its inverse, so the error is
   * attached to the connection here.
   */
  #restoreError(p: Packet): void {
    const { r } = p;
    if (p.l4Offset < 0 || isOfDefragmentation(p)) return;
    const tuple = this.#tuple;
    const end = p.l3Offset + r[R_LENGTH]!;
    if (innerTuple(tuple, p.view, p.l4Offset + 8, p.l3End, end, r[R_FAMILY]!) !== INNER_FOUND) return;
    const core = this.#conntrack.core;
    const found = findConnection(
      core,
      tuple,
      0,
      tuple[TUPLE_SPORT]!,
      tuple[TUPLE_DPORT]!,
      tuple[TUPLE_PROTO]!,
      0,
      0,
    );
    if (found < 0) return;
    const ct = found >> 1;
    if ((this.#conntrack.status(ct) & (IPS_SRC_NAT | IPS_DST_NAT)) === 0) return;
    // `attach` answers in the other direction of the state it is given.
    this.#conntrack.attach(p, ct, (found & 1) === 0 ? CT_ESTABLISHED : CT_ESTABLISHED_REPLY);
  }
}

/** Types that quote the packet they are about (RFC 792, RFC 4443). */
export function isIcmpError(family: number, type: number): boolean {
  if (family === 6) return type >= 1 && type <= 4;
  return ICMP_ERROR_TYPES.has(type);
}

/**
 * "Fragment reassembly time exceeded": made by defragmentation (ip_expire(), ip6frag_expire_frag_queue()) of a fragment
 * that conntrack has not seen, so that there is no connection to attach the error to.
 */
export function isOfDefragmentation({ r }: Packet): boolean {
  return r[R_ICMP_CODE] === 1 && r[R_ICMP_TYPE] === (r[R_FAMILY] === 6 ? 3 : 11);
}

/** The type of the answer to an ICMP query, and of the query to an answer (nf_conntrack_invert_icmp_tuple). */
function invertIcmpType(type: number): number {
  switch (type) {
    case 0:
      return 8;
    case 8:
      return 0;
    case 13:
      return 14;
    case 14:
      return 13;
    case 128:
      return 129;
    case 129:
      return 128;
    default:
      return type;
  }
}
