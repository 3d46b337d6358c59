/** Matches that ask who the host is or what carried the packet: addrtype mac physdev devgroup rpfilter set. */

import type { Case } from '../judge.ts';
import { ethernet, filler, ip, ipv4, ipv6, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, leaves, matchCases, table } from './build.ts';
import { ETHERNET_ROUTER, MAC, ROUTER } from './hosts.ts';

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });

const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
];

/** These the kernel refuses in an IPv6 rule. */
const ONLY_IPV4 = ['BROADCAST', 'BLACKHOLE', 'PROHIBIT'];

export const addrtypeCases = () => [
  ...addrtypesOf(
    [4, 6],
    TYPES.filter((type) => !ONLY_IPV4.includes(type)),
  ),
  ...addrtypesOf([4], ONLY_IPV4),
  ...addrtypesOf([6], ['BROADCAST']),
];

const addrtypesOf = (families: readonly Family[], types: readonly string[]) =>
  matchCases({
    name: `addrtype-${families.join('')}`,
    families,
    matches: [
      ...types.map((type) => `-m addrtype {!}--dst-type ${type}`),
      ...types.map((type) => `-m addrtype {!}--src-type ${type}`),
      `-m addrtype {!}--dst-type LOCAL,${types[0]}`,
      '-m addrtype {!}--src-type UNICAST {!}--dst-type LOCAL',
    ],
    host: {
      ...ROUTER,
      routes: [
        ...ROUTER.routes!,
        'blackhole 198.18.0.0/24',
        'unreachable 198.18.1.0/24',
        'prohibit 198.18.2.0/24',
        'blackhole 2001:db8:b::/64',
        'unreachable 2001:db8:c::/64',
        'prohibit 2001:db8:d::/64',
      ],
    },
    packets: (family) => {
      const a = addresses(family);
      const special =
        family === 4
          ? [
              '192.0.2.255',
              '192.0.2.0',
              '255.255.255.255',
              '224.0.0.1',
              '198.18.0.1',
              '198.18.1.1',
              '198.18.2.1',
            ]
          : ['ff02::1', '2001:db8::', 'fe80::1', '2001:db8:b::1', '2001:db8:c::1', '2001:db8:d::1'];
      return [
        ...everyWay(family, datagram),
        leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
        arrives('eth0', ip({ saddr: a.outside, daddr: a.selfInside }, datagram)),
        arrives('eth1', ip({ saddr: a.inside, daddr: a.outside }, datagram)),
        ...special.map((daddr) => arrives('eth0', ip({ saddr: a.outside, daddr }, datagram))),
        ...special.map((saddr) => arrives('eth0', ip({ saddr, daddr: a.self }, datagram))),
        ...special.map((daddr) => leaves('eth0', ip({ saddr: a.self, daddr }, datagram))),
      ];
    },
  });

export const addrtypeInterfaceCases = () => [
  ...matchCases({
    name: 'addrtype-iface-in',
    families: [4, 6],
    chains: ['PREROUTING', 'INPUT', 'FORWARD'],
    matches: [
      '-m addrtype {!}--dst-type LOCAL --limit-iface-in',
      '-m addrtype {!}--dst-type UNICAST --limit-iface-in',
      '-m addrtype {!}--src-type LOCAL --limit-iface-in',
    ],
    packets: ownAddresses,
  }),
  ...matchCases({
    name: 'addrtype-iface-out',
    families: [4, 6],
    chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
    matches: [
      '-m addrtype {!}--src-type LOCAL --limit-iface-out',
      '-m addrtype {!}--dst-type UNICAST --limit-iface-out',
      '-m addrtype {!}--dst-type LOCAL --limit-iface-out',
    ],
    packets: ownAddresses,
  }),
];

function ownAddresses(family: 4 | 6) {
  const a = addresses(family);
  return [
    ...everyWay(family, datagram),
    arrives('eth0', ip({ saddr: a.outside, daddr: a.selfInside }, datagram)),
    arrives('eth1', ip({ saddr: a.inside, daddr: a.self }, datagram)),
    arrives('eth1', ip({ saddr: a.inside, daddr: a.outside }, datagram)),
    leaves('eth0', ip({ saddr: a.selfInside, daddr: a.far }, datagram)),
    ...(family === 4 ? [arrives('eth0', ipv4({ saddr: a.outside, daddr: '192.0.2.255' }, datagram))] : []),
  ];
}

/** The frames of Ethernet cases, all of them to or through the router. */
function frames(family: 4 | 6) {
  const a = addresses(family);
  const frame = (dst: string, daddr: string, src: string = MAC.outside) =>
    arrives('eth0', ethernet({ src, dst }, ip({ saddr: a.outside, daddr }, datagram)));
  return [
    frame(MAC.eth0, a.self),
    frame(MAC.eth0, a.inside),
    frame(MAC.eth0, a.self, '02:00:00:00:00:aa'),
    // To somebody else's hardware address: never reaches a hook.
    frame('02:00:00:00:00:77', a.self),
    frame(MAC.broadcast, a.self),
    ...(family === 4
      ? [
          frame(MAC.broadcast, '192.0.2.255'),
          frame(MAC.broadcast, '255.255.255.255'),
          frame('01:00:5e:00:00:01', '224.0.0.1'),
        ]
      : [frame('33:33:00:00:00:01', 'ff02::1')]),
    // Ethernet pads short packets: the padding is neither counted nor matched.
    arrives(
      'eth0',
      ethernet(
        { src: MAC.outside, dst: MAC.eth0, pad: true },
        ip({ saddr: a.outside, daddr: a.self }, udp({ sport: 1, dport: 2 })),
      ),
    ),
    leaves('eth0', ip({ saddr: a.self, daddr: a.outside }, datagram)),
    leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
  ];
}

export const macCases = () => [
  ...matchCases({
    name: 'mac',
    families: [4, 6],
    host: ETHERNET_ROUTER,
    chains: ['PREROUTING', 'INPUT', 'FORWARD'],
    matches: [
      `-m mac {!}--mac-source ${MAC.outside}`,
      '-m mac {!}--mac-source 02:00:00:00:00:AA',
      '-m mac {!}--mac-source 00:00:00:00:00:00',
    ],
    packets: frames,
  }),
  ...matchCases({
    // A TUN has no hardware addresses at all: neither the match nor its negation holds.
    name: 'mac-tun',
    families: [4, 6],
    chains: ['PREROUTING', 'INPUT', 'FORWARD'],
    matches: [`-m mac {!}--mac-source ${MAC.outside}`],
    packets: (family) => [
      ...everyWay(family, datagram),
      leaves('lo', ip({ saddr: addresses(family).loopback, daddr: addresses(family).loopback }, datagram)),
    ],
  }),
  ...matchCases({
    name: 'pkttype-ethernet',
    families: [4, 6],
    host: ETHERNET_ROUTER,
    matches: ['unicast', 'broadcast', 'multicast'].map((type) => `-m pkttype {!}--pkt-type ${type}`),
    packets: frames,
  }),
  ...matchCases({
    name: 'length-ethernet',
    families: [4, 6],
    host: ETHERNET_ROUTER,
    matches: ['-m length {!}--length 28', '-m length {!}--length 46', '-m length {!}--length 48'],
    packets: frames,
  }),
];

const BRIDGE_HOST = {
  interfaces: [
    { name: 'br0', type: 'bridge', mac: MAC.eth0 },
    { name: 'port1', type: 'tap', mac: '02:00:00:00:02:01', master: 'br0' },
    { name: 'port2', type: 'tap', mac: '02:00:00:00:02:02', master: 'br0' },
    { name: 'eth1', type: 'tap', mac: MAC.eth1 },
  ],
  addresses: [
    '192.0.2.1/24 dev br0',
    '2001:db8::1/64 dev br0',
    '10.0.0.1/24 dev eth1',
    '2001:db8:1::1/64 dev eth1',
  ],
  neighbours: ETHERNET_ROUTER.neighbours!.map((words) => words.replace('dev eth0', 'dev br0')),
  routes: ['default via 192.0.2.254 dev br0', '::/0 via 2001:db8::fe dev br0'],
} as const;

export const physdevCases = () =>
  matchCases({
    name: 'physdev',
    families: [4, 6],
    chains: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'],
    host: BRIDGE_HOST,
    matches: [
      '-m physdev {!}--physdev-in port1',
      '-m physdev {!}--physdev-in port+',
      '-m physdev {!}--physdev-is-in',
      '-m physdev {!}--physdev-is-bridged',
    ],
    packets: (family) => {
      const a = addresses(family);
      const frame = (port: string, src: string, dst: string, daddr: string) =>
        arrives(port, ethernet({ src, dst }, ip({ saddr: a.outside, daddr }, datagram)));
      return [
        frame('port1', MAC.outside, MAC.eth0, a.self),
        frame('port2', '02:00:00:00:00:aa', MAC.eth0, a.self),
        frame('port1', MAC.outside, MAC.eth0, a.inside),
        // From one port to the other: bridged, through FORWARD without being routed.
        frame('port1', MAC.outside, '02:00:00:00:00:aa', a.outside2),
        frame('port2', '02:00:00:00:00:aa', MAC.outside, a.outside2),
        frame('port1', MAC.outside, MAC.broadcast, family === 4 ? '192.0.2.255' : 'ff02::1'),
        arrives(
          'eth1',
          ethernet({ src: MAC.inside, dst: MAC.eth1 }, ip({ saddr: a.inside, daddr: a.outside }, datagram)),
        ),
        leaves('br0', ip({ saddr: a.self, daddr: a.outside }, datagram)),
      ];
    },
  });

const RPFILTERS = ['', ' --loose', ' --accept-local', ' --loose --accept-local', ' --validmark'];

/** Senders that no routing decision would let pass, and routes that lead nowhere, or to several interfaces. */
const rpfilterOddCases = () =>
  matchCases({
    name: 'rpfilter-odd',
    families: [4, 6],
    table: 'raw',
    chains: ['PREROUTING'],
    host: {
      ...ROUTER,
      routes: [
        ...ROUTER.routes!,
        'unreachable 203.0.113.0/24',
        'blackhole 203.0.114.0/24',
        '203.0.115.0/24 nexthop dev eth0 nexthop dev eth1',
        'prohibit 2001:db8:e::/48',
        'blackhole 2001:db8:e1::/48',
        '2001:db8:e2::/48 nexthop via 2001:db8::fe dev eth0 nexthop via 2001:db8:1::fe dev eth1',
      ],
    },
    matches: RPFILTERS.map((words) => `-m rpfilter${words}`),
    packets: (family) => {
      const a = addresses(family);
      const sources =
        family === 4
          ? ['224.0.0.1', '127.0.0.1', '255.255.255.255', '240.0.0.1', '0.0.0.0', '192.0.2.255', '192.0.2.0']
          : ['ff02::1', '::1', '::', '::ffff:1.2.3.4', 'fe80::9', 'fe80::1', '2001:db8::', '2001:db8:1::'];
      const behind =
        family === 4
          ? ['203.0.113.8', '203.0.114.8', '203.0.115.8']
          : ['2001:db8:e::8', '2001:db8:e1::8', '2001:db8:e2::8'];
      const targets =
        family === 4
          ? [a.self, '127.0.0.1', '224.0.0.1', '255.255.255.255', '0.0.0.0', '192.0.2.255']
          : [a.self, '::1', 'ff02::1', 'fe80::1', '::'];
      return [
        ...[...sources, ...behind, a.outside, a.inside].flatMap((saddr) =>
          ['eth0', 'eth1'].flatMap((iface) =>
            targets.map((daddr) => arrives(iface, ip({ saddr, daddr }, datagram))),
          ),
        ),
        // What the host sends to a group comes back to it.
        leaves('eth0', ip({ saddr: a.self, daddr: family === 4 ? '224.0.0.1' : 'ff02::1' }, datagram)),
        leaves('eth1', ip({ saddr: a.self, daddr: family === 4 ? '224.0.0.1' : 'ff02::1' }, datagram)),
      ];
    },
  });

export const rpfilterCases = () => [
  ...rpfilterOddCases(),
  ...matchCases({
    name: 'rpfilter',
    families: [4, 6],
    table: 'raw',
    chains: ['PREROUTING'],
    matches: [
      '-m rpfilter',
      '-m rpfilter --invert',
      '-m rpfilter --loose',
      '-m rpfilter --loose --invert',
      '-m rpfilter --accept-local',
      '-m rpfilter --validmark',
    ],
    packets: (family) => {
      const a = addresses(family);
      return [
        arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram)),
        arrives('eth1', ip({ saddr: a.outside, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.inside, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.far, daddr: a.self }, datagram)),
        arrives('eth1', ip({ saddr: a.far, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.selfInside, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.self, daddr: a.self }, datagram)),
        leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
      ];
    },
  }),
];

const SETS = `create ip4 hash:ip
add ip4 192.0.2.9
create ip6 hash:ip family inet6
add ip6 2001:db8::9
create net4 hash:net
add net4 192.0.2.0/28
add net4 192.0.2.9 nomatch
create net6 hash:net family inet6
add net6 2001:db8::/64
create port4 hash:ip,port
add port4 192.0.2.9,udp:53
add port4 192.0.2.9,tcp:80
create port6 hash:ip,port family inet6
add port6 2001:db8::9,udp:53
create bits bitmap:ip range 192.0.2.0/24
add bits 192.0.2.9
create ports bitmap:port range 50-60
add ports 53
create iface4 hash:net,iface
add iface4 192.0.2.0/24,eth0
create counted hash:ip counters
add counted 192.0.2.9
create list list:set
add list ip4
add list net4
`;

export const setCases = (): Case[] => [
  ...matchCases({
    name: 'set',
    families: [4, 6],
    ipset: SETS,
    chains: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    matches: [
      (family) => `-m set {!}--match-set ip${family} src`,
      (family) => `-m set {!}--match-set ip${family} dst`,
      (family) => `-m set {!}--match-set net${family} src`,
      (family) => `-m set {!}--match-set port${family} src,dst`,
      (family) => `-m set {!}--match-set port${family} src,src`,
      (family) => `-m set {!}--match-set port${family} dst,dst`,
    ],
    packets: (family) => {
      const a = addresses(family);
      return [
        ...everyWay(family, datagram),
        arrives('eth0', ip({ saddr: a.outside2, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, udp({ sport: 53, dport: 54 }))),
        leaves('eth0', ip({ saddr: a.self, daddr: a.outside }, datagram)),
      ];
    },
  }),
  ...matchCases({
    name: 'set-ipv4',
    families: [4],
    ipset: SETS,
    chains: ['PREROUTING', 'INPUT', 'FORWARD'],
    matches: [
      '-m set {!}--match-set bits src',
      '-m set {!}--match-set ports dst',
      '-m set {!}--match-set iface4 src,src',
      '-m set {!}--match-set counted src',
      '-m set {!}--match-set counted src --packets-gt 1',
      '-m set {!}--match-set counted src --packets-lt 3 ! --update-counters',
      '-m set {!}--match-set list src',
    ],
    packets: (family) => {
      const a = addresses(family);
      return [
        ...everyWay(family, datagram),
        ...everyWay(family, datagram),
        arrives('eth0', ip({ saddr: '192.0.2.200', daddr: a.self }, udp({ sport: 1, dport: 55 }))),
        arrives('eth1', ip({ saddr: a.outside, daddr: a.self }, datagram)),
      ];
    },
  }),
  {
    id: 'set/SET-target',
    host: ROUTER,
    ipset:
      'create seen hash:ip\ncreate seen6 hash:ip family inet6\ncreate gone hash:ip\nadd gone 192.0.2.9\n',
    rules4: table(
      'mangle',
      'INPUT -m set --match-set seen src',
      'INPUT -j SET --add-set seen src',
      'INPUT -j SET --del-set gone src',
      'INPUT -m set --match-set seen src',
      'INPUT -m set --match-set gone src',
    ),
    rules6: table('mangle', 'INPUT -m set --match-set seen6 src', 'INPUT -j SET --add-set seen6 src'),
    packets: [
      arrives('eth0', ip({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, datagram)),
      arrives('eth0', ip({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, datagram)),
      arrives('eth0', ip({ saddr: '192.0.2.10', daddr: '192.0.2.1' }, datagram)),
      arrives('eth0', ipv6({ saddr: '2001:db8::9', daddr: '2001:db8::1' }, datagram)),
      arrives('eth0', ipv6({ saddr: '2001:db8::9', daddr: '2001:db8::1' }, datagram)),
    ],
  },
];
