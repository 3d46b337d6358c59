/** Random rulesets of what tools write, on odd traffic, against the kernel. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { idiomCase } from '../kernel/random-idioms.ts';
import { compareWithKernel } from './against-kernel.ts';
import { unsayable } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

describe('random idioms', () => {
  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const all = Array.from({ length: COUNT }, (_, i) => idiomCase(FIRST + i));
    const cases = all.filter((one) => unsayable(one) === undefined);
    expect(cases.length).toBeGreaterThan(COUNT / 2);
    expect((await compareWithKernel(cases, 'random-idioms')).wrong).toEqual([]);
  }, 3_600_000);
});
