/** Lines of a shape that was read before (ruleset/line-shapes.ts) against the same lines, each read alone: the same rules and findings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule, RuleTarget } from '../../src/ruleset/model.ts';
import { type ParseResult, parseRuleset } from '../../src/ruleset/parse.ts';

const HEAD = ['*mangle', ':web - [0:0]', ':KUBE-SVC-ABCDEFGHIJKLMNOP - [0:0]', ':MARK - [0:0]'];

function parse(lines: readonly string[], onUnsupported: 'error' | 'never-match' = 'error'): ParseResult {
  return parseRuleset([...HEAD, ...lines, 'COMMIT', ''].join('\n'), {
    family: 4,
    file: 'rules',
    onUnsupported,
  });
}

/** A rule without what tells where it stands. */
function plain({ position, ...rule }: Rule) {
  const target: RuleTarget = rule.target;
  return { ...rule, target, text: position.text, column: position.column };
}

/** By line: rules and findings. */
function byLine({ ruleset, findings }: ParseResult): Map<number, unknown[]> {
  const lines = new Map<number, unknown[]>();
  const put = (line: number, what: unknown) => lines.set(line, [...(lines.get(line) ?? []), what]);
  for (const { name, rules } of ruleset.tables[0]!.chains)
    for (const rule of rules) put(rule.position.line, { chain: name, ...plain(rule) });
  // What the kernel says is about the table as a whole.
  for (const { position, ...finding } of findings.filter(({ by }) => by !== 'kernel'))
    put(position.line, { ...finding, column: position.column, lengthChars: position.lengthChars });
  return lines;
}

const pick = (...words: string[]) => fc.constantFrom(...words);
const line = fc
  .tuple(
    pick('', '', '', '[3:180] ', '[1:2]', '[x:2] '),
    pick('-A', '-A', '-A', '-A', '-I', '--append', '-A '),
    pick('web', 'web', 'PREROUTING', 'POSTROUTING', 'KUBE-SVC-ABCDEFGHIJKLMNOP', 'none', '"web"', 'wéb'),
    fc.array(
      pick('-s 10.0.0.1', '-s 10.0.0.0/8', '-d 10.1.2.3', '-d 10.9.0.0/255.255.0.0', '-s 1.2.3.4,5.6.7.8', '-d 1.2.3.400', '-d ! 1.1.1.1', '-s 0/0'),
      { maxLength: 3 },
    ),
    pick('', '', '-p tcp', '-p tcp -m tcp --dport 80', '-p udp --sport 1:5', '! -s 10.3.0.0/16', '-o eth0', '-i eth+', '-m comment --comment "a -j web"', '-m comment --comment "open', '-m nosuch --x 1', '-m multiport --dports 1,2', '-c 5 6'),
    pick('-j web', '-j ACCEPT', '-j MARK', '-j MARK --set-mark 1', '-j KUBE-SVC-ABCDEFGHIJKLMNOP', '-j LOG', '-j none', '-g web', '-j "web"', '-j DROP ', '-j REJECT', ''),
  )
  .map(([counters, command, chain, addresses, middle, jump]) =>
    counters + [command, chain, ...addresses, middle, jump].filter((part) => part !== '').join(' '),
  ); // biome-ignore format: a table

describe('lines of known shapes', () => {
  it('give the rules and findings that they give alone', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 5, maxLength: 60 }), fc.boolean(), (drawn, isStrict) => {
        const mode = isStrict ? 'error' : 'never-match';
        // Inserted rules would stand in another order.
        const lines = drawn.filter((one) => !one.includes('-I'));
        const together = byLine(parse([...lines, ...lines], mode));
        for (const [i, one] of lines.entries()) {
          const alone = byLine(parse([one], mode));
          for (const at of [i, i + lines.length])
            expect(together.get(HEAD.length + 1 + at), one).toEqual(alone.get(HEAD.length + 1));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('share what they have in common', () => {
    const { ruleset } = parse([
      '-A web -d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-ABCDEFGHIJKLMNOP',
      '-A PREROUTING -d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-ABCDEFGHIJKLMNOP',
      '-A web -d 10.7.0.0/16 -p tcp -m tcp --dport 80 -j web',
    ]);
    const [first, second] = ruleset.tables[0]!.chains.find(({ name }) => name === 'web')!.rules;
    expect(second!.matches).toBe(first!.matches);
    expect(second!.destination!.address).toEqual([0x0a070000, 0, 0, 0]);
    expect(second!.target).toEqual({ kind: 'jump', chain: 'web' });
  });

  it('are refused where the hook does not suit their options', () => {
    const { findings } = parse([
      '-A web -o eth0 -j ACCEPT',
      '-A web -o eth0 -j ACCEPT',
      '-A PREROUTING -o eth0 -j ACCEPT',
    ]);
    expect(findings.map(({ message, position }) => [position.line, message])).toEqual([
      [HEAD.length + 3, "Can't use -o with PREROUTING"],
    ]);
  });

  it('mean what names mean when the line is read', () => {
    const { ruleset, findings } = parse([
      '-A web -j LOG',
      ':LOG - [0:0]',
      '-A web -j LOG',
      '-A web -j KUBE-SVC-ABCDEFGHIJKLMNOP',
      '-F KUBE-SVC-ABCDEFGHIJKLMNOP',
      '-A web -s 10.0.0.1 -j web',
      '-A web -s 10.0.0.1 -j gone',
    ]);
    const kinds = ruleset.tables[0]!.chains.find(({ name }) => name === 'web')!.rules.map(
      ({ target }) => target.kind,
    );
    expect(kinds).toEqual(['extension', 'jump', 'jump', 'jump']);
    const messages = findings.map(({ message }) => message);
    expect(messages).toContain('using chain LOG, not extension');
    expect(messages).toContain("Couldn't load target `gone':No such file or directory");
  });
});
