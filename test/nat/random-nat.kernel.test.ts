/**
 * Random connections through random translations, against the kernel: every rule's counters, and the table at the end
 * with addresses, ports, states, flags, packets and bytes. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { describe, expect, it } from 'vitest';
import { differentCounters } from '../engine/against-kernel.ts';
import { describeHosts, runCase } from '../engine/run-case.ts';
import {
  askKernel,
  type Case,
  digest,
  isJudgeAvailable,
  judge,
  type Result,
  sameConntrack,
} from '../kernel/judge.ts';
import { GATEWAY } from './network.ts';
import { hideDrawnPort, randomNatCase } from './random-traffic.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 25);
/** So many are held in memory at a time. */
const PIECE = 200;
/** A play that a busy machine draws out sees UDP become a stream, and entries run out: it is played again. */
const PLAYS = 3;

describe('random translations', () => {
  it(`have the kernel's counters and connections (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const files = (await describeHosts([GATEWAY])).get(digest(GATEWAY))!;
    const wrong: string[] = [];
    for (let first = FIRST; first < FIRST + COUNT; first += PIECE) {
      const seeds = Array.from({ length: Math.min(PIECE, FIRST + COUNT - first) }, (_, i) => first + i);
      const all = seeds.map((seed) => randomNatCase(seed, files));
      const judged = await judge(all, { suite: 'random-nat' });
      for (const one of all) {
        let { result } = judged.get(one.id)!;
        let differences = await compare(one, result, files);
        for (let play = 2; differences.length > 0 && play <= PLAYS && isJudgeAvailable(); play++) {
          result = (await askKernel([one]))[0]!;
          differences = await compare(one, result, files);
        }
        if (differences.length > 0) wrong.push(`${one.id}: ${differences.slice(0, 4).join('; ')}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 3_600_000);
});

async function compare(
  one: Case,
  result: Result,
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  expect(result.refused).toBeUndefined();
  // What a system call refused had been in OUTPUT: there is a first route to everywhere.
  const run = await runCase(one, files);
  return [
    ...differentCounters(result, run),
    ...compareTables(result.conntrack ?? [], run.output.result.conntrackDump),
  ];
}

/** Lines that only one of them has; drawn ports aside. */
function compareTables(kernel: readonly string[], ours: readonly string[]): string[] {
  const [theirs, own] = [kernel, ours].map((lines) =>
    lines.map((line) => hideDrawnPort(line.split(/\s+/).join(' '))).sort(),
  );
  if (sameConntrack(theirs!, own!)) return [];
  const withoutTime = (line: string) => line.replace(/^(\S+ \S+ \S+ \S+) \d+/, '$1');
  const count = (lines: readonly string[], line: string) =>
    lines.filter((other) => withoutTime(other) === withoutTime(line)).length;
  const differences = [
    ...theirs!.filter((line) => count(own!, line) < count(theirs!, line)).map((line) => `kernel: ${line}`),
    ...own!.filter((line) => count(theirs!, line) < count(own!, line)).map((line) => `we: ${line}`),
  ];
  return differences.length > 0 ? differences : ['timeouts differ'];
}
