import { INVALID_PHRASES } from '../conntrack/invalid.ts';
import { inOrder } from './machine.ts';
import type { ConnectionRow, PathsData, ReplayResult, StateRow } from './result.ts';
import { STATES } from './statistics.ts';

/**
 * The result of a replay out of those of its shares (decode/share.ts), which have all seen the same capture: what the
 * replay as a whole would have given, in the same order. Totals of the capture are the same in each.
 */
export function mergeResults(results: readonly ReplayResult[]): ReplayResult {
  const [first] = results;
  const sum = (of: (result: ReplayResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    ...first!,
    packets: sumOfArrays(results.map(({ packets }) => packets)),
    bytes: sumOfArrays(results.map(({ bytes }) => bytes)),
    paths: mergePaths(results.map(({ paths }) => paths)),
    states: mergeStates(results),
    connections: mergeConnections(results),
    invalid: mergeInvalid(results),
    notIp: mergeNotIp(results),
    echoes: {
      packets: sum(({ echoes }) => echoes.packets),
      agreed: sum(({ echoes }) => echoes.agreed),
      disagreed: sum(({ echoes }) => echoes.disagreed),
    },
    dice: { read: sum(({ dice }) => dice.read), drawn: sum(({ dice }) => dice.drawn) },
    assumptions: inOrder(first!.assumptions.slice(0, first!.assumptionsBefore), [
      ...new Set(results.flatMap(({ assumptions }) => assumptions)),
    ]),
    conntrackDump: results.flatMap(({ conntrackDump }) => conntrackDump).sort(),
    profile: {
      walked: sum(({ profile }) => profile.walked),
      recalled: sum(({ profile }) => profile.recalled),
      cached: sum(({ profile }) => profile.cached),
    },
  };
}

function sumOfArrays(arrays: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(arrays[0]!.length);
  for (const one of arrays) for (let i = 0; i < total.length; i++) total[i]! += one[i]!;
  return total;
}

/** Equal paths become one; in the order of the packets that took them first. */
function mergePaths(all: readonly PathsData[]): PathsData {
  interface Path {
    readonly from: PathsData;
    readonly id: number;
    packets: number;
    bytes: number;
    first: number;
  }
  const byContent = new Map<string, Path>();
  for (const from of all) {
    for (let id = 0; id < from.outcome.length; id++) {
      const key = contentOf(from, id);
      const known = byContent.get(key);
      if (known === undefined) {
        byContent.set(key, {
          from,
          id,
          packets: from.packets[id]!,
          bytes: from.bytes[id]!,
          first: from.first[id]!,
        });
      } else {
        known.packets += from.packets[id]!;
        known.bytes += from.bytes[id]!;
        known.first = Math.min(known.first, from.first[id]!);
      }
    }
  }
  const paths = [...byContent.values()].sort((a, b) => a.first - b.first);
  const hits = paths.map(({ from, id }) => from.hits.subarray(from.start[id]!, from.start[id + 1]!));
  const start = new Uint32Array(paths.length + 1);
  for (const [i, { length }] of hits.entries()) start[i + 1] = start[i]! + length;
  const allHits = new Uint32Array(start[paths.length]!);
  for (const [i, own] of hits.entries()) allHits.set(own, start[i]!);
  return {
    start,
    hits: allHits,
    packets: Float64Array.from(paths, ({ packets }) => packets),
    bytes: Float64Array.from(paths, ({ bytes }) => bytes),
    first: Float64Array.from(paths, (path) => path.first),
    outcome: Uint8Array.from(paths, ({ from, id }) => from.outcome[id]!),
    family: Uint8Array.from(paths, ({ from, id }) => from.family[id]!),
    hook: Uint8Array.from(paths, ({ from, id }) => from.hook[id]!),
    decider: Int32Array.from(paths, ({ from, id }) => from.decider[id]!),
    reason: Uint8Array.from(paths, ({ from, id }) => from.reason[id]!),
    iif: Uint16Array.from(paths, ({ from, id }) => from.iif[id]!),
    oif: Uint16Array.from(paths, ({ from, id }) => from.oif[id]!),
  };
}

function contentOf(p: PathsData, id: number): string {
  const end = [p.outcome, p.family, p.hook, p.decider, p.reason, p.iif, p.oif].map((column) => column[id]);
  return `${end.join(' ')}:${p.hits.subarray(p.start[id]!, p.start[id + 1]!).join(' ')}`;
}

function mergeStates(results: readonly ReplayResult[]): StateRow[] {
  const rows = group(
    results.flatMap(({ states }) => states),
    (row) => `${row.family} ${row.l4proto} ${row.state}`,
    (a, b) => ({ ...a, packets: a.packets + b.packets, bytes: a.bytes + b.bytes }),
  );
  return rows.sort(
    (a, b) =>
      a.family - b.family || a.l4proto - b.l4proto || STATES.indexOf(a.state) - STATES.indexOf(b.state),
  );
}

function mergeConnections(results: readonly ReplayResult[]): ConnectionRow[] {
  const rows = group(
    results.flatMap(({ connections }) => connections),
    (row) => `${row.family} ${row.l4proto}`,
    (a, b) => ({ ...a, confirmed: a.confirmed + b.confirmed, standing: a.standing + b.standing }),
  );
  return rows.sort((a, b) => a.family - b.family || a.l4proto - b.l4proto);
}

function mergeInvalid(results: readonly ReplayResult[]): ReplayResult['invalid'] {
  const rows = group(
    results.flatMap(({ invalid }) => invalid),
    (row) => `${row.family} ${row.reason}`,
    (a, b) => ({ ...a, packets: a.packets + b.packets }),
  );
  const place = new Map(INVALID_PHRASES.map((phrase, i) => [phrase, i]));
  return rows.sort((a, b) => a.family - b.family || place.get(a.reason)! - place.get(b.reason)!);
}

function mergeNotIp(results: readonly ReplayResult[]): ReplayResult['notIp'] {
  const rows = group(
    results.flatMap(({ notIp }) => notIp),
    ({ etherType }) => String(etherType),
    (a, b) => ({ ...a, packets: a.packets + b.packets, bytes: a.bytes + b.bytes }),
  );
  return rows.sort((a, b) => a.etherType - b.etherType);
}

/** Rows with the same key added up, in the order in which keys come first. */
function group<T>(rows: readonly T[], keyOf: (row: T) => string, add: (a: T, b: T) => T): T[] {
  const byKey = new Map<string, T>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? row : add(known, row));
  }
  return [...byKey.values()];
}
