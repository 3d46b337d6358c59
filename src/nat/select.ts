import { jhash2, reciprocalScale, swapBytes } from '../base/jhash.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import {
  C_MASTER,
  C_REPLY,
  C_STATE,
  C_STATUS,
  C_TCP_SEEN,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from '../conntrack/layout.ts';
import { findConnection, isTupleTaken } from '../conntrack/lookup.ts';
import { TCP_SYN_SENT, TCP_TIME_WAIT } from '../conntrack/tcp-states.ts';
import { invertTuple, sameTuple } from '../conntrack/tuple.ts';
import {
  IPS_DST_NAT,
  IPS_DYING,
  IPS_FIXED_TIMEOUT,
  IPS_SEQ_ADJUST,
  IPS_SRC_NAT,
  MANIP_DST,
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PERSISTENT,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM,
  NAT_PROTO_RANDOM_FULLY,
  NAT_PROTO_SPECIFIED,
  type NatRange,
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
} from '../packet/packet.ts';
import { firstSource, nextSource } from './source-index.ts';

/**
 * Which addresses and ports a new connection is translated to: get_unique_tuple() and what it calls, in
 * net/netfilter/nf_nat_core.c.
 *
 *  1. A source that may stay as it is does, when nobody's answers look the same; a source that has a translation
 *     already (to whichever destination) keeps it.
 *  2. Out of a range of addresses a hash of the source (and, unless `persistent`, of the destination) picks one:
 *     the same that the kernel picks, on a little-endian machine.
 *  3. The port stays when it is in the range and free. Else ports of the range are tried from an offset on; the
 *     offset is random in the kernel and here a draw of the run's seed (`drewPort` says so). Whoever knows
 *     what the machine really chose (from the packet that went out) says so through `chooser`.
 *
 * All tuples here are of the direction in which the first packet goes, as it will look after translation; what
 * must be unique is the inverse, by which the answers come.
 */
export class TupleSelector {
  /** The tuple chosen by `select`. */
  readonly chosen: Int32Array = new Int32Array(TUPLE_WORDS);
  /** True when the last `select` had to draw. */
  drewPort = false;
  /** Ports that `chooser` told. */
  portsRead = 0;
  /**
   * Says which port (or ICMP identifier) the real machine chose, where that can be known; undefined: draw.
   * Asked with the connection and the tuple as it is so far.
   */
  chooser: ((ct: number, tuple: Int32Array, manip: 0 | 1, range: NatRange) => number | undefined) | undefined;
  /** A random 16-bit number of the packet being translated: draw 0, 1, … */
  random: (draw: number) => number = () => 0;
  private readonly core: ConntrackCore;
  private readonly scratch = new Int32Array(TUPLE_WORDS);
  private readonly hashed = new Int32Array(4);

  constructor(core: ConntrackCore) {
    this.core = core;
  }

  /** get_unique_tuple(): from the tuple at `from` of `words` to `chosen`. */
  select(words: Int32Array, from: number, range: NatRange, ct: number, manip: 0 | 1): void {
    const { chosen } = this;
    const isRandom = (range.flags & (NAT_PROTO_RANDOM | NAT_PROTO_RANDOM_FULLY)) !== 0;
    this.drewPort = false;
    for (let i = 0; i < TUPLE_WORDS; i++) chosen[i] = words[from + i]!;
    if (manip === MANIP_SRC && !isRandom) {
      if (sourceInRange(chosen, range)) {
        if (!this.isTakenForNew(chosen, ct)) return;
      } else if (this.keepSource(ct, range) && !this.isTaken(chosen, ct)) {
        return;
      }
      for (let i = 0; i < TUPLE_WORDS; i++) chosen[i] = words[from + i]!;
    }
    this.chooseAddress(range, ct, manip);
    if (!isRandom) {
      if ((range.flags & NAT_PROTO_SPECIFIED) !== 0) {
        if (
          (range.flags & NAT_PROTO_OFFSET) === 0 &&
          portInRange(chosen, manip, range) &&
          (range.minPort === range.maxPort || !this.isTaken(chosen, ct))
        ) {
          return;
        }
      } else if (!this.isTaken(chosen, ct)) {
        return;
      }
    }
    this.choosePort(range, ct, manip);
  }

  /** nf_nat_used_tuple(). */
  private isTaken(tuple: Int32Array, ct: number): boolean {
    invertTuple(this.scratch, 0, tuple, 0);
    return isTupleTaken(this.core, this.scratch, 0, ct);
  }

  /**
   * nf_nat_used_tuple_new(): as isTaken, but two packets of one flow that met in opposite directions before
   * either was confirmed do not take each other's tuple.
   */
  private isTakenForNew(tuple: Int32Array, ct: number): boolean {
    if (!this.isTaken(tuple, ct)) return false;
    const { core } = this;
    const at = ct << RECORD_SHIFT;
    const l4proto = tuple[TUPLE_PROTO]! & 255;
    if (!ALLOWS_CLASH.has(l4proto)) return true;
    const usesNat = IPS_SRC_NAT | IPS_DST_NAT | IPS_SEQ_ADJUST;
    if ((core.words[at + C_STATUS]! & usesNat) !== 0) return true;
    let found = this.findInZones(tuple, ct);
    if (found < 0) {
      invertTuple(this.scratch, 0, tuple, 0);
      found = this.findInZones(this.scratch, ct);
      if (found < 0) return false;
    }
    const other = (found >> 1) << RECORD_SHIFT;
    if ((core.words[other + C_STATUS]! & usesNat) !== 0) return true;
    return !sameTuple(core.words, other, core.words, at + C_REPLY);
  }

  private findInZones(tuple: Int32Array, ct: number): number {
    const at = ct << RECORD_SHIFT;
    const { words } = this.core;
    return findConnection(
      this.core,
      tuple,
      0,
      tuple[TUPLE_SPORT]!,
      tuple[TUPLE_DPORT]!,
      tuple[TUPLE_PROTO]!,
      words[at + TUPLE_ZONE]!,
      words[at + REPLY_STRIDE + TUPLE_ZONE]!,
    );
  }

  /** find_appropriate_src(): another connection's translation of the same source, when the range allows it. */
  private keepSource(ct: number, range: NatRange): boolean {
    const { core, chosen, scratch } = this;
    for (
      let other = firstSource(core, chosen, 0, ct);
      other >= 0;
      other = nextSource(core, other, chosen, 0, ct)
    ) {
      if (!invertTuple(scratch, 0, core.words, (other << RECORD_SHIFT) + C_REPLY)) continue;
      if (!sourceInRange(scratch, range)) continue;
      for (let i = 0; i < 4; i++) chosen[TUPLE_SADDR + i] = scratch[TUPLE_SADDR + i]!;
      chosen[TUPLE_SPORT] = scratch[TUPLE_SPORT]!;
      return true;
    }
    return false;
  }

  /** find_best_ips_proto(). */
  private chooseAddress(range: NatRange, ct: number, manip: 0 | 1): void {
    if ((range.flags & NAT_MAP_IPS) === 0) return;
    const { chosen, hashed } = this;
    const to = manip === MANIP_SRC ? TUPLE_SADDR : TUPLE_DADDR;
    let single = true;
    for (let i = 0; i < 4; i++) single &&= range.minAddr[i] === range.maxAddr[i];
    if (single) {
      for (let i = 0; i < 4; i++) chosen[to + i] = range.minAddr[i]!;
      return;
    }
    const last = chosen[TUPLE_PROTO]! >> 8 === 4 ? 0 : 3;
    const isPersistent = (range.flags & NAT_PERSISTENT) !== 0;
    for (let i = 0; i < 4; i++) hashed[i] = swapBytes(chosen[TUPLE_SADDR + i]!);
    const zone = this.zoneId(ct);
    const initial = isPersistent ? 0 : swapBytes(chosen[TUPLE_DADDR + last]!) ^ zone;
    let j = jhash2(hashed, 0, 4, initial);
    let fullRange = false;
    for (let i = 0; i <= last; i++) {
      let lowest = 0;
      let count = 0xffffffff;
      if (!fullRange) {
        lowest = range.minAddr[i]!;
        count = (range.maxAddr[i]! - lowest + 1) >>> 0;
      }
      chosen[to + i] = lowest + reciprocalScale(j, count);
      if (chosen[to + i] !== range.maxAddr[i]) fullRange = true;
      // After a destination has been chosen the hash goes on with it, as the kernel's does.
      if (!isPersistent) j ^= swapBytes(chosen[TUPLE_DADDR + i]!);
    }
  }

  /** nf_conntrack_zone.id, of whichever direction has one. */
  private zoneId(ct: number): number {
    const at = ct << RECORD_SHIFT;
    return this.core.words[at + TUPLE_ZONE]! || this.core.words[at + REPLY_STRIDE + TUPLE_ZONE]!;
  }

  /** nf_nat_l4proto_unique_tuple(). */
  private choosePort(range: NatRange, ct: number, manip: 0 | 1): void {
    const { chosen } = this;
    const isSpecified = (range.flags & NAT_PROTO_SPECIFIED) !== 0;
    let key = manip === MANIP_SRC ? TUPLE_SPORT : TUPLE_DPORT;
    let lowest = 0;
    let count = 65536;
    switch (chosen[TUPLE_PROTO]! & 255) {
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        key = TUPLE_SPORT;
        if (isSpecified) {
          lowest = range.minPort;
          count = range.maxPort - lowest + 1;
        }
        break;
      case IPPROTO_TCP:
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
      case IPPROTO_SCTP:
        if (isSpecified) {
          lowest = Math.min(range.minPort, range.maxPort);
          count = Math.abs(range.maxPort - range.minPort) + 1;
        } else if (manip === MANIP_DST) {
          return;
        } else if (chosen[key]! >= 1024) {
          lowest = 1024;
          count = 65535 - 1024 + 1;
        } else if (chosen[key]! < 512) {
          lowest = 1;
          count = 511 - 1 + 1;
        } else {
          lowest = 600;
          count = 1023 - 600 + 1;
        }
        break;
      case IPPROTO_GRE:
        // Without a PPTP master nothing is changed.
        if (this.core.words[(ct << RECORD_SHIFT) + C_MASTER] === 0) return;
        lowest = isSpecified ? range.minPort : 1;
        count = isSpecified ? range.maxPort - lowest + 1 : 65535;
        break;
      default:
        // Protocols without ports: nothing to choose.
        return;
    }
    const told = this.chooser?.(ct, chosen, manip, range);
    if (told !== undefined && count > 1 && told >= lowest && told < lowest + count) {
      chosen[key] = told;
      if (!this.isTaken(chosen, ct)) {
        this.portsRead++;
        return;
      }
    }
    let draws = 0;
    let offset = 0;
    if ((range.flags & NAT_PROTO_OFFSET) !== 0) {
      offset = (chosen[key]! - range.basePort) & 0xffff;
    } else if ((range.flags & RANDOM_ALL) !== 0 || manip !== MANIP_DST) {
      offset = this.random(draws++);
      this.drewPort = count > 1;
    }
    let attempts = Math.min(count, MAX_ATTEMPTS);
    for (;;) {
      for (let i = 0; i < attempts; i++) {
        chosen[key] = lowest + (((offset + i) & 0xffff) % count);
        if (!this.isTakenHarder(chosen, ct, attempts - i)) return;
      }
      if (attempts >= count || attempts < 16) return;
      attempts = attempts >> 1;
      offset = this.random(draws++);
    }
  }

  /**
   * nf_nat_used_tuple_harder(): in the last attempts a translated TCP connection that is closed makes room, when
   * the new one's sequence number is beyond its own.
   */
  private isTakenHarder(tuple: Int32Array, ct: number, attemptsLeft: number): boolean {
    const { core, scratch } = this;
    const own = ct << RECORD_SHIFT;
    if (
      attemptsLeft > HARDER_THRESHOLD ||
      (tuple[TUPLE_PROTO]! & 255) !== IPPROTO_TCP ||
      core.words[own + C_STATE] !== TCP_SYN_SENT
    ) {
      return this.isTaken(tuple, ct);
    }
    invertTuple(scratch, 0, tuple, 0);
    const found = this.findInZones(scratch, ct);
    if (found < 0) return false;
    if ((found & 1) === 0) return true;
    const other = found >> 1;
    const at = other << RECORD_SHIFT;
    const status = core.words[at + C_STATUS]!;
    if (core.words[at + C_STATE]! < TCP_TIME_WAIT) return true;
    if ((status & (IPS_FIXED_TIMEOUT | IPS_DYING)) !== 0 || (status & IPS_SRC_NAT) === 0) return true;
    if (((core.words[own + C_TCP_SEEN]! - core.words[at + C_TCP_SEEN]!) | 0) <= 0) return true;
    return !core.kill(other);
  }
}

const RANDOM_ALL = NAT_PROTO_RANDOM | NAT_PROTO_RANDOM_FULLY;
/** NF_NAT_MAX_ATTEMPTS and NF_NAT_HARDER_THRESH. */
const MAX_ATTEMPTS = 128;
const HARDER_THRESHOLD = MAX_ATTEMPTS / 4;

/** Protocols whose entries may be merged when two of one flow meet (nf_conntrack_l4proto.allow_clash). */
const ALLOWS_CLASH = new Set([IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_GRE]);

/** nf_in_range(): does the source, as it is, meet the range? */
function sourceInRange(tuple: Int32Array, range: NatRange): boolean {
  if ((range.flags & NAT_MAP_IPS) !== 0) {
    const words = tuple[TUPLE_PROTO]! >> 8 === 4 ? 1 : 4;
    if (compareAddresses(tuple, TUPLE_SADDR, range.minAddr, words) < 0) return false;
    if (compareAddresses(tuple, TUPLE_SADDR, range.maxAddr, words) > 0) return false;
  }
  if ((range.flags & NAT_PROTO_SPECIFIED) === 0) return true;
  return portInRange(tuple, MANIP_SRC, range);
}

/** l4proto_in_range(). */
function portInRange(tuple: Int32Array, manip: 0 | 1, range: NatRange): boolean {
  let port: number;
  switch (tuple[TUPLE_PROTO]! & 255) {
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      port = tuple[TUPLE_SPORT]!;
      break;
    case IPPROTO_GRE:
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
      port = tuple[manip === MANIP_SRC ? TUPLE_SPORT : TUPLE_DPORT]!;
      break;
    default:
      return true;
  }
  return port >= range.minPort && port <= range.maxPort;
}

/** Compares the address at `at` with `other`, both as unsigned numbers, most significant word first. */
function compareAddresses(words: Int32Array, at: number, other: Int32Array, count: number): number {
  for (let i = 0; i < count; i++) {
    const a = words[at + i]! >>> 0;
    const b = other[i]! >>> 0;
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
