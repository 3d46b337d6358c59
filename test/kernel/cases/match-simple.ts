/** Matches that look at one field: comment mark length ttl hl tos dscp ecn multiport nfacct iprange string u32 statistic owner pkttype dccp ah esp. */

import {
  ah,
  DCCP_TYPES,
  dccp,
  esp,
  filler,
  icmp,
  icmpv6,
  ip,
  ipv4,
  ipv6,
  sctp,
  tcp,
  tcpOption,
  text,
  udp,
  udplite,
} from '../packets.ts';
import { addresses, arrives, everyWay, leaves, matchCases, table } from './build.ts';

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });

export const commentCases = () =>
  matchCases({
    name: 'comment',
    families: [4, 6],
    matches: ['-m comment --comment word', '-m comment --comment "two words"'],
    packets: (family) => everyWay(family, datagram),
  });

export const nfacctCases = () =>
  matchCases({
    name: 'nfacct',
    families: [4, 6],
    matches: ['-m nfacct --nfacct-name some', '-p udp -m nfacct --nfacct-name "others"'],
    packets: (family) => everyWay(family, datagram),
  }).map((one) => ({ ...one, accounting: ['some', 'others'] }));

export const markCases = () =>
  matchCases({
    name: 'mark',
    families: [4, 6],
    matches: [
      '-m mark {!}--mark 0',
      '-m mark {!}--mark 1',
      '-m mark {!}--mark 0x10/0xf0',
      '-m mark {!}--mark 0xffffffff',
      '-m mark {!}--mark 1/0',
      '-m mark {!}--mark 0x80000000/0x80000000',
    ],
    before: () =>
      table(
        'raw',
        'PREROUTING -p udp --dport 53 -j MARK --set-xmark 1/0xffffffff',
        'PREROUTING -p udp --dport 54 -j MARK --set-mark 0x15',
        'PREROUTING -p udp --dport 55 -j MARK --set-mark 0xffffffff',
      ),
    packets: (family) => [
      ...[52, 53, 54, 55].flatMap((dport) => everyWay(family, udp({ sport: 1024, dport }))),
      leaves('eth0', ip({ saddr: addresses(family).self, daddr: addresses(family).far }, datagram), {
        mark: 0x11,
      }),
    ],
  });

export const lengthCases = () =>
  matchCases({
    name: 'length',
    families: [4, 6],
    matches: [
      '-m length {!}--length 0',
      '-m length {!}--length 28',
      '-m length {!}--length 29:100',
      '-m length {!}--length :48',
      '-m length {!}--length 100:',
      '-m length {!}--length 65535',
      '-m length {!}--length 49:1040',
      '-m length {!}--length 80:80',
    ],
    packets: (family) =>
      [0, 1, 20, 32, 71, 72, 73, 992, 1000].flatMap((size) =>
        everyWay(family, udp({ sport: 1, dport: 2, payload: filler(size) })),
      ),
  });

export const ttlCases = () => [
  ...matchCases({
    name: 'ttl',
    families: [4],
    matches: [
      '-m ttl {!}--ttl-eq 64',
      '-m ttl {!}--ttl-eq 0',
      '-m ttl --ttl-lt 64',
      '-m ttl --ttl-gt 64',
      '-m ttl --ttl-lt 1',
      '-m ttl --ttl-gt 254',
    ],
    packets: (family) => [1, 2, 63, 64, 65, 255].flatMap((ttl) => everyWay(family, datagram, { ttl })),
  }),
  ...matchCases({
    name: 'hl',
    families: [6],
    matches: [
      '-m hl {!}--hl-eq 64',
      '-m hl {!}--hl-eq 0',
      '-m hl --hl-lt 64',
      '-m hl --hl-gt 64',
      '-m hl --hl-lt 1',
      '-m hl --hl-gt 254',
    ],
    packets: (family) => [0, 1, 2, 63, 64, 65, 255].flatMap((ttl) => everyWay(family, datagram, { ttl })),
  }),
];

const ALL_TOS = [0, 1, 2, 3, 4, 8, 0x10, 0x20, 0x28, 0x2e << 2, 0x80, 0xb9, 0xfc, 0xff];

export const tosCases = () => [
  ...matchCases({
    name: 'tos',
    families: [4, 6],
    matches: [
      '-m tos {!}--tos 0x10',
      '-m tos {!}--tos 0',
      '-m tos {!}--tos 0x10/0x3f',
      '-m tos {!}--tos Minimize-Delay',
      '-m tos {!}--tos Maximize-Throughput',
      '-m tos {!}--tos Normal-Service',
      '-m tos {!}--tos 0xff/0xff',
      '-m tos {!}--tos 3/3',
    ],
    packets: (family) => ALL_TOS.flatMap((tos) => everyWay(family, datagram, { tos })),
  }),
  ...matchCases({
    name: 'dscp',
    families: [4, 6],
    matches: [
      '-m dscp {!}--dscp 0',
      '-m dscp {!}--dscp 0x2e',
      '-m dscp {!}--dscp 63',
      '-m dscp {!}--dscp-class EF',
      '-m dscp {!}--dscp-class CS1',
      '-m dscp {!}--dscp-class BE',
      '-m dscp {!}--dscp-class AF11',
    ],
    packets: (family) => ALL_TOS.flatMap((tos) => everyWay(family, datagram, { tos })),
  }),
  ...matchCases({
    name: 'ecn',
    families: [4, 6],
    matches: [
      '-m ecn {!}--ecn-ip-ect 0',
      '-m ecn {!}--ecn-ip-ect 1',
      '-m ecn {!}--ecn-ip-ect 2',
      '-m ecn {!}--ecn-ip-ect 3',
      '-p tcp -m ecn {!}--ecn-tcp-ece',
      '-p tcp -m ecn {!}--ecn-tcp-cwr',
      '-p tcp -m ecn {!}--ecn-tcp-cwr --ecn-ip-ect 2',
    ],
    packets: (family) => [
      ...[0, 1, 2, 3, 0xff].flatMap((tos) => everyWay(family, datagram, { tos })),
      ...['S', 'SE', 'SC', 'SEC'].flatMap((flags) =>
        everyWay(family, tcp({ sport: 1, dport: 2, flags }), { tos: 2 }),
      ),
    ],
  }),
];

export const multiportCases = () => [
  ...['tcp', 'udp', 'udplite', 'sctp', 'dccp'].flatMap((protocol) =>
    matchCases({
      name: `multiport-${protocol}`,
      families: [4, 6],
      matches: [
        `-p ${protocol} -m multiport {!}--ports 22,80,1024:2000`,
        `-p ${protocol} -m multiport {!}--sports 22,80,1024:2000`,
        `-p ${protocol} -m multiport {!}--dports 22,80,1024:2000`,
        `-p ${protocol} -m multiport {!}--dports 0`,
        `-p ${protocol} -m multiport {!}--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15`,
        `-p ${protocol} -m multiport {!}--dports 65535,60000:60001`,
      ],
      packets: (family) =>
        [
          [0, 0],
          [22, 23],
          [23, 80],
          [1023, 1024],
          [2000, 2001],
          [2001, 1023],
          [15, 16],
          [16, 1],
          [65535, 65535],
          [60001, 60002],
        ].flatMap(([sport, dport]) => {
          const ports = { sport: sport!, dport: dport! };
          const layer =
            protocol === 'tcp'
              ? tcp(ports)
              : protocol === 'udp'
                ? udp(ports)
                : protocol === 'udplite'
                  ? udplite(ports)
                  : protocol === 'sctp'
                    ? sctp({ ...ports, chunks: [{ type: 0, value: filler(16) }] })
                    : dccp({ ...ports, type: 'REQUEST' });
          return everyWay(family, layer);
        }),
    }),
  ),
];

export const iprangeCases = () =>
  matchCases({
    name: 'iprange',
    families: [4, 6],
    matches: (['src', 'dst'] as const).flatMap((side) => [
      (family) =>
        `-m iprange {!}--${side}-range ${family === 4 ? '192.0.2.5-192.0.2.9' : '2001:db8::5-2001:db8::9'}`,
      (family) =>
        `-m iprange {!}--${side}-range ${family === 4 ? '192.0.2.9-192.0.2.9' : '2001:db8::9-2001:db8::9'}`,
      (family) =>
        `-m iprange {!}--${side}-range ${family === 4 ? '0.0.0.0-255.255.255.255' : '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'}`,
      (family) =>
        `-m iprange {!}--${side}-range ${family === 4 ? '10.0.0.0-198.51.100.7' : '2001:db8::ffff:0-2001:db8:f::7'}`,
    ]),
    packets: (family) => {
      const at = (n: number) => (family === 4 ? `192.0.2.${n}` : `2001:db8::${n.toString(16)}`);
      const a = addresses(family);
      return [
        ...[4, 5, 9, 10].map((n) => arrives('eth0', ip({ saddr: at(n), daddr: a.self }, datagram))),
        ...[4, 5, 9, 10].map((n) => arrives('eth1', ip({ saddr: a.inside, daddr: at(n) }, datagram))),
        arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, datagram)),
        arrives('eth1', ip({ saddr: a.inside, daddr: a.far2 }, datagram)),
        leaves('eth0', ip({ saddr: a.self, daddr: at(9) }, datagram)),
      ];
    },
  });

const WORDS = [
  'needle',
  'a needle in hay',
  'NEEDLE',
  'Needle needle',
  'needl',
  'hay and straw, hay and straw, hay and straw, needle',
  'neneedle',
  '\x00\x01needle\x02',
];

export const stringCases = () => [
  ...matchCases({
    name: 'string',
    families: [4, 6],
    matches: ['bm', 'kmp'].flatMap((algo) => [
      `-m string --algo ${algo} {!}--string needle`,
      `-m string --algo ${algo} --icase {!}--string needle`,
      `-m string --algo ${algo} {!}--hex-string "|6e6565|dle"`,
      `-m string --algo ${algo} {!}--hex-string "|00|"`,
      // Offsets count from the start of the IP header; the pattern must lie within from..to.
      `-m string --algo ${algo} --from 28 {!}--string needle`,
      `-m string --algo ${algo} --from 29 {!}--string needle`,
      `-m string --algo ${algo} --from 48 {!}--string needle`,
      `-m string --algo ${algo} --from 49 {!}--string needle`,
      `-m string --algo ${algo} --to 28 {!}--string needle`,
      `-m string --algo ${algo} --to 27 {!}--string needle`,
      `-m string --algo ${algo} --to 33 {!}--string needle`,
      `-m string --algo ${algo} --to 34 {!}--string needle`,
      `-m string --algo ${algo} --to 48 {!}--string needle`,
      `-m string --algo ${algo} --from 30 --to 60 {!}--string needle`,
      `-m string --algo ${algo} --to 0 {!}--string needle`,
    ]),
    packets: (family) =>
      WORDS.flatMap((words) => everyWay(family, udp({ sport: 1024, dport: 53, payload: text(words) }))),
  }),
];

export const u32Cases = () => [
  ...matchCases({
    name: 'u32',
    families: [4],
    matches: [
      '-m u32 {!}--u32 "0>>28=4"',
      '-m u32 {!}--u32 "6&0xFF=17"',
      '-m u32 {!}--u32 "6&0xFF=6,17"',
      '-m u32 {!}--u32 "6&0xFF=1:16"',
      '-m u32 {!}--u32 "0&0xFFFF=0x1c:0x30"',
      '-m u32 {!}--u32 "4&0x3FFF=0"',
      '-m u32 {!}--u32 "6&0xFF=17&&0>>22&0x3C@0>>16=53"',
      '-m u32 {!}--u32 "0>>22&0x3C@0&0xFFFF=53,54"',
      '-m u32 {!}--u32 "12=0xc0000209"',
      '-m u32 {!}--u32 "8>>24=64:255"',
      '-m u32 {!}--u32 "0<<28=0x50000000"',
      '-m u32 {!}--u32 "40=0"',
      '-m u32 {!}--u32 "0>>22&0x3C@8@0=0"',
    ],
    packets: (family) => [
      ...everyWay(family, udp({ sport: 53, dport: 1024, payload: filler(20) })),
      ...everyWay(family, udp({ sport: 1024, dport: 53 })),
      ...everyWay(family, tcp({ sport: 1024, dport: 53, flags: 'S' })),
      ...everyWay(family, icmp({ type: 8 }), { ttl: 3 }),
    ],
  }),
  ...matchCases({
    name: 'u32-v6',
    families: [6],
    matches: ['-m u32 {!}--u32 "0>>28=6"', '-m u32 {!}--u32 "4>>8&0xFF=17"', '-m u32 {!}--u32 "40>>16=53"'],
    packets: (family) => [
      ...everyWay(family, udp({ sport: 53, dport: 1024 })),
      ...everyWay(family, icmpv6({ type: 128 })),
    ],
  }),
];

export const statisticCases = () => [
  ...matchCases({
    name: 'statistic',
    families: [4, 6],
    matches: [
      '-m statistic --mode nth {!}--every 1 --packet 0',
      '-m statistic --mode nth {!}--every 2 --packet 0',
      '-m statistic --mode nth {!}--every 3 --packet 0',
      '-m statistic --mode nth {!}--every 3 --packet 1',
      '-m statistic --mode nth {!}--every 3 --packet 2',
      '-m statistic --mode nth {!}--every 7 --packet 6',
    ],
    packets: (family) => Array.from({ length: 8 }, () => everyWay(family, datagram)).flat(),
  }),
  ...matchCases({
    name: 'statistic-random',
    families: [4, 6],
    // 0 never matches, 1 always does: what lies between is ours to draw.
    matches: [
      '-m statistic --mode random {!}--probability 0',
      '-m statistic --mode random {!}--probability 1',
    ],
    packets: (family) => everyWay(family, datagram),
  }),
];

export const ownerCases = () =>
  matchCases({
    name: 'owner',
    families: [4, 6],
    chains: ['OUTPUT', 'POSTROUTING'],
    matches: [
      '-m owner {!}--uid-owner 0',
      '-m owner {!}--uid-owner 1000',
      '-m owner {!}--uid-owner 0-1000',
      '-m owner {!}--gid-owner 0',
      '-m owner {!}--socket-exists',
    ],
    packets: (family) => everyWay(family, datagram),
  });

export const pkttypeCases = () =>
  matchCases({
    name: 'pkttype',
    families: [4, 6],
    matches: [
      '-m pkttype {!}--pkt-type unicast',
      '-m pkttype {!}--pkt-type broadcast',
      '-m pkttype {!}--pkt-type multicast',
    ],
    // A TUN says "to this host" of everything; packets of the host's own are told by their address over lo only.
    packets: (family) => [
      ...everyWay(family, datagram),
      ...(family === 4
        ? [
            arrives('eth0', ipv4({ saddr: '192.0.2.9', daddr: '192.0.2.255' }, datagram)),
            arrives('eth0', ipv4({ saddr: '192.0.2.9', daddr: '255.255.255.255' }, datagram)),
            arrives('eth0', ipv4({ saddr: '192.0.2.9', daddr: '224.0.0.1' }, datagram)),
            leaves('lo', ipv4({ saddr: '127.0.0.1', daddr: '127.0.0.1' }, datagram)),
            leaves('eth0', ipv4({ saddr: '192.0.2.1', daddr: '192.0.2.255' }, datagram)),
            leaves('eth0', ipv4({ saddr: '192.0.2.1', daddr: '224.0.0.1' }, datagram)),
          ]
        : [
            arrives('eth0', ipv6({ saddr: '2001:db8::9', daddr: 'ff02::1' }, datagram)),
            leaves('lo', ipv6({ saddr: '::1', daddr: '::1' }, datagram)),
            leaves('eth0', ipv6({ saddr: '2001:db8::1', daddr: 'ff02::1' }, datagram)),
          ]),
    ],
  });

export const dccpCases = () =>
  matchCases({
    name: 'dccp',
    families: [4, 6],
    matches: [
      '-p dccp -m dccp {!}--sport 1000',
      '-p dccp -m dccp {!}--dport 1:100',
      '-p dccp -m dccp {!}--dccp-types REQUEST',
      '-p dccp -m dccp {!}--dccp-types REQUEST,RESPONSE,DATA',
      '-p dccp -m dccp {!}--dccp-types RESET,SYNCACK,INVALID',
      '-p dccp -m dccp {!}--dccp-option 2',
    ],
    packets: (family) => [
      ...DCCP_TYPES.flatMap((type) => everyWay(family, dccp({ sport: 1000, dport: 80, type }))),
      ...everyWay(family, dccp({ sport: 1000, dport: 80, type: 12 })),
      ...everyWay(
        family,
        dccp({ sport: 1, dport: 200, type: 'REQUEST', options: Uint8Array.of(2, 2, 3, 4) }),
      ),
    ],
  });

export const ipsecCases = () => [
  ...matchCases({
    name: 'esp',
    families: [4, 6],
    matches: [
      '-p esp -m esp {!}--espspi 256',
      '-p esp -m esp {!}--espspi 0:255',
      '-p esp -m esp {!}--espspi 257:',
    ],
    packets: (family) => [0, 255, 256, 257, 0xffffffff].flatMap((spi) => everyWay(family, esp({ spi }))),
  }),
  ...matchCases({
    name: 'ah-v4',
    families: [4],
    matches: ['-p ah -m ah {!}--ahspi 256', '-p ah -m ah {!}--ahspi 0:255'],
    packets: (family) => [255, 256, 0xffffffff].flatMap((spi) => everyWay(family, ah(datagram, { spi }))),
  }),
  ...matchCases({
    name: 'ah-v6',
    families: [6],
    matches: [
      '-m ah {!}--ahspi 256',
      '-m ah {!}--ahspi 0:255',
      '-m ah {!}--ahlen 24',
      '-m ah {!}--ahlen 28',
      '-m ah --ahres',
      '-m ah --ahspi 256 {!}--ahlen 24 --ahres',
      // -p sees the protocol behind the extension headers.
      '{!}-p udp',
      '-p udp -m udp {!}--dport 53',
    ],
    packets: (family) => [
      ...[255, 256, 0xffffffff].flatMap((spi) => everyWay(family, ah(datagram, { spi }))),
      ...everyWay(family, ah(datagram, { spi: 256, reserved: 1 })),
      ...everyWay(family, ah(datagram, { spi: 256, icvLength: 16 })),
      ...everyWay(family, datagram),
    ],
  }),
];

export const tcpmssCases = () =>
  matchCases({
    name: 'tcpmss',
    families: [4, 6],
    matches: [
      '-p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss {!}--mss 1460',
      '-p tcp -m tcpmss {!}--mss 536:1460',
      '-p tcp -m tcpmss {!}--mss 0:65535',
    ],
    packets: (family) =>
      [
        tcp({ sport: 1, dport: 2, flags: 'S' }),
        ...[0, 535, 536, 1460, 1461, 65535].map((mss) =>
          tcp({ sport: 1, dport: 2, flags: 'S', options: tcpOption.mss(mss) }),
        ),
        tcp({ sport: 1, dport: 2, flags: 'A', options: tcpOption.mss(1460) }),
        tcp({ sport: 1, dport: 2, flags: 'S', options: Uint8Array.of(2, 3, 5, 0) }),
      ].flatMap((layer) => everyWay(family, layer)),
  });
