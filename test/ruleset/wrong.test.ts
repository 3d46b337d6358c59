import { expect, test } from 'vitest';
import { renderFinding } from '../../src/base/errors.ts';
import { loadRulesets } from '../../src/netfilter/machine.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { saveRuleset } from '../../src/ruleset/save.ts';
import { restoreCheck } from '../kernel/judge.ts';
import { ODD, WRONG } from './wrong.ts';

const parse = (text: string, family: 4 | 6) => parseRuleset(text, { family, file: 'rules' });

test.each(WRONG)('$id', ({ text, family, errors, by }) => {
  const { findings } = parse(text, family ?? 4);
  const found = findings.filter(({ severity }) => severity === 'error');
  expect(found.map(({ position, message }) => `${position.line}:${position.column} ${message}`)).toEqual(
    errors,
  );
  expect(found[0]!.by).toBe(by);
});

test.each(ODD)('$id', ({ text, saved, warnings }) => {
  const { ruleset, findings } = parse(text, 4);
  expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual(
    warnings.map((message) => `warning: ${message}`),
  );
  expect(rulesOf(saveRuleset(ruleset, { counters: false }))).toEqual(saved);
});

test('iptables-restore itself says so', async () => {
  const judged = await restoreCheck(
    [
      ...WRONG.map(({ id, text, family }) => ({ id, [family === 6 ? 'rules6' : 'rules4']: text })),
      ...ODD.filter((one) => one.judged).map(({ id, text }) => ({ id, rules4: text })),
    ],
    { suite: 'ruleset-wrong' },
  );
  const differences: string[] = [];
  for (const { id, errors, by, failedLine, family } of WRONG) {
    const { result, drift } = judged.get(id)!;
    differences.push(...drift);
    const { status, stderr } = (family === 6 ? result.v6 : result.v4)!;
    const phrase = by === 'iptables' ? errors[0]!.replace(/^\d+:\d+ /, '') : `line ${failedLine} failed`;
    if (status === 0 || !stderr.replace(/\s+/g, ' ').includes(phrase)) {
      differences.push(`${id}: '${phrase}', but really ${status} ${stderr}`);
    }
  }
  for (const { id, saved, judged: isJudged } of ODD) {
    if (!isJudged) continue;
    const { result, drift } = judged.get(id)!;
    differences.push(...drift);
    const real = rulesOf((result.v4!.save ?? '').replace(/^\[\d+:\d+\] /gm, ''));
    if (real.join('\n') !== saved.join('\n')) {
      differences.push(`${id}: ${saved.join(' | ')}, but really ${real.join(' | ')} ${result.v4!.stderr}`);
    }
  }
  expect(differences).toEqual([]);
});

test('an error is shown with its line, a caret and a hint', () => {
  const { findings } = parse('*filter\n-A INPUT -p tcp --dport http8 -j ACCEPT\nCOMMIT\n', 4);
  expect(findings.map(renderFinding)).toEqual([
    [
      "rules:2:25: error: invalid port/service `http8' specified",
      '  -A INPUT -p tcp --dport http8 -j ACCEPT',
      '                          ^^^^^',
      '  hint: Names are those of /etc/services; a number always works.',
    ].join('\n'),
  ]);
});

test('an unsupported extension never matches when the user wants it so', () => {
  const text = '*filter\n-A INPUT -p tcp -m foo --bar 1 -j ACCEPT\n-A INPUT -j FOO --bar 2\nCOMMIT\n';
  const { ruleset, findings } = parseRuleset(text, {
    family: 4,
    file: 'rules',
    onUnsupported: 'never-match',
  });
  expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    "warning: Couldn't load match `foo':No such file or directory",
    "warning: Couldn't load target `FOO':No such file or directory",
  ]);
  expect(
    ruleset.tables[0]!.chains[0]!.rules.map((rule) =>
      rule.unsupported.map(({ kind, name }) => `${kind} ${name}`),
    ),
  ).toEqual([['match foo'], ['target FOO']]);
});

test('a rule with an unsupported extension is printed as it stood, once for each address of a list', () => {
  const lines = [
    '-A INPUT -p tcp -m foo --bar "a \\"b" -m comment --comment "c d" -j ACCEPT',
    '-A INPUT -m foo ! --bar  1 -m bar -s 1.2.3.4/32 -j FOO --baz',
  ];
  const others = [
    '-I INPUT 1 -c 5 6 -m foo -j DROP',
    '-AINPUT -c 5,6 -s 10.1.2.3/8,1.1.1.1 -m foo -d 2.2.2.2 -j DROP',
  ];
  const text = `*filter\n${[...lines, ...others].join('\n')}\nCOMMIT\n`;
  const { ruleset } = parseRuleset(text, { family: 4, file: 'rules', onUnsupported: 'never-match' });
  expect(rulesOf(saveRuleset(ruleset, { counters: false }))).toEqual([
    '-A INPUT -m foo -j DROP',
    ...lines,
    '-A INPUT -s 10.0.0.0/8 -m foo -d 2.2.2.2 -j DROP',
    '-A INPUT -s 1.1.1.1/32 -m foo -d 2.2.2.2 -j DROP',
  ]);
  expect(ruleset.tables[0]!.chains[0]!.rules.map((rule) => rule.packets)).toEqual([5n, 0n, 0n, 5n, 5n]);
});

test.each([
  [Buffer.from([0x1f, 0x8b, 8, 0, 1, 2]), 'gzip -d'],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4]), 'unzstd'],
  [Buffer.from('\ufeff*filter\nCOMMIT\n', 'utf16le'), 'iconv'],
  [Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]), 'a capture'],
  [Buffer.from([0x0a, 0x0d, 0x0d, 0x0a, 0x20, 0]), 'a capture'],
  [Buffer.from([1, 2, 0, 0xff]), 'no text'],
  [Buffer.from('Chain INPUT (policy ACCEPT)\ntarget prot opt\n'), 'iptables -L'],
  [Buffer.from('-P INPUT ACCEPT\n-N FOO\n-A FOO -j DROP\n'), 'iptables -S'],
  [Buffer.from('# comment\ntable ip filter {\n}\n'), 'nft'],
  [Buffer.from('#!/usr/sbin/nft -f\nflush ruleset\n'), 'nft'],
  [Buffer.from('#!/bin/sh\nset -e\niptables -F\n'), 'script'],
  [Buffer.from('create x hash:ip\nadd x 1.2.3.4\n'), '--ipset'],
])('what is no dump at all is told once: %#', (bytes, remedy) => {
  const { findings } = parse(bytes.toString('utf8'), 4);
  const errors = findings.filter(({ severity }) => severity === 'error');
  expect(errors).toHaveLength(1);
  expect(errors[0]!.hint).toContain(remedy);
});

test('a table that is begun wrongly is no other kind of text', () => {
  expect(parse('filter\n:INPUT ACCEPT\nCOMMIT\n', 4).findings).toHaveLength(3);
});

test('an extension of the other family is told as such', () => {
  const hint = (rule: string, family: 4 | 6) =>
    parse(`*filter\n-A INPUT ${rule}\nCOMMIT\n`, family).findings[0]!.hint;
  expect(hint('-p ipv6-icmp -m icmp6 --icmpv6-type 1 -j DROP', 4)).toContain('ip6tables alone knows icmp6');
  expect(hint('-p icmp -m icmp --icmp-type 3 -j DROP', 6)).toContain('iptables alone knows icmp:');
  expect(hint('-j TTL', 6)).toContain('iptables alone knows TTL');
  expect(hint('-m srv -j DROP', 4)).toContain('This program knows no match named srv');
  expect(hint('-p udp -m l2tp --tid 1 -j DROP', 4)).toContain('bpf and u32');
  const text = '# Generated by ip6tables-save v1.8.9\n*filter\nCOMMIT\n';
  const warnings = (family: 4 | 6) =>
    loadRulesets({ rulesets: [{ family, file: 'rules', text }], onUnsupported: 'error' }).warnings;
  expect(warnings(6)).toEqual([]);
  expect(warnings(4)).toEqual(['rules: warning: it says that it is of IPv6, and is taken for rules of IPv4']);
});

test('rulesets without any table are told of', () => {
  const load = (...texts: string[]) =>
    loadRulesets({
      rulesets: texts.map((text, i) => ({ family: i === 0 ? 4 : 6, file: `rules${i}`, text })),
      onUnsupported: 'error',
    }).warnings;
  expect(load('', '# nothing\n')).toEqual([
    'rules0, rules1: warning: there is no table in it, so no packet meets a rule',
  ]);
  expect(load('*filter\nCOMMIT\n', '')).toEqual([]);
});

function rulesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('-A'));
}
