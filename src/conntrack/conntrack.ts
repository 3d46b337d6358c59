import { EXIT_LIMITS, UserError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { Host } from '../host/types.ts';
import { Nat } from '../nat/nat.ts';
import {
  type ConntrackAccess,
  type CtTemplateOptions,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  type NatRange,
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
  CT_IS_REPLY,
  CT_NEW,
  CT_NONE,
  CT_RELATED,
  CT_RELATED_REPLY,
  CT_UNTRACKED,
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
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import { Conncount } from './conncount.ts';
import { ConntrackCore, TRACK_ACCEPT, TRACK_DROP, TRACK_REPEAT, type Tracked } from './core.ts';
import { earlyDrop, sweep, sweepAll } from './expire.ts';
import { genericPacket, grePacket } from './generic.ts';
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
  INVALID_SHORT,
} from './invalid.ts';
import {
  ACCT_STRIDE,
  C_BYTES,
  C_HELPER,
  C_LABELS,
  C_MARK,
  C_MASTER,
  C_PACKETS,
  C_REPLY,
  C_SECMARK,
  C_STATUS,
  C_TIMEOUT,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from './layout.ts';
import { findConnection } from './lookup.ts';
import { sctpPacket } from './sctp.ts';
import { tableBytes } from './table.ts';
import { tcpPacket } from './tcp.ts';
import { dumpConnections, seedConnections } from './text.ts';
import { invertTuple, protoWord, sameTuple, tupleHash } from './tuple.ts';
import { udplitePacket, udpPacket } from './udp.ts';

export interface ConntrackOptions {
  readonly host: Host;
  readonly seed: number;
  /** What becomes of TCP connections that the capture did not see begin: see `begin` in tcp.ts. */
  readonly midstream?: 'kernel' | 'established';
  /** Address space that the table may take at most; connections beyond it end the run with EXIT_LIMITS. */
  readonly maxTableBytes?: number;
}

/** Below half of the address space a replay may want, and far above what a firewall holds. */
const MAX_TABLE_BYTES = 768 * 1024 * 1024;

/** Records beyond nf_conntrack_max: entries whose packets are done but that are still in limbo. */
const SPARE_RECORDS = 64;

/**
 * Connection tracking as the hooks call it: nf_conntrack_in() (`track`) at PREROUTING and OUTPUT, nf_confirm()
 * (`confirm`) at INPUT and POSTROUTING, both in net/netfilter/nf_conntrack_core.c; translation in `nat`.
 *
 * The life of an entry: `track` makes it for a packet that belongs to none (unconfirmed: nobody else can find it);
 * the packet's rules may give it marks and a translation; `confirm` enters it into the table, or `release` frees
 * it when the packet is dropped on the way. Both may be called for any packet at any time.
 *
 * One object serves both families; the engine calls it only for families whose rules ask for it.
 */
export class Conntrack implements ConntrackAccess {
  readonly core: ConntrackCore;
  readonly nat: Nat;
  readonly words: Int32Array;
  private readonly max: number;
  private readonly perBucket: number;
  private readonly tuple = new Int32Array(TUPLE_WORDS);
  private readonly templates: CtTemplateOptions[] = [];
  private readonly counters: Conncount[] = [];
  /** Names of helpers; C_HELPER is an index + 1. */
  readonly helperNames: string[] = [];
  private zoneOriginal = 0;
  private zoneReply = 0;

  constructor(options: ConntrackOptions) {
    const { host } = options;
    const maxBytes = options.maxTableBytes ?? MAX_TABLE_BYTES;
    const configured = host.sysctl('net.netfilter.nf_conntrack_max');
    this.max = configured > 0 ? configured : 0x7fffffff;
    let capacity = Math.min(this.max + SPARE_RECORDS, 1 << 22);
    while (tableBytes(capacity) > maxBytes) capacity = Math.floor(capacity * 0.75);
    const buckets = host.sysctl('net.netfilter.nf_conntrack_buckets');
    this.perBucket = buckets > 0 ? (2 * Math.min(this.max, capacity)) / buckets : 2;
    this.core = new ConntrackCore(host, capacity, options.midstream === 'established');
    this.words = this.core.words;
    this.nat = new Nat(this.core, host, options.seed);
  }

  /** INVALID_* of the packet tracked last: why it is INVALID, or was let pass unbelieved. */
  get lastInvalidReason(): number {
    return this.core.lastInvalidReason;
  }

  /** nf_conntrack_in(). */
  track(p: Packet, hook: number): Verdict {
    const r = p.r;
    const { core } = this;
    core.nowNs = p.timeNs;
    core.lastInvalidReason = INVALID_NONE;
    // Seen before (loopback), attached to another packet's connection (REJECT), or not to be tracked.
    if (r[R_CT]! >= 0 || r[R_CTINFO] === CT_UNTRACKED) return VERDICT_ACCEPT;
    const template = this.takeTemplate(r);
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
  private takeTemplate(r: Int32Array): CtTemplateOptions | undefined {
    const index = r[R_CT_TEMPLATE]!;
    this.zoneOriginal = 0;
    this.zoneReply = 0;
    if (index < 0) return undefined;
    const template = this.templates[index]!;
    r[R_CT_TEMPLATE] = -1;
    const { zoneOriginal, zoneReply, zoneFromMark } = template;
    // nf_ct_zone_tmpl(): a zone from the mark is its lower 16 bits, in the directions that the rule names.
    const marked = r[R_MARK]! & 0xffff;
    const both = zoneFromMark && zoneOriginal >= 0 && zoneReply >= 0;
    this.zoneOriginal = both || zoneOriginal < 0 ? marked : zoneOriginal;
    this.zoneReply = both || zoneReply < 0 ? marked : zoneReply;
    return template;
  }

  private classify(p: Packet, hook: number, template: CtTemplateOptions | undefined): Verdict {
    const r = p.r;
    const { core } = this;
    // get_l4proto(): nothing to track in a later fragment, or behind a broken chain of headers.
    if (r[R_FRAG_OFFSET] !== 0 || p.l4Offset < 0) return this.invalid(r, INVALID_NO_TRANSPORT);
    const l4proto = r[R_L4PROTO]!;
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
      const found = this.resolve(template);
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

  /** Status when the entry was found: the tracker's changes do not count for the packet that made them. */
  private statusBefore = 0;

  /** nf_ct_get_tuple(): writes the packet's tuple (but for the addresses, which are registers) to `tuple`. */
  private readTuple(p: Packet, l4Length: number): boolean {
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
    return true;
  }

  /** resolve_normal_ct(): finds or makes the entry of `tuple`; record << 1 | direction, -1 or TABLE_FULL. */
  private resolve(template: CtTemplateOptions | undefined): number {
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
    return this.makeEntry(template);
  }

  /** init_conntrack(). */
  private makeEntry(template: CtTemplateOptions | undefined): number {
    const { core, tuple, words } = this;
    sweep(core);
    if (core.table.count >= this.max && sweepAll(core) === 0) {
      const hash = tupleHash(
        tuple,
        0,
        tuple[TUPLE_SPORT]!,
        tuple[TUPLE_DPORT]!,
        tuple[TUPLE_PROTO]!,
        this.zoneOriginal,
      );
      if (!earlyDrop(core, hash, this.perBucket)) return TABLE_FULL;
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
    if (template?.helper !== undefined) words[at + C_HELPER] = this.helperNumber(template.helper);
    this.statusBefore = 0;
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
        return udpPacket(core, ct, dir, r, p.view, p.l4Offset, p.l3End, l4Length, lengthBytes, hook);
      case IPPROTO_UDPLITE:
        return udplitePacket(core, ct, dir, r, p.view, p.l4Offset, p.l3End, l4Length, lengthBytes, hook);
      case IPPROTO_ICMP:
        if (r[R_FAMILY] !== 4) return -1;
        return icmpPacket(core, ct, dir, lengthBytes);
      case IPPROTO_ICMPV6:
        if (r[R_FAMILY] !== 6) return -1;
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
    const tracked = tcpPacket(core, ct, dir, p.r, p.view, p.l4Offset, p.l3End, l4Length, lengthBytes, hook);
    // A connection picked up by `--midstream established` was answered before the capture began.
    if (core.midstreamEstablished && this.statusBefore === 0 && tracked === TRACK_ACCEPT) {
      this.statusBefore = this.words[(ct << RECORD_SHIFT) + C_STATUS]!;
    }
    return tracked;
  }

  private invalid(r: Int32Array, reason: number): Verdict {
    this.core.lastInvalidReason = reason;
    r[R_CT] = -1;
    r[R_CTINFO] = CT_NONE;
    return VERDICT_ACCEPT;
  }

  /**
   * nf_conntrack_confirm(): the packet has come through all its hooks; its entry, if it is new, becomes visible.
   * VERDICT_DROP when another connection has taken one of its tuples meanwhile.
   */
  confirm(p: Packet): Verdict {
    const r = p.r;
    const ct = r[R_CT]!;
    if (ct < 0) return VERDICT_ACCEPT;
    const { core, words } = this;
    const at = ct << RECORD_SHIFT;
    const status = words[at + C_STATUS]!;
    if ((status & IPS_CONFIRMED) !== 0 || r[R_CTINFO]! >= CT_IS_REPLY) return VERDICT_ACCEPT;
    if ((status & IPS_DYING) !== 0) return VERDICT_DROP;
    core.nowNs = p.timeNs;
    for (let dir = 0; dir < 2; dir++) {
      const t = at + dir * REPLY_STRIDE;
      const clash = core.table.find(
        words,
        t,
        words[t + TUPLE_SPORT]!,
        words[t + TUPLE_DPORT]!,
        words[t + TUPLE_PROTO]!,
        words[t + TUPLE_ZONE]!,
        core.table.hashOf(ct, dir),
      );
      if (clash < 0) continue;
      // The kernel's chains may still hold an expired entry here, and drop; it is swept within the minute.
      if (core.isExpired(clash >> 1)) {
        core.kill(clash >> 1);
        continue;
      }
      return this.resolveClash(p, ct, clash >> 1);
    }
    core.floats[(at + C_TIMEOUT) >> 1]! += core.nowNs;
    words[at + C_STATUS] = status | IPS_CONFIRMED;
    core.table.insert(ct);
    r[R_CTSTATUS] = words[at + C_STATUS]!;
    return VERDICT_ACCEPT;
  }

  /** nf_ct_resolve_clash(): the packet joins the connection that was faster, when both are the same. */
  private resolveClash(p: Packet, ct: number, winner: number): Verdict {
    const { core, words } = this;
    const at = ct << RECORD_SHIFT;
    const other = winner << RECORD_SHIFT;
    const l4proto = words[at + TUPLE_PROTO]! & 255;
    const mayMerge = l4proto === IPPROTO_UDP || l4proto === IPPROTO_UDPLITE || l4proto === IPPROTO_GRE;
    const same =
      (sameTuple(words, at, words, other) && sameTuple(words, at + C_REPLY, words, other + C_REPLY)) ||
      (sameTuple(words, at, words, other + C_REPLY) && sameTuple(words, at + C_REPLY, words, other));
    if (!mayMerge || !same) return VERDICT_DROP;
    core.releaseUnconfirmed(ct);
    p.r[R_CT] = winner;
    p.r[R_CTSTATUS] = words[other + C_STATUS]!;
    p.r[R_CTMARK] = words[other + C_MARK]!;
    return VERDICT_ACCEPT;
  }

  /** The packet was dropped, stolen or queued before it was confirmed: an entry that it alone knew is freed. */
  release(p: Packet): void {
    const ct = p.r[R_CT]!;
    if (ct >= 0) this.core.releaseUnconfirmed(ct);
  }

  /**
   * nf_ct_attach(): a packet that the host makes in answer to another (REJECT) belongs to its connection, in the
   * other direction. `ctinfo` is that of the packet answered. To be called before the new packet's `track`.
   */
  attach(p: Packet, ct: number, ctinfo: number): void {
    if (ct < 0) return;
    p.r[R_CT] = ct;
    p.r[R_CTINFO] = ctinfo >= CT_IS_REPLY ? CT_RELATED : CT_RELATED_REPLY;
    p.r[R_CTSTATUS] = this.words[(ct << RECORD_SHIFT) + C_STATUS]!;
    p.r[R_CTMARK] = this.words[(ct << RECORD_SHIFT) + C_MARK]!;
  }

  // --- what matches and targets ask -----------------------------------------------------------------------

  tupleAt(ct: number, dir: 0 | 1): number {
    return (ct << RECORD_SHIFT) + dir * REPLY_STRIDE;
  }

  status(ct: number): number {
    return this.words[(ct << RECORD_SHIFT) + C_STATUS]!;
  }

  mark(ct: number): number {
    return this.words[(ct << RECORD_SHIFT) + C_MARK]!;
  }

  setMark(ct: number, mark: number): void {
    this.words[(ct << RECORD_SHIFT) + C_MARK] = mark;
  }

  secmark(ct: number): number {
    return this.words[(ct << RECORD_SHIFT) + C_SECMARK]!;
  }

  setSecmark(ct: number, mark: number): void {
    this.words[(ct << RECORD_SHIFT) + C_SECMARK] = mark;
  }

  expiresSeconds(ct: number, nowNs: number): number {
    return this.core.expiresSeconds(ct, nowNs);
  }

  packets(ct: number, dir: 0 | 1): number {
    return this.core.floats[((ct << RECORD_SHIFT) + C_PACKETS + dir * ACCT_STRIDE) >> 1]!;
  }

  bytes(ct: number, dir: 0 | 1): number {
    return this.core.floats[((ct << RECORD_SHIFT) + C_BYTES + dir * ACCT_STRIDE) >> 1]!;
  }

  /** nf_ct_set_acct(): connbytes turns accounting on, for connections that begin from now on. */
  enableAccounting(): void {
    this.core.acct = true;
  }

  helperName(ct: number): string | undefined {
    const at = ct << RECORD_SHIFT;
    const master = this.words[at + C_MASTER]!;
    const holder = master === 0 ? at : (master - 1) << RECORD_SHIFT;
    const number = this.words[holder + C_HELPER]!;
    return number === 0 ? undefined : this.helperNames[number - 1];
  }

  /** Number of a helper's name, given out on first use. */
  helperNumber(name: string): number {
    const known = this.helperNames.indexOf(name);
    return known >= 0 ? known + 1 : this.helperNames.push(name);
  }

  label(ct: number, bit: number): boolean {
    const word = this.words[(ct << RECORD_SHIFT) + C_LABELS + (bit >> 5)]!;
    return (word & (1 << (bit & 31))) !== 0;
  }

  /** nf_connlabel_set(); always succeeds. */
  setLabel(ct: number, bit: number): boolean {
    this.words[(ct << RECORD_SHIFT) + C_LABELS + (bit >> 5)]! |= 1 << (bit & 31);
    return true;
  }

  zone(ct: number, dir: 0 | 1): number {
    return this.words[(ct << RECORD_SHIFT) + dir * REPLY_STRIDE + TUPLE_ZONE]!;
  }

  isUnconfirmed(ct: number): boolean {
    return (this.words[(ct << RECORD_SHIFT) + C_STATUS]! & IPS_CONFIRMED) === 0;
  }

  natSetup(p: Packet, manip: 0 | 1, range: NatRange): Verdict {
    return this.nat.setup(p, manip, range);
  }

  masquerade(p: Packet, range: NatRange): Verdict {
    return this.nat.masquerade(p, range);
  }

  redirect(p: Packet, range: NatRange): Verdict {
    return this.nat.redirect(p, range);
  }

  netmap(p: Packet, range: NatRange): Verdict {
    return this.nat.netmap(p, range);
  }

  makeTemplate(options: CtTemplateOptions): number {
    return this.templates.push(options) - 1;
  }

  makeConncount(): number {
    return this.counters.push(new Conncount(this.core)) - 1;
  }

  conncount(counter: number, key: Int32Array, keyWords: number, p: Packet): number {
    this.core.nowNs = p.timeNs;
    const ct = p.r[R_CT]!;
    if (ct >= 0) return this.counters[counter]!.count(key, keyWords, ct, this.words, ct << RECORD_SHIFT);
    // Without conntrack's help (raw table, INVALID): the packet's own tuple in the default zone.
    const l4Length = p.r[R_LENGTH]! - (p.l4Offset - p.l3Offset);
    const reason = this.core.lastInvalidReason;
    const known = p.r[R_FRAG_OFFSET] === 0 && p.l4Offset >= 0 && this.readTuple(p, l4Length);
    this.core.lastInvalidReason = reason;
    if (!known) return 0;
    this.tuple[TUPLE_ZONE] = 0;
    return this.counters[counter]!.count(key, keyWords, -1, this.tuple, 0);
  }

  // --- listings -------------------------------------------------------------------------------------------

  /** Entries confirmed and not expired at `nowNs`. */
  *live(nowNs: number): Generator<number> {
    for (let ct = 0; ct < this.core.table.high; ct++) {
      const at = ct << RECORD_SHIFT;
      const status = this.words[at + C_STATUS]!;
      if ((status & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) continue;
      if (this.core.floats[(at + C_TIMEOUT) >> 1]! > nowNs) yield ct;
    }
  }

  /** Enters connections from `conntrack -L -o extended` text; what stood before the capture, at time `nowNs`. */
  seed(text: string, nowNs: number, file = 'conntrack.txt'): number {
    return seedConnections(this, text, nowNs, file);
  }

  /** The table as `conntrack -L -o extended` would print it at time `nowNs`, a line an entry. */
  dump(nowNs: number, family?: Family): string[] {
    return dumpConnections(this, nowNs, family);
  }
}

/** What `resolve` says when the table is full and nothing could be evicted. */
const TABLE_FULL = -2;

function tooManyConnections(capacity: number): UserError {
  return new UserError(`more than ${capacity} connections at once: the table is full`, {
    exitStatus: EXIT_LIMITS,
    hint: "net.netfilter.nf_conntrack_max of HOST allows more than this program's table holds",
  });
}
