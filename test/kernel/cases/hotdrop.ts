/**
 * What an extension does with a packet that is too short for the header it wants: most drop the packet on the spot
 * ("hotdrop": the rule does not count it, and no later rule sees it), some merely do not match.
 */

import type { Case } from '../judge.ts';
import { destinationOptions, filler, fragment6, ipv4, ipv6, PROTOCOL, raw, udp } from '../packets.ts';
import { arrives, onRouter, table } from './build.ts';
import { A4, A6 } from './hosts.ts';

/** Name, protocol, the rule, and how many bytes of the protocol's header there are. */
const SHORT: readonly (readonly [name: string, protocol: number, rule: string, bytes: number])[] = [
  ['tcp', 6, '-p tcp -m tcp --dport 1', 6],
  ['tcp-without-options', 6, '-p tcp -m tcp', 6],
  ['udp', 17, '-p udp -m udp --dport 1', 6],
  ['multiport-3', 6, '-p tcp -m multiport --dports 1', 3],
  ['multiport-4', 6, '-p tcp -m multiport --dports 515', 4],
  ['multiport-udplite', 136, '-p udplite -m multiport --ports 1', 2],
  ['icmp-3', 1, '-p icmp -m icmp --icmp-type 8', 3],
  ['icmp-4', 1, '-p icmp -m icmp --icmp-type 8', 4],
  ['icmp-any', 1, '-p icmp -m icmp --icmp-type any', 1],
  ['sctp-ports', 132, '-p sctp -m sctp --dport 1', 6],
  ['sctp-chunks', 132, '-p sctp -m sctp --chunk-types any DATA', 6],
  ['dccp', 33, '-p dccp -m dccp --dport 1', 6],
  ['esp', 50, '-p esp -m esp --espspi 1', 3],
  ['ah', 51, '-p ah -m ah --ahspi 1', 3],
  ['ipcomp', 108, '-p ipcomp -m ipcomp --ipcompspi 1', 2],
  ['tcpmss', 6, '-p tcp -m tcpmss --mss 1', 6],
  ['ecn', 6, '-p tcp -m ecn --ecn-tcp-cwr', 6],
  ['ecn-negated', 6, '-p tcp -m ecn ! --ecn-tcp-cwr', 6],
  ['ecn-negated-flags-there', 6, '-p tcp -m ecn ! --ecn-tcp-ece', 19],
  [
    'hashlimit-ports',
    6,
    '-p tcp -m hashlimit --hashlimit-upto 1/hour --hashlimit-mode dstport --hashlimit-name h',
    2,
  ],
  [
    'hashlimit-addresses',
    6,
    '-p tcp -m hashlimit --hashlimit-upto 1/hour --hashlimit-mode srcip --hashlimit-name h',
    2,
  ],
  ['recent', 6, '-p tcp -m recent --set', 2],
  ['set-ports', 6, '-p tcp -m set --match-set ports src,src', 2],
  ['string', 6, '-p tcp -m string --algo bm --string x', 2],
  ['u32', 6, '-p tcp -m u32 --u32 "40=0"', 2],
  ['u32-negated', 6, '-p tcp -m u32 ! --u32 "40=0"', 2],
  ['osf', 6, '-p tcp -m osf --genre Linux', 2],
  ['TCPOPTSTRIP', 6, '-p tcp -j TCPOPTSTRIP --strip-options 2', 6],
  ['ECN', 6, '-p tcp -j ECN --ecn-tcp-remove', 6],
  ['rpfilter', 6, '-m rpfilter', 2],
];

export const hotdropCases = (): Case[] => [
  ...SHORT.map(([name, protocol, rule, bytes]) =>
    onRouter(
      `hotdrop/${name}`,
      { v4: table('mangle', `PREROUTING ${rule}`, 'PREROUTING -m comment --comment after') },
      [arrives('eth0', ipv4({ saddr: A4.outside, daddr: A4.self }, raw(protocol, filler(bytes))))],
      { ipset: 'create ports hash:ip,port\n', conntrack: false },
    ),
  ),
  ...noTransportCases(),
];

const HASHLIMIT = '-m hashlimit --hashlimit-upto 1/hour --hashlimit-mode dstport --hashlimit-name none';

/** IPv6 packets behind whose headers no transport is to be found: a match by ports drops them, behind any other match. */
function noTransportCases(): Case[] {
  const rules = [
    HASHLIMIT,
    `-m mark --mark 1 ${HASHLIMIT}`,
    `${HASHLIMIT} -m mark --mark 1`,
    `-s 2001:db8:77::/64 ${HASHLIMIT}`,
  ];
  const { outside: saddr, self: daddr } = A6;
  const none = raw(PROTOCOL.none, filler(8));
  const packets = [
    ipv6({ saddr, daddr }, none),
    ipv6({ saddr, daddr }, destinationOptions(none)),
    // An options header that says it is longer than the packet.
    ipv6(
      { saddr, daddr },
      raw(PROTOCOL.destinationOptions, Uint8Array.of(PROTOCOL.udp, 9, 0, 0, 0, 0, 0, 0)),
    ),
    ipv6({ saddr, daddr }, udp({ sport: 1, dport: 2 })),
    // Of later fragments nobody looks behind the fragment header.
    ...[PROTOCOL.none, PROTOCOL.destinationOptions].flatMap((protocol) =>
      fragment6(ipv6({ saddr, daddr }, raw(protocol, filler(24))), 7, [8]).slice(1),
    ),
  ];
  return rules.map((rule, i) =>
    onRouter(
      `hotdrop/no-transport/${i}`,
      {
        // Many, so that they are found by an index.
        v6: table(
          'mangle',
          ...Array(40).fill(`PREROUTING ${rule}`),
          'PREROUTING -m comment --comment after',
          'INPUT',
        ),
      },
      packets.map((packet) => arrives('eth0', packet)),
      { conntrack: false },
    ),
  );
}
