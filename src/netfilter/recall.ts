import type { Batch, Columns } from '../batch/batch.ts';
import { DEPENDS_ON_TRANSLATION, type Dependence } from '../compile/dependence.ts';
import type { Sharing } from '../compile/sharing.ts';
import { beginRow, enterRow, isFirstRow, openRow } from '../conntrack/begin-row.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import { INVALID_NONE } from '../conntrack/invalid.ts';
import { C_MARK, C_STATUS, RECORD_SHIFT, REPLY_STRIDE } from '../conntrack/layout.ts';
import type { Trail } from '../evaluate/trail.ts';
import type { Host } from '../host/types.ts';
import {
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  IPS_TEMPLATE,
  IPS_WHOLE_WAY,
} from '../packet/conntrack-access.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY, CT_NEW } from '../packet/registers.ts';
import { Forks } from './forks.ts';
import {
  ENTRY_DROPPED,
  ENTRY_FORKS,
  ENTRY_TRANSLATED,
  WALK_ESTABLISHED,
  WALK_FIRST,
  WALK_NEW,
  WALK_REPLY,
} from './memo-layout.ts';
import { OUTCOME_DELIVERED, OUTCOME_DROPPED, OUTCOME_FORWARDED } from './outcome.ts';
import type { PathCache } from './path-cache.ts';
import type { PathTable } from './path-table.ts';
import { isShared } from './quick-way.loop.ts';
import { RecallTranslated } from './recall-translated.ts';
import type { Statistics } from './statistics.ts';
import type { FamilyRules } from './traverse.ts';
import { NOT_TRANSLATED, WalkMemo } from './walk-memo.ts';

/** What recalling needs of the ordered stage. */
export interface RecallParts {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly families: readonly (FamilyRules | undefined)[];
  readonly sharing: readonly (Sharing | undefined)[];
  /** [4] and [6]: undefined where paths are not shared between connections. */
  readonly dependences: readonly (Dependence | undefined)[];
  readonly paths: PathTable;
  readonly statistics: Statistics;
  readonly cache: PathCache;
  readonly trail: Trail;
}

const NAT_DONE = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;

/** Of these, a connection whose packets take others' paths has IPS_CONFIRMED alone. */
const STATUS_GATE = IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE | IPS_WHOLE_WAY;

/**
 * Spares packets the walk that their connection does not know the end of, where walks of other connections tell it
 * (walk-memo.ts): first packets, whose connection then begins straight from the row (conntrack/begin-row.ts), and the
 * first ones of each direction. The answer is the long way's always.
 */
export class Recall {
  readonly #parts: RecallParts;
  readonly memo: WalkMemo;
  readonly forks = new Forks();
  /** Packets that were spared a walk here; kernels spare others theirs. */
  recalled = 0;

  readonly #translated: RecallTranslated;

  constructor(parts: RecallParts) {
    this.#parts = parts;
    this.memo = new WalkMemo(parts.host, parts.dependences, parts.conntrack.words, parts.conntrack.arena);
    this.#translated = new RecallTranslated(parts.conntrack, this.memo);
  }

  /**
   * Path of row `i`, packet `number`, which is quick and begins a connection; -1 where it has to go the long way, and nothing
   * is done. -2 - the number of the fork at which its way splits: `open` may follow.
   */
  first(batch: Batch, i: number, number: number): number {
    const c = batch.columns;
    const { conntrack, paths } = this.#parts;
    const { core } = conntrack;
    const family = c.family[i]!;
    if (!this.memo.isOpen(family) || !conntrack.takesRows || !isFirstRow(core, c, i)) return -1;
    const known = this.memo.entry(c, i, WALK_FIRST, NOT_TRANSLATED);
    // A first packet makes room for its connection before rules drop it.
    if (known === 0 || !conntrack.makeRoom(c.tupleHash[i]!)) return -1;
    if ((known & ENTRY_FORKS) !== 0) return -1 - (known & ~ENTRY_FORKS);
    let path = (known & ~ENTRY_DROPPED) - 1;
    if ((known & ENTRY_TRANSLATED) !== 0) {
      path = this.#translated.begin(batch, i, number, known);
      if (path < 0) return -1;
    } else if (paths.outcomeOf(path) !== OUTCOME_DROPPED) {
      if (beginRow(core, c, batch.view, i, this.#statusOf(family)) < 0) return -1;
    }
    core.nowNs = c.timeNs[i]!;
    core.lastInvalidReason = INVALID_NONE;
    this.#count(c, i, paths.outcomeOf(path) !== OUTCOME_DROPPED);
    return path;
  }

  /**
   * The connection that row `i` begins, whose way splits (`first` has just said so), not yet confirmed: for matches to look at.
   * Its record, or -1; `close` must follow.
   */
  open(batch: Batch, i: number): number {
    return openRow(this.#parts.conntrack.core, batch.columns, batch.view, i);
  }

  /** Row `i` has come to the end of `path` with `ct`, which `open` gave; -1: to nowhere. False where it has to go the long way. */
  close(c: Columns, i: number, ct: number, path: number): boolean {
    const { conntrack, paths } = this.#parts;
    const { core } = conntrack;
    const isDropped = path >= 0 && paths.outcomeOf(path) === OUTCOME_DROPPED;
    const isEntered = path >= 0 && !isDropped && enterRow(core, c, i, ct, this.#statusOf(c.family[i]!));
    if (!isEntered) core.releaseUnconfirmed(ct);
    if (!isEntered && !isDropped) return false;
    this.#count(c, i, isEntered);
    return true;
  }

  /** Row `i`, a first packet, has been spared its walk; its connection stands now, or was dropped. */
  #count(c: Columns, i: number, stands: boolean): void {
    const { statistics } = this.#parts;
    if (stands) statistics.confirmed(c.family[i]!, c.l4proto[i]!);
    statistics.countKnown(c.family[i]!, c.l4proto[i]!, true, c.length[i]!);
    this.recalled++;
  }

  /** What the hooks of a family set in a connection that no rule translates. */
  #statusOf(family: number): number {
    return this.#parts.families[family]!.translates ? NAT_DONE : 0;
  }

  /**
   * Path of row `i`, which conntrack has found to belong to `ct` in state `ctinfo`. The connection remembers it from now on.
   * -2 - the number of the fork at which its way splits; -1 where nothing is known.
   */
  connection(c: Columns, i: number, ct: number, ctinfo: number): number {
    const { conntrack, cache, sharing, statistics } = this.#parts;
    const { words } = conntrack.core;
    const at = ct << RECORD_SHIFT;
    const status = words[at + C_STATUS]!;
    const family = c.family[i]!;
    if (!this.#isOfOthers(family, status, ctinfo)) return -1;
    const known = this.memo.entry(c, i, walkState(ctinfo), otherTuple(at, status, ctinfo)) & ~ENTRY_DROPPED;
    if ((known & ENTRY_FORKS) !== 0) return -1 - (known & ~ENTRY_FORKS);
    const path = known - 1;
    if (path < 0) return -1;
    const readsStatus = sharing[family]!.readsCtstatus;
    cache.setConnection(ct, ctinfo, c.way[i]!, words[at + C_MARK]!, readsStatus ? status : 0, path);
    statistics.countKnown(family, c.l4proto[i]!, ctinfo === CT_NEW, c.length[i]!);
    this.recalled++;
    return path;
  }

  /**
   * Row `i`, which is quick, has walked `path`, which may be remembered. `ct` and `ctinfo`: as the packet's registers had
   * them when its walk began; `status`: its connection's, then. It is packet `number`.
   */
  note(
    c: Columns,
    i: number,
    number: number,
    ct: number,
    ctinfo: number,
    status: number,
    path: number,
  ): void {
    const { paths, trail } = this.#parts;
    const outcome = paths.outcomeOf(path);
    if (!endsPlainly(outcome)) return;
    const family = c.family[i]!;
    const isDropped = outcome === OUTCOME_DROPPED;
    if ((status & IPS_CONFIRMED) !== 0) {
      const at = ct << RECORD_SHIFT;
      // A walk may end a masqueraded connection, whose packets leave by another interface now.
      const isAlive = (this.#parts.conntrack.core.words[at + C_STATUS]! & IPS_DYING) === 0;
      if (isAlive && this.#isOfOthers(family, status, ctinfo)) {
        const other = otherTuple(at, status, ctinfo);
        this.memo.set(c, i, walkState(ctinfo), other, path, trail.depends, isDropped);
      }
    } else if (ctinfo === CT_NEW && (trail.depends & DEPENDS_ON_TRANSLATION) !== 0) {
      this.#translated.note(c, i, number, ct, path, trail.depends, isDropped);
    } else if (ctinfo === CT_NEW && this.#beganPlainly(family, ct, outcome)) {
      this.memo.set(c, i, WALK_FIRST, NOT_TRANSLATED, path, trail.depends, isDropped);
    }
  }

  /**
   * Row `i`, which is quick, has walked `path`, which splits at the forks of the trail; the rest as `note` has it. `arrived`: the
   * registers when its walk began. Gives the first fork, at which its connection's packets may begin, or -1.
   */
  noteForks(
    c: Columns,
    i: number,
    ct: number,
    ctinfo: number,
    status: number,
    arrived: Int32Array,
    path: number,
  ): number {
    const { trail } = this.#parts;
    const family = c.family[i]!;
    let state = WALK_FIRST;
    if ((status & IPS_CONFIRMED) !== 0) {
      const isTranslated = (status & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0;
      if (isTranslated || !this.#isOfOthers(family, status, ctinfo)) return -1;
      state = walkState(ctinfo);
    } else {
      const outcome = this.#parts.paths.outcomeOf(path);
      if (ctinfo !== CT_NEW || !endsPlainly(outcome) || !this.#beganPlainly(family, ct, outcome)) return -1;
    }
    const known = this.memo.entryBehind(c, i, state, trail.depends);
    if (known < 0) return -1;
    const root = (known & ENTRY_FORKS) !== 0 ? (known & ~ENTRY_FORKS) - 1 : -1;
    const number = this.forks.note(root, arrived, trail, path);
    if (number >= 0 && root < 0) this.memo.setFork(number);
    return number;
  }

  /** The way of packets of such a connection may be another's. */
  #isOfOthers(family: number, status: number, ctinfo: number): boolean {
    if (!isShared(ctinfo) || (status & STATUS_GATE) !== IPS_CONFIRMED) return false;
    // Rules of the nat table are asked as long as the translation is not settled.
    const isSettled = (status & NAT_DONE) === NAT_DONE || !this.#parts.families[family]!.translates;
    return ctinfo !== CT_NEW || (isSettled && (status & IPS_EXPECTED) === 0);
  }

  /** The first packet has left its connection as beginRow would, or none. */
  #beganPlainly(family: number, ct: number, outcome: number): boolean {
    if (outcome === OUTCOME_DROPPED) return true;
    const { words } = this.#parts.conntrack.core;
    const at = ct << RECORD_SHIFT;
    return words[at + C_STATUS] === (IPS_CONFIRMED | this.#statusOf(family)) && words[at + C_MARK] === 0;
  }
}

function endsPlainly(outcome: number): boolean {
  return outcome === OUTCOME_FORWARDED || outcome === OUTCOME_DELIVERED || outcome === OUTCOME_DROPPED;
}

/** Where the tuple of the other direction lies, of a packet in state `ctinfo` of the connection at `at`: see WalkMemo.find. */
function otherTuple(at: number, status: number, ctinfo: number): number {
  if ((status & (IPS_SRC_NAT | IPS_DST_NAT)) === 0) return NOT_TRANSLATED;
  return ctinfo === CT_ESTABLISHED_REPLY ? at : at + REPLY_STRIDE;
}

function walkState(ctinfo: number): number {
  return ctinfo === CT_ESTABLISHED ? WALK_ESTABLISHED : ctinfo === CT_NEW ? WALK_NEW : WALK_REPLY;
}
