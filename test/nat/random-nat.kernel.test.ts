/**
 * Random connections through random translations, against the kernel: every rule's counters, and the table at the end
 * with addresses, ports, states, flags, packets and bytes. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { describe, expect, it } from 'vitest';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { digest, judge, sameConntrack } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { GATEWAY } from './network.ts';
import { type NatCase, randomNatCase, tuplesOf } from './random-traffic.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 25);
/** So many are held in memory at a time. */
const PIECE = 200;

describe('random translations', () => {
  it(`have the kernel's counters and connections (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const files = (await describeHosts([GATEWAY])).get(digest(GATEWAY))!;
    const wrong: string[] = [];
    for (let first = FIRST; first < FIRST + COUNT; first += PIECE) {
      const seeds = Array.from({ length: Math.min(PIECE, FIRST + COUNT - first) }, (_, i) => first + i);
      const all = seeds.map((seed) => randomNatCase(seed, files));
      const judged = await judge(
        all.map((one) => one.case),
        { suite: 'random-nat' },
      );
      for (const one of all) {
        const { result } = judged.get(one.case.id)!;
        expect(result.refused).toBeUndefined();
        // What a system call refused had been in OUTPUT: there is a first route to everywhere.
        const run = await runCase(one.case, files);
        const differences = [
          ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
          ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
          ...compareTables(one, result.conntrack ?? [], run.output.result.conntrackDump),
        ];
        if (differences.length > 0) wrong.push(`${one.case.id}: ${differences.slice(0, 4).join('; ')}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 3_600_000);
});

/** Lines that only one of them has; drawn ports aside. */
function compareTables({ drawn }: NatCase, kernel: readonly string[], ours: readonly string[]): string[] {
  const [theirs, own] = [kernel, ours].map((lines) =>
    lines.map((line) => hideDrawn(line.split(/\s+/).join(' '), drawn)).sort(),
  );
  if (sameConntrack(theirs!, own!)) return [];
  const withoutTime = (line: string) => line.replace(/^(\S+ \S+ \S+ \S+) \d+/, '$1');
  const count = (lines: readonly string[], line: string) =>
    lines.filter((other) => withoutTime(other) === withoutTime(line)).length;
  return [
    ...theirs!.filter((line) => count(own!, line) < count(theirs!, line)).map((line) => `kernel: ${line}`),
    ...own!.filter((line) => count(theirs!, line) < count(own!, line)).map((line) => `we: ${line}`),
    ...(theirs!.length === own!.length ? ['timeouts differ'] : []),
  ];
}

/** The port (or identifier) to which the answers of a connection with a drawn one come. */
function hideDrawn(line: string, drawn: ReadonlySet<string>): string {
  const [original] = tuplesOf(line);
  if (original === undefined || !drawn.has(original.key)) return line;
  const reply = line.lastIndexOf(' src=');
  return line.slice(0, reply) + line.slice(reply).replace(/ (dport|id)=\d+/, ' $1=drawn');
}
