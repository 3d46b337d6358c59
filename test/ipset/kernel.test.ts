/** Random sets against the kernel. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { digest, judge } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { randomSetCase } from './random.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

describe('random sets', () => {
  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const cases = Array.from({ length: COUNT }, (_, i) => randomSetCase(FIRST + i));
    const judged = await judge(cases, { suite: 'ipset' });
    const hosts = await describeHosts(cases.map(({ host }) => host));
    const wrong: string[] = [];
    for (const one of cases) {
      const { result } = judged.get(one.id)!;
      expect(result.refused).toBeUndefined();
      for (const evaluator of ['compiled', 'linear'] as const) {
        const run = await runCase(one, hosts.get(digest(one.host))!, result.errors, { evaluator });
        const differences = [
          ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
          ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
        ];
        if (differences.length > 0)
          wrong.push(`${one.id} ${evaluator}: ${differences.slice(0, 3).join('; ')}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 600_000);
});
