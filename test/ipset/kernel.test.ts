/** Sets against the kernel: chosen cases, and random ones. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { type Case, digest, judge } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { setCases } from './cases.ts';
import { randomSetCase } from './random.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

async function differences(cases: readonly Case[], suite: string): Promise<string[]> {
  const judged = await judge(cases, { suite });
  const hosts = await describeHosts(cases.map(({ host }) => host));
  const wrong: string[] = [];
  for (const one of cases) {
    const { result, drift } = judged.get(one.id)!;
    expect(drift, `the running kernel differs from the recording of ${one.id}`).toEqual([]);
    expect(result.refused).toBeUndefined();
    for (const evaluator of ['compiled', 'linear'] as const) {
      const run = await runCase(one, hosts.get(digest(one.host))!, result.errors, { evaluator });
      const found = [
        ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
        ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
      ];
      if (found.length > 0) wrong.push(`${one.id} ${evaluator}: ${found.slice(0, 6).join('; ')}`);
    }
  }
  return wrong;
}

describe('sets have the counters of the kernel', () => {
  it('in chosen cases', async () => {
    expect(await differences(setCases(), 'ipset')).toEqual([]);
  }, 120_000);

  it(`at random (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const cases = Array.from({ length: COUNT }, (_, i) => randomSetCase(FIRST + i));
    expect(await differences(cases, 'ipset-random')).toEqual([]);
  }, 600_000);
});
