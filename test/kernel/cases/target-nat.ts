/**
 * NAT: DNAT SNAT MASQUERADE REDIRECT NETMAP, with replies, ICMP errors, clashes and hairpins. What leaves the host is
 * recorded, and the connections after every packet.
 */

import type { Case, CasePacket } from '../judge.ts';
import {
  type Bytes,
  esp,
  filler,
  gre,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  type Layer,
  sctp,
  sctpInit,
  tcp,
  udp,
  udplite,
} from '../packets.ts';
import { addresses, arrives, CHAINS, type Family, leaves, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';

const COUNT =
  table('mangle', ...CHAINS.mangle) +
  table(
    'filter',
    ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) => [
      `${chain} -m conntrack --ctstate NEW`,
      `${chain} -m conntrack --ctstate ESTABLISHED`,
      `${chain} -m conntrack --ctstate RELATED`,
      `${chain} -m conntrack --ctstate INVALID`,
      `${chain} -m conntrack --ctstate DNAT`,
      `${chain} -m conntrack --ctstate SNAT`,
    ]),
  );

interface Parties {
  readonly [role: string]: string;
}

/** Words with {role} replaced by the address, in brackets where a port follows. */
function fill(words: string, family: Family, extra: Parties = {}): string {
  const parties: Parties = { ...addresses(family), ...(family === 4 ? EXTRA4 : EXTRA6), ...extra };
  return words.replace(/\{(\w+)\}(:\d)?/g, (_all, role: string, port: string | undefined) => {
    const address = parties[role];
    if (address === undefined) throw new Error(`no address {${role}}`);
    return port === undefined ? address : family === 4 ? address + port : `[${address}]${port}`;
  });
}

const EXTRA4 = {
  server: '10.0.0.80',
  server2: '10.0.0.81',
  public: '192.0.2.100',
  mapped: '10.0.0.8',
  mappedInside: '203.0.113.9',
};
const EXTRA6 = {
  server: '2001:db8:1::80',
  server2: '2001:db8:1::81',
  public: '2001:db8::100',
  mapped: '2001:db8:1::8',
  mappedInside: '2001:db8:e::9',
};

type Step = readonly [
  where: string,
  from: string,
  to: string,
  layer: Layer | ((family: Family) => Layer),
  more?: Partial<CasePacket>,
];

/** Plays steps given by interface and roles; 'out' and 'lo' are packets of the host's own. */
function steps(family: Family, list: readonly Step[]): CasePacket[] {
  return list.map(([where, from, to, layer, more]) => {
    const packet = make(family, from, to, typeof layer === 'function' ? layer(family) : layer);
    return where === 'out' || where === 'lo'
      ? leaves(where === 'lo' ? 'lo' : 'eth0', packet, more)
      : arrives(where, packet, more);
  });
}

function make(family: Family, from: string, to: string, layer: Layer, ttl = 64): Bytes {
  return ip({ saddr: fill(`{${from}}`, family), daddr: fill(`{${to}}`, family), ttl }, layer);
}

function natCase(
  id: string,
  rules: readonly string[],
  list: readonly Step[],
  families: readonly Family[] = [4, 6],
  more: Partial<Case> = {},
): Case[] {
  return families.map((family) => {
    const nat = table('nat', ...rules.map((rule) => fill(rule, family)), ...CHAINS.nat);
    const packets = steps(family, list);
    return onRouter(`${id}/${family}`, family === 4 ? { v4: nat + COUNT } : { v6: nat + COUNT }, packets, {
      capture: true,
      between: packets.map((_, i) => i),
      ...more,
    });
  });
}

const syn = (sport: number, dport: number) => tcp({ sport, dport, flags: 'S', seq: 100 });
const synAck = (sport: number, dport: number) => tcp({ sport, dport, flags: 'SA', seq: 500, ack: 101 });
const ack = (sport: number, dport: number, size = 0) =>
  tcp({ sport, dport, flags: 'A', seq: 101, ack: 501, payload: filler(size) });
const datagram = (sport: number, dport: number, size = 9) => udp({ sport, dport, payload: filler(size) });
const echo =
  (id: number, reply = false) =>
  (family: Family) =>
    family === 4
      ? icmp({ type: reply ? 0 : 8, id, seq: 1 })
      : icmpv6({ type: reply ? 129 : 128, id, seq: 1 });
const unreachable = (from: string, to: string, layer: Layer) => (family: Family) => {
  const inner = make(family, from, to, layer, 60);
  return family === 4 ? icmpError({ type: 3, code: 1 }, inner) : icmpv6Error({ type: 1, code: 3 }, inner);
};

export const dnatCases = (): Case[] => [
  ...natCase(
    'dnat/forward',
    ['PREROUTING -p tcp --dport 80 -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['eth1', 'server', 'far', synAck(80, 1024)],
      ['eth0', 'far', 'self', ack(1024, 80, 50)],
      ['eth0', 'far', 'self', syn(1024, 81)],
      // Met in the middle from behind: the server speaks first, and nothing translates it.
      ['eth1', 'server', 'far', synAck(80, 1025)],
    ],
  ),
  ...natCase(
    'dnat/port',
    ['PREROUTING -p tcp --dport 80 -j DNAT --to-destination {server}:8080'],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['eth1', 'server', 'far', synAck(8080, 1024)],
      ['eth0', 'far', 'self', ack(1024, 80)],
      // Straight to the translated port: a connection of its own that would have the same tuples.
      ['eth0', 'far', 'server', syn(1024, 8080)],
    ],
    [4, 6],
    // The last packet's own tuple would clash: its source port is translated to one drawn at random.
    { varies: ['conntrack', 'output'] },
  ),
  ...natCase(
    'dnat/udp',
    ['PREROUTING -p udp --dport 53 -j DNAT --to-destination {server}:5353'],
    [
      ['eth0', 'far', 'self', datagram(1024, 53)],
      ['eth1', 'server', 'far', datagram(5353, 1024)],
      ['eth0', 'far', 'self', datagram(1024, 53)],
      ['eth0', 'far', 'self', udp({ sport: 1025, dport: 53, checksum: 0 })],
    ],
  ),
  ...natCase(
    'dnat/echo',
    ['PREROUTING -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', echo(7)],
      ['eth1', 'server', 'far', echo(7, true)],
    ],
  ),
  ...natCase(
    'dnat/error-from-inside',
    ['PREROUTING -p udp --dport 53 -j DNAT --to-destination {server}:5353'],
    [
      ['eth0', 'far', 'self', datagram(1024, 53)],
      ['eth1', 'server', 'far', unreachable('far', 'server', datagram(1024, 5353))],
    ],
  ),
  ...natCase(
    'dnat/error-from-outside',
    ['PREROUTING -p udp --dport 53 -j DNAT --to-destination {server}:5353'],
    [
      ['eth0', 'far', 'self', datagram(1024, 53)],
      ['eth1', 'server', 'far', datagram(5353, 1024)],
      ['eth0', 'far', 'self', unreachable('self', 'far', datagram(53, 1024))],
    ],
  ),
  ...natCase(
    'dnat/to-self',
    ['PREROUTING -p tcp --dport 80 -j DNAT --to-destination {selfInside}:22'],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['out', 'selfInside', 'far', synAck(22, 1024)],
      ['eth0', 'far', 'self', ack(1024, 80)],
    ],
  ),
  ...natCase(
    'dnat/own-packets',
    ['OUTPUT -p tcp --dport 80 -j DNAT --to-destination {server}:8080'],
    [
      // Sent to the outside, rerouted to the inside.
      ['out', 'self', 'far', syn(1024, 80)],
      ['eth1', 'server', 'self', synAck(8080, 1024)],
      ['out', 'self', 'far', ack(1024, 80)],
    ],
  ),
  ...natCase(
    'dnat/own-packets-to-loopback',
    ['OUTPUT -p tcp --dport 80 -j DNAT --to-destination {self}:8080'],
    [['out', 'self', 'far', syn(1024, 80)]],
  ),
  ...natCase(
    'dnat/only-first-packet',
    ['PREROUTING -p udp --dport 53 -m length --length :60 -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', udp({ sport: 1, dport: 53, payload: filler(100) })],
      ['eth0', 'far', 'self', udp({ sport: 1, dport: 53 })],
      ['eth0', 'far', 'self', udp({ sport: 2, dport: 53 })],
      ['eth0', 'far', 'self', udp({ sport: 2, dport: 53, payload: filler(100) })],
    ],
  ),
  ...natCase(
    'dnat/range-of-one',
    ['PREROUTING -p udp -j DNAT --to-destination {server}-{server}'],
    [
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth0', 'far2', 'self', datagram(1, 53)],
    ],
  ),
  ...natCase(
    // Which of the addresses is a hash of the source and a seed of the kernel: only that it stays the same is sure.
    'dnat/range-of-addresses',
    ['PREROUTING -p udp -j DNAT --to-destination {server}-{server2}'],
    [
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth0', 'far', 'self', datagram(2, 53)],
    ],
    [4, 6],
    { varies: ['conntrack', 'output'] },
  ),
  ...natCase(
    'dnat/port-range-with-base',
    ['PREROUTING -p tcp --dport 2000:2010 -j DNAT --to-destination {server}:3000-3010/2000'],
    [
      ['eth0', 'far', 'self', syn(1, 2000)],
      ['eth0', 'far', 'self', syn(1, 2004)],
      ['eth0', 'far', 'self', syn(1, 2010)],
    ],
  ),
  ...natCase(
    'dnat/then-dropped',
    ['PREROUTING -p udp --dport 53 -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth0', 'far', 'self', datagram(1, 53)],
    ],
    [4],
    {
      rules4:
        table('nat', 'PREROUTING -p udp --dport 53 -j DNAT --to-destination 10.0.0.80', 'POSTROUTING') +
        table('filter', 'FORWARD -d 10.0.0.80 -j DROP', 'FORWARD'),
    },
  ),
  ...natCase(
    'dnat/protocols',
    ['PREROUTING -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', udplite({ sport: 1, dport: 2, payload: filler(8) })],
      ['eth1', 'server', 'far', udplite({ sport: 2, dport: 1 })],
      ['eth0', 'far', 'self', sctp({ sport: 1, dport: 2, chunks: [{ type: 1, value: sctpInit(9) }] })],
      ['eth0', 'far', 'self', gre({ key: 5 })],
      ['eth0', 'far', 'self', esp()],
      ['eth1', 'server', 'far', esp()],
    ],
  ),
  ...natCase(
    'redirect/in',
    ['PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080', 'PREROUTING -p udp -j REDIRECT'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['out', 'selfInside', 'inside', synAck(8080, 1024)],
      ['eth1', 'inside', 'far', ack(1024, 80)],
      ['eth1', 'inside', 'far', datagram(1, 53)],
      ['eth0', 'far', 'self', datagram(1, 53)],
    ],
  ),
  ...natCase(
    'redirect/own',
    ['OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080'],
    [['out', 'self', 'far', syn(1024, 80)]],
  ),
  ...([4, 6] as const).flatMap((family) =>
    natCase(
      'netmap',
      family === 4
        ? [
            'PREROUTING -d 203.0.113.0/24 -j NETMAP --to 10.0.0.0/24',
            'POSTROUTING -s 10.0.0.0/24 -j NETMAP --to 203.0.113.0/24',
          ]
        : [
            'PREROUTING -d 2001:db8:e::/64 -j NETMAP --to 2001:db8:1::/64',
            'POSTROUTING -s 2001:db8:1::/64 -j NETMAP --to 2001:db8:e::/64',
          ],
      [
        ['eth0', 'far', 'far2', syn(1024, 80)],
        ['eth1', 'mapped', 'far', synAck(80, 1024)],
        ['eth1', 'inside', 'far', datagram(5, 6)],
        ['eth0', 'far', 'mappedInside', datagram(6, 5)],
      ],
      [family],
    ),
  ),
];

export const snatCases = (): Case[] => [
  ...natCase(
    'snat/address',
    ['POSTROUTING -o eth0 -j SNAT --to-source {public}'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['eth0', 'far', 'public', synAck(80, 1024)],
      ['eth1', 'inside', 'far', ack(1024, 80, 30)],
      ['eth1', 'inside', 'far', echo(7)],
      ['eth0', 'far', 'public', echo(7, true)],
      ['eth1', 'inside', 'far', datagram(1, 53)],
      ['eth0', 'far', 'public', datagram(53, 1)],
      ['eth0', 'far', 'public', unreachable('public', 'far', datagram(1, 53))],
      // Nothing of ours: the answer that nobody waits for.
      ['eth0', 'far', 'public', datagram(53, 2)],
    ],
  ),
  ...natCase(
    'snat/port',
    ['POSTROUTING -o eth0 -p tcp -j SNAT --to-source {public}:4000'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['eth0', 'far', 'public', synAck(80, 4000)],
      ['eth1', 'inside', 'far', ack(1024, 80)],
      // To another place the same port may serve again.
      ['eth1', 'inside', 'far2', syn(1024, 80)],
      // To the same place it is taken: the connection cannot be made, and the packet is dropped.
      ['eth1', 'inside2', 'far', syn(1024, 80)],
    ],
  ),
  ...natCase(
    'snat/clash',
    ['POSTROUTING -o eth0 -j SNAT --to-source {public}'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['eth1', 'inside2', 'far', syn(1024, 80)],
    ],
    [4, 6],
    // The second one gets another port, drawn at random.
    { varies: ['conntrack', 'output'] },
  ),
  ...natCase(
    'snat/clash-echo',
    ['POSTROUTING -o eth0 -j SNAT --to-source {public}'],
    [['eth1', 'inside', 'far', echo(7)]],
  ),
  ...natCase(
    'snat/established-before',
    ['POSTROUTING -o eth0 -p udp -m mark --mark 1 -j SNAT --to-source {public}'],
    [
      ['eth1', 'inside', 'far', datagram(1, 53)],
      ['eth0', 'far', 'inside', datagram(53, 1)],
    ],
  ),
  ...natCase(
    'snat/own-packets',
    ['POSTROUTING -o eth0 -j SNAT --to-source {public}'],
    [
      ['out', 'self', 'far', syn(1024, 80)],
      ['eth0', 'far', 'public', synAck(80, 1024)],
    ],
  ),
  ...natCase(
    'snat/loopback',
    ['POSTROUTING -o lo -j SNAT --to-source {self}', 'INPUT -i lo -p tcp -j SNAT --to-source {selfInside}'],
    [
      ['lo', 'loopback', 'loopback', datagram(1, 2)],
      ['lo', 'self', 'self', syn(1, 2)],
    ],
  ),
  ...natCase(
    'snat/input',
    ['INPUT -p tcp -j SNAT --to-source {far2}'],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['out', 'self', 'far2', synAck(80, 1024)],
      ['eth0', 'far', 'self', ack(1024, 80)],
    ],
  ),
  ...natCase(
    'snat/protocols',
    ['POSTROUTING -o eth0 -j SNAT --to-source {public}'],
    [
      ['eth1', 'inside', 'far', udplite({ sport: 1, dport: 2, payload: filler(8) })],
      ['eth1', 'inside', 'far', sctp({ sport: 1, dport: 2, chunks: [{ type: 1, value: sctpInit(9) }] })],
      ['eth1', 'inside', 'far', gre()],
      ['eth1', 'inside', 'far', esp()],
      ['eth0', 'far', 'public', esp()],
    ],
  ),
  ...natCase(
    'masquerade',
    ['POSTROUTING -o eth0 -j MASQUERADE'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['eth0', 'far', 'self', synAck(80, 1024)],
      ['eth1', 'inside', 'far', ack(1024, 80, 30)],
      ['eth1', 'inside', 'far', echo(7)],
      ['eth0', 'far', 'self', echo(7, true)],
      ['eth0', 'far', 'self', unreachable('self', 'far', ack(1024, 80, 30))],
      ['out', 'self', 'far', datagram(1, 53)],
      ['eth0', 'far', 'self', datagram(53, 1)],
      // From the outside in: not translated, and not masqueraded.
      ['eth0', 'far', 'inside', syn(9, 9)],
    ],
  ),
  ...natCase(
    'masquerade/ports',
    ['POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 5000'],
    [
      ['eth1', 'inside', 'far', syn(1024, 80)],
      ['eth0', 'far', 'self', synAck(80, 5000)],
    ],
  ),
  ...natCase(
    'masquerade/against-own-port',
    ['POSTROUTING -o eth0 -j MASQUERADE'],
    [
      ['out', 'self', 'far', syn(1024, 80)],
      ['eth1', 'inside', 'far2', syn(1024, 80)],
    ],
  ),
  ...([4] as const).map(
    (family): Case => ({
      // Two addresses on the way out: the one that the route prefers.
      id: `masquerade/preferred-source/${family}`,
      host: {
        ...ROUTER,
        addresses: [...ROUTER.addresses!, '192.0.2.33/24 dev eth0'],
        routes: ['default via 192.0.2.254 dev eth0 src 192.0.2.33'],
      },
      rules4: table('nat', 'POSTROUTING -o eth0 -j MASQUERADE', ...CHAINS.nat) + COUNT,
      capture: true,
      packets: steps(family, [
        ['eth1', 'inside', 'far', syn(1024, 80)],
        ['eth1', 'inside', 'outside', syn(1024, 80)],
      ]),
    }),
  ),
  ...([4, 6] as const).map((family): Case => {
    // Once the connection would leave by another interface it is dropped and forgotten, and then picked up anew.
    const everywhere = family === 4 ? '0.0.0.0/0' : '::/0';
    const rules =
      table('raw', 'PREROUTING -m length --length 150:65535 -j MARK --set-mark 1') +
      table('nat', 'POSTROUTING -o eth+ -j MASQUERADE', ...CHAINS.nat) +
      COUNT;
    return {
      id: `masquerade/other-way/${family}`,
      host: {
        ...ROUTER,
        interfaces: [...ROUTER.interfaces, { name: 'eth2' }],
        addresses: [
          ...ROUTER.addresses!,
          family === 4 ? '198.18.0.1/24 dev eth2' : '2001:db8:9::1/64 dev eth2',
        ],
        routes: [...ROUTER.routes!, `${everywhere} dev eth2 table 100`],
        rules: [`from ${everywhere} fwmark 1 table 100`],
      },
      ...(family === 4 ? { rules4: rules } : { rules6: rules }),
      capture: true,
      // The tuple of the connection that was forgotten is taken by then.
      varies: ['conntrack', 'output'],
      packets: steps(family, [
        ['eth1', 'inside', 'far', syn(1024, 80)],
        ['eth0', 'far', 'self', synAck(80, 1024)],
        ['eth1', 'inside', 'far', ack(1024, 80, 30)],
        ['eth1', 'inside', 'far', ack(1024, 80, 200)],
        ['eth0', 'far', 'self', ack(80, 1024, 10)],
        ['eth1', 'inside', 'far', ack(1024, 80, 30)],
        // Without an answer, and the other way round.
        ['eth1', 'inside', 'far', datagram(1, 53, 200)],
        ['eth1', 'inside', 'far', datagram(1, 53)],
        ['eth1', 'inside', 'far', datagram(1, 53)],
      ]),
    };
  }),
];

export const natFlowCases = (): Case[] => [
  ...natCase(
    // From the inside to the public address and back to a server on the inside: both ends are translated.
    'hairpin',
    [
      'PREROUTING -p tcp -d {public} --dport 80 -j DNAT --to-destination {server}:8080',
      'POSTROUTING -p tcp -d {server} --dport 8080 -j MASQUERADE',
    ],
    [
      ['eth1', 'inside', 'public', syn(1024, 80)],
      ['eth1', 'server', 'selfInside', synAck(8080, 1024)],
      ['eth1', 'inside', 'public', ack(1024, 80, 10)],
      ['eth1', 'server', 'selfInside', unreachable('selfInside', 'server', ack(1024, 8080, 10))],
    ],
  ),
  ...natCase(
    'nat/first-match-wins',
    [
      'PREROUTING -p tcp -j DNAT --to-destination {server}',
      'PREROUTING -p tcp -j DNAT --to-destination {server2}',
      'PREROUTING',
    ],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['eth0', 'far', 'self', syn(1025, 80)],
    ],
  ),
  ...natCase(
    'nat/accept-exempts',
    ['PREROUTING -s {far} -j ACCEPT', 'PREROUTING -p tcp -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['eth0', 'far2', 'self', syn(1024, 80)],
    ],
  ),
  ...natCase(
    'nat/user-chain',
    [
      'PREROUTING -p tcp -j forward',
      'PREROUTING',
      'forward -p tcp --dport 80 -j DNAT --to-destination {server}',
      'forward -p tcp --dport 81 -j RETURN',
      'forward',
    ],
    [
      ['eth0', 'far', 'self', syn(1024, 80)],
      ['eth0', 'far', 'self', syn(1024, 81)],
      ['eth0', 'far', 'self', syn(1024, 82)],
    ],
  ),
  ...natCase(
    'nat/invalid-and-untracked',
    ['PREROUTING -j DNAT --to-destination {server}'],
    [
      ['eth0', 'far', 'self', tcp({ sport: 1, dport: 2, flags: 'SF' })],
      ['eth0', 'far', 'self', tcp({ sport: 1, dport: 2, flags: 'SA' })],
      ['eth0', 'far', 'self', tcp({ sport: 1, dport: 2, flags: 'S', checksum: 'bad' })],
      ['eth0', 'far', 'self', tcp({ sport: 1, dport: 2, flags: 'A' })],
      ['eth0', 'far', 'self', tcp({ sport: 1, dport: 3, flags: 'R' })],
    ],
  ),
  ...natCase(
    'nat/double',
    [
      'PREROUTING -p udp --dport 53 -j DNAT --to-destination {server}',
      'POSTROUTING -p udp -d {server} -j SNAT --to-source {selfInside}:7777',
    ],
    [
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth1', 'server', 'selfInside', datagram(53, 7777)],
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth1', 'server', 'selfInside', unreachable('selfInside', 'server', datagram(7777, 53))],
    ],
  ),
  ...natCase(
    'nat/to-the-same',
    [
      'PREROUTING -p udp -j DNAT --to-destination {self}:53',
      'POSTROUTING -p udp -j SNAT --to-source {inside}',
    ],
    [
      ['eth0', 'far', 'self', datagram(1, 53)],
      ['eth1', 'inside', 'far', datagram(1, 53)],
    ],
  ),
  ...natCase(
    'nat/random-port',
    ['POSTROUTING -o eth0 -p udp -j MASQUERADE --random'],
    [['eth1', 'inside', 'far', datagram(1024, 53)]],
    [4, 6],
    { varies: ['conntrack', 'output'] },
  ),
  ...natCase(
    'nat/port-classes',
    ['POSTROUTING -o eth0 -p tcp -j SNAT --to-source {public}:1-65535'],
    [
      ['eth1', 'inside', 'far', syn(100, 80)],
      ['eth1', 'inside', 'far', syn(600, 80)],
      ['eth1', 'inside', 'far', syn(1024, 80)],
    ],
  ),
];
