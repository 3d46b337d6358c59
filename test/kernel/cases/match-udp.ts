import { raw, tcp, udp, udplite } from '../packets.ts';
import { everyWay, matchCases } from './build.ts';

const PORT_PAIRS = [
  [0, 0],
  [53, 53],
  [53, 1024],
  [1024, 53],
  [52, 54],
  [65535, 65535],
] as const;

export const udpCases = () => [
  ...matchCases({
    name: 'udp',
    families: [4, 6],
    matches: [
      '-p udp -m udp',
      '-p udp -m udp {!}--sport 53',
      '-p udp -m udp {!}--dport 53',
      '-p udp -m udp {!}--sport 52:54 {!}--dport 53:1024',
      '-p udp -m udp {!}--dport :52',
      '-p udp -m udp {!}--sport 1024:',
    ],
    packets: (family) => [
      ...PORT_PAIRS.flatMap(([sport, dport]) => everyWay(family, udp({ sport, dport }))),
      ...everyWay(family, tcp({ sport: 53, dport: 53 })),
      ...everyWay(family, udplite({ sport: 53, dport: 53 })),
      // Too short for its header: the match drops it.
      ...everyWay(family, raw(17, Uint8Array.of(0, 53, 0, 53))),
      // A length that lies does not matter to the match.
      ...everyWay(family, udp({ sport: 53, dport: 53, length: 4 })),
      ...everyWay(family, udp({ sport: 53, dport: 53, length: 400 })),
    ],
  }),
  ...matchCases({
    name: 'udplite',
    families: [4, 6],
    matches: [
      '-p udplite',
      '-p udplite -m multiport {!}--ports 53',
      '-p udplite -m multiport {!}--dports 1:100',
    ],
    packets: (family) => [
      ...PORT_PAIRS.flatMap(([sport, dport]) => everyWay(family, udplite({ sport, dport }))),
      ...everyWay(family, udp({ sport: 53, dport: 53 })),
    ],
  }),
];
