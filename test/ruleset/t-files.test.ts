import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MATCHES } from '../../src/matches/registry.ts';
import { listDetails } from '../../src/ruleset/list.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { TARGETS } from '../../src/targets/registry.ts';
import { restoreCheck } from '../kernel/judge.ts';
import { readTFolder, type TCase } from './t-file.ts';

const BY = { FAIL: 'iptables', LIBIPTC: 'libiptc', KERNEL: 'kernel' } as const;

/** What our parser says to a case, in the words of the file. */
function answer(one: TCase): object {
  const { ruleset, findings } = parseRuleset(one.text, { family: one.family, file: one.id });
  const errors = findings.filter((finding) => finding.severity === 'error');
  if (errors.length > 0) {
    return { errors: errors.map(({ by, message }) => ({ by, message: message.replace(/\s+/g, ' ') })) };
  }
  const table = ruleset.tables[0]!;
  const chain = table.chains.find(({ name }) => name === one.chain)!;
  const saved = saveRuleset(ruleset, { counters: false })
    .split('\n')
    .filter((line) => line.startsWith(`-A ${one.chain} `))
    .map((line) => line.slice(`-A ${one.chain}`.length).trim());
  const where = { name: table.name, family: one.family };
  const goto = chain.rules[0]!.target.kind === 'goto' ? '[goto] ' : '';
  const listed = (goto + listDetails(chain.rules[0]!, chain.name, where)).trim();
  return { saved, ...(one.listed === undefined ? {} : { listed }) };
}

function expected(one: TCase): object {
  if (one.outcome !== 'OK') return { errors: [{ by: BY[one.outcome], message: one.phrase }] };
  return { saved: one.saved, ...(one.listed === undefined ? {} : { listed: one.listed.trim() }) };
}

for (const kind of ['matches', 'targets'] as const) {
  const files = readTFolder(join(import.meta.dirname, '..', kind));

  describe(kind, () => {
    for (const [file, cases] of files) {
      test(file, () => {
        expect(Object.fromEntries(cases.map((one) => [one.id, answer(one)]))).toEqual(
          Object.fromEntries(cases.map((one) => [one.id, expected(one)])),
        );
      });
    }

    test('every extension has a file', () => {
      const names = (kind === 'matches' ? MATCHES : TARGETS).map(({ name }) => name);
      const standard = ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'];
      const missing = names.filter((name) => !standard.includes(name) && !files.has(`${name}.t`));
      expect(missing).toEqual([]);
    });

    test('iptables-restore itself says so', async () => {
      const all = [...files.values()].flat();
      const judged = await restoreCheck(
        all.map(({ id, text, family, accounting }) => ({
          id,
          ...(family === 4 ? { rules4: text } : { rules6: text }),
          ...(accounting === undefined ? {} : { accounting }),
        })),
        { suite: `ruleset-${kind}` },
      );
      const differences: string[] = [];
      for (const one of all) {
        const { result, drift } = judged.get(one.id)!;
        differences.push(...drift.map((text) => `${one.id}: ${text}`));
        const real = (one.family === 4 ? result.v4 : result.v6)!;
        const rules = (real.save ?? '').split('\n').filter((line) => line.includes(` -A ${one.chain} `));
        const saved = rules.map((line) =>
          line
            .replace(/^\[\d+:\d+\] /, '')
            .slice(`-A ${one.chain}`.length)
            .trim(),
        );
        const commit = one.text.trimEnd().split('\n').length;
        const failed = one.outcome === 'KERNEL' ? commit : commit - 1;
        const phrase = one.outcome === 'FAIL' ? one.phrase : `line ${failed} failed`;
        if (one.outcome === 'OK') {
          if (real.status !== 0 || saved.join('\n') !== one.saved.join('\n')) {
            differences.push(
              `${one.id}: ${one.saved.join(' | ')} but really ${saved.join(' | ')}${real.stderr}`,
            );
          }
        } else if (real.status === 0 || !real.stderr.replace(/\s+/g, ' ').includes(phrase)) {
          differences.push(`${one.id}: ${phrase} but really ${real.stderr}`);
        }
      }
      expect(differences).toEqual([]);
    });
  });
}
