/** The matches of every rule without `-m`: -s -d -i -o -p -f; and what the kernel takes for the protocol. */

import {
  destinationOptions,
  esp,
  filler,
  fragment4,
  fragmentHeader,
  gre,
  hopByHop,
  icmp,
  icmpv6,
  igmp,
  ip,
  ipv4,
  raw,
  routing,
  sctp,
  tcp,
  udp,
} from '../packets.ts';
import { addresses, arrives, everyWay, leaves, matchCases } from './build.ts';

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });

export const baseCases = () => [
  ...matchCases({
    name: 'base-address',
    families: [4, 6],
    matches: (['-s', '-d'] as const).flatMap((side) => [
      (family) => `{!}${side} ${family === 4 ? '192.0.2.9' : '2001:db8::9'}`,
      (family) => `{!}${side} ${family === 4 ? '192.0.2.0/24' : '2001:db8::/64'}`,
      (family) => `{!}${side} ${family === 4 ? '0.0.0.0/0' : '::/0'}`,
      (family) => `{!}${side} ${family === 4 ? '128.0.0.0/1' : '2001:db8:8000::/33'}`,
      (family) => `{!}${side} ${family === 4 ? '192.0.2.8/31' : '2001:db8::8/127'}`,
      // A mask need not be a prefix.
      (family) => `{!}${side} ${family === 4 ? '0.0.0.9/0.0.0.255' : '::9/::ff'}`,
    ]),
    packets: (family) => {
      const a = addresses(family);
      return [
        arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram)),
        arrives('eth0', ip({ saddr: a.outside2, daddr: a.self }, datagram)),
        arrives('eth1', ip({ saddr: a.inside, daddr: a.outside }, datagram)),
        arrives('eth1', ip({ saddr: a.inside2, daddr: a.far }, datagram)),
        leaves('eth0', ip({ saddr: a.self, daddr: a.outside2 }, datagram)),
        leaves('eth0', ip({ saddr: a.self, daddr: a.far2 }, datagram)),
      ];
    },
  }),
  ...['-i', '-o'].flatMap((option) =>
    matchCases({
      name: `base-interface${option}`,
      families: [4, 6],
      // -i cannot stand where there is no incoming interface, -o not where there is no outgoing one.
      chains: option === '-i' ? ['PREROUTING', 'INPUT', 'FORWARD'] : ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      matches: ['eth0', 'eth1', 'lo', 'eth+', '+', 'e+', 'eth', 'eth00', 'eth0+'].map(
        (name) => `{!}${option} ${name}`,
      ),
      packets: (family) => {
        const a = addresses(family);
        return [
          ...everyWay(family, datagram),
          arrives('eth0', ip({ saddr: a.outside, daddr: a.inside }, datagram)),
          leaves('eth1', ip({ saddr: a.selfInside, daddr: a.inside }, datagram)),
          leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
          leaves('lo', ip({ saddr: a.self, daddr: a.self }, datagram)),
        ];
      },
    }),
  ),
  ...matchCases({
    name: 'base-protocol',
    families: [4, 6],
    matches: ['tcp', 'udp', 'icmp', 'ipv6-icmp', '0', '47', 'esp', '255', 'sctp', '59'].map((p) =>
      p === '0' ? '-p all' : `{!}-p ${p}`,
    ),
    packets: (family) => [
      ...everyWay(family, tcp({ sport: 1, dport: 2 })),
      ...everyWay(family, datagram),
      ...everyWay(family, family === 4 ? icmp({ type: 8 }) : icmpv6({ type: 128 })),
      ...everyWay(family, gre()),
      ...everyWay(family, esp()),
      ...everyWay(family, sctp({ sport: 1, dport: 2 })),
      ...everyWay(family, raw(255, filler(4))),
      ...everyWay(family, raw(59)),
      ...everyWay(family, raw(200)),
    ],
  }),
  ...matchCases({
    name: 'base-fragment',
    families: [4],
    matches: ['-f', '! -f', '-p udp', '-p udp -m udp --dport 53', '-p udp -f', '-p udp -m udp ! --dport 53'],
    packets: () =>
      [
        { saddr: '192.0.2.9', daddr: '192.0.2.1', iface: 'eth0' },
        { saddr: '10.0.0.9', daddr: '198.51.100.7', iface: 'eth1' },
      ].flatMap(({ saddr, daddr, iface }) =>
        fragment4(
          ipv4({ saddr, daddr, id: 9 }, udp({ sport: 1, dport: 53, payload: filler(100) })),
          8,
          40,
        ).map((packet) => arrives(iface, packet)),
      ),
  }),
  ...matchCases({
    // IPv6: the protocol of a rule is what stands behind the extension headers that the kernel steps over.
    name: 'base-extension-headers',
    families: [6],
    matches: [
      '{!}-p udp',
      '-p udp -m udp {!}--dport 53',
      '-p ipv6-icmp -m icmp6 {!}--icmpv6-type 128',
      '{!}-p 59',
      '-m ipv6header {!}--header hop --soft',
      '-m ipv6header {!}--header hop',
      '-m ipv6header {!}--header dst,route --soft',
      '-m ipv6header {!}--header frag --soft',
      '-m ipv6header {!}--header none --soft',
      '-m hbh {!}--hbh-len 8',
      '-m dst {!}--dst-len 8',
      '-m rt {!}--rt-type 0',
      '-m rt {!}--rt-segsleft 0:1',
      '-m frag {!}--fragid 5',
      '-m frag --fragfirst',
      '-m frag --fragmore',
      '-m frag --fraglast',
    ],
    packets: (family) =>
      [
        hopByHop(datagram),
        destinationOptions(datagram),
        hopByHop(destinationOptions(datagram)),
        routing(datagram, { type: 2, segmentsLeft: 0, addresses: ['2001:db8::5'] }),
        routing(datagram, { type: 4, segmentsLeft: 0, addresses: ['2001:db8::5'] }),
        fragmentHeader(datagram, { id: 5 }),
        fragmentHeader(datagram, { id: 6, more: true }),
        fragmentHeader(raw(17, filler(16)), { id: 6, offset: 16 }),
        hopByHop(icmpv6({ type: 128 })),
        destinationOptions(raw(59)),
        raw(60, Uint8Array.of(17, 50, 0, 0, 0, 0, 0, 0)),
        raw(60, Uint8Array.of(17)),
      ].flatMap((layer) => everyWay(family, layer)),
  }),
  ...matchCases({
    name: 'base-igmp',
    families: [4],
    matches: ['{!}-p igmp', '{!}-d 224.0.0.0/4'],
    packets: () => [
      arrives('eth0', ipv4({ saddr: '192.0.2.9', daddr: '224.0.0.1', ttl: 1 }, igmp({ type: 0x11 }))),
      arrives(
        'eth0',
        ipv4({ saddr: '192.0.2.9', daddr: '239.1.2.3', ttl: 1 }, igmp({ type: 0x16, group: '239.1.2.3' })),
      ),
      leaves('eth0', ipv4({ saddr: '192.0.2.1', daddr: '224.0.0.251', ttl: 1 }, datagram)),
    ],
  }),
];
