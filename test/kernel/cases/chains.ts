/** The walk through chains and tables: jump, goto, RETURN, policies, order of the tables, counting. */

import type { Case } from '../judge.ts';
import { filler, ip, tcp, udp } from '../packets.ts';
import {
  addresses,
  arrives,
  CHAINS,
  everyWay,
  type Family,
  leaves,
  onRouter,
  type Table,
  table,
} from './build.ts';

const TABLES: readonly Table[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

const datagram = (dport: number, payload = 0) => udp({ sport: 1024, dport, payload: filler(payload) });

function toSelf(family: Family, dports: readonly number[]) {
  const a = addresses(family);
  return dports.map((dport) => arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram(dport))));
}

/** The same dump for both families: none of these rules has an address. */
const bothFamilies = (
  id: string,
  dump: string,
  packets: (family: Family) => Case['packets'],
  more = {},
): Case => onRouter(id, { v4: dump, v6: dump }, [...packets(4), ...packets(6)], more);

export const chainCases = (): Case[] => [
  bothFamilies(
    'chains/jump-and-fall-back',
    table(
      'filter',
      'INPUT -j one',
      'INPUT -p udp',
      'one -p udp --dport 1 -j ACCEPT',
      'one -p udp --dport 2 -j DROP',
      'one',
    ),
    (family) => toSelf(family, [1, 2, 3]),
  ),
  bothFamilies(
    'chains/return',
    table(
      'filter',
      'INPUT -j one',
      'INPUT -p udp --dport 3 -j RETURN',
      'INPUT',
      'one -p udp --dport 1 -j RETURN',
      'one -p udp --dport 2 -j ACCEPT',
      'one',
      ':INPUT DROP',
    ),
    (family) => toSelf(family, [1, 2, 3, 4]),
  ),
  bothFamilies(
    'chains/goto',
    // A chain reached by goto falls back to where the chain with the goto was called from.
    table(
      'filter',
      'INPUT -j one',
      'INPUT -m comment --comment "after one"',
      'INPUT -p udp --dport 4 -g two',
      'INPUT -m comment --comment "after goto from a built-in chain"',
      'one -p udp --dport 1 -g two',
      'one -p udp --dport 2 -j two',
      'one -m comment --comment "after the jump"',
      'two -p udp --dport 3 -j ACCEPT',
      'two -m comment --comment "end of two"',
    ),
    (family) => toSelf(family, [1, 2, 3, 4, 5]),
  ),
  bothFamilies(
    'chains/goto-from-built-in-meets-policy',
    table(
      'filter',
      ':INPUT DROP',
      'INPUT -p udp --dport 1 -g one',
      'INPUT -j ACCEPT',
      'one -p udp --dport 2',
    ),
    (family) => toSelf(family, [1, 2]),
  ),
  bothFamilies(
    'chains/nested-returns',
    table(
      'filter',
      'INPUT -j a',
      'INPUT -m comment --comment end',
      'a -j b',
      'a -m comment --comment "end of a"',
      'b -j c',
      'b -p udp --dport 2 -j RETURN',
      'b -g d',
      'b -m comment --comment unreachable',
      'c -p udp --dport 1 -j RETURN',
      'c -p udp --dport 3 -g e',
      'c -m comment --comment "end of c"',
      'd -p udp --dport 4 -j ACCEPT',
      'd -m comment --comment "end of d"',
      'e -p udp --dport 3 -j RETURN',
      'e -m comment --comment unreachable',
    ),
    (family) => toSelf(family, [1, 2, 3, 4, 5]),
  ),
  bothFamilies(
    'chains/same-chain-called-twice',
    table('filter', 'INPUT -j a', 'INPUT -j a', 'INPUT -p udp --dport 1 -j a', 'a -j b', 'a -j b', 'b'),
    (family) => toSelf(family, [1, 2]),
  ),
  bothFamilies(
    'chains/deep',
    table(
      'filter',
      'INPUT -j c0',
      ...Array.from({ length: 40 }, (_, i) => `c${i} -j c${i + 1}`),
      'c40 -p udp --dport 1 -j ACCEPT',
      'c40',
    ),
    (family) => toSelf(family, [1, 2]),
  ),
  bothFamilies(
    'chains/empty-and-unused',
    table('filter', ':one', ':two', 'INPUT -j one', 'two -j one'),
    (family) => toSelf(family, [1]),
  ),
  bothFamilies('chains/goto-empty', table('filter', ':one', 'INPUT -g one', 'INPUT -j DROP'), (family) =>
    toSelf(family, [1]),
  ),
  bothFamilies(
    'chains/rule-without-target-or-match',
    table('filter', 'INPUT', 'INPUT', 'FORWARD', 'OUTPUT'),
    (family) => everyWay(family, datagram(1)),
  ),
  bothFamilies(
    'chains/policies-drop',
    table('filter', ':INPUT DROP', ':FORWARD DROP', ':OUTPUT DROP', 'INPUT -p tcp'),
    (family) => everyWay(family, datagram(1)),
  ),
  bothFamilies(
    'chains/matches-are-tried-in-order',
    // A match with a memory is asked only when those before it said yes; the base matches come first of all.
    table(
      'filter',
      'INPUT -p udp --dport 1 -m statistic --mode nth --every 2 --packet 0',
      'INPUT -m statistic --mode nth --every 2 --packet 0 -p udp --dport 1',
      'INPUT -p tcp -m statistic --mode nth --every 2 --packet 0',
    ),
    (family) => toSelf(family, [1, 2, 1, 2, 2, 1, 1]),
  ),
  ...TABLES.map((name) =>
    bothFamilies(
      `tables/count-everywhere-${name}`,
      TABLES.map((one) => table(one, ...CHAINS[one].map((chain) => `${chain} -p udp`))).join(''),
      (family) => everyWay(family, datagram(TABLES.indexOf(name))),
    ),
  ).slice(0, 1),
  ...TABLES.flatMap((name) =>
    CHAINS[name]
      // The nat table refuses DROP.
      .filter(() => name !== 'nat')
      .map((chain) =>
        bothFamilies(
          `tables/drop-in-${name}-${chain}`,
          TABLES.map((one) =>
            table(
              one,
              ...CHAINS[one].map((c) => (one === name && c === chain ? `${c} -j DROP` : `${c} -p udp`)),
            ),
          ).join(''),
          (family) => everyWay(family, datagram(1)),
        ),
      ),
  ),
  ...TABLES.flatMap((name) =>
    CHAINS[name].map((chain) =>
      bothFamilies(
        // ACCEPT ends its own chain only: the tables that follow are still asked.
        `tables/accept-in-${name}-${chain}`,
        TABLES.map((one) =>
          table(
            one,
            ...CHAINS[one].flatMap((c) => (one === name && c === chain ? [`${c} -j ACCEPT`, c] : [c])),
          ),
        ).join(''),
        (family) => everyWay(family, datagram(1)),
      ),
    ),
  ),
  bothFamilies(
    'tables/policy-drop-in-mangle-PREROUTING',
    table('raw', 'PREROUTING') +
      table('mangle', ':PREROUTING DROP') +
      table('filter', 'INPUT', 'FORWARD', 'OUTPUT'),
    (family) => everyWay(family, datagram(1)),
  ),
  bothFamilies(
    'tables/nat-without-a-nat-rule-counts-nothing',
    table('nat', ...CHAINS.nat) + table('filter', ...CHAINS.filter),
    (family) => everyWay(family, datagram(1)),
  ),
  bothFamilies(
    'tables/nat-with-conntrack-counts-first-packets',
    table('nat', ...CHAINS.nat) + table('filter', 'INPUT -m conntrack --ctstate NEW', ...CHAINS.filter),
    (family) => [
      ...everyWay(family, datagram(1)),
      ...everyWay(family, datagram(1)),
      ...everyWay(family, datagram(2)),
    ],
  ),
  {
    ...bothFamilies(
      'tables/counters-loaded',
      '*filter\n:INPUT ACCEPT [10:1000]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [4294967296:18446744073709551000]\n:one - [0:0]\n' +
        '[5:500] -A INPUT -p udp -m udp --dport 1 -j one\n[7:700] -A one\nCOMMIT\n',
      (family) => [...toSelf(family, [1, 2]), ...everyWay(family, datagram(3))],
    ),
    counters: true,
  },
  bothFamilies('bytes/lengths', table('filter', 'INPUT', 'FORWARD', 'OUTPUT'), (family) =>
    [0, 1, 2, 3, 100, 1472, 1473, 9000].flatMap((size) => everyWay(family, datagram(1, size))),
  ),
  bothFamilies('bytes/largest', table('filter', 'INPUT', 'FORWARD'), (family) => {
    const a = addresses(family);
    return [arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram(1, 65400)))];
  }),
  bothFamilies(
    'bytes/connection',
    table('filter', 'INPUT -p tcp', 'OUTPUT -p tcp', 'INPUT -p tcp --syn -j DROP', 'INPUT'),
    (family) => {
      const a = addresses(family);
      return [
        arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, tcp({ sport: 1, dport: 2, flags: 'S' }))),
        arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, tcp({ sport: 1, dport: 2, flags: 'A' }))),
        leaves('eth0', ip({ saddr: a.self, daddr: a.outside }, tcp({ sport: 2, dport: 1, flags: 'R' }))),
      ];
    },
  ),
];
