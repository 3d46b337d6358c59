/**
 * Rulesets as the field's tools write them: the kernel takes them, its own dump comes back byte for byte, and traffic
 * aimed at their rules has the kernel's counters. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { describe, expect, it } from 'vitest';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { fieldCase, fieldRulesets } from '../kernel/field.ts';
import { restoreCheck } from '../kernel/judge.ts';
import { compareWithKernel } from './against-kernel.ts';
import { unsayable } from './run-case.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 2);

describe('rulesets of the field', () => {
  it('come back as iptables-save prints them', async () => {
    const all = fieldRulesets();
    const judged = await restoreCheck(
      all.map(({ name, family, rules, ipset, accounting }) => ({
        id: name,
        ...(family === 4 ? { rules4: rules } : { rules6: rules }),
        ...(ipset === undefined ? {} : { ipset }),
        accounting,
      })),
      { suite: 'field-dumps' },
    );
    for (const { name, family } of all) {
      const { result, drift } = judged.get(name)!;
      expect(drift).toEqual([]);
      const real = (family === 4 ? result.v4 : result.v6)!;
      expect(`${name}: ${real.stderr}`).toBe(`${name}: `);
      const { ruleset, findings } = parseRuleset(real.save!, { family, file: name });
      expect(findings).toEqual([]);
      expect(saveRuleset(ruleset, { counters: true })).toBe(real.save);
    }
  });

  it(`have the kernel's counters (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    const all = fieldRulesets().flatMap((ruleset) =>
      Array.from({ length: COUNT }, (_, i) => fieldCase(ruleset, FIRST + i)),
    );
    const cases = all.filter((one) => unsayable(one) === undefined);
    expect(cases.length).toBe(all.length);
    const { wrong, compared } = await compareWithKernel(cases, 'field');
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(cases.length / 2);
  }, 3_600_000);
});
