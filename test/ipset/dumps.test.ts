import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSets } from '../../src/ipset/parse.ts';
import { isJudgeAvailable } from '../kernel/judge.ts';

interface DumpCase {
  readonly id: string;
  readonly text: string;
  readonly outcome: 'OK' | 'FAIL' | 'OURS';
  /** Elements, or the phrase. */
  readonly says: string;
  /** Line that is refused; 0 where ipset does not say. */
  readonly line: number;
}

const cases: DumpCase[] = [];
for (const [i, row] of readFileSync(join(import.meta.dirname, 'dumps.t'), 'utf8')
  .split('\n')
  .entries()) {
  if (row === '' || row.startsWith('# Dumps') || row.startsWith('#     ')) continue;
  const [, lines, outcome, rest] = /^(.*?) ; (OK|FAIL|OURS)(.*)$/.exec(row)!;
  const failed = /^ (\d+|-) (.*)$/.exec(rest!);
  cases.push({
    id: `dumps.t:${i + 1}`,
    text: `${lines!.split(' | ').join('\n')}\n`,
    outcome: outcome as DumpCase['outcome'],
    says: outcome === 'FAIL' ? failed![2]! : rest!.replace(/^ ; ?/, '').replace(/^ ;$/, ''),
    line: outcome === 'FAIL' && failed![1] !== '-' ? Number(failed![1]) : 0,
  });
}

const plain = (element: string): string => element.replace(/ timeout (?!0)\d+| comment "[^"]*"/g, '');

function answer(one: DumpCase): object {
  const { sets, findings } = parseSets(one.text, one.id);
  if (findings.length > 0) {
    const { message, position } = findings[0]!;
    return { says: message, line: one.line === 0 ? 0 : position.line };
  }
  const elements = [...sets].flatMap((set) =>
    set.elements(0).map((element) => plain(`${set.name} ${element}`)),
  );
  return { says: elements.sort().join(' | '), line: 0 };
}

describe('dumps', () => {
  test.each(cases)('$id $text', (one) => {
    expect(answer(one)).toEqual({ says: one.says, line: one.line });
  });

  test('findings point at a word of the line', () => {
    for (const one of cases) {
      for (const { position } of parseSets(one.text, one.id).findings) {
        expect(position.text.slice(position.column - 1)).not.toBe('');
        expect(position.column - 1 + position.lengthChars).toBeLessThanOrEqual(position.text.length + 1);
      }
    }
  });

  test.runIf(isJudgeAvailable())(
    'ipset itself says so',
    () => {
      const wrong: string[] = [];
      for (const one of cases) {
        if (one.outcome === 'OURS') continue;
        const { stdout, stderr } = spawnSync(
          'unshare',
          ['-n', 'sh', '-c', 'ipset restore; echo "status $?"; ipset save'],
          { input: one.text, encoding: 'utf8' },
        );
        const isTaken = stdout.includes('status 0');
        const saved = stdout.split('\n').filter((line) => line.startsWith('add '));
        const elements = saved.map((line) => plain(line.slice(4))).sort();
        const says = isTaken ? elements.join(' | ') : stderr;
        const prefix = one.line === 0 ? '' : `Error in line ${one.line}: `;
        const agrees =
          one.outcome === 'OK' ? isTaken && says === one.says : !isTaken && says.includes(prefix + one.says);
        if (!agrees) wrong.push(`${one.id}: ${says}`);
      }
      expect(wrong).toEqual([]);
    },
    120_000,
  );
});
