/**
 * Rulesets as the field's tools write them: the kernel takes them, its own dump comes back byte for byte, and traffic
 * aimed at their rules has the kernel's counters. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { describe, expect, it } from 'vitest';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { fieldCase, fieldRulesets } from '../kernel/field.ts';
import { digest, judge, restoreCheck } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { describeHosts, runCase, unsayable } from './run-case.ts';

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
    const judged = await judge(cases, { suite: 'field' });
    const hosts = await describeHosts(cases.map(({ host }) => host));
    const wrong: string[] = [];
    let compared = 0;
    for (const one of cases) {
      const { result } = judged.get(one.id)!;
      expect(result.refused).toBeUndefined();
      // EINVAL may come from the route before OUTPUT or from the one behind its translation: a capture would tell.
      if (Object.values(result.errors ?? {}).includes('EINVAL')) continue;
      compared++;
      const run = await runCase(one, hosts.get(digest(one.host))!, result.errors);
      const differences = [
        ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
        ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
      ];
      if (differences.length > 0) wrong.push(`${one.id}: ${differences.slice(0, 3).join('; ')}`);
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(cases.length / 2);
  }, 3_600_000);
});
