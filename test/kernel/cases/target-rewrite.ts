/** Targets that change the packet: TOS DSCP TTL HL ECN TCPMSS TCPOPTSTRIP CHECKSUM CLASSIFY. What comes out is recorded. */

import type { Case } from '../judge.ts';
import { concat, filler, ip, tcp, tcpOption, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';

const datagram = udp({ sport: 1024, dport: 1, payload: filler(5) });

function rewrite(
  id: string,
  families: readonly Family[],
  rules: readonly string[],
  packets: (family: Family) => Case['packets'],
  more: Partial<Case> = {},
): Case {
  const dump = table('mangle', ...rules);
  return onRouter(
    id,
    { ...(families.includes(4) ? { v4: dump } : {}), ...(families.includes(6) ? { v6: dump } : {}) },
    families.flatMap(packets),
    {
      capture: true,
      conntrack: false,
      ...more,
    },
  );
}

const EVERY_TOS = [0, 1, 2, 3, 0x10, 0xb8, 0xb9, 0xfc, 0xff];

export const rewriteCases = (): Case[] => [
  ...[
    '--set-tos 0',
    '--set-tos 0x10',
    '--set-tos 0x10/0x3f',
    '--set-tos 0xff',
    '--set-tos Minimize-Delay',
    '--and-tos 0xf0',
    '--or-tos 0x8',
    '--xor-tos 0xff',
  ].map((words) =>
    rewrite(
      `TOS/${words.replaceAll(' ', '-')}`,
      [4, 6],
      [
        `PREROUTING -j TOS ${words}`,
        `OUTPUT -j TOS ${words}`,
        ...[0, 0x10, 0xff].map((tos) => `POSTROUTING -m tos --tos ${tos}`),
      ],
      (family) => EVERY_TOS.flatMap((tos) => everyWay(family, datagram, { tos })),
    ),
  ),
  ...['--set-dscp 0', '--set-dscp 0x2e', '--set-dscp-class CS7', '--set-dscp 63'].map((words) =>
    rewrite(
      `DSCP/${words.replaceAll(' ', '-')}`,
      [4, 6],
      [
        `PREROUTING -j DSCP ${words}`,
        `OUTPUT -j DSCP ${words}`,
        'POSTROUTING -m dscp --dscp 0x2e',
        'POSTROUTING -m dscp ! --dscp 0x2e',
      ],
      (family) => EVERY_TOS.flatMap((tos) => everyWay(family, datagram, { tos })),
    ),
  ),
  ...(['TTL --ttl', 'HL --hl'] as const).flatMap((target) => {
    const family = target.startsWith('TTL') ? 4 : 6;
    const match = family === 4 ? '-m ttl --ttl' : '-m hl --hl';
    return ['set 64', 'set 1', 'set 0', 'dec 1', 'dec 5', 'inc 1', 'inc 250'].map((words) =>
      rewrite(
        `${target.split(' ')[0]}/${words.replaceAll(' ', '-')}`,
        [family],
        // Set on the way in: what expires in forwarding is decided by the new value.
        [
          `PREROUTING -j ${target}-${words}`,
          `OUTPUT -j ${target}-${words}`,
          `FORWARD ${match}-lt 2`,
          `FORWARD ${match}-gt 1`,
          `POSTROUTING ${match}-eq 63`,
          'POSTROUTING',
        ],
        () => [1, 2, 5, 6, 64, 255].flatMap((ttl) => everyWay(family, datagram, { ttl })),
      ),
    );
  }),
  rewrite(
    'TTL/in-postrouting',
    [4],
    ['POSTROUTING -j TTL --ttl-set 1', 'POSTROUTING -m ttl --ttl-eq 1'],
    (family) => everyWay(family, datagram),
  ),
  ...['--ecn-tcp-remove'].map((words) =>
    rewrite(
      `ECN/${words}`,
      [4],
      [
        `PREROUTING -p tcp -j ECN ${words}`,
        'POSTROUTING -p tcp -m ecn --ecn-tcp-ece',
        'POSTROUTING -p tcp -m ecn ! --ecn-tcp-ece',
      ],
      (family) =>
        ['S', 'SE', 'SEC', 'A', 'AC'].flatMap((flags) =>
          everyWay(family, tcp({ sport: 1, dport: 2, flags }), { tos: 2 }),
        ),
    ),
  ),
  ...['--set-mss 1400', '--set-mss 500', '--clamp-mss-to-pmtu'].map((words) =>
    rewrite(
      `TCPMSS/${words.replaceAll(' ', '-')}`,
      [4, 6],
      [
        `FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS ${words}`,
        'POSTROUTING -p tcp',
        'POSTROUTING -p tcp -m tcpmss --mss 1400',
        'POSTROUTING -p tcp -m tcpmss --mss 536',
        'POSTROUTING -p tcp -m tcpmss --mss 1220',
        'POSTROUTING -p tcp -m tcpmss --mss 1360',
        'POSTROUTING -m length --length 44',
      ],
      (family) =>
        [
          tcp({ sport: 1, dport: 2, flags: 'S' }),
          tcp({ sport: 1, dport: 2, flags: 'S', options: tcpOption.mss(1460) }),
          tcp({ sport: 1, dport: 2, flags: 'SA', options: tcpOption.mss(1300) }),
          tcp({
            sport: 1,
            dport: 2,
            flags: 'S',
            options: concat(
              tcpOption.nop(),
              tcpOption.nop(),
              tcpOption.sackPermitted(),
              tcpOption.mss(65000),
            ),
          }),
          tcp({ sport: 1, dport: 2, flags: 'S', payload: filler(3) }),
          tcp({ sport: 1, dport: 2, flags: 'A', options: tcpOption.mss(1460) }),
        ].flatMap((layer) => everyWay(family, layer)),
      {
        host: {
          ...ROUTER,
          interfaces: [
            { name: 'eth0', mtu: 1400 },
            { name: 'eth1', mtu: 1500 },
          ],
        },
      },
    ),
  ),
  rewrite(
    'TCPOPTSTRIP',
    [4, 6],
    [
      'PREROUTING -p tcp -j TCPOPTSTRIP --strip-options mss,timestamp',
      'POSTROUTING -p tcp --tcp-option 2',
      'POSTROUTING -p tcp --tcp-option 1',
    ],
    (family) =>
      [
        tcp({ sport: 1, dport: 2, flags: 'S', options: tcpOption.mss(1460) }),
        tcp({
          sport: 1,
          dport: 2,
          flags: 'S',
          options: concat(tcpOption.windowScale(3), tcpOption.nop(), tcpOption.timestamps(1, 2)),
        }),
      ].flatMap((layer) => everyWay(family, layer)),
  ),
  // A header that says it is longer than the packet: nothing can be written there, and the packet is dropped.
  rewrite(
    'TCPOPTSTRIP/header-lies',
    [4, 6],
    ['PREROUTING -p tcp -j TCPOPTSTRIP --strip-options mss', 'PREROUTING', 'POSTROUTING'],
    (family) =>
      [4, 5, 10, 11, 15].flatMap((headerWords) =>
        everyWay(family, tcp({ sport: 1, dport: 2, flags: 'S', headerWords, payload: filler(20) })),
      ),
  ),
  rewrite('CHECKSUM', [4, 6], ['POSTROUTING -p udp -j CHECKSUM --checksum-fill', 'POSTROUTING'], (family) => [
    ...everyWay(family, datagram),
    ...everyWay(family, udp({ sport: 1, dport: 2, checksum: 'bad' })),
  ]),
  rewrite('CLASSIFY', [4, 6], ['POSTROUTING -j CLASSIFY --set-class 1:2', 'POSTROUTING'], (family) =>
    everyWay(family, datagram),
  ),
  // DSCP changed in OUTPUT asks the routing again: the rule by tos takes it.
  ...([4] as const).map((family): Case => {
    const a = addresses(family);
    return {
      id: 'TOS/reroutes',
      host: {
        ...ROUTER,
        rules: ['tos 0x10 table 100'],
        ip: ['route add default via 10.0.0.9 dev eth1 table 100'],
      },
      rules4: table(
        'mangle',
        'OUTPUT -p udp --dport 1 -j TOS --set-tos 0x10',
        'PREROUTING -p udp --dport 1 -j TOS --set-tos 0x10',
        'POSTROUTING -o eth0',
        'POSTROUTING -o eth1',
      ),
      capture: true,
      packets: [1, 2].flatMap((dport) => [
        arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, udp({ sport: 1, dport }))),
        ...everyWay(family, udp({ sport: 1, dport })),
      ]),
    };
  }),
];
