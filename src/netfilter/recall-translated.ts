import type { Family } from '../base/inet.ts';
import type { Batch, Columns } from '../batch/batch.ts';
import { enterRow, openRow } from '../conntrack/begin-row.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import { C_MARK, C_STATUS, RECORD_SHIFT, RECORD_WORDS, REPLY_STRIDE } from '../conntrack/layout.ts';
import { SETTLED_AS_IT_IS } from '../nat/settled.ts';
import {
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  MANIP_DST,
  MANIP_SRC,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import { ENTRY_TRANSLATED, WALK_FIRST } from './memo-layout.ts';
import { type Step, TranslationSteps } from './translation-steps.ts';
import type { WalkMemo } from './walk-memo.ts';

/**
 * First packets whose connection is translated, and whose way the walk of another one tells. As they arrive, it tells by what
 * their destination is exchanged (or that it is not); with the destination that this gives they are looked for again, and what
 * is found then tells by what their source is exchanged, and the path. What address and port come of that is found out for
 * each packet by itself, as for one that walks (Nat.apply).
 */
export class RecallTranslated {
  readonly #conntrack: Conntrack;
  readonly #memo: WalkMemo;
  readonly #steps: TranslationSteps;
  /** A record of the connection table, of which only the tuple of the answers counts. */
  readonly #record = new Int32Array(RECORD_WORDS);

  constructor(conntrack: Conntrack, memo: WalkMemo) {
    this.#conntrack = conntrack;
    this.#memo = memo;
    const { nat, arena } = conntrack;
    this.#steps = new TranslationSteps(nat, arena, (place) => memo.moveSteps(place));
  }

  /**
   * Path of row `i`, packet `number`, of which isFirstRow has just spoken, and for which the memo has `known`. Its connection is in
   * the table then, if the path does not drop it. -1 where it has to go the long way, and nothing is done.
   */
  begin(batch: Batch, i: number, number: number, known: number): number {
    const c = batch.columns;
    const { core, nat } = this.#conntrack;
    const step = this.#steps.at((known & ~ENTRY_TRANSLATED) - 1);
    const ct = openRow(core, c, batch.view, i);
    if (ct < 0) return -1;
    const { count } = nat.drawnPorts;
    const { portsRead } = nat.selector;
    const path = this.#settle(c, i, number, step, ct);
    if (path >= 0) return path;
    // It walks, and does all that once more.
    core.releaseUnconfirmed(ct);
    nat.drawnPorts.backTo(count);
    nat.selector.portsRead = portsRead;
    return -1;
  }

  /** Settles the translation of `ct`, and enters it; its path. -1 where that does not work out. */
  #settle(c: Columns, i: number, number: number, first: Step, ct: number): number {
    const { core, nat } = this.#conntrack;
    let step = first;
    const at = ct << RECORD_SHIFT;
    const { destination } = step;
    if (destination === undefined) core.words[at + C_STATUS]! |= IPS_DST_NAT_DONE;
    else {
      const isSettled = nat.apply(ct, number, MANIP_DST, destination, c, i);
      const next = isSettled ? this.#memo.entry(c, i, WALK_FIRST, at + REPLY_STRIDE) : 0;
      if (next === 0) return -1;
      step = this.#steps.at((next & ~ENTRY_TRANSLATED) - 1);
    }
    const { source, path } = step;
    if (source === undefined) {
      core.releaseUnconfirmed(ct);
      return path;
    }
    return nat.apply(ct, number, MANIP_SRC, source, c, i) && enterRow(core, c, i, ct, 0) ? path : -1;
  }

  /** Row `i`, packet `number`, has walked `path`; rules of the nat table had its connection `ct` translated. */
  note(
    c: Columns,
    i: number,
    number: number,
    ct: number,
    path: number,
    depends: number,
    isDropped: boolean,
  ): void {
    const { nat, words } = this.#conntrack;
    const at = ct << RECORD_SHIFT;
    const destination = nat.settled[MANIP_DST];
    const source = nat.settled[MANIP_SRC];
    if (destination.number !== number) return;
    if (!isDropped) {
      const status = words[at + C_STATUS]! & ~(IPS_SRC_NAT | IPS_DST_NAT);
      if (status !== BEGUN || words[at + C_MARK] !== 0 || source.number !== number) return;
    }
    const memo = this.#memo;
    const steps = this.#steps;
    const family = c.family[i] as Family;
    const last = isDropped ? steps.dropping(path) : steps.exchangingSource(source, family, path);
    if (destination.kind === SETTLED_AS_IT_IS) {
      memo.setTranslated(c, i, last, depends);
      return;
    }
    memo.setTranslated(c, i, steps.exchangingDestination(destination, family), depends);
    const record = this.#record;
    const { exchanged } = nat;
    for (let k = 0; k < 4; k++) {
      record[REPLY_STRIDE + TUPLE_DADDR + k] = c.saddr[4 * i + k]!;
      record[REPLY_STRIDE + TUPLE_SADDR + k] = exchanged[TUPLE_DADDR + k]!;
    }
    record[REPLY_STRIDE + TUPLE_DPORT] = c.sport[i]!;
    record[REPLY_STRIDE + TUPLE_SPORT] = exchanged[TUPLE_DPORT]!;
    memo.setBehind(c, i, record, last, depends);
  }
}

const BEGUN = IPS_CONFIRMED | IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
