import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { readTFolder } from './t-file.ts';

/** Rules put together at random from the options of all `.t` files: what is printed is read as the same again. */
const pieces = ['matches', 'targets'].flatMap((kind) =>
  [...readTFolder(join(import.meta.dirname, '..', kind)).values()].flat(),
);
const rules = pieces
  .filter(
    (one) => one.outcome === 'OK' && one.family === 4 && one.table === 'filter' && one.chain === 'INPUT',
  )
  .flatMap((one) => one.saved)
  .filter((text) => !text.startsWith('-A'));
const matchesOnly = rules.filter((text) => !/ ?-[jgp] /.test(text));

const address = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }), fc.boolean())
  .map(
    ([word, bits, inverted]) =>
      [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.') +
      `/${bits}#${inverted ? '! ' : ''}`,
  );
const option = (letter: string) =>
  fc.option(address, { nil: undefined }).map((text) => {
    if (text === undefined) return '';
    const [value, not] = text.split('#') as [string, string];
    return `${not}-${letter} ${value} `;
  });
const rule = fc
  .tuple(
    option('s'),
    option('d'),
    fc.constantFrom('', '-i eth0 ', '! -i wl+ ', '-f ', '! -f '),
    fc.array(fc.constantFrom(...matchesOnly), { maxLength: 4 }),
    fc.constantFrom(...rules),
  )
  .map(
    ([source, destination, other, matches, last]) =>
      `${source}${destination}${other}${[...matches, last].join(' ')}`,
  );

test('what is printed is read as the same', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 10 }), (lines) => {
      const text = `*filter\n:FOO - [0:0]\n${lines.map((line) => `-A INPUT ${line}\n`).join('')}COMMIT\n`;
      const first = parseRuleset(text, { family: 4, file: 'rules' });
      // Some combinations are refused (twice -i, -j …): those that are not must be stable.
      const once = saveRuleset(first.ruleset, { counters: true });
      const again = parseRuleset(once, { family: 4, file: 'saved' });
      expect(again.findings.filter(({ by }) => by === 'iptables' || by === 'libiptc')).toEqual([]);
      expect(saveRuleset(again.ruleset, { counters: true })).toBe(once);
    }),
    { numRuns: 300 },
  );
});

test('any text is read without a crash, and each finding lies in its line', () => {
  const word = fc.constantFrom(
    '-A',
    'INPUT',
    '-p',
    'tcp',
    '--dport',
    '80',
    '!',
    '-m',
    'conntrack',
    '--ctstate',
    'NEW',
    '-j',
    'ACCEPT',
    '"',
    '\\',
    '[1:2]',
    '-s',
    '10.0.0.0/8,',
    ':',
    '*nat',
    '*filter',
    'COMMIT',
    '#',
    '-I',
    '1',
    '--',
    '-',
    '-D',
    '-N',
    '-X',
    '-E',
    '-P',
    'é',
    '\t',
  );
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 8 }), { maxLength: 12 }), (lines) => {
      const text = `*filter\n${lines.map((line) => line.join(' ')).join('\n')}\nCOMMIT\n`;
      const { findings } = parseRuleset(text, { family: 4, file: 'rules' });
      for (const { position } of findings) {
        expect(position.line).toBeGreaterThan(0);
        expect(position.column).toBeGreaterThan(0);
        expect(position.column).toBeLessThanOrEqual(position.text.length + 1);
        expect(text.split('\n')[position.line - 1]).toContain(position.text);
      }
    }),
    { numRuns: 500 },
  );
});

test('reading takes time in proportion to the rules', () => {
  const make = (count: number) => {
    const lines = ['*filter', ':INPUT ACCEPT [0:0]'];
    for (let i = 0; i < count; i++) {
      lines.push(
        `-A INPUT -s 10.${i & 255}.${(i >> 8) & 255}.0/24 -p tcp -m tcp --dport ${i & 0xffff} -m conntrack --ctstate NEW -j DROP`,
      );
    }
    return `${lines.join('\n')}\nCOMMIT\n`;
  };
  const cpuMs = (text: string) => {
    const before = process.cpuUsage();
    expect(parseRuleset(text, { family: 4, file: 'rules' }).findings).toEqual([]);
    return process.cpuUsage(before).user / 1000;
  };
  cpuMs(make(2_000));
  const small = cpuMs(make(10_000));
  const large = cpuMs(make(80_000));
  // Eight times the rules; the margin is for a machine that has other work, not for a square.
  expect(large).toBeLessThan(24 * small + 500);
});
