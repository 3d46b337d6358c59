import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FindingsError } from '../../src/base/errors.ts';
import { loadRulesets } from '../../src/netfilter/machine.ts';
import { listDetails } from '../../src/ruleset/list.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { restoreCheck } from '../kernel/judge.ts';
import { readTFile, type TCase } from '../ruleset/t-file.ts';

const SETS = `create ip4 hash:ip
create ip6 hash:ip family inet6
create net4 hash:net
create port hash:ip,port
create ports bitmap:port range 0-1023
create list list:set
add list ip4
`;

const cases = readTFile(join(import.meta.dirname, 'rules.t'), 'rules.t');

/** First finding of the whole load, sets included; undefined when there is none. */
function refusal(one: TCase): string | undefined {
  const { family } = one;
  try {
    loadRulesets({
      rulesets: [{ family, file: one.id, text: one.text }],
      onUnsupported: 'error',
      ipset: { file: 'ipset.save', text: SETS },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof FindingsError)) throw error;
    return error.findings[0]!.message;
  }
}

describe('rules that name sets', () => {
  test.each(cases)('$id $text', (one) => {
    if (one.outcome !== 'OK') {
      expect(refusal(one)).toBe(one.phrase);
      return;
    }
    expect(refusal(one)).toBeUndefined();
    const { ruleset } = parseRuleset(one.text, { family: one.family, file: one.id });
    const table = ruleset.tables[0]!;
    const rule = table.chains.find(({ name }) => name === one.chain)!.rules[0]!;
    const line = saveRuleset(ruleset, { counters: false })
      .split('\n')
      .find((text) => text.startsWith('-A'))!;
    expect(line.slice(`-A ${one.chain} `.length).trim()).toBe(one.saved[0]);
    expect(listDetails(rule, one.chain, { name: table.name, family: one.family }).trim()).toBe(one.listed);
  });

  test('without a dump, the hint says how to give one', () => {
    const text = '*filter\n-A INPUT -m set --match-set blocked src -j DROP\nCOMMIT\n';
    try {
      loadRulesets({ rulesets: [{ family: 4, file: 'rules', text }], onUnsupported: 'error' });
      expect.unreachable();
    } catch (error) {
      const [finding] = (error as FindingsError).findings;
      expect(finding).toMatchObject({
        message: "Set blocked doesn't exist.",
        position: { file: 'rules', line: 2, column: 29, lengthChars: 7 },
      });
      expect(finding!.hint).toContain('--ipset');
    }
  });

  test('iptables-restore itself says so', async () => {
    const judged = await restoreCheck(
      cases.map(({ id, text, family }) => ({
        id,
        ipset: SETS,
        ...(family === 4 ? { rules4: text } : { rules6: text }),
      })),
      { suite: 'ipset-rules' },
    );
    const wrong: string[] = [];
    for (const one of cases) {
      const { result, drift } = judged.get(one.id)!;
      wrong.push(...drift.map((text) => `${one.id}: ${text}`));
      const real = (one.family === 4 ? result.v4 : result.v6)!;
      const saved = (real.save ?? '').split('\n').find((line) => line.includes(' -A '));
      const rule = saved?.replace(/^\[\d+:\d+\] /, '').slice(`-A ${one.chain}`.length);
      const phrase = one.outcome === 'KERNEL' ? 'line 4 failed' : one.phrase;
      if (one.outcome === 'OK' ? rule?.trim() !== one.saved[0] : !real.stderr.includes(phrase)) {
        wrong.push(`${one.id}: really ${rule} ${real.stderr}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
