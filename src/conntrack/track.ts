import { EXIT_LIMITS, UserError } from '../base/errors.ts';
import {
  type CtTemplateOptions,
  IPS_CONFIRMED,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  TUPLE_DPORT,
  TUPLE_PROTO,
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
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  CT_NONE,
  CT_RELATED,
  CT_UNTRACKED,
  R_CHECKSUM,
  R_CT,
  R_CT_TEMPLATE,
  R_CTINFO,
  R_CTMARK,
  R_CTSTATUS,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_ICMP_CODE,
  R_ICMP_ID,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_LENGTH,
  R_MARK,
  R_SADDR,
  R_SPORT,
  R_TCP_ACK,
  R_TCP_FLAGS,
  R_TCP_SEQ,
  R_TCP_WINDOW,
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import {
  type ConntrackCore,
  TRACK_ACCEPT,
  TRACK_DROP,
  TRACK_INVALID,
  TRACK_REPEAT,
  type Tracked,
} from './core.ts';
import { makeRoom, sweep } from './expire.ts';
import { genericPacket, grePacket } from './generic.ts';
import type { Helpers } from './helpers.ts';
import {
  classifyIcmp,
  classifyIcmpv6,
  ICMP_ERROR,
  ICMP_INVALID,
  ICMP_QUERY,
  ICMP_REDIRECT6,
  ICMP_UNTRACKED,
  icmpPacket,
  icmpv6Packet,
} from './icmp.ts';
import { relate } from './inet-error.ts';
import { greKey } from './inner-tuple.ts';
import {
  DROPPED_TABLE_FULL,
  INVALID_CAPTURE_CUT,
  INVALID_GRE,
  INVALID_NO_REPLY,
  INVALID_NO_TRANSPORT,
  INVALID_NONE,
  INVALID_OTHER_FAMILY,
  INVALID_SHORT,
} from './invalid.ts';
import {
  C_MARK,
  C_REPLY,
  C_STATUS,
  C_TIMEOUT_POLICY,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from './layout.ts';
import { findConnection } from './lookup.ts';
import { sctpPacket } from './sctp.ts';
import { tcpPacket } from './tcp.ts';
import { type PolicyNumber, trackerOf } from './timeout-policy.ts';
import { invertTuple, protoWord, tupleHash } from './tuple.ts';
import { udplitePacket, udpPacket } from './udp.ts';

/** What a CT target asks for, its timeout policy looked up. */
export interface Template extends CtTemplateOptions {
  readonly policy: PolicyNumber | undefined;
}

/** What a Tracker has to be told. */
export interface TrackerSettings {
  readonly templates: readonly Template[];
  readonly helpers: Helpers;
  /** net.netfilter.nf_conntrack_max. */
  readonly max: number;
  /** References in a bucket of the kernel's table when it is full: what early_drop() looks through at a time. */
  readonly perBucket: number;
}

/**
 * nf_conntrack_in() in net/netfilter/nf_conntrack_core.c, for a packet at PREROUTING or OUTPUT: finds or makes its
 * connection, lets the protocol's tracker judge the packet, and says so in R_CT, R_CTINFO, R_CTSTATUS, R_CTMARK.
 */
export class Tracker {
  private readonly core: ConntrackCore;
  private readonly words: Int32Array;
  private readonly settings: TrackerSettings;
  /** The packet's tuple: written by readTuple, the addresses included. */
  readonly tuple: Int32Array = new Int32Array(TUPLE_WORDS);
  private zoneOriginal = 0;
  private zoneReply = 0;
  /** Status when the entry was found: the tracker's changes do not count for the packet that made them. */
  private statusBefore = 0;

  constructor(core: ConntrackCore, settings: TrackerSettings) {
    this.core = core;
    this.words = core.words;
    this.settings = settings;
  }

  /** nf_conntrack_in(). */
  track(p: Packet, hook: number): Verdict {
    const r = p.r;
    const { core } = this;
    core.nowNs = p.timeNs;
    // Seen before (loopback), attached to another packet's connection (REJECT), or not to be tracked.
    // A template's entry is no connection.
    if (r[R_CTINFO] === CT_UNTRACKED || (r[R_CT]! >= 0 && r[R_CT_TEMPLATE]! < 0)) return VERDICT_ACCEPT;
    core.lastInvalidReason = INVALID_NONE;
    const template = this.takeTemplate(r);
    r[R_CT] = -1;
    r[R_CTINFO] = CT_NONE;
    const verdict = this.classify(p, hook, template);
    const ct = r[R_CT]!;
    if (ct >= 0) {
      const at = ct << RECORD_SHIFT;
      r[R_CTSTATUS] = this.words[at + C_STATUS]!;
      r[R_CTMARK] = this.words[at + C_MARK]!;
    }
    return verdict;
  }

  /** The template that a CT target attached, and the zones it asks for. */
  private takeTemplate(r: Int32Array): Template | undefined {
    const index = r[R_CT_TEMPLATE]!;
    this.zoneOriginal = 0;
    this.zoneReply = 0;
    if (index < 0) return undefined;
    const template = this.settings.templates[index]!;
    r[R_CT_TEMPLATE] = -1;
    const { zoneOriginal, zoneReply, zoneFromMark } = template;
    // nf_ct_zone_tmpl(): a zone from the mark is its lower 16 bits, in the directions that the rule names.
    const marked = r[R_MARK]! & 0xffff;
    const both = zoneFromMark && zoneOriginal >= 0 && zoneReply >= 0;
    this.zoneOriginal = both || zoneOriginal < 0 ? marked : zoneOriginal;
    this.zoneReply = both || zoneReply < 0 ? marked : zoneReply;
    return template;
  }

  private classify(p: Packet, hook: number, template: Template | undefined): Verdict {
    const r = p.r;
    const { core } = this;
    // get_l4proto(): nothing to track in a later fragment, or behind a broken chain of headers.
    const l4proto = r[R_L4PROTO]!;
    const isNothing = l4proto === NEXTHDR_NONE && r[R_FAMILY] === 6;
    if (r[R_FRAG_OFFSET] !== 0 || p.l4Offset < 0 || isNothing) return this.invalid(r, INVALID_NO_TRANSPORT);
    const l4Length = r[R_LENGTH]! - (p.l4Offset - p.l3Offset);
    if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) {
      const family = r[R_FAMILY]!;
      let kind = ICMP_QUERY;
      if (l4Length >= 8 && r[R_ICMP_TYPE]! < 0) return this.invalid(r, INVALID_CAPTURE_CUT);
      if (l4proto === IPPROTO_ICMP && family === 4) {
        kind = classifyIcmp(core, r, r[R_ICMP_TYPE]!, l4Length, hook);
      } else if (l4proto === IPPROTO_ICMPV6 && family === 6) {
        kind = classifyIcmpv6(core, r, r[R_ICMP_TYPE]!, l4Length, hook);
      }
      switch (kind) {
        case ICMP_INVALID:
          return VERDICT_ACCEPT;
        case ICMP_UNTRACKED:
          r[R_CTINFO] = CT_UNTRACKED;
          return VERDICT_ACCEPT;
        case ICMP_ERROR:
        case ICMP_REDIRECT6:
          if (relate(core, p, kind === ICMP_REDIRECT6, this.zoneOriginal, this.zoneReply))
            return VERDICT_ACCEPT;
          if (kind === ICMP_ERROR || core.lastInvalidReason !== INVALID_NONE) return VERDICT_ACCEPT;
          break;
      }
    }
    if (!this.readTuple(p, l4Length)) return VERDICT_ACCEPT;
    for (;;) {
      const found = this.resolve(template, p);
      if (found === TABLE_FULL) {
        core.lastInvalidReason = DROPPED_TABLE_FULL;
        return VERDICT_DROP;
      }
      if (found < 0) return this.invalid(r, INVALID_NO_REPLY);
      const ct = found >> 1;
      const dir = found & 1;
      const at = ct << RECORD_SHIFT;
      const tracked = this.handle(p, ct, dir, l4proto, l4Length, hook);
      if (tracked !== TRACK_ACCEPT) {
        r[R_CT] = -1;
        r[R_CTINFO] = CT_NONE;
        core.releaseUnconfirmed(ct);
        if (tracked === TRACK_REPEAT) continue;
        return tracked === TRACK_DROP ? VERDICT_DROP : VERDICT_ACCEPT;
      }
      r[R_CT] = ct;
      if (dir === 1) {
        r[R_CTINFO] = CT_ESTABLISHED_REPLY;
        this.words[at + C_STATUS]! |= IPS_SEEN_REPLY;
      } else {
        const status = this.statusBefore;
        r[R_CTINFO] =
          (status & IPS_SEEN_REPLY) !== 0
            ? CT_ESTABLISHED
            : (status & IPS_EXPECTED) !== 0
              ? CT_RELATED
              : CT_NEW;
      }
      return VERDICT_ACCEPT;
    }
  }

  /** nf_ct_get_tuple(): writes the packet's tuple (but for the addresses, which are registers) to `tuple`. */
  readTuple(p: Packet, l4Length: number): boolean {
    const r = p.r;
    const { tuple } = this;
    let sport = 0;
    let dport = 0;
    const l4proto = r[R_L4PROTO]!;
    switch (l4proto) {
      case IPPROTO_TCP:
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
      case IPPROTO_SCTP:
        sport = r[R_SPORT]!;
        dport = r[R_DPORT]!;
        if (sport < 0) {
          this.invalid(r, l4Length < 4 ? INVALID_SHORT : INVALID_CAPTURE_CUT);
          return false;
        }
        break;
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        if (r[R_ICMP_TYPE]! < 0) {
          this.invalid(r, l4Length < 8 ? INVALID_SHORT : INVALID_CAPTURE_CUT);
          return false;
        }
        sport = r[R_ICMP_ID]!;
        dport = (r[R_ICMP_TYPE]! << 8) | r[R_ICMP_CODE]!;
        break;
      case IPPROTO_GRE:
        dport = greKey(p.view, p.l4Offset, p.l3End, p.l3Offset + r[R_LENGTH]!);
        if (dport < 0) {
          this.invalid(r, INVALID_GRE);
          return false;
        }
        break;
    }
    for (let i = 0; i < 8; i++) tuple[i] = r[R_SADDR + i]!;
    tuple[TUPLE_SPORT] = sport;
    tuple[TUPLE_DPORT] = dport;
    tuple[TUPLE_PROTO] = protoWord(l4proto, r[R_FAMILY]!);
    // Only of GRE that names a call, that of PPTP, the sender's may be known.
    if (l4proto === IPPROTO_GRE && dport !== 0) tuple[TUPLE_SPORT] = this.core.greKeys.lookup(tuple, 0);
    return true;
  }

  /** resolve_normal_ct(): finds or makes the entry of `tuple`; record << 1 | direction, -1 or TABLE_FULL. */
  private resolve(template: Template | undefined, p: Packet): number {
    const { core, tuple } = this;
    const found = findConnection(
      core,
      tuple,
      0,
      tuple[TUPLE_SPORT]!,
      tuple[TUPLE_DPORT]!,
      tuple[TUPLE_PROTO]!,
      this.zoneOriginal,
      this.zoneReply,
    );
    if (found >= 0) {
      this.statusBefore = this.words[((found >> 1) << RECORD_SHIFT) + C_STATUS]!;
      return found;
    }
    return this.makeEntry(template, p);
  }

  /** init_conntrack(). */
  private makeEntry(template: Template | undefined, p: Packet): number {
    const { core, tuple, words } = this;
    sweep(core);
    const { max, perBucket } = this.settings;
    if (core.inUse >= max) {
      const hash = tupleHash(
        tuple,
        0,
        tuple[TUPLE_SPORT]!,
        tuple[TUPLE_DPORT]!,
        tuple[TUPLE_PROTO]!,
        this.zoneOriginal,
      );
      if (!makeRoom(core, hash, max, perBucket)) return TABLE_FULL;
    }
    const ct = core.table.allocateRecord();
    if (ct < 0) throw tooManyConnections(core.table.capacity);
    const at = ct << RECORD_SHIFT;
    for (let i = 0; i < TUPLE_WORDS - 1; i++) words[at + i] = tuple[i]!;
    words[at + TUPLE_ZONE] = this.zoneOriginal;
    if (!invertTuple(words, at + C_REPLY, words, at)) {
      core.table.freeRecord(ct);
      return -1;
    }
    words[at + REPLY_STRIDE + TUPLE_ZONE] = this.zoneReply;
    const { helpers } = this.settings;
    const policy = template?.policy;
    if (policy !== undefined && isPolicyFor(policy, tuple[TUPLE_PROTO]!)) {
      words[at + C_TIMEOUT_POLICY] = policy.number;
    }
    if (core.expectations.count > 0 || template?.helper !== undefined || helpers.assignsByPort) {
      helpers.begin(ct, this.zoneOriginal || this.zoneReply, template?.helper, p);
    }
    this.statusBefore = words[at + C_STATUS]!;
    return ct << 1;
  }

  /** nf_conntrack_handle_packet(). */
  private handle(
    p: Packet,
    ct: number,
    dir: number,
    l4proto: number,
    l4Length: number,
    hook: number,
  ): Tracked {
    const { core } = this;
    const r = p.r;
    const lengthBytes = r[R_LENGTH]!;
    switch (l4proto) {
      case IPPROTO_TCP:
        return this.handleTcp(p, ct, dir, l4Length, lengthBytes, hook);
      case IPPROTO_UDP:
        return udpPacket(
          core,
          ct,
          dir,
          r[R_CHECKSUM]!,
          p.view,
          p.l4Offset,
          p.l3End,
          l4Length,
          lengthBytes,
          hook,
        );
      case IPPROTO_UDPLITE:
        return udplitePacket(core, ct, dir, r, p.view, p.l4Offset, p.l3End, l4Length, lengthBytes, hook);
      case IPPROTO_ICMP:
        if (r[R_FAMILY] !== 4) return this.otherFamily();
        return icmpPacket(core, ct, dir, lengthBytes);
      case IPPROTO_ICMPV6:
        if (r[R_FAMILY] !== 6) return this.otherFamily();
        return icmpv6Packet(core, ct, dir, lengthBytes);
      case IPPROTO_SCTP:
        return sctpPacket(core, ct, dir, r, p.view, p.l4Offset, p.l3End, l4Length, lengthBytes, hook);
      case IPPROTO_GRE:
        return grePacket(core, ct, dir, lengthBytes);
      default:
        return genericPacket(core, ct, dir, lengthBytes);
    }
  }

  private handleTcp(
    p: Packet,
    ct: number,
    dir: number,
    l4Length: number,
    lengthBytes: number,
    hook: number,
  ): Tracked {
    const { core } = this;
    const tracked = tcpPacket(
      core,
      ct,
      dir,
      p.r[R_TCP_FLAGS]!,
      p.r[R_TCP_SEQ]!,
      p.r[R_TCP_ACK]!,
      p.r[R_TCP_WINDOW]!,
      p.r[R_CHECKSUM]!,
      p.view,
      p.l4Offset,
      p.l3End,
      l4Length,
      lengthBytes,
      hook,
    );
    // A connection picked up by `--midstream established` was answered before the capture began.
    if (core.midstreamEstablished && (this.statusBefore & IPS_CONFIRMED) === 0 && tracked === TRACK_ACCEPT) {
      this.statusBefore = this.words[(ct << RECORD_SHIFT) + C_STATUS]!;
    }
    return tracked;
  }

  private otherFamily(): Tracked {
    this.core.lastInvalidReason = INVALID_OTHER_FAMILY;
    return TRACK_INVALID;
  }

  private invalid(r: Int32Array, reason: number): Verdict {
    this.core.lastInvalidReason = reason;
    r[R_CT] = -1;
    r[R_CTINFO] = CT_NONE;
    return VERDICT_ACCEPT;
  }
}

/** xt_ct_set_timeout() refuses a policy for rules of another family or tracker. */
function isPolicyFor({ family, l4proto }: PolicyNumber, proto: number): boolean {
  return proto >> 8 === family && trackerOf(proto & 255) === l4proto;
}

/** What `resolve` says when the table is full and nothing could be evicted. */
const TABLE_FULL = -2;

/** ipv6_skip_exthdr() finds no protocol behind "no next header" (RFC 8200). */
const NEXTHDR_NONE = 59;

export function tooManyConnections(capacity: number): UserError {
  return new UserError(`more than ${capacity} connections at once: the table is full`, {
    exitStatus: EXIT_LIMITS,
    hint: "net.netfilter.nf_conntrack_max of HOST allows more than this program's table holds",
  });
}
