/**
 * IPv4 fragments for the host itself, without conntrack, whose headers and marks PREROUTING changes before
 * ip_local_deliver() puts them together: what the whole has of which fragment.
 */

import type { Case } from '../judge.ts';
import { concat, filler, fragment4, ipv4, tcp, tcpOption, udp } from '../packets.ts';
import { arrives, onRouter, table } from './build.ts';
import { A4 as a } from './hosts.ts';

const LOOKING = [
  ...[0x10, 0xb8, 0].map((tos) => `INPUT -m tos --tos ${tos}/0xfc`),
  ...[0, 1, 2, 3].map((ect) => `INPUT -m ecn --ecn-ip-ect ${ect}`),
  ...[10, 20, 64].map((ttl) => `INPUT -m ttl --ttl-eq ${ttl}`),
  ...[0, 1, 2].map((mark) => `INPUT -m mark --mark ${mark}`),
  ...['eth0', 'eth1'].map((iface) => `INPUT -i ${iface}`),
  'INPUT -p tcp --tcp-option 2',
  'INPUT -p udp --dport 1',
];

const CHANGES: readonly (readonly [name: string, first: string, later: string])[] = [
  ['tos', 'TOS --set-tos 0x10/0xfc', 'TOS --set-tos 0xb8/0xfc'],
  ['ttl', 'TTL --ttl-set 10', 'TTL --ttl-set 20'],
  ['mark', 'MARK --set-mark 1', 'MARK --set-mark 2'],
  ['ecn-ce', 'TOS --set-tos 2/3', 'TOS --set-tos 3/3'],
  ['ecn-mixed', 'TOS --set-tos 1/3', 'TOS --set-tos 2/3'],
  ['ecn-not', 'TOS --set-tos 3/3', 'TOS --set-tos 0/3'],
];

export const changedFragmentCases = (): Case[] =>
  [
    ...CHANGES.map(([name, first, later]) => [
      name,
      [`PREROUTING ! -f -j ${first}`, `PREROUTING -f -j ${later}`],
    ]),
    ...CHANGES.map(([name, first]) => [`${name}-of-first`, [`PREROUTING ! -f -j ${first}`]]),
    ...CHANGES.map(([name, , later]) => [`${name}-of-later`, [`PREROUTING -f -j ${later}`]]),
    ['options', ['PREROUTING ! -f -p tcp -j TCPOPTSTRIP --strip-options mss']],
  ].map(([name, rules]) => {
    const layers = [
      udp({ sport: 1024, dport: 1, payload: filler(40) }),
      tcp({
        sport: 1,
        dport: 2,
        flags: 'S',
        options: concat(tcpOption.mss(1460), tcpOption.sackPermitted()),
        payload: filler(30),
      }),
    ];
    const packets = layers.flatMap((layer, i) =>
      [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
      ].flatMap((order, j) =>
        [
          ['eth0', 'eth0', 'eth0'],
          ['eth0', 'eth1', 'eth1'],
        ].flatMap((ifaces, k) => {
          const id = 1 + i * 100 + j * 10 + k;
          const pieces = fragment4(ipv4({ saddr: a.far, daddr: a.self, id }, layer), 32, 40);
          return order.map((piece) => arrives(ifaces[piece]!, pieces[piece]!));
        }),
      ),
    );
    return onRouter(
      `fragment-changed/${name as string}`,
      { v4: table('mangle', ...(rules as string[]), ...LOOKING) },
      packets,
      {
        conntrack: false,
      },
    );
  });
