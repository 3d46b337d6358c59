/**
 * The compiled evaluator against the linear one, on random rulesets with random traffic. Every run takes other seeds
 * only when told: SEED=n begins at seed n, COUNT=n takes so many. A seed that failed stands in KEPT for ever.
 */
import { expect, it } from 'vitest';
import { digest } from '../kernel/judge.ts';
import { randomCase } from '../kernel/random.ts';
import { describeHosts, runCase } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 150);

/** Seeds that once found something. */
const KEPT: readonly number[] = [];

it(`gives the same counters compiled and linear (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
  const seeds = [...KEPT, ...Array.from({ length: COUNT }, (_, i) => FIRST + i)];
  const { host } = randomCase(seeds[0]!);
  const files = (await describeHosts([host])).get(digest(host))!;
  for (const seed of seeds) {
    const one = randomCase(seed);
    const compiled = await runCase(one, files);
    const linear = await runCase(one, files, {}, { evaluator: 'linear' });
    expect(`seed ${seed}\n${compiled.save4}${compiled.save6}`).toBe(
      `seed ${seed}\n${linear.save4}${linear.save6}`,
    );
    expect(compiled.output.result.paths.packets.reduce((sum, n) => sum + n, 0)).toBe(one.packets.length);
    expect(compiled.output.result.states).toEqual(linear.output.result.states);
    expect(compiled.output.result.conntrackDump.toSorted()).toEqual(
      linear.output.result.conntrackDump.toSorted(),
    );
  }
}, 3_600_000);
