/** Random rulesets on random fragments against the kernel. SEED=n begins at seed n, COUNT=n takes so many. */
import { describe, expect, it } from 'vitest';
import { fragmentedCase } from '../kernel/random-fragments.ts';
import { compareWithKernel } from './against-kernel.ts';
import { unsayable } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

describe('random fragments', () => {
  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const all = Array.from({ length: COUNT }, (_, i) => fragmentedCase(FIRST + i));
    const cases = all.filter((one) => unsayable(one) === undefined);
    expect(cases.length).toBeGreaterThan(COUNT / 3);
    expect((await compareWithKernel(cases, 'random-fragments', ['compiled', 'linear'])).wrong).toEqual([]);
  }, 3_600_000);
});
