/** Random rulesets of what tools write, on odd traffic, against the kernel. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { digest, judge } from '../kernel/judge.ts';
import { idiomCase } from '../kernel/random-idioms.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { describeHosts, runCase, unsayable } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

describe('random idioms', () => {
  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const cases = Array.from({ length: COUNT }, (_, i) => idiomCase(FIRST + i));
    const judged = await judge(cases, { suite: 'random-idioms' });
    const hosts = await describeHosts(cases.map(({ host }) => host));
    const wrong: string[] = [];
    for (const one of cases) {
      const { result } = judged.get(one.id)!;
      if (result.refused !== undefined) {
        wrong.push(`${one.id}: ${JSON.stringify(result.refused)}`);
        continue;
      }
      // EINVAL may come from the route before OUTPUT or from the one behind its translation: a capture would tell.
      if (unsayable(one) !== undefined || Object.values(result.errors ?? {}).includes('EINVAL')) continue;
      const run = await runCase(one, hosts.get(digest(one.host))!, result.errors);
      const differences = [
        ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
        ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
      ];
      if (differences.length > 0) wrong.push(`${one.id}: ${differences.slice(0, 3).join('; ')}`);
    }
    expect(wrong).toEqual([]);
  }, 3_600_000);
});
