import { Arena } from '../base/arena.ts';
import type { Family } from '../base/inet.ts';
import type { Columns } from '../batch/batch.ts';
import type { Host } from '../host/types.ts';
import { Nat } from '../nat/nat.ts';
import {
  type ConntrackAccess,
  type CtTemplateOptions,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_TEMPLATE,
  IPS_WHOLE_WAY,
  type NatRange,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import {
  CT_IS_REPLY,
  CT_RELATED,
  CT_RELATED_REPLY,
  R_CT,
  R_CTINFO,
  R_CTMARK,
  R_CTSTATUS,
  R_FRAG_OFFSET,
  R_LENGTH,
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, type Verdict } from '../packet/verdict.ts';
import { confirmConnection } from './confirm.ts';
import { Conncount } from './conncount.ts';
import { ConntrackCore } from './core.ts';
import { dumpExpectations } from './expect-text.ts';
import { evictionLimit, makeRoom } from './expire.ts';
import { Helpers } from './helpers.ts';
import {
  ACCOUNT_ELEMENTS,
  C_HELPER,
  C_LABELS,
  C_MARK,
  C_MASTER,
  C_SECMARK,
  C_STATUS,
  C_TIMEOUT,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from './layout.ts';
import { tableBytes } from './table.ts';
import { closeConnection } from './tcp-reset.ts';
import { dumpConnections, seedConnections } from './text.ts';
import { type PolicyNumber, readTimeoutPolicies } from './timeout-policy.ts';
import { type Template, Tracker, tooManyConnections } from './track.ts';
import { trackRow } from './track-row.ts';

export interface ConntrackOptions {
  readonly host: Host;
  readonly seed: number;
  /** What becomes of TCP connections that the capture did not see begin: see `begin` in tcp.ts. */
  readonly midstream?: 'kernel' | 'established';
  /** `nfct list timeout`: the policies that CT --timeout names. */
  readonly timeoutPolicies?: { readonly file: string; readonly text: string } | undefined;
  /** Told what had to be assumed. */
  readonly assume?: (sentence: string) => void;
  /** Address space that the table may take at most; connections beyond it end the run with EXIT_LIMITS. */
  readonly maxTableBytes?: number;
  /** Where the table is to lie, for kernels to work on: see arenaFor(). */
  readonly arena?: Arena | undefined;
}

/** Below half of the address space a replay may want, and far above what a firewall holds. */
const MAX_TABLE_BYTES = 768 * 1024 * 1024;

/** Address space for what kernels count. */
const ARENA_BYTES = 96 * 1024 * 1024;

/**
 * Records beyond nf_conntrack_max, of entries whose packets are done: those in limbo, and those that are held until their
 * packet is answered (MAX_PENDING of netfilter/pending-answers.ts).
 */
const SPARE_RECORDS = 64 + 4096;

/** net.netfilter.nf_conntrack_max; 0 is no bound. */
function maxConnections(host: Host): number {
  const configured = host.sysctl('net.netfilter.nf_conntrack_max');
  return configured > 0 ? configured : 0x7fffffff;
}

function capacityFor(max: number, maxBytes: number): number {
  let capacity = Math.min(max + SPARE_RECORDS, 1 << 22);
  while (tableBytes(capacity) > maxBytes) capacity = Math.floor(capacity * 0.75);
  return capacity;
}

/** An arena with room for a host's table, for what kernels count, and for so many bytes more; undefined where there is none. */
export function arenaFor(host: Host, moreBytes: number): Arena | undefined {
  const capacity = capacityFor(maxConnections(host), MAX_TABLE_BYTES);
  return Arena.allocate(tableBytes(capacity) + ARENA_BYTES + moreBytes);
}

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
  /** Where the table lies, if in one. */
  readonly arena: Arena | undefined;
  readonly core: ConntrackCore;
  readonly nat: Nat;
  readonly words: Int32Array;
  private readonly helpers: Helpers;
  /** net.netfilter.nf_conntrack_max. */
  readonly max: number;
  /** Connections that the table can hold: no more than `max`. */
  get room(): number {
    return Math.min(this.max, this.core.table.capacity);
  }

  private readonly perBucket: number;
  private readonly tracker: Tracker;
  private readonly templates: Template[] = [];
  /** Timeout policies by name. */
  private readonly policies = new Map<string, PolicyNumber>();
  /** Records of the templates; not in the table. */
  private readonly templateEntries: number[] = [];
  private readonly counters: Conncount[] = [];

  constructor(options: ConntrackOptions) {
    const { host } = options;
    const max = maxConnections(host);
    this.max = max;
    const capacity = capacityFor(max, options.maxTableBytes ?? MAX_TABLE_BYTES);
    const buckets = host.sysctl('net.netfilter.nf_conntrack_buckets');
    this.perBucket = buckets > 0 ? (2 * Math.min(max, capacity)) / buckets : 2;
    this.arena = options.arena;
    this.core = new ConntrackCore(host, capacity, options.midstream === 'established', this.arena);
    this.words = this.core.words;
    this.readPolicies(options.timeoutPolicies);
    this.nat = new Nat(this.core, host, options.seed);
    this.helpers = new Helpers(this.core, this.nat, host, options.assume ?? (() => {}));
    this.tracker = new Tracker(this.core, {
      templates: this.templates,
      helpers: this.helpers,
      max,
      perBucket: this.perBucket,
    });
  }

  private readPolicies(listing: ConntrackOptions['timeoutPolicies']): void {
    if (listing === undefined) return;
    const { timeouts, policies } = this.core;
    for (const [name, policy] of readTimeoutPolicies(listing.text, listing.file, timeouts)) {
      const number = policies.push(policy.timeouts);
      this.policies.set(name, { family: policy.family, l4proto: policy.l4proto, number });
    }
  }

  /** INVALID_* of the packet tracked last: why it is INVALID, or was let pass unbelieved. */
  get lastInvalidReason(): number {
    return this.core.lastInvalidReason;
  }

  /** nf_conntrack_in(): see Tracker.track. VERDICT_ACCEPT or VERDICT_DROP. */
  track(p: Packet, hook: number): Verdict {
    return this.tracker.track(p, hook);
  }

  /** The short way for rows of a batch: see track-row.ts. */
  trackRow(c: Columns, view: DataView, i: number, hook: number): number {
    return trackRow(this.core, c, view, i, hook);
  }

  /** A connection can begin as begin-row.ts has it: none is expected, or given a helper by its port. */
  get takesRows(): boolean {
    return this.core.expectations.count === 0 && !this.helpers.assignsByPort;
  }

  /** See makeRoom() in expire.ts. */
  makeRoom(hash: number): boolean {
    return makeRoom(this.core, hash, this.max, this.perBucket);
  }

  /** Connections that are looked at for one to make room, when there are `max`. */
  get evictionLimit(): number {
    return evictionLimit(this.perBucket);
  }

  /** nf_confirm(): the connection's helper reads the packet, and the connection enters the table (confirm.ts). */
  confirm(p: Packet): Verdict {
    const ct = p.r[R_CT]!;
    if (ct >= 0 && (this.status(ct) & IPS_WHOLE_WAY) !== 0) {
      const verdict = this.helpers.help(p);
      if (verdict !== VERDICT_ACCEPT) return verdict;
    }
    return confirmConnection(this.core, p);
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
    return this.core.table.accounts[ct * ACCOUNT_ELEMENTS + 2 * dir]!;
  }

  bytes(ct: number, dir: 0 | 1): number {
    return this.core.table.accounts[ct * ACCOUNT_ELEMENTS + 2 * dir + 1]!;
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
    return number === 0 ? undefined : this.helpers.names[number - 1];
  }

  /** Names of helpers; C_HELPER is an index + 1. */
  get helperNames(): readonly string[] {
    return this.helpers.names;
  }

  /** Gives a connection that stood before the capture its helper. */
  seedHelper(ct: number, name: string): void {
    this.helpers.seed(ct, name);
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

  setClosing(ct: number, nowNs: number): void {
    this.core.nowNs = nowNs;
    closeConnection(this.core, ct);
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
    const ct = this.core.table.allocateRecord();
    if (ct < 0) throw tooManyConnections(this.core.table.capacity);
    this.words[(ct << RECORD_SHIFT) + C_STATUS] = IPS_TEMPLATE | IPS_CONFIRMED;
    // It is in no bucket and must not be swept.
    this.core.floats[((ct << RECORD_SHIFT) + C_TIMEOUT) >> 1] = Number.POSITIVE_INFINITY;
    this.templateEntries.push(ct);
    const policy = options.timeoutPolicy === undefined ? undefined : this.policies.get(options.timeoutPolicy);
    return this.templates.push({ ...options, policy }) - 1;
  }

  hasTimeoutPolicy(name: string): boolean {
    return this.policies.has(name);
  }

  templateEntry(template: number): number {
    return this.templateEntries[template]!;
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
    const known = p.r[R_FRAG_OFFSET] === 0 && p.l4Offset >= 0 && this.tracker.readTuple(p, l4Length);
    this.core.lastInvalidReason = reason;
    if (!known) return 0;
    const { tuple } = this.tracker;
    tuple[TUPLE_ZONE] = 0;
    return this.counters[counter]!.count(key, keyWords, -1, tuple, 0);
  }

  // --- listings -------------------------------------------------------------------------------------------

  /** Entries confirmed and not expired at `nowNs`. */
  *live(nowNs: number): Generator<number> {
    for (let ct = 0; ct < this.core.table.high; ct++) {
      const at = ct << RECORD_SHIFT;
      const status = this.words[at + C_STATUS]!;
      if ((status & (IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE)) !== IPS_CONFIRMED) continue;
      if (this.core.floats[(at + C_TIMEOUT) >> 1]! > nowNs) yield ct;
    }
  }

  /** Enters connections from `conntrack -L -o extended` text; what stood before the capture, at time `nowNs`. */
  seed(text: string, nowNs: number, file = 'conntrack.txt'): number {
    return seedConnections(this, text, nowNs, file);
  }

  /** What helpers expect at time `nowNs`, as `conntrack -L expect` would print it, a line each. */
  dumpExpectations(nowNs: number): string[] {
    return dumpExpectations(this.core, nowNs);
  }

  /** The table as `conntrack -L -o extended` would print it at time `nowNs`, a line an entry. */
  dump(nowNs: number, family?: Family): string[] {
    return dumpConnections(this, nowNs, family);
  }
}
