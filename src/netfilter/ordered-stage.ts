import type { Batch, Columns } from '../batch/batch.ts';
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  DECODE_BAD_IP_OPTIONS,
  DECODE_FRAGMENT,
  DECODE_OPTIONS,
  PKT_OTHERHOST,
  QUICK_PASSED,
} from '../batch/layout.ts';
import type { Dependence } from '../compile/dependence.ts';
import { isOdd } from '../compile/odd.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import { INVALID_NONE } from '../conntrack/invalid.ts';
import { ROW_DROPPED } from '../conntrack/track-row.ts';
import { DROP_HEADER_CUT, DROP_NONE } from '../decode/drop-reasons.ts';
import { interfaceDropReason } from '../decode/interface-checks.ts';
import {
  DIRECTION_COPY,
  DIRECTION_ECHO,
  DIRECTION_IN,
  DIRECTION_LOOP,
  DIRECTION_OUT,
  DIRECTION_OUTPUT,
} from '../direction/director.ts';
import type { Trail } from '../evaluate/trail.ts';
import type { Host } from '../host/types.ts';
import { IPS_CONFIRMED, IPS_WHOLE_WAY } from '../packet/conntrack-access.ts';
import { Packet } from '../packet/packet.ts';
import {
  CT_NEW,
  CT_NONE,
  HOOK_PREROUTING,
  R_CHECKSUM,
  R_CT,
  R_CTINFO,
  R_CTMARK,
  R_CTSTATUS,
  R_DECODE_FLAGS,
  R_FAMILY,
  R_L4PROTO,
  R_LENGTH,
  R_PHYS_IN,
  R_PKT_TYPE,
  R_TOS,
  R_TTL,
  REGISTER_COUNT,
} from '../packet/registers.ts';
import { BatchSums } from './batch-sums.loop.ts';
import type { Bridging } from './bridging.ts';
import type { Dice } from './dice.ts';
import { LocalForm } from './local-form.ts';
import { LocalFragments } from './local-fragments.ts';
import type { MachineProfile } from './machine-profile.ts';
import { MtuClasses } from './mtu-classes.ts';
import {
  OUTCOME_COPY,
  OUTCOME_ECHO,
  OUTCOME_FORWARDED,
  OUTCOME_FRAGMENT,
  OUTCOME_NOT_IP,
  OUTCOME_REJECTED,
  OUTCOME_STACK,
  STACK_CONNTRACK,
  STACK_NO_ROUTE,
  STACK_TOO_BIG,
  STACK_UNREADABLE,
} from './outcome.ts';
import { type FragmentAssembler, OwnFragments } from './own-fragments.ts';
import { PathCache } from './path-cache.ts';
import { type PathEnd, PathTable } from './path-table.ts';
import { PendingAnswers } from './pending-answers.ts';
import { QuickColumns } from './quick-columns.loop.ts';
import { BLOCK_ROWS, entranceOf, isShared, QuickWay, STOPPED_TRACKED } from './quick-way.loop.ts';
import { Recall } from './recall.ts';
import { ReplayClock } from './replay-clock.ts';
import { Statistics } from './statistics.ts';
import { type FamilyRules, MAX_PORTS, type Traversal } from './traverse.ts';
import { Ways } from './ways.ts';

/** What the stage runs on. */
export interface OrderedStageParts {
  readonly host: Host;
  readonly conntrack: Conntrack;
  /** [4] and [6]. */
  readonly families: readonly (FamilyRules | undefined)[];
  /** [4] and [6]: undefined where paths are not to be shared (linear evaluator, too many classes). */
  readonly sharing: readonly (Sharing | undefined)[];
  /** [4] and [6]: what paths depend on, where they may be shared by connections (walk-memo.ts). */
  readonly dependences: readonly (Dependence | undefined)[];
  /** [4] and [6]: raw has rules that decide whether and how a packet is tracked, so it runs before conntrack looks. */
  readonly rawFirst: readonly boolean[];
  readonly trail: Trail;
  readonly traversal: Traversal;
  /** [4] and [6]: for packets that arrive, where the rules ask for it. */
  readonly defragmenters: readonly (FragmentAssembler | undefined)[];
  /** [4] and [6]: for packets of this host, which are cut only behind POSTROUTING: OUTPUT saw the whole. */
  readonly ownDefragmenters: readonly (FragmentAssembler | undefined)[];
  readonly dice: Dice;
  /** `--checksum`: how transport checksums are judged. */
  readonly checksum: 'auto' | 'verify' | 'trust';
  readonly perPacket: boolean;
  /** Inbound packets may have an `echoDistance`. */
  readonly linksEchoes: boolean;
  /** Batches hold one share of their packets (decode/share.ts): `observe` is called before they are dealt. */
  readonly isShare: boolean;
  /** Where iptables sees what bridges pass on. */
  readonly bridging: Bridging | undefined;
  /** Of a profiled run. */
  readonly profile?: MachineProfile | undefined;
  /** Told what the report has to say was assumed. */
  readonly assume: (sentence: string) => void;
}

const NO_HOOK = 255;
/** In the column `ctinfo`: conntrack has not looked at the packet. */
const NO_CTINFO = 255;

/**
 * IP options may end a way at the routing decision, and a reassembled packet may be longer than others may be: such
 * packets, which are rare, share no path.
 */
const NOT_SHARED = DECODE_OPTIONS | DECODE_BAD_IP_OPTIONS;

/**
 * The ordered stage: takes the packets of decoded, sorted batches in capture order through tracking and rules.
 *
 * A packet whose connection, direction, state and signature have been seen takes the known path: one look-up, one
 * conntrack update, two additions; most of these straight from their columns (quick-way.loop.ts). All others walk: the traversal follows every hook and rule, and what it leaves
 * in the trail is interned as a path, which may be remembered for the packets to come.
 */
export class OrderedStage {
  readonly #parts: OrderedStageParts;
  readonly #conntrack: Conntrack;
  readonly #traversal: Traversal;
  readonly #trail: Trail;
  readonly paths: PathTable;
  readonly statistics: Statistics;
  readonly #cache: PathCache;
  readonly #ways = new Ways();
  readonly #recall: Recall;
  readonly #quick: QuickWay;
  readonly #quickColumns: QuickColumns;
  readonly #mtus: MtuClasses;
  readonly #p = new Packet();
  readonly #arrived = new Int32Array(REGISTER_COUNT);
  readonly #localForm: LocalForm;
  readonly #ownFragments: OwnFragments;
  readonly #answers: PendingAnswers;
  readonly #end: PathEnd = { outcome: 0, family: 0, hook: NO_HOOK, reason: 0, decider: -1, iif: 0, oif: 0 };
  walked = 0;
  /** Packets that took known ways, those that a walk of another connection told among them. */
  #known = 0;
  /** Packets whose connection knew their way. */
  get cached(): number {
    return this.#known - this.recalledByKernels;
  }

  /** Packets that were spared a walk by the walks of others. */
  get recalled(): number {
    return this.#recall.recalled + this.recalledByKernels;
  }

  get recalledByKernels(): number {
    return this.#quick.recalled;
  }

  get mostPendingAnswers(): number {
    return this.#answers.most;
  }

  echoesAgreed = 0;
  echoesDisagreed = 0;
  readonly sums = new BatchSums();
  readonly clock = new ReplayClock();
  readonly notIp = new Map<number, { packets: number; bytes: number }>();
  /** Packet that is being replayed: for assertions and messages. */
  current = 0;

  constructor(parts: OrderedStageParts) {
    this.#parts = parts;
    this.#conntrack = parts.conntrack;
    const { arena } = parts.conntrack;
    this.paths = new PathTable(arena);
    this.statistics = new Statistics(arena);
    this.#cache = new PathCache(parts.conntrack.words);
    this.#traversal = parts.traversal;
    this.#trail = parts.trail;
    this.#localForm = new LocalForm(parts.conntrack);
    const { bridging } = parts;
    this.#bridging = bridging;
    if (bridging !== undefined) {
      parts.traversal.bridge = {
        calls: (family) => bridging.calls(family),
        egressTo: (words, at, ports) =>
          bridging.egressTo(this.#batch!, this.#rowNumber, this.#ahead, words, at, ports),
      };
    }
    this.#ownFragments = new OwnFragments(parts.ownDefragmenters);
    this.#answers = new PendingAnswers(parts.conntrack, this.#localForm, parts.assume);
    const quickSharing = (family: 4 | 6) =>
      parts.families[family]?.tracks === true ? parts.sharing[family] : undefined;
    this.#recall = new Recall({
      ...parts,
      dependences: parts.dependences.map((one, family) =>
        quickSharing(family as 4 | 6) !== undefined && !parts.rawFirst[family] ? one : undefined,
      ),
      paths: this.paths,
      statistics: this.statistics,
      cache: this.#cache,
    });
    this.#mtus = new MtuClasses(parts.host);
    this.#quick = new QuickWay({
      ...parts,
      paths: this.paths,
      statistics: this.statistics,
      memo: this.#recall.memo,
      sharing: parts.sharing.map((_, family) => quickSharing(family as 4 | 6)),
      translates: parts.families.map((rules) => rules?.translates === true),
    });
    this.#quickColumns = new QuickColumns(
      this.#mtus,
      this.#ways,
      quickSharing(4),
      quickSharing(6),
      parts.checksum,
      arena,
    );
    const localFragments = new LocalFragments(parts.ownDefragmenters[4]!);
    parts.traversal.assembleLocal = (p) => localFragments.add(this.#batch!, this.#rowNumber, p);
    parts.profile?.watchStage({
      ...parts,
      quick: this.#quick,
      quickColumns: this.#quickColumns,
      recall: this.#recall,
    });
  }

  /** Batch and row of the packet at hand, and the batches behind. */
  #batch: Batch | undefined;
  #rowNumber = 0;
  #ahead: readonly Batch[] = [];

  /** `ahead` are the batches behind this one that are decoded and sorted: where echoes may lie. */
  process(batch: Batch, ahead: readonly Batch[]): void {
    const c = batch.columns;
    const { count, firstPacket: first } = batch;
    const quick = this.#quick;
    if (quick.isOpen) {
      this.#quickColumns.fill(batch);
      if (this.#parts.linksEchoes && this.#bridging === undefined) this.#passEchoes(batch);
    }
    const follows = this.#parts.isShare || this.#keepTime(batch);
    this.#batch = batch;
    this.#ahead = ahead;
    for (let begin = 0; begin < count; begin += BLOCK_ROWS) {
      const end = Math.min(begin + BLOCK_ROWS, count);
      if (quick.isOpen) quick.locate(batch, begin, end);
      for (let i = begin; i < end; i++) {
        if (quick.isOpen) {
          const stop = quick.take(batch, i, end);
          this.#known += stop - i;
          this.#afterQuick(batch, i, stop, ahead);
          i = stop;
          if (i === end) break;
        }
        this.#one(batch, i, first, ahead, quick.isOpen && quick.stopped === STOPPED_TRACKED);
      }
    }
    if (!follows) this.clock.restore(c.timeNs);
  }

  /** Echoes are nothing but counted, all of a batch at once: the quick way passes them over, and need not stop at each. */
  #passEchoes(batch: Batch): void {
    const { paths } = this;
    const { perPacket } = this.#parts;
    const { direction, family, ifaceId, length, quick, path, ctinfo, invalidReason } = batch.columns;
    const { count, firstPacket } = batch;
    let lastFamily = -1;
    let lastIface = -1;
    let taken = -1;
    for (let i = 0; i < count; i++) {
      if (direction[i] !== DIRECTION_ECHO || family[i] === 0) continue;
      if (family[i] !== lastFamily || ifaceId[i] !== lastIface) {
        lastFamily = family[i]!;
        lastIface = ifaceId[i]!;
        paths.current = firstPacket + i;
        taken = this.#short(OUTCOME_ECHO, lastFamily, 0, 0, lastIface);
      }
      paths.add(taken, length[i]!);
      quick[i] = QUICK_PASSED;
      this.#known--;
      if (!perPacket) continue;
      path[i] = taken;
      ctinfo[i] = NO_CTINFO;
      invalidReason[i] = INVALID_NONE;
    }
  }

  /** Takes note of all packets of a batch of which `process` will be given a share. */
  observe(batch: Batch): void {
    this.#keepTime(batch);
  }

  /** Adds up what is known of packets before they are replayed, and sets the clock. True when it follows the stamps. */
  #keepTime(batch: Batch): boolean {
    const follows = this.sums.add(batch, this.clock);
    const { columns: c, count } = batch;
    if (!follows) this.clock.replace(c.timeNs, c.timeInvalid, count);
    return follows;
  }

  /** What is left to do for rows [begin, end), which have gone the quick way. */
  #afterQuick(batch: Batch, begin: number, end: number, ahead: readonly Batch[]): void {
    const c = batch.columns;
    if (this.#parts.linksEchoes) {
      const { echoDistance, path } = c;
      for (let i = begin; i < end; i++) if (echoDistance[i] !== 0) this.#echoOf(path[i]!, i, batch, ahead);
    }
    if (!this.#parts.perPacket) return;
    for (let i = begin; i < end; i++) this.#write(c, i, c.path[i]!);
  }

  /** A row that does not go the quick way, or not to its end. */
  #one(batch: Batch, i: number, begin: number, ahead: readonly Batch[], isTracked: boolean): void {
    const { paths } = this;
    let first = begin;
    if (this.#parts.isShare) {
      if (batch.columns.foreign[i] !== 0) return;
      first += batch.columns.ordinal[i]! - i;
    }
    this.#bytes = batch.columns.length[i]!;
    this.current = first + i;
    paths.current = this.current;
    this.#rowNumber = i;
    let path = -1;
    if (isTracked) path = this.#tracked(batch, i, first, ahead);
    else if (this.#isQuick(batch.columns, i)) path = this.#begins(batch, i, first, ahead);
    if (path < 0) path = this.#row(batch, i, first, ahead);
    paths.add(path, this.#bytes);
    if (!this.#parts.perPacket) return;
    const c = batch.columns;
    c.path[i] = path;
    c.ctinfo[i] = this.#p.r[R_CTINFO]! & 255;
    c.invalidReason[i] = this.#conntrack.lastInvalidReason;
    this.#write(c, i, path);
  }

  /** Bytes that the packet counts with: skb->len, of the whole for a reassembled one; the frame's where there is no IP. */
  #bytes = 0;

  #isQuick(c: Columns, i: number): boolean {
    return this.#quick.isOpen && c.quick[i] !== 0;
  }

  /** Row `i` begins a connection whose path others tell: its path, or -1, and it goes the long way. */
  #begins(batch: Batch, i: number, first: number, ahead: readonly Batch[]): number {
    const hasEcho = batch.columns.echoDistance[i] !== 0;
    if (hasEcho) this.#observeEcho(i, batch, ahead);
    let path = this.#recall.first(batch, i, this.current);
    if (path < -1) path = this.#beginsAtFork(-2 - path, batch, i, first);
    if (hasEcho) this.#parts.dice.forget();
    if (path < 0) return -1;
    this.#p.r[R_CTINFO] = CT_NEW;
    if (hasEcho) this.#compareEcho(path);
    return path;
  }

  /** The same where its way splits at `fork`. When it goes the long way, that is not to ask again what was asked. */
  #beginsAtFork(fork: number, batch: Batch, i: number, first: number): number {
    const recall = this.#recall;
    const ct = recall.open(batch, i);
    if (ct < 0) return -1;
    this.#load(this.#p, batch, i, first);
    this.#attach(ct, CT_NEW);
    const path = recall.forks.follow(fork, this.#p, this.#trail);
    if (recall.close(batch.columns, i, ct, path)) return path;
    this.#asked = this.#trail.forkCount;
    return -1;
  }

  /** So many matches have been asked about the packet that is to go the long way. */
  #asked = 0;

  /** Row `i`, which the quick way has taken through conntrack, and whose path is not known: asks others, or walks it. */
  #tracked(batch: Batch, i: number, first: number, ahead: readonly Batch[]): number {
    const c = batch.columns;
    const p = this.#p;
    const { r } = p;
    const { state } = this.#quick;
    const way = c.way[i]!;
    let fork = -1;
    if (state >= 0) {
      const path = this.#recalled(c, i, state >> 3, state & 7);
      if (path >= 0) {
        r[R_CTINFO] = state & 7;
        if (c.echoDistance[i] !== 0) this.#echoOf(path, i, batch, ahead);
        return path;
      }
      fork = -2 - path;
    }
    this.#load(p, batch, i, first);
    if (state === ROW_DROPPED) {
      this.statistics.count(r, this.#conntrack.lastInvalidReason);
      const path = this.#short(
        OUTCOME_STACK,
        r[R_FAMILY]!,
        STACK_CONNTRACK,
        c.ifaceId[i]!,
        0,
        HOOK_PREROUTING,
      );
      if (c.echoDistance[i] !== 0) this.#echoOf(path, i, batch, ahead);
      return path;
    }
    if (state >= 0) this.#attach(state >> 3, state & 7);
    else r[R_CTINFO] = CT_NONE;
    let asked = 0;
    if (fork >= 0) {
      const path = this.#follow(fork, batch, i, ahead);
      if (path >= 0) return path;
      asked = this.#trail.forkCount;
      this.#load(p, batch, i, first);
      this.#attach(state >> 3, state & 7);
    }
    this.#trail.reset(r[R_LENGTH]!);
    this.#trail.askedBefore = asked;
    this.#traversal.trackedAlready(p);
    const iface = c.ifaceId[i]!;
    const sharing = this.#parts.sharing[r[R_FAMILY]!]!;
    if (c.echoDistance[i] === 0) return this.#share(p, DIRECTION_IN, iface, true, sharing, way);
    this.#observeEcho(i, batch, ahead);
    const path = this.#share(p, DIRECTION_IN, iface, true, sharing, way);
    this.#parts.dice.forget();
    this.#compareEcho(path);
    return path;
  }

  /** The packet at hand belongs to `ct` in state `ctinfo`. */
  #attach(ct: number, ctinfo: number): void {
    const { r } = this.#p;
    r[R_CT] = ct;
    r[R_CTINFO] = ctinfo;
    r[R_CTSTATUS] = this.#conntrack.status(ct);
    r[R_CTMARK] = this.#conntrack.mark(ct);
  }

  /** What is known of row `i`, a packet of `ct`, without a walk: Recall.connection. */
  #recalled(c: Columns, i: number, ct: number, ctinfo: number): number {
    const { readsCtstatus } = this.#parts.sharing[c.family[i]!]!;
    const mark = this.#conntrack.mark(ct);
    const status = readsCtstatus ? this.#conntrack.status(ct) : 0;
    const fork = this.#cache.fork(ct, ctinfo, c.way[i]!, mark, status);
    if (fork >= 0) return -2 - fork;
    const path = this.#recall.connection(c, i, ct, ctinfo);
    if (path < -1) this.#cache.setFork(ct, ctinfo, c.way[i]!, mark, status, -2 - path);
    return path;
  }

  /** The path of the packet at hand, whose way splits at `fork`; -1 where it has to walk, and has asked what the trail says. */
  #follow(fork: number, batch: Batch, i: number, ahead: readonly Batch[]): number {
    const hasEcho = batch.columns.echoDistance[i] !== 0;
    if (hasEcho) this.#observeEcho(i, batch, ahead);
    const path = this.#recall.forks.follow(fork, this.#p, this.#trail);
    if (hasEcho) this.#parts.dice.forget();
    if (path < 0) return -1;
    if (hasEcho) this.#compareEcho(path);
    return this.#takeKnown(this.#p, path, true);
  }

  #load(p: Packet, batch: Batch, i: number, first: number): void {
    p.load(batch, i, first);
    this.#complete(p, batch.columns, i);
  }

  /** What a packet's row does not tell alone. */
  #complete(p: Packet, c: Columns, i: number): void {
    const { r } = p;
    r[R_CHECKSUM] = this.#checksum(r[R_CHECKSUM]!);
    r[R_PKT_TYPE] = c.skbPktType[i]!;
    r[R_PHYS_IN] = c.portId[i]!;
  }

  /** Replays row `i`; its path. */
  #row(batch: Batch, i: number, first: number, ahead: readonly Batch[]): number {
    const c = batch.columns;
    const family = c.family[i]!;
    const iface = c.ifaceId[i]!;
    const direction = c.direction[i]!;
    this.#p.r[R_CT] = -1;
    this.#p.r[R_CTINFO] = -1;
    // Of the packet before.
    this.#conntrack.core.lastInvalidReason = INVALID_NONE;
    this.#bridging?.learn(batch, i);
    if (family === 0) {
      this.#bytes = c.origLen[i]!;
      this.#noteNotIp(c.etherType[i]!, this.#bytes);
      return this.#short(OUTCOME_NOT_IP, 0, 0, iface, 0);
    }
    if (direction === DIRECTION_ECHO) return this.#short(OUTCOME_ECHO, family, 0, 0, iface);
    if (direction === DIRECTION_COPY) return this.#short(OUTCOME_COPY, family, 0, 0, 0);
    if (c.portId[i] !== 0 && this.#answers.awaits) {
      this.#load(this.#p, batch, i, first);
      if (this.#answers.isPortReset(this.#p)) return this.#short(OUTCOME_ECHO, family, 0, 0, iface);
    }
    const isBridged = this.#bridging?.passesOn(batch, i) === true;
    const drop = isBridged ? c.drop[i]! : this.#headerDrop(batch, i, direction, iface);
    if (drop !== 0) return this.#short(OUTCOME_STACK, family, drop, iface, 0);
    const p = this.#p;
    const isOwn = isOut(direction);
    const defragmenter = this.#parts.defragmenters[family];
    if ((c.decodeFlags[i]! & DECODE_FRAGMENT) !== 0 && (isOwn || defragmenter !== undefined)) {
      const isWhole = isOwn
        ? this.#ownFragments.add(batch, i, p, iface, ahead)
        : defragmenter!.add(batch, i, p, 0, iface);
      if (!isWhole) return this.#short(OUTCOME_FRAGMENT, family, 0, iface, 0);
      p.number = first + i;
      this.#bytes = p.r[R_LENGTH]!;
      this.#complete(p, c, i);
    } else this.#load(p, batch, i, first);
    if (isBridged) return this.#passOn(p, batch, i, ahead);
    if (c.echoDistance[i] === 0) return this.#replay(p, direction, iface);
    this.#observeEcho(i, batch, ahead);
    const path = this.#replay(p, direction, iface);
    this.#parts.dice.forget();
    this.#compareEcho(path);
    return path;
  }

  /** A frame for the bridge to pass on. Its echo, where there is one, tells by which port it left. */
  #passOn(p: Packet, batch: Batch, i: number, ahead: readonly Batch[]): number {
    const c = batch.columns;
    const ports = this.#ports;
    const isForAll = c.skbPktType[i] !== PKT_OTHERHOST;
    let count = this.#bridging!.egress(batch, i, ports);
    if (c.echoDistance[i] !== 0) {
      this.#observeEcho(i, batch, ahead);
      const echo = this.#echoBatch;
      if (echo !== undefined && !isForAll) {
        ports[0] = echo.columns.portId[this.#echoRow]!;
        count = 1;
      }
    }
    const tracks = this.#parts.families[p.r[R_FAMILY]!]?.tracks === true;
    this.walked++;
    this.#trail.reset(p.r[R_LENGTH]!);
    this.#arrived.set(p.r);
    this.#traversal.bridged(p, c.ifaceId[i]!, ports, count, isForAll);
    const path = this.#finish(p, tracks);
    if (c.echoDistance[i] !== 0) {
      this.#parts.dice.forget();
      this.#compareEcho(path);
    }
    return path;
  }

  readonly #bridging: Bridging | undefined;
  readonly #ports = new Int32Array(MAX_PORTS);

  /** What the rest is told of the transport checksum. */
  #checksum(decoded: number): number {
    if (this.#parts.checksum === 'trust') return CHECKSUM_GOOD;
    if (decoded !== CHECKSUM_PARTIAL) return decoded;
    return this.#parts.checksum === 'auto' ? CHECKSUM_GOOD : CHECKSUM_BAD;
  }

  #headerDrop(batch: Batch, i: number, direction: number, iface: number): number {
    const drop = batch.columns.drop[i]!;
    // What this host made was not checked on its way out; only what cannot be read at all is left out.
    if (isOut(direction)) return drop === DROP_HEADER_CUT ? STACK_UNREADABLE : 0;
    if (drop !== DROP_NONE) return drop;
    const isLoopback = this.#parts.host.interfaces[iface]!.isLoopback;
    return interfaceDropReason(batch.columns, i, batch.columns.skbPktType[i]!, isLoopback);
  }

  #noteNotIp(etherType: number, bytes: number): void {
    const row = this.notIp.get(etherType);
    if (row === undefined) this.notIp.set(etherType, { packets: 1, bytes });
    else {
      row.packets++;
      row.bytes += bytes;
    }
  }

  /** A path on which no rule was asked. */
  #short(outcome: number, family: number, reason: number, iif: number, oif: number, hook = NO_HOOK): number {
    const end = this.#end;
    end.hook = hook;
    end.outcome = outcome;
    end.family = family;
    end.reason = reason;
    end.iif = iif;
    end.oif = oif;
    return this.paths.intern(end, EMPTY, 0);
  }

  /** Takes the packet through its hooks, by a known path or by a walk. */
  #replay(p: Packet, direction: number, iface: number): number {
    const { r } = p;
    const family = r[R_FAMILY]!;
    const rules = this.#parts.families[family];
    const tracks = rules?.tracks === true;
    const trail = this.#trail;
    trail.reset(r[R_LENGTH]!);
    trail.askedBefore = this.#asked;
    this.#asked = 0;
    if (tracks && isOut(direction)) {
      this.#answers.attach(p, direction === DIRECTION_OUTPUT);
      if (r[R_CT]! < 0 && direction === DIRECTION_OUT) this.#localForm.restore(p);
    }
    const sharing = this.#parts.sharing[family];
    const canShare =
      sharing !== undefined &&
      direction !== DIRECTION_LOOP &&
      p.l4Offset >= 0 &&
      !isOdd(r) &&
      p.fragMaxBytes === 0 &&
      (r[R_DECODE_FLAGS]! & NOT_SHARED) === 0;
    if (!canShare) return this.#walk(p, direction, iface, tracks);
    // The key is taken before the walk changes anything.
    const signature = sharing.signature(r);
    const place = r[R_PHYS_IN] === 0 ? iface : r[R_PHYS_IN]!;
    const entrance = entranceOf(place, direction, r[R_TOS]!, r[R_PKT_TYPE]!, r[R_TTL]!);
    const way = this.#ways.idOf(signature, entrance, this.#mtus.classOf(r[R_LENGTH]!, r[R_DECODE_FLAGS]!));
    if (this.#parts.rawFirst[family]) return this.#walkRawFirst(p, direction, iface, sharing, way);
    if (tracks && !this.#traversal.trackFirst(p, isOut(direction), iface)) return this.#finish(p, tracks);
    return this.#share(p, direction, iface, tracks, sharing, way);
  }

  /**
   * A packet of a family whose raw table decides about tracking: which connection it belongs to is not known before raw
   * has run, so it walks. But the next one of the connection with the same way in goes the same way, through raw as well,
   * and may be told so by the connection (quick-way.loop.ts).
   */
  #walkRawFirst(p: Packet, direction: number, iface: number, sharing: Sharing, way: number): number {
    const { judged } = this.#traversal;
    judged.ct = -1;
    const path = this.#walk(p, direction, iface, true);
    const { ct, ctinfo, status, mark } = judged;
    const isKnown =
      ct >= 0 &&
      direction === DIRECTION_IN &&
      isShared(ctinfo) &&
      (status & (IPS_CONFIRMED | IPS_WHOLE_WAY)) === IPS_CONFIRMED;
    if (isKnown && this.#mayRemember(path) && this.#conntrack.mark(ct) === mark) {
      this.#cache.setConnection(ct, ctinfo, way, mark, sharing.readsCtstatus ? status : 0, path);
    }
    return path;
  }

  /** The way of a packet whose connection is known, or known not to be: one that is remembered, or a walk. */
  #share(
    p: Packet,
    direction: number,
    iface: number,
    tracks: boolean,
    sharing: Sharing,
    way: number,
  ): number {
    const { r } = p;
    const ct = r[R_CT]!;
    const ctinfo = r[R_CTINFO]!;
    if (ct < 0) {
      const known = this.#cache.flow(r, way);
      if (known >= 0) return this.#takeKnown(p, known, tracks);
      const path = this.#walk(p, direction, iface, tracks);
      if (this.#mayRemember(path)) this.#cache.setFlow(path);
      return path;
    }
    const confirmed = (r[R_CTSTATUS]! & IPS_CONFIRMED) !== 0;
    const isWhole = (r[R_CTSTATUS]! & IPS_WHOLE_WAY) !== 0;
    const ctmark = r[R_CTMARK]!;
    const statusBefore = r[R_CTSTATUS]!;
    const status = sharing.readsCtstatus ? statusBefore : 0;
    if (!confirmed || isWhole || !isShared(ctinfo)) {
      const path = this.#walk(p, direction, iface, tracks);
      if (isWhole) return path;
      if (this.#mayRemember(path)) this.#note(ct, ctinfo, statusBefore, path);
      else if (!confirmed) this.#noteForks(ct, ctinfo, statusBefore, path);
      return path;
    }
    const known = this.#cache.connection(ct, ctinfo, way, ctmark, status);
    if (known >= 0) return this.#takeKnown(p, known, tracks);
    const path = this.#walk(p, direction, iface, tracks);
    if (this.#conntrack.mark(ct) !== ctmark) return path;
    if (this.#mayRemember(path)) {
      this.#cache.setConnection(ct, ctinfo, way, ctmark, status, path);
      this.#note(ct, ctinfo, statusBefore, path);
    } else {
      const fork = this.#noteForks(ct, ctinfo, statusBefore, path);
      if (fork >= 0) this.#cache.setFork(ct, ctinfo, way, ctmark, status, fork);
    }
    return path;
  }

  /** The packet at hand has walked `path`: others may take it, too. */
  #note(ct: number, ctinfo: number, status: number, path: number): void {
    const { columns } = this.#batch!;
    const row = this.#rowNumber;
    if (this.#isQuick(columns, row)) this.#recall.note(columns, row, this.current, ct, ctinfo, status, path);
  }

  /** The same for a path that splits: the first fork, -1 where it has none or they cannot be remembered. */
  #noteForks(ct: number, ctinfo: number, status: number, path: number): number {
    if (this.#trail.forkCount === 0 || !this.#isEveryones(path)) return -1;
    const { columns } = this.#batch!;
    const row = this.#rowNumber;
    if (!this.#isQuick(columns, row)) return -1;
    return this.#recall.noteForks(columns, row, ct, ctinfo, status, this.#arrived, path);
  }

  #mayRemember(path: number): boolean {
    return this.#trail.forkCount === 0 && this.#isEveryones(path);
  }

  /** Others go this way, too, who give the same answers where it splits. */
  #isEveryones(path: number): boolean {
    return !this.#trail.unsharable && !this.#p.hotdrop && this.paths.outcomeOf(path) !== OUTCOME_REJECTED;
  }

  #takeKnown(p: Packet, path: number, tracks: boolean): number {
    this.#known++;
    if (tracks) this.statistics.count(p.r, this.#conntrack.lastInvalidReason);
    return path;
  }

  #walk(p: Packet, direction: number, iface: number, tracks: boolean): number {
    const { r } = p;
    this.walked++;
    this.#arrived.set(r);
    if (direction === DIRECTION_OUTPUT) this.#traversal.output(p, iface);
    else if (direction === DIRECTION_OUT) this.#traversal.outbound(p, iface);
    else if (direction === DIRECTION_LOOP) this.#traversal.loop(p, iface);
    else this.#traversal.inbound(p, iface);
    return this.#finish(p, tracks);
  }

  /** Interns the path of a packet whose way has ended. */
  #finish(p: Packet, tracks: boolean): number {
    const { r } = p;
    const { end } = this.#traversal;
    const ct = r[R_CT]!;
    if (tracks) {
      if (this.#traversal.tracked) this.statistics.count(r, this.#conntrack.lastInvalidReason);
      if (isAnswered(end)) {
        const port = this.#bridging?.calls(p.r[R_FAMILY]!) === true && end.outcome === OUTCOME_REJECTED;
        this.#answers.add(p, this.#arrived, port ? p.r[R_PHYS_IN]! : 0);
      }
      if (ct >= 0) {
        if (this.#traversal.confirmed) this.statistics.confirmed(r[R_FAMILY]!, r[R_L4PROTO]!);
        this.#conntrack.release(p);
      }
    }
    return this.paths.intern(end, this.#trail.hits, this.#trail.count);
  }

  #echoBatch: Batch | undefined;
  #echoRow = 0;

  /** Compares row `i`, which took `path`, with its echo. */
  #echoOf(path: number, i: number, batch: Batch, ahead: readonly Batch[]): void {
    this.#findEcho(i + batch.columns.echoDistance[i]!, batch, ahead);
    this.#compareEcho(path);
  }

  /** Finds the echo of row `i` and lets the dice look at it. */
  #observeEcho(i: number, batch: Batch, ahead: readonly Batch[]): void {
    this.#findEcho(i + batch.columns.echoDistance[i]!, batch, ahead);
    if (this.#echoBatch !== undefined) this.#parts.dice.observe(this.#echoBatch, this.#echoRow);
  }

  /** Finds the echo that lies at row `echoRow`, counted from the start of `batch` on. */
  #findEcho(echoRow: number, batch: Batch, ahead: readonly Batch[]): void {
    let row = echoRow;
    let there: Batch | undefined = batch;
    for (let k = 0; there !== undefined && row >= there.count; k++) {
      row -= there.count;
      there = ahead[k];
    }
    this.#echoBatch = there;
    this.#echoRow = row;
  }

  /** Did what was predicted happen? The echo says by which interface the packet left. */
  #compareEcho(path: number): void {
    const echo = this.#echoBatch;
    if (echo === undefined) return;
    const { paths } = this;
    const left = echo.columns.ifaceId[this.#echoRow];
    if (paths.outcomeOf(path) === OUTCOME_FORWARDED && paths.oifOf(path) === left) this.echoesAgreed++;
    else this.echoesDisagreed++;
  }

  #write(c: Columns, i: number, path: number): void {
    c.outcome[i] = this.paths.outcomeOf(path);
    c.reason[i] = this.paths.reasonOf(path);
    c.hook[i] = this.paths.hookOf(path);
    c.decider[i] = this.paths.deciderOf(path);
    c.iif[i] = this.paths.iifOf(path);
    c.oif[i] = this.paths.oifOf(path);
  }
}

/** This host may answer the packet, whose connection was not confirmed. */
function isAnswered(end: PathEnd): boolean {
  if (end.outcome === OUTCOME_REJECTED) return true;
  return end.outcome === OUTCOME_STACK && end.reason >= STACK_NO_ROUTE && end.reason <= STACK_TOO_BIG;
}

function isOut(direction: number): boolean {
  return direction === DIRECTION_OUT || direction === DIRECTION_OUTPUT;
}

const EMPTY = new Int32Array(0);
