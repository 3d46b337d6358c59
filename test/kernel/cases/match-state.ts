/** Matches with a memory: conntrack state connmark limit hashlimit recent connlimit connbytes quota helper. */

import type { Case, CasePacket } from '../judge.ts';
import { filler, icmp, icmpError, icmpv6, icmpv6Error, ip, type Layer, tcp, udp } from '../packets.ts';
import { addresses, arrives, CHAINS, type Family, leaves, matchCases, onRouter, table } from './build.ts';

/** A conversation through the router, from the inside to the outside; each step says which way it goes. */
export function throughRouter(
  family: Family,
  steps: readonly (readonly ['out' | 'back', Layer])[],
  at?: readonly number[],
): CasePacket[] {
  const a = addresses(family);
  return steps.map(([way, layer], i) => {
    const packet =
      way === 'out'
        ? arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, layer))
        : arrives('eth0', ip({ saddr: a.far, daddr: a.inside }, layer));
    return at === undefined ? packet : { ...packet, at: at[i]! };
  });
}

/** A whole TCP connection: handshake, a request, an answer, and the close. */
export function tcpSession(sport = 40000, dport = 80): (readonly ['out' | 'back', Layer])[] {
  const forth = (flags: string, seq: number, ack: number, payload = 0): readonly ['out', Layer] => [
    'out',
    tcp({ sport, dport, flags, seq, ack, payload: filler(payload) }),
  ];
  const back = (flags: string, seq: number, ack: number, payload = 0): readonly ['back', Layer] => [
    'back',
    tcp({ sport: dport, dport: sport, flags, seq, ack, payload: filler(payload) }),
  ];
  return [
    forth('S', 1000, 0),
    back('SA', 5000, 1001),
    forth('A', 1001, 5001),
    forth('PA', 1001, 5001, 100),
    back('A', 5001, 1101),
    back('PA', 5001, 1101, 500),
    forth('A', 1101, 5501),
    forth('FA', 1101, 5501),
    back('FA', 5501, 1102),
    forth('A', 1102, 5502),
  ];
}

/** Everything that gives a packet a state: sessions of all kinds, errors about them, and strays. */
export function statefulTraffic(family: Family): CasePacket[] {
  const a = addresses(family);
  const echo = (type: 'request' | 'reply', id: number) =>
    family === 4
      ? icmp({ type: type === 'request' ? 8 : 0, id, seq: 1 })
      : icmpv6({ type: type === 'request' ? 128 : 129, id, seq: 1 });
  const unreachable = (inner: Uint8Array) =>
    family === 4 ? icmpError({ type: 3, code: 3 }, inner) : icmpv6Error({ type: 1, code: 4 }, inner);
  const query = udp({ sport: 5000, dport: 53, payload: filler(20) });
  const answer = udp({ sport: 53, dport: 5000, payload: filler(50) });
  const sent = ip({ saddr: a.inside, daddr: a.far, ttl: 63 }, query);
  return [
    ...throughRouter(family, tcpSession()),
    ...throughRouter(family, [
      ['out', query],
      ['back', answer],
      ['out', query],
      ['back', unreachable(sent)],
      ['out', echo('request', 7)],
      ['back', echo('reply', 7)],
      // An answer that nobody asked for, and an error about nothing.
      ['back', echo('reply', 8)],
      ['back', unreachable(ip({ saddr: a.inside2, daddr: a.far }, query))],
      // A connection that is met in the middle, an impossible packet, a bad checksum.
      ['out', tcp({ sport: 41000, dport: 80, flags: 'PA', seq: 9, ack: 9, payload: filler(3) })],
      ['back', tcp({ sport: 80, dport: 42000, flags: 'SA', seq: 9, ack: 9 })],
      ['out', tcp({ sport: 43000, dport: 80, flags: 'SF' })],
      ['out', udp({ sport: 5001, dport: 53, checksum: 'bad' })],
    ]),
    arrives(
      'eth0',
      ip({ saddr: a.outside, daddr: a.self }, tcp({ sport: 1, dport: 22, flags: 'S', seq: 1 })),
    ),
    leaves(
      'eth0',
      ip({ saddr: a.self, daddr: a.outside }, tcp({ sport: 22, dport: 1, flags: 'SA', seq: 1, ack: 2 })),
    ),
    leaves('eth0', ip({ saddr: a.self, daddr: a.outside }, query)),
    leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, query)),
  ];
}

export const conntrackCases = (): Case[] => [
  ...matchCases({
    name: 'state',
    families: [4, 6],
    matches: [
      'NEW',
      'ESTABLISHED',
      'RELATED',
      'INVALID',
      'UNTRACKED',
      'NEW,ESTABLISHED',
      'RELATED,ESTABLISHED',
    ].map((state) => `-m state {!}--state ${state}`),
    packets: statefulTraffic,
    conntrack: true,
  }),
  ...matchCases({
    name: 'conntrack',
    families: [4, 6],
    matches: [
      '-m conntrack {!}--ctstate NEW',
      '-m conntrack {!}--ctstate ESTABLISHED',
      '-m conntrack {!}--ctstate RELATED',
      '-m conntrack {!}--ctstate INVALID',
      '-m conntrack {!}--ctstate UNTRACKED',
      '-m conntrack {!}--ctstate SNAT',
      '-m conntrack {!}--ctstate DNAT,NEW',
      '-m conntrack {!}--ctproto 6',
      '-m conntrack {!}--ctproto udp',
      (family) => `-m conntrack {!}--ctorigsrc ${family === 4 ? '10.0.0.0/24' : '2001:db8:1::/64'}`,
      (family) => `-m conntrack {!}--ctorigdst ${family === 4 ? '198.51.100.7' : '2001:db8:f::7'}`,
      (family) => `-m conntrack {!}--ctreplsrc ${family === 4 ? '198.51.100.7' : '2001:db8:f::7'}`,
      (family) => `-m conntrack {!}--ctrepldst ${family === 4 ? '10.0.0.9/32' : '2001:db8:1::9'}`,
      '-m conntrack {!}--ctorigsrcport 40000',
      '-m conntrack {!}--ctorigsrcport 5000:40000',
      '-m conntrack {!}--ctorigdstport 80',
      '-m conntrack {!}--ctreplsrcport 53:80',
      '-m conntrack {!}--ctrepldstport 40000',
      '-m conntrack {!}--ctstatus NONE',
      '-m conntrack {!}--ctstatus SEEN_REPLY',
      '-m conntrack {!}--ctstatus ASSURED',
      '-m conntrack {!}--ctstatus CONFIRMED',
      '-m conntrack {!}--ctstatus EXPECTED',
      '-m conntrack {!}--ctstatus ASSURED,SEEN_REPLY',
      '-m conntrack {!}--ctexpire 0:60',
      '-m conntrack {!}--ctexpire 100:500000',
      '-m conntrack --ctdir ORIGINAL',
      '-m conntrack --ctdir REPLY',
      '-m conntrack {!}--ctstate ESTABLISHED --ctdir REPLY --ctproto tcp',
      // A mask with holes is not what it says: these senders differ from the packets' where it has one.
      (family) =>
        `-m conntrack {!}--ctorigsrc ${family === 4 ? '10.7.0.9/255.0.255.255' : '2001:db8:7::9/ffff:ffff:0:ffff:ffff:ffff:ffff:ffff'}`,
    ],
    packets: statefulTraffic,
    conntrack: true,
  }),
  ...matchCases({
    name: 'connmark',
    families: [4, 6],
    matches: ['0', '1', '0x10/0xf0', '0xffffffff', '2/2'].map((mark) => `-m connmark {!}--mark ${mark}`),
    before: () =>
      table(
        'raw',
        'PREROUTING -p udp -m udp --sport 5001 -j CT --notrack',
        'OUTPUT -p udp -m udp --sport 5001 -j CT --notrack',
      ) +
      table(
        'nat',
        'PREROUTING -p tcp -j CONNMARK --set-mark 1',
        'PREROUTING -p udp -j CONNMARK --set-mark 0x12',
      ),
    packets: statefulTraffic,
    conntrack: true,
  }),
  ...matchCases({
    name: 'connbytes',
    families: [4, 6],
    matches: [
      '-m connbytes {!}--connbytes 2:4 --connbytes-mode packets --connbytes-dir both',
      '-m connbytes {!}--connbytes 2: --connbytes-mode packets --connbytes-dir original',
      '-m connbytes {!}--connbytes 100:600 --connbytes-mode bytes --connbytes-dir reply',
      '-m connbytes {!}--connbytes 60: --connbytes-mode avgpkt --connbytes-dir both',
    ],
    packets: statefulTraffic,
    conntrack: true,
    more: { host: withAccounting() },
  }),
];

function withAccounting() {
  // The match counts only what was counted: it turns accounting on, but for connections that begin later.
  const { host } = onRouter('', {}, []);
  return { ...host, sysctls: { 'net.netfilter.nf_conntrack_acct': 1 } };
}

/** n packets at these seconds, to the host. */
function paced(
  family: Family,
  times: readonly number[],
  layer: (i: number) => Layer,
  saddr?: (i: number) => string,
) {
  const a = addresses(family);
  return times.map((at, i) =>
    arrives('eth0', ip({ saddr: saddr?.(i) ?? a.outside, daddr: a.self }, layer(i)), { at }),
  );
}

const every = (gap: number, count: number) =>
  Array.from({ length: count }, (_, i) => Number((i * gap).toFixed(3)));
const datagram = () => udp({ sport: 1024, dport: 53 });
const input = (...rules: string[]) => table('filter', ...rules.map((rule) => `INPUT ${rule}`));

/**
 * Times lie well clear of the moments at which a token falls due, so that a busy machine gives the same answer:
 * the kernel counts in ticks of 4 ms, and the pace is kept to about one.
 */
export const limitCases = (): Case[] => {
  const cases: Case[] = [];
  const times = [...every(0, 8), 0.15, 0.35, 0.351, 0.55, 0.95, 0.951, 0.952, 0.953];
  for (const [rate, burst] of [
    ['10/sec', 1],
    ['10/sec', 2],
    ['10/sec', 5],
    ['5/sec', 3],
    ['1/sec', 5],
    ['100/minute', 3],
    ['1/hour', 1],
    ['1/day', 1],
    // The kernel refuses what its 32-bit credits cannot hold.
    ['1/day', 4],
  ] as const) {
    for (const family of [4, 6] as const) {
      const rules = input(`-m limit --limit ${rate} --limit-burst ${burst} -j ACCEPT`, '-j DROP');
      cases.push(
        onRouter(
          `limit/${rate}/${burst}/${family}`,
          family === 4 ? { v4: rules } : { v6: rules },
          paced(family, times, datagram),
        ),
      );
    }
  }
  cases.push(
    onRouter(
      'limit/default-burst-at-once',
      { v4: input('-m limit', '-m limit --limit 3/hour', '-m limit --limit 1/sec --limit-burst 7') },
      Array.from({ length: 20 }, () =>
        arrives('eth0', ip({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, datagram())),
      ),
    ),
    onRouter(
      // Two rules have two buckets, one rule has one for everybody who meets it.
      'limit/bucket-per-rule',
      {
        v4: table(
          'filter',
          'INPUT -j limited',
          'INPUT -p udp -j limited',
          'limited -m limit --limit 1/min --limit-burst 3 -j ACCEPT',
          'INPUT -m limit --limit 1/min --limit-burst 3 -j ACCEPT',
        ),
      },
      Array.from({ length: 9 }, () =>
        arrives('eth0', ip({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, datagram())),
      ),
    ),
  );
  return cases;
};

export const hashlimitCases = (): Case[] => {
  const cases: Case[] = [];
  const times = [...every(0, 9), 0.15, 0.151, 0.35, 0.351, 0.352, 0.95, 0.951, 0.952];
  const sources = (family: Family) => (i: number) =>
    family === 4 ? `192.0.2.${9 + (i % 3)}` : `2001:db8::${(9 + (i % 3)).toString(16)}`;
  for (const words of [
    '--hashlimit-upto 10/sec --hashlimit-burst 1 --hashlimit-mode srcip',
    '--hashlimit-above 10/sec --hashlimit-burst 1 --hashlimit-mode srcip',
    '--hashlimit-upto 5/sec --hashlimit-burst 2 --hashlimit-mode srcip,dstport',
    '--hashlimit-upto 5/sec --hashlimit-burst 2 --hashlimit-mode srcport',
    '--hashlimit-upto 5/sec --hashlimit-burst 2 --hashlimit-mode dstip',
    '--hashlimit-upto 1/min --hashlimit-mode srcip',
    '--hashlimit-upto 1/min --hashlimit-burst 3',
    '--hashlimit-upto 100/day --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-srcmask 24',
    '--hashlimit-upto 1000b/s --hashlimit-mode srcip',
    '--hashlimit-above 200b/s --hashlimit-burst 300b --hashlimit-mode srcip',
    '--hashlimit-upto 10/sec --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-htable-expire 100',
    '--hashlimit-upto 10/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-rate-match --hashlimit-rate-interval 1',
  ]) {
    for (const family of [4, 6] as const) {
      const rules = input(`-m hashlimit ${words} --hashlimit-name h -j ACCEPT`, '-j DROP');
      cases.push(
        onRouter(
          `hashlimit/${words.replaceAll('--hashlimit-', '').replaceAll(' ', '-')}/${family}`,
          family === 4 ? { v4: rules } : { v6: rules },
          paced(family, times, (i) => udp({ sport: 1000 + (i % 2), dport: 53 + (i % 2) }), sources(family)),
        ),
      );
    }
  }
  cases.push(
    onRouter(
      // Tables are shared by name when their settings are the same.
      'hashlimit/shared-table',
      {
        v4: input(
          '-p udp --dport 53 -m hashlimit --hashlimit-upto 1/min --hashlimit-burst 4 --hashlimit-mode srcip --hashlimit-name h',
          '-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 4 --hashlimit-mode srcip --hashlimit-name h',
        ),
      },
      Array.from({ length: 8 }, (_, i) =>
        arrives(
          'eth0',
          ip({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, udp({ sport: 1, dport: 53 + (i & 1) })),
        ),
      ),
    ),
  );
  return cases;
};

const knock = (saddr: string, dport: number, at?: number): CasePacket =>
  arrives(
    'eth0',
    ip({ saddr, daddr: saddr.includes(':') ? '2001:db8::1' : '192.0.2.1' }, udp({ sport: 1, dport })),
    at === undefined ? {} : { at },
  );

/** A list is one for both families: the mask of the rule that was loaded first, a hundred addresses in all. */
export const recentFamilyCases = (): Case[] => {
  const forms = { 'no-mask': '', mask: ' --mask 255.255.0.0', 'whole-mask': ' --mask 255.255.255.255' };
  const words = (mask: string) =>
    input(`-p udp --dport 1 -m recent --set${mask}`, `-p udp --dport 2 -m recent --rcheck${mask}`);
  return [
    ...Object.entries(forms).map(([name, mask]) =>
      onRouter(`recent/both-families/${name}`, { v4: words(mask), v6: words('') }, [
        knock('2001:db8::9', 1),
        ...['2001:db8::9', '2001:db8:1::a', '2001:db9::9', '2002::9', '192.0.2.9'].map((a) => knock(a, 2)),
        knock('192.0.2.9', 1),
        ...['192.0.2.9', '192.0.9.9', '2001:db8::9'].map((a) => knock(a, 2)),
      ]),
    ),
    onRouter('recent/both-families/full', { v4: words(''), v6: words('') }, [
      knock('2001:db8::9', 1),
      knock('2001:db8::a', 1),
      ...Array.from({ length: 99 }, (_, i) => knock(`192.0.2.${i + 10}`, 1)),
      ...['2001:db8::9', '2001:db8::a', '192.0.2.10'].map((a) => knock(a, 2)),
    ]),
  ];
};

export const recentCases = (): Case[] => {
  const pair: [Family, (n: number) => string][] = [
    [4, (n) => `192.0.2.${n}`],
    [6, (n) => `2001:db8::${n.toString(16)}`],
  ];
  return pair.flatMap(([family, from]) => {
    const rules = (...words: string[]) => (family === 4 ? { v4: input(...words) } : { v6: input(...words) });
    const case_ = (name: string, words: string[], packets: CasePacket[]) =>
      onRouter(`recent/${name}/${family}`, rules(...words), packets);
    return [
      case_(
        'set-rcheck',
        [
          '-p udp --dport 1 -m recent --set',
          '-p udp --dport 2 -m recent --rcheck -j ACCEPT',
          '-p udp --dport 2 -m recent ! --rcheck',
        ],
        [knock(from(9), 2), knock(from(9), 1), knock(from(9), 2), knock(from(10), 2)],
      ),
      case_(
        'set-negated',
        ['-p udp --dport 1 -m recent ! --set', '-m recent --rcheck'],
        [knock(from(9), 1), knock(from(9), 2), knock(from(10), 1)],
      ),
      case_(
        'update-hitcount',
        ['-m recent --name h --update --hitcount 3 --seconds 60 -j DROP', '-m recent --name h --set'],
        Array.from({ length: 8 }, (_, i) => knock(from(9 + (i & 1)), 1)),
      ),
      case_(
        'rcheck-seconds',
        ['-p udp --dport 1 -m recent --set', '-p udp --dport 2 -m recent --rcheck --seconds 1'],
        [knock(from(9), 1, 0), knock(from(9), 2, 0.3), knock(from(9), 2, 0.7), knock(from(9), 2, 2.4)],
      ),
      case_(
        'remove',
        [
          '-p udp --dport 1 -m recent --set',
          '-p udp --dport 2 -m recent --remove',
          '-p udp --dport 3 -m recent --rcheck',
          '-p udp --dport 2 -m recent ! --remove',
        ],
        [knock(from(9), 2), knock(from(9), 1), knock(from(9), 3), knock(from(9), 2), knock(from(9), 3)],
      ),
      case_(
        'rdest',
        [
          '-p udp --dport 1 -m recent --set --rdest',
          '-m recent --rcheck --rsource',
          '-m recent --rcheck --rdest',
        ],
        [knock(from(9), 1), knock(from(10), 2)],
      ),
      case_(
        'rttl',
        ['-p udp --dport 1 -m recent --set', '-p udp --dport 2 -m recent --rcheck --rttl'],
        [
          arrives('eth0', ip({ saddr: from(9), daddr: from(1), ttl: 50 }, udp({ sport: 1, dport: 1 }))),
          arrives('eth0', ip({ saddr: from(9), daddr: from(1), ttl: 50 }, udp({ sport: 1, dport: 2 }))),
          arrives('eth0', ip({ saddr: from(9), daddr: from(1), ttl: 51 }, udp({ sport: 1, dport: 2 }))),
        ],
      ),
      case_(
        'mask',
        [
          `-p udp --dport 1 -m recent --set --mask ${family === 4 ? '255.255.255.0' : 'ffff:ffff::'}`,
          `-m recent --rcheck --mask ${family === 4 ? '255.255.255.0' : 'ffff:ffff::'}`,
        ],
        [knock(from(9), 1), knock(from(10), 2)],
      ),
      case_(
        // Twenty stamps an address: what falls out of the ring no longer counts.
        'ring',
        [
          '-m recent --name r --set',
          '-m recent --name r --rcheck --hitcount 20',
          '-m recent --name r --rcheck --hitcount 21 -j DROP',
        ].slice(0, 2),
        Array.from({ length: 25 }, () => knock(from(9), 1)),
      ),
      case_(
        // A hundred addresses a list: the one not seen for longest goes.
        'list-full',
        ['-p udp --dport 1 -m recent --set', '-p udp --dport 2 -m recent --rcheck'],
        [
          ...Array.from({ length: 101 }, (_, i) => knock(from(i + 10), 1)),
          knock(from(10), 2),
          knock(from(11), 2),
        ],
      ),
    ];
  });
};

export const connlimitCases = (): Case[] => {
  const syn = (saddr: string, sport: number, daddr = saddr.includes(':') ? '2001:db8::1' : '192.0.2.1') =>
    arrives('eth0', ip({ saddr, daddr }, tcp({ sport, dport: 80, flags: 'S', seq: 1 })));
  const rst = (saddr: string, sport: number) =>
    arrives(
      'eth0',
      ip(
        { saddr, daddr: saddr.includes(':') ? '2001:db8::1' : '192.0.2.1' },
        tcp({ sport, dport: 80, flags: 'R', seq: 2 }),
      ),
    );
  return ([4, 6] as const).flatMap((family) => {
    const from = (n: number) => (family === 4 ? `192.0.2.${n}` : `2001:db8::${n.toString(16)}`);
    const packets = [
      ...[1, 2, 3, 4, 5].map((port) => syn(from(9), port)),
      ...[1, 2, 3, 4, 5].map((port) => syn(from(10), port)),
      syn(from(9), 1),
      rst(from(9), 1),
      syn(from(9), 6),
      // Closed connections are noticed once in a tick of the kernel's clock: one packet for each tick.
    ].map((packet, i) => ({ ...packet, at: i * 0.025 }));
    return [
      '-p tcp --syn -m connlimit --connlimit-above 2 -j DROP',
      '-p tcp --syn -m connlimit --connlimit-upto 2 -j ACCEPT',
      '-p tcp -m connlimit --connlimit-above 3',
      `-p tcp --syn -m connlimit --connlimit-above 6 --connlimit-mask ${family === 4 ? 24 : 64} -j DROP`,
      '-p tcp --syn -m connlimit --connlimit-above 3 --connlimit-mask 0 -j DROP',
      '-p tcp --syn -m connlimit --connlimit-above 3 --connlimit-daddr -j DROP',
      '-p tcp -m connlimit --connlimit-upto 0',
    ].map((rule, i) =>
      onRouter(
        `connlimit/${i}/${family}`,
        family === 4 ? { v4: input(rule, '-p tcp') } : { v6: input(rule, '-p tcp') },
        packets,
      ),
    );
  });
};

export const quotaCases = (): Case[] =>
  ([4, 6] as const).map((family) => {
    const rules = input(
      '-m quota --quota 200',
      '-m quota ! --quota 200',
      '-m quota --quota 0',
      '-m quota --quota 1 -j DROP',
    );
    const a = addresses(family);
    const packets = [10, 20, 30, 40, 1, 1, 1].map((size) =>
      arrives(
        'eth0',
        ip({ saddr: a.outside, daddr: a.self }, udp({ sport: 1, dport: 2, payload: filler(size) })),
      ),
    );
    return onRouter(`quota/${family}`, family === 4 ? { v4: rules } : { v6: rules }, packets);
  });

/** Which tables and chains an expectation of the state can stand in: all of them, and raw knows no state yet. */
export const rawStateCases = (): Case[] => [
  onRouter(
    'state/in-every-table',
    {
      v4: (['raw', 'mangle', 'nat', 'filter', 'security'] as const)
        .map((name) =>
          table(
            name,
            ...CHAINS[name].flatMap((chain) =>
              ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'].map(
                (state) => `${chain} -m conntrack --ctstate ${state}`,
              ),
            ),
          ),
        )
        .join(''),
    },
    statefulTraffic(4),
  ),
];
