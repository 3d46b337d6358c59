import { concat, fragment4, fragment6, ip, ipv4, ipv6, type Layer, tcp, tcpOption, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, matchCases } from './build.ts';

const PORT_PAIRS = [
  [0, 0],
  [1, 65535],
  [79, 80],
  [80, 81],
  [81, 1023],
  [1024, 22],
  [65535, 1],
] as const;

const FLAGS = ['', 'S', 'SA', 'A', 'F', 'FA', 'R', 'RA', 'PA', 'U', 'FPU', 'SF', 'SE', 'SEC', 'FSRPAUEC'];

export const tcpCases = () => [
  ...matchCases({
    name: 'tcp',
    families: [4, 6],
    matches: [
      '-p tcp -m tcp',
      '-p tcp -m tcp {!}--sport 80',
      '-p tcp -m tcp {!}--sport 80:1024',
      '-p tcp -m tcp {!}--sport :80',
      '-p tcp -m tcp {!}--sport 1024:',
      '-p tcp -m tcp {!}--dport 80',
      '-p tcp -m tcp {!}--dport 0',
      '-p tcp -m tcp {!}--dport 22:80',
      '-p tcp -m tcp {!}--dport 0:65535',
      '-p tcp -m tcp {!}--dport 65535',
      '-p tcp -m tcp {!}--sport 1:100 {!}--dport 81:65535',
    ],
    packets: (family) => [
      ...PORT_PAIRS.flatMap(([sport, dport]) => everyWay(family, tcp({ sport, dport, flags: 'S' }))),
      ...everyWay(family, udp({ sport: 80, dport: 80 })),
    ],
  }),
  ...matchCases({
    name: 'tcp-flags',
    families: [4, 6],
    matches: [
      '-p tcp -m tcp {!}--syn',
      '-p tcp -m tcp {!}--tcp-flags SYN,ACK,FIN,RST SYN',
      '-p tcp -m tcp {!}--tcp-flags ALL NONE',
      '-p tcp -m tcp {!}--tcp-flags ALL ALL',
      '-p tcp -m tcp {!}--tcp-flags ALL FIN,PSH,URG',
      '-p tcp -m tcp {!}--tcp-flags SYN,RST SYN,RST',
      '-p tcp -m tcp {!}--tcp-flags ACK ACK',
      '-p tcp -m tcp {!}--tcp-flags SYN,FIN NONE',
      // The mask may lack what is compared: such a rule can never match.
      '-p tcp -m tcp {!}--tcp-flags SYN ACK',
    ],
    packets: (family) =>
      FLAGS.flatMap((flags) => everyWay(family, tcp({ sport: 1024, dport: 80, flags, seq: 1, ack: 1 }))),
  }),
  ...matchCases({
    name: 'tcp-option',
    families: [4, 6],
    matches: [
      '-p tcp -m tcp {!}--tcp-option 2',
      '-p tcp -m tcp {!}--tcp-option 3',
      '-p tcp -m tcp {!}--tcp-option 8',
      '-p tcp -m tcp {!}--tcp-option 1',
      '-p tcp -m tcp {!}--tcp-option 255',
    ],
    packets: (family) =>
      [
        tcp({ sport: 1, dport: 2, flags: 'S' }),
        tcp({ sport: 1, dport: 2, flags: 'S', options: tcpOption.mss(1460) }),
        tcp({
          sport: 1,
          dport: 2,
          flags: 'S',
          options: concat(tcpOption.mss(1460), tcpOption.nop(), tcpOption.windowScale(7)),
        }),
        tcp({
          sport: 1,
          dport: 2,
          options: concat(tcpOption.nop(), tcpOption.nop(), tcpOption.timestamps(1, 2)),
        }),
        // A length of zero, a length beyond the end, and end-of-options with more behind it.
        tcp({ sport: 1, dport: 2, options: Uint8Array.of(2, 0, 3, 3) }),
        tcp({ sport: 1, dport: 2, options: Uint8Array.of(5, 40, 8, 10) }),
        tcp({ sport: 1, dport: 2, options: Uint8Array.of(0, 2, 8, 3) }),
        tcp({ sport: 1, dport: 2, options: Uint8Array.of(255, 2, 1, 2) }),
      ].flatMap((layer) => everyWay(family, layer)),
  }),
  ...matchCases({
    // Short and lying headers: dropped by the match (hotdrop) when they cannot be read.
    name: 'tcp-short',
    families: [4, 6],
    matches: [
      '-p tcp',
      '-p tcp -m tcp --dport 80',
      '-p tcp -m tcp {!}--syn',
      '-p tcp -m tcp {!}--tcp-option 2',
    ],
    packets: (family) =>
      [
        tcp({ sport: 1, dport: 80, cut: 4 }),
        tcp({ sport: 1, dport: 80, cut: 12 }),
        tcp({ sport: 1, dport: 80, cut: 19 }),
        tcp({ sport: 1, dport: 80, cut: 20 }),
        tcp({ sport: 1, dport: 80, headerWords: 4 }),
        tcp({ sport: 1, dport: 80, headerWords: 15 }),
        tcp({ sport: 1, dport: 80, options: tcpOption.mss(1), cut: 22 }),
      ].flatMap((layer) => everyWay(family, layer)),
  }),
  ...matchCases({
    // Fragments without conntrack: the first one has ports; a later one has none, and one at offset 8 is an attack.
    name: 'tcp-fragment',
    families: [4, 6],
    matches: ['-p tcp', '-p tcp -m tcp --dport 80', '-p tcp -m tcp {!}--dport 80', '-p tcp -m tcp {!}--syn'],
    packets: (family) => [8, 16, 24, 32].flatMap((cut) => fragments(family, cut)),
  }),
];

function fragments(family: Family, cut: number) {
  const a = addresses(family);
  const segment: Layer = tcp({ sport: 1024, dport: 80, flags: 'S', payload: new Uint8Array(60) });
  return [
    { saddr: a.outside, daddr: a.self, iface: 'eth0' },
    { saddr: a.inside, daddr: a.far, iface: 'eth1' },
  ].flatMap(({ saddr, daddr, iface }) => {
    const whole = ip({ saddr, daddr }, segment);
    const parts =
      family === 4
        ? fragment4(ipv4({ saddr, daddr, id: cut }, segment), cut)
        : fragment6(ipv6({ saddr, daddr }, segment), cut, [cut]);
    return [...parts, whole].map((packet) => arrives(iface, packet));
  });
}
