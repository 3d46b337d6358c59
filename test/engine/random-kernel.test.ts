/** Random rulesets with random traffic against the kernel. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { randomCase } from '../kernel/random.ts';
import { compareWithKernel } from './against-kernel.ts';
import { unsayable } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 60);

describe('random rulesets', () => {
  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const all = Array.from({ length: COUNT }, (_, i) => randomCase(FIRST + i));
    const cases = all.filter((one) => unsayable(one) === undefined);
    expect(cases.length).toBeGreaterThan(COUNT / 2);
    expect((await compareWithKernel(cases, 'random')).wrong).toEqual([]);
  }, 3_600_000);
});
