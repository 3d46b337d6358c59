import { assert } from '../base/assert.ts';
import { OUTCOME_STACK, OUTCOMES } from '../netfilter/outcome.ts';
import type { PathsData } from '../netfilter/result.ts';
import { HOOK_NAMES } from '../packet/registers.ts';
import type { ReplayOutput } from '../workers/config.ts';
import { type StackReason, stackReason } from './stack-reason.ts';

/** Packets that ended alike. */
export interface EndRow {
  /** 4, 6, or 0 for what is not IP. */
  readonly family: number;
  /** Name of the hook at which the way ended; undefined when it never reached one. */
  readonly hook: string | undefined;
  /** Name and sentence of OUTCOMES. */
  readonly outcome: string;
  readonly sentence: string;
  /** Why, where the network stack dropped the packet. */
  readonly reason: StackReason | undefined;
  packets: number;
  /** Bytes of the IP packets, as counters count them. */
  bytes: number;
}

/**
 * Packets by how they ended: those that reached a hook in the order of the hooks, then the others; family 4
 * before 6. Every packet of the captures is in exactly one row.
 */
export function endRows(output: ReplayOutput): EndRow[] {
  const { paths, totals } = output.result;
  const rows = new Map<number, EndRow>();
  for (let path = 0; path < paths.packets.length; path++) {
    const packets = paths.packets[path]!;
    if (packets === 0) continue;
    const key = endKey(paths, path);
    let row = rows.get(key);
    if (row === undefined) {
      row = endRow(paths, path);
      rows.set(key, row);
    }
    row.packets += packets;
    row.bytes += paths.bytes[path]!;
  }
  const sorted = [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
  const counted = sorted.reduce((sum, row) => sum + row.packets, 0);
  assert(
    counted === totals.packets,
    `${counted} packets have a way, but ${totals.packets} were captured: some were lost or counted twice`,
  );
  return sorted;
}

/** What makes two ends the same, as a number that sorts rows: hook, family, outcome, reason. */
function endKey(paths: PathsData, path: number): number {
  const familyRank = paths.family[path] === 0 ? 9 : paths.family[path]!;
  return ((paths.hook[path]! * 16 + familyRank) * 256 + paths.outcome[path]!) * 256 + paths.reason[path]!;
}

function endRow(paths: PathsData, path: number): EndRow {
  const outcome = paths.outcome[path]!;
  const { name, sentence } = OUTCOMES[outcome]!;
  return {
    family: paths.family[path]!,
    hook: HOOK_NAMES[paths.hook[path]!],
    outcome: name,
    sentence,
    reason: outcome === OUTCOME_STACK ? stackReason(paths.reason[path]!) : undefined,
    packets: 0,
    bytes: 0,
  };
}

/** Nanoseconds since the epoch of the first and the last packet; undefined when there is none with a time. */
export function timeSpan(
  output: ReplayOutput,
): { readonly firstNs: bigint; readonly lastNs: bigint } | undefined {
  const { baseNs, firstNs, lastNs } = output.result.totals;
  if (Number.isNaN(firstNs) || Number.isNaN(lastNs)) return undefined;
  return { firstNs: baseNs + BigInt(Math.round(firstNs)), lastNs: baseNs + BigInt(Math.round(lastNs)) };
}
