import { execFileSync, spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import type { Family } from '../../src/base/inet.ts';
import { rulesetHits } from '../../src/report/hits.ts';
import { listTable } from '../../src/report/list.ts';
import { savedRuleset } from '../../src/report/save.ts';
import { makeOutput } from './fixture.ts';

/**
 * The real iptables as the judge of our listing and of our save form: it is given what we say `iptables-save -c` would
 * print, and must print the same, and list it as we do.
 */
const FAMILIES: readonly { family: Family; prefix: string }[] = [
  { family: 4, prefix: 'iptables-legacy' },
  { family: 6, prefix: 'ip6tables-legacy' },
];

function canJudge(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['-n', 'iptables-legacy', '-L'], { stdio: 'ignore' }).status === 0;
}

/** Runs commands in a network namespace of their own, after the ruleset has been restored. */
function inNamespace(prefix: string, ruleset: string, command: string): string {
  const script = `${prefix}-restore -c && ${command}`;
  return execFileSync('unshare', ['-n', 'sh', '-ec', script], { input: ruleset, encoding: 'utf8' });
}

const LONG4 = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[0:0] -A PREROUTING -i eth0 -m mark --mark 0x1/0xff -j MARK --set-xmark 0x2/0xffffffff
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:a-chain-with-a-very-long-na - [0:0]
:empty - [0:0]
[0:0] -A INPUT -j a-chain-with-a-very-long-na
[0:0] -A INPUT -i verylongifname0 -p tcp -m tcp --dport 22 -j ACCEPT
[0:0] -A INPUT -g a-chain-with-a-very-long-na
[0:0] -A INPUT ! -s 10.0.0.0/8 ! -i lo ! -p udp -f
[0:0] -A INPUT -s 255.255.0.0/255.255.0.255 -i eth+ -p 200 -j LOG --log-prefix "foo bar "
[0:0] -A FORWARD -p icmp -m icmp --icmp-type 8 -j REJECT --reject-with icmp-host-prohibited
[0:0] -A a-chain-with-a-very-long-na -d 192.168.100.100/30 -m comment --comment hello -j RETURN
COMMIT
`;

const LONG6 = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
[0:0] -A INPUT -s 2001:db8:1234:5678:9abc:def0:1234:5678/128 -d 2001:db8::/32 -p tcp -m multiport --dports 80,443 -g web
[0:0] -A INPUT ! -p ipv6-icmp -j DROP
[0:0] -A web -m conntrack --ctstate NEW -j ACCEPT
COMMIT
`;

const judging = canJudge();

describe('as the installed iptables prints it (as recorded of v1.8.9 where it cannot be asked)', () => {
  for (const { family, prefix } of FAMILIES) {
    for (const [name, output] of [
      ['the fixture', makeOutput()],
      ['long names and odd rules', makeOutput({ rules4: LONG4, rules6: LONG6 })],
    ] as const) {
      const hits = rulesetHits(output, true).find((ruleset) => ruleset.family === family)!;
      const saved = savedRuleset(hits);

      test(`${prefix} -L, ${name}`, async () => {
        for (const table of hits.tables) {
          const recorded = `recorded/${prefix}-${table.name}-${name.replaceAll(' ', '-')}.txt`;
          const ours = [...listTable(table, { hitOnly: false })].map((line) => `${line}\n`).join('');
          await expect(ours).toMatchFileSnapshot(recorded);
          if (!judging) continue;
          const listed = inNamespace(prefix, saved, `${prefix} -t ${table.name} -L -v -n -x --line-numbers`);
          expect(ours).toBe(listed);
        }
      });

      test.runIf(judging)(`${prefix}-save -c, ${name}`, () => {
        const tables = (text: string) =>
          text
            .replace(/^#.*\n/gm, '')
            .split(/(?<=^COMMIT\n)/m)
            .sort();
        expect(tables(saved)).toEqual(tables(inNamespace(prefix, saved, `${prefix}-save -c`)));
      });
    }
  }
});
