/** Targets that decide, and targets that only look on: ACCEPT DROP REJECT LOG NFLOG TRACE QUEUE NFQUEUE AUDIT. */

import type { Case } from '../judge.ts';
import { concat, filler, fragment4, icmp, icmpv6, igmp, ip, ipv4, ipv6, tcp, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, leaves, onRouter, table } from './build.ts';

const datagram = udp({ sport: 1024, dport: 1 });

const COUNT_AFTER =
  table('mangle', 'POSTROUTING', 'INPUT') +
  table('security', 'INPUT', 'FORWARD', 'OUTPUT') +
  table('raw', 'OUTPUT', 'PREROUTING');

const both = (id: string, dump: string, packets: (family: Family) => Case['packets'], more = {}): Case =>
  onRouter(id, { v4: dump, v6: dump }, [...packets(4), ...packets(6)], more);

/** What each target does to a packet: the rule after it, and the tables after it, tell. */
const onlookers = [
  'LOG',
  'LOG --log-prefix "a word " --log-level 4 --log-tcp-options --log-ip-options --log-uid',
  'NFLOG --nflog-group 3',
  'NFLOG --nflog-prefix x --nflog-size 10',
  'TRACE',
  'AUDIT --type accept',
  'AUDIT --type drop',
];

export const verdictCases = (): Case[] => [
  ...[
    'ACCEPT',
    'DROP',
    'RETURN',
    'REJECT',
    'QUEUE',
    'NFQUEUE',
    'NFQUEUE --queue-num 5',
    'NFQUEUE --queue-balance 0:3',
    'NFQUEUE --queue-num 5 --queue-bypass',
  ]
    .concat(onlookers.filter((words) => words !== 'TRACE'))
    .map((words) =>
      both(
        `verdict/${words.replaceAll(' ', '-').replaceAll('"', '')}`,
        table(
          'filter',
          ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) => [`${chain} -p udp -j ${words}`, chain]),
        ) + COUNT_AFTER,
        (family) => [
          ...everyWay(family, datagram),
          ...everyWay(family, tcp({ sport: 1, dport: 2, flags: 'S' })),
        ],
        { capture: true },
      ),
    ),
  both(
    'verdict/TRACE',
    table('raw', 'PREROUTING -j TRACE', 'PREROUTING', 'OUTPUT -j TRACE', 'OUTPUT') +
      table('filter', 'INPUT', 'FORWARD -j DROP', 'OUTPUT'),
    (family) => everyWay(family, datagram),
  ),
  both(
    // A packet that NFQUEUE lets by without a listener goes on in the next table, not with the next rule.
    'verdict/NFQUEUE-bypass-order',
    table('mangle', 'INPUT -j NFQUEUE --queue-num 9 --queue-bypass', 'INPUT -m comment --comment "after"') +
      table('filter', 'INPUT'),
    (family) => everyWay(family, datagram),
  ),
  ...['raw', 'mangle', 'security'].map((name) =>
    both(
      `verdict/QUEUE-in-${name}`,
      table(
        name as 'raw',
        `${name === 'security' ? 'INPUT' : 'PREROUTING'} -j QUEUE`,
        `${name === 'security' ? 'INPUT' : 'PREROUTING'}`,
      ) + table('filter', 'INPUT'),
      (family) => everyWay(family, datagram),
    ),
  ),
];

const REJECTS4 = [
  'icmp-net-unreachable',
  'icmp-host-unreachable',
  'icmp-port-unreachable',
  'icmp-proto-unreachable',
  'icmp-net-prohibited',
  'icmp-host-prohibited',
  'icmp-admin-prohibited',
];

const REJECTS6 = [
  'icmp6-no-route',
  'icmp6-adm-prohibited',
  'icmp6-addr-unreachable',
  'icmp6-port-unreachable',
  'icmp6-policy-fail',
  'icmp6-reject-route',
];

/** A REJECT is a DROP to the packet, whatever it is; its answer is dropped by the guard and enters no table here. */
export const rejectCases = (): Case[] => {
  const packets = (family: Family) => {
    const a = addresses(family);
    return [
      ...everyWay(family, datagram),
      ...everyWay(family, tcp({ sport: 1, dport: 2, flags: 'S' })),
      ...everyWay(family, tcp({ sport: 1, dport: 2, flags: 'R' })),
      ...everyWay(family, family === 4 ? icmp({ type: 3, code: 1 }) : icmpv6({ type: 1, code: 1 })),
      ...(family === 4
        ? [
            ...fragment4(
              ipv4(
                { saddr: a.outside, daddr: a.self, id: 5 },
                udp({ sport: 1, dport: 2, payload: filler(40) }),
              ),
              24,
            ).map((p) => arrives('eth0', p)),
            arrives('eth0', ipv4({ saddr: a.outside, daddr: '192.0.2.255' }, datagram)),
            arrives('eth0', ipv4({ saddr: a.outside, daddr: '224.0.0.1' }, igmp({ type: 0x11 }))),
          ]
        : [arrives('eth0', ipv6({ saddr: a.outside, daddr: 'ff02::1' }, datagram))]),
    ];
  };
  const rules = (words: string) =>
    table(
      'filter',
      ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) => [`${chain} -j REJECT${words}`, chain]),
    ) + COUNT_AFTER;
  return [
    onRouter('reject/default', { v4: rules(''), v6: rules('') }, [...packets(4), ...packets(6)]),
    ...REJECTS4.map((type) =>
      onRouter(`reject/${type}`, { v4: rules(` --reject-with ${type}`) }, packets(4)),
    ),
    ...REJECTS6.map((type) =>
      onRouter(`reject/${type}`, { v6: rules(` --reject-with ${type}`) }, packets(6)),
    ),
    ...([4, 6] as const).map((family) => {
      const dump =
        table(
          'filter',
          ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) => [
            `${chain} -p tcp -j REJECT --reject-with tcp-reset`,
            chain,
          ]),
        ) + COUNT_AFTER;
      return onRouter(
        `reject/tcp-reset/${family}`,
        family === 4 ? { v4: dump } : { v6: dump },
        packets(family),
      );
    }),
    ...([4, 6] as const).map((family) => {
      // What is rejected leaves no entry; what was accepted before keeps its own.
      const dump = table(
        'filter',
        'FORWARD -m conntrack --ctstate NEW -p tcp -j REJECT --reject-with tcp-reset',
        'FORWARD',
      );
      return onRouter(`reject/leaves-no-entry/${family}`, family === 4 ? { v4: dump } : { v6: dump }, [
        ...packets(family),
        leaves('eth0', ip({ saddr: addresses(family).self, daddr: addresses(family).far }, concatPayload())),
      ]);
    }),
  ];
};

function concatPayload() {
  return udp({ sport: 9, dport: 9, payload: concat(filler(3), filler(4)) });
}
