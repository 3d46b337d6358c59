import { expect, test } from 'vitest';
import { listChain } from '../../src/ruleset/list.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';

/** The listings are those of `iptables -L -v -n -x --line-numbers` (ip6tables: of INPUT), iptables 1.8.9 (legacy). */
const RULES_4 = [
  '*filter',
  ':INPUT DROP [3:180]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [123456789012:98765432109876]',
  ':web - [0:0]',
  ':name-of-twenty-eight-letters - [0:0]',
  '[5:300] -A INPUT -i lo -j ACCEPT',
  '[123456789012:98765432109876] -A INPUT ! -i averylongname12 -j web',
  '[0:0] -A FORWARD ! -s 10.0.0.0/8 ! -d 192.168.111.222/32 ! -p tcp -f -g web',
  '[0:0] -A FORWARD -s 10.0.0.0/255.0.255.0 ! -f -m comment --comment "two words"',
  '[0:0] -A FORWARD ! -o eth0 -p 200 -j name-of-twenty-eight-letters',
  '[1:2] -A web -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset',
  '[0:0] -A web -j LOG --log-prefix "web: " --log-level 7',
  'COMMIT',
];
const LISTED_4 = [
  'Chain INPUT (policy DROP 3 packets, 180 bytes)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '1           5      300 ACCEPT     0    --  lo     *       0.0.0.0/0            0.0.0.0/0           ',
  '2    123456789012 98765432109876 web        0    --  !averylongname12 *       0.0.0.0/0            0.0.0.0/0           ',
  '',
  'Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '1           0        0 web       !6    -f  *      *      !10.0.0.0/8          !192.168.111.222     [goto] ',
  '2           0        0            0    !f  *      *       10.0.0.0/255.0.255.0  0.0.0.0/0            /* two words */',
  '3           0        0 name-of-twenty-eight-letters  200  --  *      !eth0   0.0.0.0/0            0.0.0.0/0           ',
  '',
  'Chain OUTPUT (policy ACCEPT 123456789012 packets, 98765432109876 bytes)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '',
  'Chain name-of-twenty-eight-letters (1 references)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '',
  'Chain web (2 references)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '1           1        2 REJECT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80 ctstate NEW reject-with tcp-reset',
  '2           0        0 LOG        0    --  *      *       0.0.0.0/0            0.0.0.0/0            LOG flags 0 level 7 prefix "web: "',
];
const RULES_6 = [
  '*filter',
  '[0:0] -A INPUT -s fe80::/10 ! -d ::1 -p icmpv6 -m icmp6 --icmpv6-type 128 -j ACCEPT',
  '[0:0] -A INPUT ! -s 2001:db8:1234:5678:9abc:def0:1234:5678 -i eth0',
  'COMMIT',
];
const LISTED_6 = [
  'Chain INPUT (policy ACCEPT 0 packets, 0 bytes)',
  'num      pkts      bytes target     prot opt in     out     source               destination         ',
  '1           0        0 ACCEPT     58   --  *      *       fe80::/10           !::1                  ipv6-icmptype 128',
  '2           0        0            0    --  eth0   *      !2001:db8:1234:5678:9abc:def0:1234:5678  ::/0                ',
];

function list(lines: readonly string[], family: 4 | 6): string[] {
  const { ruleset, findings } = parseRuleset(`${lines.join('\n')}\n`, { family, file: 'rules' });
  expect(findings).toEqual([]);
  const table = ruleset.tables[0]!;
  return table.chains
    .map((chain) => listChain(chain, table, family))
    .join('\n\n')
    .split('\n');
}

test('IPv4 is listed as iptables lists it', () => {
  expect(list(RULES_4, 4)).toEqual(LISTED_4);
});

test('IPv6 is listed as ip6tables lists it', () => {
  expect(list(RULES_6, 6).slice(0, LISTED_6.length)).toEqual(LISTED_6);
});
