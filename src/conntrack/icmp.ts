import { CHECKSUM_BAD } from '../batch/layout.ts';
import { ICMP_ERROR_TYPES } from '../decode/icmp.ts';
import { IPS_CONFIRMED, TUPLE_DPORT } from '../packet/conntrack-access.ts';
import { HOOK_PREROUTING, R_CHECKSUM } from '../packet/registers.ts';
import { type ConntrackCore, TRACK_ACCEPT, TRACK_INVALID, type Tracked } from './core.ts';
import {
  INVALID_ICMP_CHECKSUM,
  INVALID_ICMP_NEW,
  INVALID_ICMP_TYPE,
  INVALID_ICMPV6_CHECKSUM,
  INVALID_SHORT,
} from './invalid.ts';
import { C_STATUS, RECORD_SHIFT } from './layout.ts';

/**
 * ICMP and ICMPv6: queries are connections, their answers the reply direction; errors belong to the connection
 * of the packet inside them (inet-error.ts); neighbour discovery and multicast listener messages are not
 * tracked. net/netfilter/nf_conntrack_proto_icmp.c and nf_conntrack_proto_icmpv6.c.
 */

/** What to do with an ICMP message before any look-up. */
export const ICMP_INVALID = 0;
/** A query, an answer, or nothing known: looked up by its own tuple. */
export const ICMP_QUERY = 1;
/** An error: looked up by the packet inside, which begins 8 bytes behind the ICMP header. */
export const ICMP_ERROR = 2;
/** Never tracked. */
export const ICMP_UNTRACKED = 3;
/** An ICMPv6 redirect. */
export const ICMP_REDIRECT6 = 4;

/** Highest type of NR_ICMP_TYPES (include/uapi/linux/icmp.h). */
const HIGHEST_TYPE = 18;

/** icmp_is_err(). */
const IS_ERROR = new Uint8Array(256);
for (const type of ICMP_ERROR_TYPES) IS_ERROR[type] = 1;

/** Queries that begin a connection (valid_new): echo, time stamp, information, address mask. */
const BEGINS = new Uint8Array(256);
for (const type of [8, 13, 15, 17]) BEGINS[type] = 1;

/** ICMPv6 queries that begin a connection: echo, node information. */
const BEGINS6 = new Uint8Array(256);
for (const type of [128, 139]) BEGINS6[type] = 1;

/**
 * ICMPv6 types that are let pass untracked (noct_valid_new): MLD 130-132 and 143, neighbour discovery 133-136,
 * multicast router discovery 151 and 152.
 */
const UNTRACKED6 = new Uint8Array(256);
for (const type of [130, 131, 132, 133, 134, 135, 136, 143, 151, 152]) UNTRACKED6[type] = 1;

const NDISC_REDIRECT = 137;

/** nf_conntrack_icmpv4_error(), up to where it looks inside. */
export function classifyIcmp(
  core: ConntrackCore,
  r: Int32Array,
  type: number,
  l4Length: number,
  hook: number,
): number {
  if (l4Length < 8) {
    core.lastInvalidReason = INVALID_SHORT;
    return ICMP_INVALID;
  }
  if (hook === HOOK_PREROUTING && core.verifyChecksums && r[R_CHECKSUM] === CHECKSUM_BAD) {
    core.lastInvalidReason = INVALID_ICMP_CHECKSUM;
    return ICMP_INVALID;
  }
  if (type > HIGHEST_TYPE) {
    core.lastInvalidReason = INVALID_ICMP_TYPE;
    return ICMP_INVALID;
  }
  return IS_ERROR[type] !== 0 ? ICMP_ERROR : ICMP_QUERY;
}

/** nf_conntrack_icmpv6_error(), up to where it looks inside. */
export function classifyIcmpv6(
  core: ConntrackCore,
  r: Int32Array,
  type: number,
  l4Length: number,
  hook: number,
): number {
  if (l4Length < 8) {
    core.lastInvalidReason = INVALID_SHORT;
    return ICMP_INVALID;
  }
  if (hook === HOOK_PREROUTING && core.verifyChecksums && r[R_CHECKSUM] === CHECKSUM_BAD) {
    core.lastInvalidReason = INVALID_ICMPV6_CHECKSUM;
    return ICMP_INVALID;
  }
  if (UNTRACKED6[type] !== 0) return ICMP_UNTRACKED;
  if (type === NDISC_REDIRECT) return ICMP_REDIRECT6;
  return type < 128 ? ICMP_ERROR : ICMP_QUERY;
}

/** nf_conntrack_icmp_packet(). */
export function icmpPacket(core: ConntrackCore, ct: number, dir: number, lengthBytes: number): Tracked {
  const at = ct << RECORD_SHIFT;
  if (BEGINS[core.words[at + TUPLE_DPORT]! >> 8] === 0) {
    core.lastInvalidReason = INVALID_ICMP_NEW;
    return TRACK_INVALID;
  }
  core.refresh(ct, dir, core.timeoutsOf(ct).icmp, lengthBytes);
  return TRACK_ACCEPT;
}

/** nf_conntrack_icmpv6_packet(). */
export function icmpv6Packet(core: ConntrackCore, ct: number, dir: number, lengthBytes: number): Tracked {
  const at = ct << RECORD_SHIFT;
  const unconfirmed = (core.words[at + C_STATUS]! & IPS_CONFIRMED) === 0;
  if (unconfirmed && BEGINS6[core.words[at + TUPLE_DPORT]! >> 8] === 0) {
    core.lastInvalidReason = INVALID_ICMP_NEW;
    return TRACK_INVALID;
  }
  core.refresh(ct, dir, core.timeoutsOf(ct).icmpv6, lengthBytes);
  return TRACK_ACCEPT;
}
