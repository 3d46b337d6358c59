import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { guessFamily } from '../../src/ruleset/family.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { restoreCheck } from '../kernel/judge.ts';

/**
 * Rulesets in the shapes that programs write (kube-proxy, Docker, ufw …). The files are ours. Those that are written
 * as iptables-save prints must come out as they went in; what the others come out as is judged by iptables-save.
 */
const folder = join(import.meta.dirname, 'dumps');
const dumps = readdirSync(folder)
  .sort()
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

function canonical(name: string, text: string): string {
  const { ruleset, findings } = parseRuleset(text, { family: guessFamily(text, name), file: name });
  expect(findings).toEqual([]);
  return saveRuleset(ruleset, { counters: true });
}

/** Tables by name: the kernel lists them in an order of its own. */
function byTable(text: string): Map<string, string> {
  const tables = new Map<string, string>();
  for (const part of text.split(/^(?=\*)/m)) {
    if (part.startsWith('*')) tables.set(part.slice(1, part.indexOf('\n')), part.trim());
  }
  return tables;
}

describe('dumps', () => {
  test.each(dumps)('$name is stable', ({ name, text }) => {
    const once = canonical(name, text);
    expect(canonical(name, once)).toBe(once);
  });

  test.each(['kube-proxy.v4', 'docker.v4'])('%s comes out as it went in', (name) => {
    const { text } = dumps.find((dump) => dump.name === name)!;
    const { ruleset, hasCounters } = parseRuleset(text, { family: 4, file: name });
    expect(saveRuleset(ruleset, { counters: hasCounters })).toBe(text.replace(/^#.*\n/gm, ''));
  });

  test('iptables-save prints them so', async () => {
    const judged = await restoreCheck(
      dumps.map(({ name, text }) => ({
        id: name,
        counters: true,
        [guessFamily(text, name) === 6 ? 'rules6' : 'rules4']: text,
      })),
      { suite: 'ruleset-dumps' },
    );
    for (const { name, text } of dumps) {
      const { result, drift } = judged.get(name)!;
      expect(drift).toEqual([]);
      const { status, stderr, save } = (guessFamily(text, name) === 6 ? result.v6 : result.v4)!;
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
      expect(byTable(canonical(name, text))).toEqual(byTable(save!));
    }
  });
});
