/** MARK CONNMARK CT NOTRACK: what they set, seen by the matches after them and by the routing decision. */

import type { Case } from '../judge.ts';
import { ip, tcp, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, leaves, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';
import { statefulTraffic, throughRouter } from './match-state.ts';

const both = (
  id: string,
  dump: string,
  packets: (family: Family) => Case['packets'],
  more: Partial<Case> = {},
): Case => onRouter(id, { v4: dump, v6: dump }, [...packets(4), ...packets(6)], more);

const datagram = udp({ sport: 1024, dport: 1 });

/** The marks that can come about, each with its counting rule. */
const MARKS = [
  '0',
  '0x1',
  '0x5',
  '0x7',
  '0x10',
  '0x15',
  '0xff',
  '0xfa',
  '0xffffffff',
  '0xfffffffa',
  '0x40',
  '0x44',
];
const marks = (chain: string) => MARKS.map((mark) => `${chain} -m mark --mark ${mark}`);
const connmarks = (chain: string) => MARKS.map((mark) => `${chain} -m connmark --mark ${mark}`);

export const markTargetCases = (): Case[] => [
  ...[
    '--set-mark 0x5',
    '--set-mark 0x5/0xf',
    '--set-xmark 0x5/0xf',
    '--set-xmark 0x5',
    '--and-mark 0x4',
    '--or-mark 0x10',
    '--xor-mark 0xff',
    '--set-xmark 0xff/0xffffffff',
    '--set-mark 0',
  ].map((words) =>
    both(
      `MARK/${words.replaceAll(' ', '-')}`,
      table(
        'mangle',
        'PREROUTING -p tcp -j MARK --set-mark 0x44',
        `PREROUTING -j MARK ${words}`,
        ...marks('PREROUTING'),
        ...marks('POSTROUTING'),
      ),
      (family) => [...everyWay(family, datagram), ...everyWay(family, tcp({ sport: 1, dport: 2 }))],
    ),
  ),
  both(
    'MARK/in-every-table',
    (['raw', 'mangle', 'nat', 'filter', 'security'] as const)
      .map((name, i) =>
        table(
          name,
          ...(name === 'nat' ? ['POSTROUTING', 'OUTPUT'] : ['OUTPUT']).flatMap((chain) => [
            `${chain} -j MARK --set-mark ${i + 1}`,
            `${chain} -m mark --mark ${i + 1}`,
          ]),
        ),
      )
      .join(''),
    (family) => everyWay(family, datagram),
  ),
  both(
    'MARK/travels-over-lo',
    table('mangle', 'OUTPUT -j MARK --set-mark 5', 'PREROUTING -m mark --mark 5', 'INPUT -m mark --mark 0'),
    (family) => {
      const a = addresses(family);
      return [
        leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
        leaves('lo', ip({ saddr: a.self, daddr: a.self }, datagram)),
      ];
    },
  ),
  ...([4, 6] as const).map((family): Case => {
    const a = addresses(family);
    const rule = family === 4 ? 'fwmark 5 table 100' : 'fwmark 5 table 100';
    const dump = table(
      'mangle',
      'PREROUTING -p udp --dport 1 -j MARK --set-mark 5',
      'FORWARD -o eth0',
      'FORWARD -o eth1',
      'OUTPUT -p udp --dport 1 -j MARK --set-mark 5',
      'OUTPUT -o eth0',
      'OUTPUT -o eth1',
      'POSTROUTING -o eth0',
      'POSTROUTING -o eth1',
      'POSTROUTING -m mark --mark 5',
    );
    const late = table(
      'filter',
      'OUTPUT -o eth0',
      'OUTPUT -o eth1',
      'OUTPUT -p udp --dport 2 -j MARK --set-mark 5',
    );
    return {
      // Routing asks the mark: after PREROUTING, and again after OUTPUT of mangle (only there) changed it.
      id: `MARK/policy-routing/${family}`,
      host: {
        ...ROUTER,
        ip: [
          family === 4
            ? 'route add default via 10.0.0.9 dev eth1 table 100'
            : 'route add ::/0 via 2001:db8:1::9 dev eth1 table 100',
        ],
        rules: family === 4 ? [rule] : [`${rule} from ::/0`],
      },
      ...(family === 4 ? { rules4: dump + late } : { rules6: dump + late }),
      capture: true,
      packets: [1, 2, 3].flatMap((dport) => [
        arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, udp({ sport: 1, dport }))),
        leaves('eth0', ip({ saddr: a.self, daddr: a.far }, udp({ sport: 1, dport }))),
      ]),
    };
  }),
];

export const connmarkTargetCases = (): Case[] => [
  ...[
    '--set-mark 0x5',
    '--set-xmark 0x5/0xf',
    '--and-mark 0x4',
    '--or-mark 0x10',
    '--xor-mark 0xff',
    '--save-mark',
    '--save-mark --nfmask 0xf --ctmask 0xff',
    '--save-mark --mask 0x4',
    '--restore-mark',
    '--restore-mark --nfmask 0xf --ctmask 0x4',
    '--restore-mark --mask 0x40',
  ].map((words) =>
    both(
      `CONNMARK/${words.replaceAll(' ', '-')}`,
      table(
        'mangle',
        'PREROUTING -m conntrack --ctdir REPLY -j CONNMARK --set-mark 0x44',
        'PREROUTING -m conntrack --ctdir ORIGINAL -j MARK --set-mark 0x15',
        `PREROUTING -j CONNMARK ${words}`,
        ...marks('PREROUTING'),
        ...connmarks('PREROUTING'),
        ...connmarks('POSTROUTING'),
      ),
      statefulTraffic,
    ),
  ),
  both(
    'CONNMARK/save-and-restore',
    table(
      'mangle',
      'PREROUTING -j CONNMARK --restore-mark',
      'PREROUTING -m mark ! --mark 0 -j ACCEPT',
      'PREROUTING -p tcp -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 1',
      'PREROUTING -p tcp -m mark --mark 0 -j MARK --set-mark 5',
      'PREROUTING -j CONNMARK --save-mark',
      ...marks('POSTROUTING'),
    ),
    (family) =>
      [40000, 40001, 40002].flatMap((sport) =>
        throughRouter(family, [
          ['out', tcp({ sport, dport: 80, flags: 'S' })],
          ['back', tcp({ sport: 80, dport: sport, flags: 'SA', ack: 1 })],
          ['out', tcp({ sport, dport: 80, flags: 'A', seq: 1, ack: 1 })],
        ]),
      ),
  ),
];

const TEMPLATE_SEEN = [
  ...['packets', 'bytes', 'avgpkt'].flatMap((mode) =>
    ['', '! '].map(
      (not) => `-m connbytes ${not}--connbytes 1:2 --connbytes-dir both --connbytes-mode ${mode}`,
    ),
  ),
  '-m connbytes --connbytes 0 --connbytes-dir both --connbytes-mode packets',
  ...['0', '0:10', '1:4294967295'].flatMap((range) =>
    ['', '! '].map((not) => `-m conntrack ${not}--ctexpire ${range}`),
  ),
  ...['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'].map(
    (word) => `-m conntrack --ctstatus ${word}`,
  ),
  ...['NEW', 'ESTABLISHED', 'INVALID', 'UNTRACKED', 'DNAT'].map((word) => `-m conntrack --ctstate ${word}`),
  '-m conntrack --ctdir ORIGINAL',
  '-m conntrack --ctdir REPLY',
  '-m conntrack --ctproto 17',
  '-m conntrack ! --ctproto 17',
  '-m conntrack --ctorigsrcport 0',
  '-m conntrack ! --ctreplsrcport 0',
  '-m connmark --mark 0',
  '-m connmark ! --mark 0',
  '-m connlabel --label 3',
  '-m connlabel ! --label 3',
  '-m helper --helper ftp',
  '-m helper ! --helper ftp',
  '-m connlimit --connlimit-upto 100',
  '-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1',
  '-m state --state NEW',
];

export const ctCases = (): Case[] => {
  const states = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'].flatMap((state) =>
    ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `${chain} -m conntrack --ctstate ${state}`),
  );
  return [
    ...['CT --notrack', 'NOTRACK'].map((words) =>
      both(
        `CT/${words.replaceAll(' ', '-')}`,
        table('raw', `PREROUTING -p udp -j ${words}`, `OUTPUT -p udp -j ${words}`, 'PREROUTING', 'OUTPUT') +
          table('filter', ...states, 'FORWARD -m conntrack --ctstatus NONE') +
          table('nat', 'PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'),
        statefulTraffic,
      ),
    ),
    both(
      // One half of a connection untracked: its other half begins connections of its own, or is INVALID.
      'CT/notrack-one-way',
      table('raw', 'PREROUTING -i eth1 -j CT --notrack') + table('filter', ...states),
      statefulTraffic,
    ),
    both(
      'CT/zones',
      table('raw', 'PREROUTING -i eth1 -j CT --zone 1', 'PREROUTING -i eth0 -j CT --zone 2') +
        table('filter', ...states),
      statefulTraffic,
    ),
    both(
      'CT/zone-direction',
      table('raw', 'PREROUTING -i eth1 -j CT --zone-orig 1', 'PREROUTING -i eth0 -j CT --zone-reply 1') +
        table('filter', ...states),
      statefulTraffic,
    ),
    both(
      // The answer begins a connection whose original tuple is the first one's reply tuple: the error, which is looked
      // up in the default zone, belongs to the later of the two.
      'CT/zones-share-a-tuple',
      table('raw', 'PREROUTING -i eth0 -p udp -j CT --zone-reply 3') +
        table(
          'filter',
          ...states,
          'FORWARD -m conntrack --ctorigsrcport 53',
          'FORWARD -m conntrack --ctreplsrcport 53',
          'FORWARD -m conntrack --ctstate RELATED --ctdir ORIGINAL',
          'FORWARD -m conntrack --ctstate RELATED --ctdir REPLY',
        ),
      statefulTraffic,
    ),
    both(
      'CT/zone-mark',
      table('raw', 'PREROUTING -p udp -j MARK --set-mark 3', 'PREROUTING -j CT --zone mark') +
        table('filter', ...states),
      statefulTraffic,
    ),
    both(
      'CT/twice',
      table('raw', 'PREROUTING -j CT --zone 1', 'PREROUTING -j CT --notrack', 'PREROUTING') +
        table('filter', ...states),
      statefulTraffic,
    ),
    both(
      // What matches see of a template, while the packet is in raw.
      'CT/template-seen',
      table(
        'raw',
        'PREROUTING -p udp -j CT --zone 7',
        'PREROUTING -p tcp -j CT --helper ftp',
        ...TEMPLATE_SEEN.map((words) => `PREROUTING ${words}`),
      ) + table('filter', ...states),
      statefulTraffic,
    ),
    both(
      'CT/ctevents',
      table('raw', 'PREROUTING -j CT --ctevents new,destroy') + table('filter', ...states),
      statefulTraffic,
    ),
    both(
      'CT/helper',
      table('raw', 'PREROUTING -p tcp --dport 80 -j CT --helper ftp') +
        table('filter', ...states, 'FORWARD -m helper --helper ftp', 'FORWARD -m helper ! --helper ftp'),
      statefulTraffic,
    ),
  ];
};
