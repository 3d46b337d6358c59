import {
  OUTCOME_DROPPED,
  OUTCOME_QUEUED,
  OUTCOME_REJECTED,
  OUTCOME_STOLEN,
  OUTCOMES,
} from '../netfilter/outcome.ts';
import { numberCounters } from '../netfilter/ruleset-index.ts';
import type { ReplayOutput } from '../workers/config.ts';
import { type Decider, deciderOf } from './decider.ts';

/** Packets that a rule or a policy kept from going on. */
export interface RefusalRow extends Decider {
  readonly outcome: string;
  packets: number;
  bytes: number;
}

const REFUSED: readonly number[] = [OUTCOME_DROPPED, OUTCOME_REJECTED, OUTCOME_STOLEN, OUTCOME_QUEUED];

/** What dropped, rejected or took packets, the most packets first; the dump's order among equals. */
export function refusalRows(output: ReplayOutput): RefusalRow[] {
  const { paths } = output.result;
  const counters = numberCounters(output.rulesets.map(({ ruleset }) => ruleset));
  const rows = new Map<number, RefusalRow>();
  for (let path = 0; path < paths.packets.length; path++) {
    const outcome = paths.outcome[path]!;
    const decider = paths.decider[path]!;
    if (decider < 0 || !REFUSED.includes(outcome) || paths.packets[path] === 0) continue;
    const key = decider * OUTCOMES.length + outcome;
    let row = rows.get(key);
    if (row === undefined) {
      row = {
        ...deciderOf(counters.owners[decider]!),
        outcome: OUTCOMES[outcome]!.name,
        packets: 0,
        bytes: 0,
      };
      rows.set(key, row);
    }
    row.packets += paths.packets[path]!;
    row.bytes += paths.bytes[path]!;
  }
  return [...rows].sort(([keyA, a], [keyB, b]) => b.packets - a.packets || keyA - keyB).map(([, row]) => row);
}
