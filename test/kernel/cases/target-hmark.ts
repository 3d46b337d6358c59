/** HMARK: what it hashes of every kind of packet and of connections, bit by bit of the mark. */

import type { Case, CasePacket } from '../judge.ts';
import {
  ah,
  type Bytes,
  concat,
  dccp,
  destinationOptions,
  esp,
  filler,
  fragment4,
  fragment6,
  fragmentHeader,
  gre,
  hopByHop,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  ipv4,
  ipv6,
  type Layer,
  patch,
  raw,
  routing,
  sctp,
  tcp,
  udp,
  udplite,
} from '../packets.ts';
import { addresses, arrives, everyWay, type Family, leaves, onRouter, slug, table } from './build.ts';
import { ROUTER } from './hosts.ts';
import { statefulTraffic, throughRouter } from './match-state.ts';

/** A counting rule for each bit of the mark, called after HMARK: an error in one packet shows in half of them. */
const BITS = Array.from({ length: 32 }, (_, i) => {
  const bit = `0x${(2 ** i).toString(16)}`;
  return `BITS -m mark --mark ${bit}/${bit}`;
});
/** The mark before, which stays where HMARK knows none. */
const OLD = '-j MARK --set-mark 0x5a5a5a5a';
const WHOLE = '--hmark-rnd 0xfeedcafe --hmark-mod 0xffffffff';

function marking(words: string): string {
  return table(
    'mangle',
    ':BITS',
    ...['PREROUTING', 'OUTPUT'].flatMap((chain) => [
      `${chain} ${OLD}`,
      `${chain} -j HMARK ${words}`,
      `${chain} -j BITS`,
    ]),
    ...BITS,
  );
}

/** What is asked of packets; a prefix depends on the family. */
const SELECTORS: readonly (string | ((family: Family) => string))[] = [
  `--hmark-tuple src,dst,sport,dport,proto ${WHOLE}`,
  `--hmark-tuple src,dst ${WHOLE}`,
  `--hmark-tuple src ${WHOLE}`,
  `--hmark-tuple dst,proto ${WHOLE}`,
  `--hmark-tuple sport,dport ${WHOLE}`,
  `--hmark-tuple dport ${WHOLE}`,
  `--hmark-tuple proto ${WHOLE}`,
  `--hmark-tuple src,dst,spi,proto ${WHOLE}`,
  (family) =>
    family === 4
      ? `--hmark-src-prefix 24 --hmark-dst-prefix 7 ${WHOLE}`
      : `--hmark-src-prefix 48 --hmark-dst-prefix 127 ${WHOLE}`,
  `--hmark-src-prefix 0 --hmark-dst-prefix 32 ${WHOLE}`,
  `--hmark-sport-mask 0xff00 --hmark-dport-mask 0x000f ${WHOLE}`,
  `--hmark-tuple sport --hmark-sport 0x8001 --hmark-dport 0x1234 ${WHOLE}`,
  `--hmark-sport 1 ${WHOLE}`,
  `--hmark-spi-mask 0xffff00ff --hmark-spi 0x80000100 ${WHOLE}`,
  `--hmark-spi-mask 0xff --hmark-sport 0xff00 ${WHOLE}`,
  `--hmark-proto-mask 0x11 ${WHOLE}`,
  '--hmark-tuple src,dst,sport,dport,proto --hmark-rnd 0 --hmark-mod 1 --hmark-offset 77',
  '--hmark-tuple src,dst,sport,dport,proto --hmark-rnd 0xffffffff --hmark-mod 10 --hmark-offset 10000',
  '--hmark-tuple src,dst,sport,dport --hmark-rnd 5 --hmark-mod 0xffffffff --hmark-offset 0xfffffff0',
  '--hmark-tuple src,dst,sport,dport --hmark-rnd 5 --hmark-mod 0x80000000',
];

const TRANSPORTS: readonly Layer[] = [
  tcp({ sport: 40000, dport: 80, flags: 'S' }),
  tcp({ sport: 80, dport: 40000, flags: 'SA' }),
  udp({ sport: 53, dport: 53 }),
  udp({ sport: 0xff01, dport: 0x0102, payload: filler(3) }),
  udplite({ sport: 7, dport: 9 }),
  sctp({ sport: 7, dport: 9, chunks: [{ type: 0, value: filler(16) }] }),
  dccp({ sport: 7, dport: 9, type: 'REQUEST' }),
  esp({ spi: 0x12345678 }),
  esp({ spi: 0x56781234 }),
  ah(udp({ sport: 7, dport: 9 }), { spi: 0xabcd0001 }),
  gre({ payload: filler(8) }),
  raw(253, filler(20)),
  // Too short for ports, and just long enough; AH too short for its SPI.
  raw(6, filler(3)),
  raw(17, filler(4)),
  raw(50, filler(3)),
  raw(51, Uint8Array.of(17, 4, 0, 0, 1, 2, 3)),
];

/** Packets that ICMP errors quote, and how much of what is behind their headers is left of them. */
const QUOTED: readonly (readonly [layer: Layer, keep: number])[] = [
  [tcp({ sport: 40000, dport: 80 }), 8],
  [udp({ sport: 9, dport: 7, payload: filler(9) }), 17],
  [udp({ sport: 9, dport: 7 }), 3],
  [udp({ sport: 9, dport: 7 }), 0],
  [esp({ spi: 0x99 }), 8],
  [ah(udp({ sport: 7, dport: 9 }), { spi: 0x1000002 }), 40],
  [icmp({ type: 8, id: 3 }), 8],
  [icmpv6({ type: 128, id: 3 }), 8],
  [gre({ payload: filler(8) }), 12],
];

function odd(family: Family): Bytes[] {
  return family === 4 ? odd4() : odd6();
}

const OUTER4 = { saddr: '198.51.100.9', daddr: '10.0.0.9' };
const INNER4 = { saddr: '10.0.0.9', daddr: '198.51.100.7' };

function odd4(): Bytes[] {
  const datagram = udp({ sport: 9, dport: 7, payload: filler(40) });
  const quoted = ipv4(INNER4, udp({ sport: 9, dport: 7 }));
  const about = (inner: Bytes, type = 3, keep = 1000) =>
    ipv4(OUTER4, icmpError({ type, code: 1 }, inner, keep));
  return [
    ...[0, 5, 8, 13, 17].map((type) => ipv4(OUTER4, icmp({ type, id: 7 }))),
    ...QUOTED.map(([layer, keep]) => about(ipv4(INNER4, layer), 3, keep)),
    ...[3, 4, 5, 11, 12, 6, 18].map((type) => about(quoted, type)),
    // The quoted header is not whole, or says another length; it has options, is a fragment, is an error itself.
    ipv4(OUTER4, icmp({ type: 3, payload: quoted.slice(0, 19) })),
    ipv4(OUTER4, icmp({ type: 3, payload: quoted.slice(0, 20) })),
    about(patch(quoted, { 0: 0x42 })),
    about(patch(quoted, { 0: 0x65 })),
    about(patch(quoted, { 0: 0x4f })),
    about(ipv4({ ...INNER4, options: Uint8Array.of(1, 1, 1, 1) }, udp({ sport: 3, dport: 4 }))),
    about(ipv4({ ...INNER4, mf: true }, datagram)),
    about(ipv4({ ...INNER4, fragmentOffset: 8 }, datagram)),
    about(about(quoted)),
    // ICMP messages that end early.
    ipv4(OUTER4, raw(1, filler(7))),
    ipv4(OUTER4, raw(1, Uint8Array.of(3, 1, 0, 0, 0, 0, 0))),
    // Errors behind options; fragments of datagrams and of errors.
    ipv4({ ...OUTER4, options: Uint8Array.of(1, 1, 1, 1) }, icmpError({ type: 3 }, quoted)),
    ipv4({ ...OUTER4, options: Uint8Array.of(1, 1, 1, 1) }, datagram),
    ...fragment4(ipv4({ ...OUTER4, id: 5 }, datagram), 16),
    ipv4({ ...OUTER4, mf: true, id: 6 }, icmpError({ type: 3 }, quoted)),
    ipv4({ ...OUTER4, fragmentOffset: 64, id: 7 }, raw(1, concat(Uint8Array.of(3), filler(7), quoted))),
    // The other family's protocols say nothing.
    ipv4(OUTER4, raw(58, concat(Uint8Array.of(1), filler(7), quoted))),
  ];
}

const OUTER6 = { saddr: '2001:db8:f::9', daddr: '2001:db8:1::9' };
const INNER6 = { saddr: '2001:db8:1::9', daddr: '2001:db8:f::7' };

function odd6(): Bytes[] {
  const datagram = udp({ sport: 9, dport: 7, payload: filler(40) });
  const quoted = ipv6(INNER6, udp({ sport: 9, dport: 7 }));
  const about = (inner: Bytes, type = 1, keep = 1200) =>
    ipv6(OUTER6, icmpv6Error({ type, code: 1 }, inner, keep));
  const brokenRouting = Uint8Array.of(17, 0, 0);
  return [
    ...[128, 129, 135, 255].map((type) => ipv6(OUTER6, icmpv6({ type, id: 7 }))),
    ...QUOTED.map(([layer, keep]) => about(ipv6(INNER6, layer), 1, keep)),
    ...[0, 1, 2, 3, 4, 100, 127, 128].map((type) => about(quoted, type)),
    ipv6(OUTER6, icmpv6({ type: 1, payload: quoted.slice(0, 39) })),
    ipv6(OUTER6, icmpv6({ type: 1, payload: quoted.slice(0, 40) })),
    about(patch(quoted, { 0: 0x45 })),
    about(ipv6(INNER6, hopByHop(udp({ sport: 3, dport: 4 })))),
    about(ipv6(INNER6, destinationOptions(routing(udp({ sport: 3, dport: 4 }), { type: 4 })))),
    about(ipv6(INNER6, raw(60, filler(1)))),
    about(ipv6(INNER6, raw(43, brokenRouting))),
    about(ipv6(INNER6, raw(59))),
    about(ipv6(INNER6, fragmentHeader(datagram, { more: true }))),
    about(ipv6(INNER6, fragmentHeader(datagram, { offset: 8 }))),
    about(ipv6(INNER6, fragmentHeader(destinationOptions(datagram), { offset: 8 }))),
    about(about(quoted)),
    ipv6(OUTER6, raw(58, filler(7))),
    ipv6(OUTER6, raw(58, Uint8Array.of(1, 1, 0, 0, 0, 0, 0))),
    // Extension headers before datagrams and errors; AH ends the search, and its SPI is taken for the ports.
    ipv6(OUTER6, hopByHop(destinationOptions(datagram))),
    ipv6(OUTER6, destinationOptions(icmpv6Error({ type: 1 }, quoted))),
    ipv6(OUTER6, destinationOptions(ah(tcp({ sport: 1, dport: 2 }), { spi: 0x77 }))),
    ipv6(OUTER6, ah(icmpv6Error({ type: 1 }, quoted), { spi: 0x78 })),
    ipv6(OUTER6, raw(59, filler(4))),
    // Chains that break off.
    ipv6(OUTER6, raw(60, filler(1))),
    ipv6(OUTER6, raw(43, brokenRouting)),
    ipv6(OUTER6, raw(44, Uint8Array.of(17, 0, 0))),
    ipv6(OUTER6, raw(60, Uint8Array.of(17, 9, 1, 4, 0, 0, 0, 0))),
    // Fragments: of one piece, of two, later ones that go on with a header, and of an error.
    ipv6(OUTER6, fragmentHeader(datagram)),
    ...fragment6(ipv6(OUTER6, datagram), 5, [16]),
    ipv6(OUTER6, fragmentHeader(raw(60, filler(16)), { offset: 8, id: 6 })),
    ipv6(OUTER6, fragmentHeader(raw(59, filler(16)), { offset: 8, id: 7 })),
    ipv6(OUTER6, fragmentHeader(icmpv6Error({ type: 1 }, quoted), { more: true, id: 8 })),
    ipv6(OUTER6, raw(1, concat(Uint8Array.of(3), filler(7), quoted))),
  ];
}

function statelessPackets(family: Family): CasePacket[] {
  const a = addresses(family);
  return [
    ...TRANSPORTS.flatMap((layer) => everyWay(family, layer)),
    // The other way round: the same hash, where no port is masked.
    arrives('eth0', ip({ saddr: a.far, daddr: a.inside }, TRANSPORTS[1]!)),
    arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, TRANSPORTS[0]!)),
    arrives('eth1', ip({ saddr: a.inside2, daddr: a.far2 }, TRANSPORTS[0]!)),
    ...odd(family).map((packet) => arrives('eth0', packet)),
  ];
}

/** What is asked of connections. */
const OF_CONNECTIONS = [
  `--hmark-tuple ct ${WHOLE}`,
  `--hmark-tuple ct,src,dst ${WHOLE}`,
  `--hmark-tuple ct,src,dst,sport,dport,proto ${WHOLE}`,
  `--hmark-tuple ct,dst,spi ${WHOLE}`,
  `--hmark-tuple ct,sport --hmark-dport 0x1234 --hmark-src-prefix 16 ${WHOLE}`,
];

/** Connections whose packets differ in what HMARK reads, and such as are translated before their first answer. */
function connections(family: Family): CasePacket[] {
  const a = addresses(family);
  const syn = tcp({ sport: 41000, dport: 8080, flags: 'S', seq: 1 });
  const error = (spi: number) => {
    const inner = ip({ saddr: a.inside, daddr: a.far, ttl: 63 }, esp({ spi }));
    return family === 4 ? icmpError({ type: 3, code: 2 }, inner) : icmpv6Error({ type: 1, code: 4 }, inner);
  };
  return [
    ...statefulTraffic(family),
    // One connection, many SPIs; twice each, for the second may be told the way of the first.
    ...throughRouter(family, [
      ...[1, 2, 1, 2, 0x30001].map((spi) => ['out', esp({ spi })] as const),
      ...[1, 1, 7].map((spi) => ['back', esp({ spi })] as const),
      ['back', error(1)],
      ['back', error(2)],
      ['back', error(1)],
      ...[3, 4, 3].map((spi) => ['out', ah(udp({ sport: 7, dport: 9 }), { spi })] as const),
    ]),
    ...throughRouter(family, [
      ['out', syn],
      ['out', syn],
      ['back', tcp({ sport: 8080, dport: 41000, flags: 'SA', seq: 1, ack: 2 })],
      ['out', tcp({ sport: 41000, dport: 8080, flags: 'A', seq: 2, ack: 2 })],
    ]),
    ...throughRouter(family, [['out', gre({ payload: filler(8) })]]),
    ...[1, 2, 3].map(() => leaves('eth0', ip({ saddr: a.self, daddr: a.far }, udp({ sport: 6, dport: 5 })))),
  ];
}

/** HMARK where connections are known, in PREROUTING and once more when they are translated. */
function markingConnections(words: string): string {
  return table(
    'mangle',
    ':BITS',
    ...['PREROUTING', 'POSTROUTING'].flatMap((chain) => [
      `${chain} ${OLD}`,
      `${chain} -j HMARK ${words}`,
      `${chain} -j BITS`,
    ]),
    ...BITS,
  );
}

/** Turns conntrack on. */
const TRACKING = table('filter', 'FORWARD -m conntrack --ctstate NEW', 'INPUT -m conntrack --ctstate NEW');

function translating(family: Family): string {
  const a = addresses(family);
  const to = family === 4 ? '203.0.113.99' : '2001:db8:f::99';
  return table(
    'nat',
    `PREROUTING -i eth1 -p tcp --dport 8080 -j DNAT --to-destination ${to}`,
    `POSTROUTING -o eth0 -j SNAT --to-source ${a.self}`,
  );
}

function both(
  id: string,
  dump: (family: Family) => string,
  packets: (family: Family) => CasePacket[],
  more = {},
): Case {
  return onRouter(id, { v4: dump(4), v6: dump(6) }, [...packets(4), ...packets(6)], {
    conntrack: false,
    ...more,
  });
}

export const hmarkCases = (): Case[] => [
  ...SELECTORS.map((selector) => {
    const words = (family: Family) => (typeof selector === 'string' ? selector : selector(family));
    return both(`HMARK/packets/${slug(words(4))}`, (family) => marking(words(family)), statelessPackets);
  }),
  ...[
    ...OF_CONNECTIONS,
    `--hmark-tuple src,dst,sport,dport,proto ${WHOLE}`,
    `--hmark-tuple spi ${WHOLE}`,
  ].flatMap((words) => [
    both(`HMARK/connections/${slug(words)}`, () => markingConnections(words) + TRACKING, connections),
    both(
      `HMARK/translated/${slug(words)}`,
      (family) => markingConnections(words) + translating(family),
      connections,
    ),
  ]),
  both(
    // A template is a connection of nothing; what is untracked, or not tracked yet, is of none.
    'HMARK/in-raw',
    () =>
      table(
        'raw',
        ':BITS',
        `PREROUTING ${OLD}`,
        'PREROUTING -p tcp -j CT --zone 1',
        'PREROUTING -p udp -j CT --notrack',
        `PREROUTING -j HMARK --hmark-tuple ct,src,dst,sport --hmark-dport 3 ${WHOLE}`,
        'PREROUTING -j BITS',
        ...BITS,
      ) + markingConnections(`--hmark-tuple ct,src,dst,sport,proto ${WHOLE}`),
    statefulTraffic,
  ),
  both(
    'HMARK/in-every-table',
    () =>
      (['raw', 'mangle', 'nat', 'filter', 'security'] as const)
        .map((name, i) =>
          table(
            name,
            `OUTPUT -j HMARK --hmark-tuple src,dst,dport --hmark-rnd ${i} --hmark-mod 4 --hmark-offset ${10 * i}`,
            ...[0, 1, 2, 3].map((k) => `OUTPUT -m mark --mark ${10 * i + k}`),
          ),
        )
        .join(''),
    (family) => [1, 2, 3, 4].flatMap((dport) => everyWay(family, udp({ sport: 1, dport }))),
  ),
  // Spreading connections over two routes by their hash.
  ...([4, 6] as const).map((family): Case => {
    const a = addresses(family);
    const rule = 'fwmark 5 table 100';
    return {
      id: `HMARK/policy-routing/${family}`,
      host: {
        ...ROUTER,
        ip: [
          family === 4
            ? 'route add default via 10.0.0.9 dev eth1 table 100'
            : 'route add ::/0 via 2001:db8:1::9 dev eth1 table 100',
        ],
        rules: family === 4 ? [rule] : [`${rule} from ::/0`],
      },
      [`rules${family}`]: table(
        'mangle',
        ...['PREROUTING', 'OUTPUT'].map(
          (chain) =>
            `${chain} -j HMARK --hmark-tuple src,dst,sport,dport --hmark-rnd 7 --hmark-mod 2 --hmark-offset 4`,
        ),
        ...['OUTPUT', 'POSTROUTING'].flatMap((chain) => [`${chain} -o eth0`, `${chain} -o eth1`]),
      ),
      capture: true,
      packets: [1, 2, 3, 4, 5, 6].flatMap((dport) => [
        arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, udp({ sport: 1, dport }))),
        leaves('eth0', ip({ saddr: a.self, daddr: a.far }, udp({ sport: 1, dport }))),
      ]),
    };
  }),
];
