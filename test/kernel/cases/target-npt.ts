/** SNPT and DNPT: prefixes of IPv6 addresses exchanged without state. Rules behind them spell the new address out. */

import type { Case } from '../judge.ts';
import { filler, icmpv6Error, ip, udp } from '../packets.ts';
import { arrives, leaves, table } from './build.ts';
import { A6, ROUTER } from './hosts.ts';

/** Two rules a bit would do, but sixteen a digit are read at a glance: which digit stands where in an address. */
function spell(chain: string, side: 's' | 'd'): string[] {
  const rules: string[] = [];
  for (let digit = 0; digit < 24; digit++) {
    for (let value = 0; value < 16; value++) {
      const at = (hexDigit: string) => groups('0'.repeat(digit) + hexDigit + '0'.repeat(31 - digit));
      rules.push(`${chain} -${side} ${at(value.toString(16))}/${at('f')}`);
    }
  }
  return rules;
}

function groups(digits: string): string {
  return digits.match(/..../g)!.join(':');
}

const datagram = udp({ sport: 1024, dport: 1, payload: filler(5) });
/** Hosts whose words behind the prefix are ordinary, zero, and all ones. */
const HOSTS = ['9', 'ffff:9:0:9', 'ffff:ffff:ffff:1', 'ffff:ffff:ffff:fffe', '1234:0:0:0', '0:0:0:0'];
/** A word behind the prefix that the adjustment turns into all ones, or that is so already. */
const WORDS = ['0', '1', 'ffff', 'fffe', '8000', 'd6b2', 'd7fb'];

const PREFIXES: readonly (readonly [string, string])[] = [
  ['2001:db8:1::/48', 'fd00:aaaa:bbbb::/48'],
  ['2001:db8:1::/64', 'fd00:aaaa:bbbb:5::/64'],
  ['2001:db8::/32', 'fd00:1234::/32'],
  ['2001::/16', 'fd00:aaaa:bbbb::/48'],
  ['2001:db8:1::/48', 'fd00:aaaa:bbbb:cc00::/56'],
  ['2001:db8:1::/64', '2001:db8:1::/64'],
  ['::/0', '::/0'],
];

const sources = [
  ...HOSTS.map((host) => `2001:db8:1:0:${host.includes(':') ? host : `0:0:0:${host}`}`),
  ...WORDS.map((word) => `2001:db8:1:${word}:0:0:0:9`),
];

function onRouter6(id: string, rules6: string, packets: Case['packets']): Case {
  return { id, host: ROUTER, rules6, packets, conntrack: false };
}

export const nptCases = (): Case[] => [
  ...PREFIXES.map(([from, to], i) =>
    onRouter6(
      `SNPT/${i}`,
      table('mangle', `POSTROUTING -j SNPT --src-pfx ${from} --dst-pfx ${to}`, ...spell('POSTROUTING', 's')),
      [
        ...sources.map((saddr) => arrives('eth1', ip({ saddr, daddr: A6.far }, datagram))),
        // An error quotes a packet to the inside: its destination is translated with the source.
        arrives(
          'eth1',
          ip(
            { saddr: A6.inside, daddr: A6.far },
            icmpv6Error({ type: 1, code: 4 }, ip({ saddr: A6.far, daddr: A6.inside }, datagram), 100),
          ),
        ),
      ],
    ),
  ),
  ...PREFIXES.map(([to, from], i) =>
    onRouter6(
      `DNPT/${i}`,
      table(
        'mangle',
        `PREROUTING -d fd00::/8 -j DNPT --src-pfx ${from} --dst-pfx ${to}`,
        ...spell('PREROUTING', 'd'),
        // Where the way leads is decided behind it.
        'FORWARD -o eth0',
        'FORWARD -o eth1',
        'INPUT',
        // A packet of the host's own is routed anew.
        `OUTPUT -d fd00::/8 -j DNPT --src-pfx ${from} --dst-pfx ${to}`,
        'POSTROUTING -o eth0',
        'POSTROUTING -o eth1',
      ),
      [
        ...sources.map((host) =>
          arrives(
            'eth0',
            ip({ saddr: A6.far, daddr: host.replace('2001:db8:1', 'fd00:aaaa:bbbb') }, datagram),
          ),
        ),
        leaves('eth0', ip({ saddr: A6.self, daddr: 'fd00:aaaa:bbbb::9' }, datagram)),
        leaves('eth0', ip({ saddr: A6.self, daddr: 'fd00:aaaa:bbbb:5::9' }, datagram)),
      ],
    ),
  ),
  onRouter6(
    'SNPT/input',
    table('mangle', 'INPUT -j SNPT --src-pfx 2001:db8::/48 --dst-pfx fd00::/48', ...spell('INPUT', 's')) +
      table('filter', 'INPUT -s fd00::/8', 'INPUT -s 2001:db8::/32'),
    sources.map((saddr) => arrives('eth1', ip({ saddr, daddr: A6.selfInside }, datagram))),
  ),
];
