/**
 * Fragments, from a table: every order and every fault of the fragments of a packet, put together by the kernel's
 * defragmentation or passed on by themselves; and what each match makes of a later fragment, which shows no
 * transport header.
 */

import type { Case, CasePacket, Host } from '../judge.ts';
import {
  type Bytes,
  concat,
  destinationOptions,
  filler,
  fragmentHeader,
  hopByHop,
  icmp,
  icmpv6,
  ip,
  ipv4,
  ipv6,
  raw,
  tcp,
  tcpOption,
  udp,
} from '../packets.ts';
import { addresses, arrives, type Family, matchCases, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';

/** One fragment: where its data lies in the packet, and what its header says otherwise than the others'. */
interface Piece {
  readonly from: number;
  /** The end of the data; the fragment is as long as that says even where the packet ends before. */
  readonly to: number;
  readonly more?: boolean;
  readonly tos?: number;
  readonly ttl?: number;
  readonly df?: boolean;
  readonly id?: number;
  readonly protocol?: number;
  /** IPv4 options, or for IPv6 destination options in front of the fragment header. */
  readonly options?: boolean;
  readonly saddr?: string;
  readonly at?: number;
  readonly iface?: string;
}

/** The packet that is cut: a datagram of 96 bytes, header and all, to DNS. */
const WHOLE_BYTES = 96;

interface Way {
  readonly iface: string;
  readonly saddr: string;
  readonly daddr: string;
}

function ways(family: Family): readonly Way[] {
  const a = addresses(family);
  return [
    { iface: 'eth0', saddr: a.outside, daddr: a.self },
    { iface: 'eth1', saddr: a.inside, daddr: a.far },
  ];
}

function content(family: Family, way: Way, bytes = WHOLE_BYTES): Bytes {
  const whole = ip(way, udp({ sport: 1024, dport: 53, payload: filler(bytes - 8) }));
  return whole.subarray(family === 4 ? 20 : 40);
}

function cut(family: Family, way: Way, data: Bytes, piece: Piece, fallbackId: number): CasePacket {
  const part = new Uint8Array(piece.to - piece.from);
  part.set(data.subarray(piece.from, piece.to));
  const { more = piece.to < data.length, tos = 0, ttl = 64, id = fallbackId, protocol = 17, at } = piece;
  const { saddr, daddr } = { ...way, ...(piece.saddr === undefined ? {} : { saddr: piece.saddr }) };
  const body = raw(protocol, part);
  const bytes =
    family === 4
      ? ipv4(
          {
            saddr,
            daddr,
            ttl,
            tos,
            id,
            mf: more,
            df: piece.df ?? false,
            fragmentOffset: piece.from,
            ...(piece.options === true ? { options: Uint8Array.of(1, 1, 1, 1) } : {}),
          },
          body,
        )
      : ipv6(
          { saddr, daddr, hopLimit: ttl, trafficClass: tos },
          (piece.options === true ? destinationOptions : same)(
            fragmentHeader(body, { id, offset: piece.from, more }),
          ),
        );
  return arrives(piece.iface ?? way.iface, bytes, at === undefined ? {} : { at });
}

const same = <T>(layer: T): T => layer;

const A: Piece = { from: 0, to: 32 };
const B: Piece = { from: 32, to: 64 };
const C: Piece = { from: 64, to: 96 };
const Y: Piece = { from: 0, to: 64 };

const with_ = (piece: Piece, more: Partial<Piece>): Piece => ({ ...piece, ...more });
const ecn = (piece: Piece, tos: number) => with_(piece, { tos });

/** Names of mixes, and the fragments in the order in which they arrive. */
const MIXES: Readonly<Record<string, readonly Piece[]>> = {
  'order/ABC': [A, B, C],
  'order/ACB': [A, C, B],
  'order/BAC': [B, A, C],
  'order/BCA': [B, C, A],
  'order/CAB': [C, A, B],
  'order/CBA': [C, B, A],
  'duplicate/first': [A, A, B, C],
  'duplicate/last': [C, C, A, B],
  'duplicate/between': [A, B, A, C],
  'duplicate/after': [A, B, C, B],
  'duplicate/all-after': [A, B, C, A, B, C],
  'duplicate/part-of-the-first': [A, B, { from: 8, to: 24, more: true }, C],
  'duplicate/part-of-the-tail': [B, C, { from: 40, to: 48, more: true }, A],
  'duplicate/spans-two-of-one-run': [A, B, { from: 16, to: 48, more: true }, C],
  'duplicate/spans-two-runs': [B, A, { from: 16, to: 48, more: true }, C],
  'duplicate/other-bytes': [A, with_(A, { tos: 0x20 }), B, C],
  'overlap/head': [A, { from: 24, to: 64 }, C],
  'overlap/tail': [B, { from: 0, to: 40 }, C],
  'overlap/covers': [B, { from: 24, to: 72 }, A, C],
  'overlap/then-again': [A, { from: 24, to: 64 }, A, B, C],
  'overlap/by-the-last': [A, B, { from: 56, to: 96 }, C],
  'overlap/one-byte': [A, B, { from: 56, to: 96 }],
  'hole/middle': [A, C],
  'hole/first': [B, C],
  'hole/last': [A, B],
  'hole/filled-by-two': [A, C, { from: 32, to: 48, more: true }, { from: 48, to: 64, more: true }],
  'end/two-lasts-agree': [A, C, C, B],
  'end/two-lasts-differ': [A, C, { from: 64, to: 88, more: false }, B],
  'end/last-before-known': [A, B, { from: 32, to: 56, more: false }, C],
  'end/beyond-the-last': [A, with_(B, { more: false }), C],
  'end/more-beyond-the-last': [
    A,
    with_(B, { more: false }),
    with_(C, { more: true }),
    { from: 96, to: 104, more: false },
  ],
  'end/empty-last': [A, B, with_(C, { more: true }), { from: 96, to: 96, more: false }],
  'end/empty-first': [{ from: 0, to: 0, more: true }, A, B, C],
  'end/only-one-with-offset': [{ from: 8, to: 96, more: false }],
  'odd/last': [A, B, { from: 64, to: 93 }],
  'odd/middle': [A, { from: 32, to: 61, more: true }, C],
  'odd/middle-made-good': [A, { from: 32, to: 61, more: true }, { from: 56, to: 64, more: true }, C],
  'odd/first': [{ from: 0, to: 29, more: true }, { from: 24, to: 64 }, C],
  'odd/below-eight': [{ from: 0, to: 7, more: true }, A, B, C],
  'odd/transport-header-in-the-second': [{ from: 0, to: 8, more: true }, { from: 8, to: 64 }, C],
  'odd/many': Array.from({ length: 12 }, (_, i) => ({ from: 8 * i, to: 8 * i + 8 })),
  'odd/many-backwards': Array.from({ length: 12 }, (_, i) => ({ from: 88 - 8 * i, to: 96 - 8 * i })),
  'atomic/alone': [{ from: 0, to: 96 }],
  'atomic/beside-a-train-of-its-id': [A, { from: 0, to: 96 }, B, C],
  'atomic/twice': [
    { from: 0, to: 96 },
    { from: 0, to: 96 },
  ],
  'fields/tos-of-the-first': [ecn(A, 0x10), ecn(B, 0x20), ecn(C, 0x40)],
  'fields/ttl-of-the-first': [with_(C, { ttl: 9 }), with_(A, { ttl: 30 }), with_(B, { ttl: 80 })],
  'fields/ttl-of-a-later-one-is-1': [A, with_(B, { ttl: 1 }), C],
  'fields/df-of-all': [with_(A, { df: true }), with_(B, { df: true }), with_(C, { df: true })],
  'fields/df-of-one': [A, with_(B, { df: true }), C],
  'fields/df-of-the-largest': [with_(Y, { df: true }), C],
  'fields/options-of-the-first': [with_(A, { options: true }), B, C],
  'fields/options-of-a-later-one': [A, with_(B, { options: true }), C],
  'fields/options-of-all': [
    with_(A, { options: true }),
    with_(B, { options: true }),
    with_(C, { options: true }),
  ],
  'key/other-id': [A, with_(B, { id: 99 }), C, B],
  'key/other-protocol': [A, with_(B, { protocol: 6 }), C, B],
  'key/other-interface': [A, with_(B, { iface: 'eth1' }), C],
  ...Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [
      `ecn/${i & 3}-${i >> 2}`,
      [ecn(A, i & 3), ecn(B, i >> 2), ecn(C, i & 3)] as const,
    ]),
  ),
  'ecn/1-2-3': [ecn(A, 1), ecn(B, 2), ecn(C, 3)],
  'ecn/dscp-stays': [ecn(A, 0x2a), ecn(B, 0x13), ecn(C, 0x42)],
};

/** Rules that see what became of the packet: its length and fields, and whether it is a fragment. */
function looks(family: Family, ...before: readonly string[]): string {
  const chains = ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'];
  const rules = (chain: string) => [
    `${chain} -p udp`,
    `${chain} -p udp -m udp --dport 53`,
    `${chain} -m length --length ${WHOLE_BYTES + (family === 4 ? 20 : 40)}`,
    `${chain} -m ecn --ecn-ip-ect 3`,
    `${chain} -m tos --tos 0x10/0xfc`,
    ...(family === 4
      ? [`${chain} -f`, `${chain} -m ttl --ttl-eq 30`, `${chain} -m u32 --u32 "6&0xFFFF=0x4000"`]
      : [
          `${chain} -m frag --fragmore`,
          `${chain} -m hl --hl-eq 30`,
          `${chain} -m ipv6header --header frag --soft`,
        ]),
  ];
  return before.join('') + table('mangle', ...chains.flatMap(rules));
}

const TRACKED = table('filter', 'INPUT -m conntrack --ctstate NEW', 'FORWARD -m conntrack --ctstate NEW');
const UNTRACKED = table('raw', 'PREROUTING -j CT --notrack');

function mixCases(): Case[] {
  const cases: Case[] = [];
  for (const family of [4, 6] as const) {
    for (const [name, pieces] of Object.entries(MIXES)) {
      const packets = ways(family).flatMap((way, number) =>
        pieces.map((piece) => cut(family, way, content(family, way), piece, 50 + number)),
      );
      for (const [how, before] of [
        ['tracked', [TRACKED]],
        ['plain', []],
      ] as const) {
        // IPv4's local delivery puts them together all the same, by the same means.
        if (
          how === 'plain' &&
          (family === 6 || name.startsWith('ecn/')) &&
          /^(ecn|end|hole|overlap)/.test(name)
        )
          continue;
        const dump = looks(family, ...before);
        cases.push(
          onRouter(`fragment/${name}/${how}/${family}`, family === 4 ? { v4: dump } : { v6: dump }, packets, {
            conntrack: how === 'tracked',
          }),
        );
      }
    }
  }
  return cases;
}

/** What switches defragmentation on and off; the other family is no matter. */
function switchCases(): Case[] {
  return ([4, 6] as const).flatMap((family) => {
    const pieces = ways(family).flatMap((way, number) =>
      [C, A, B].map((piece) => cut(family, way, content(family, way), piece, 70 + number)),
    );
    const other = table('filter', 'INPUT -m conntrack --ctstate NEW');
    const both = (own: string, foreign?: string) =>
      family === 4
        ? { v4: own, ...(foreign === undefined ? {} : { v6: foreign }) }
        : { v6: own, ...(foreign === undefined ? {} : { v4: foreign }) };
    return Object.entries({
      'notrack-with-a-state-match': both(looks(family, UNTRACKED, TRACKED)),
      'notrack-alone': both(looks(family, UNTRACKED)),
      'conntrack-in-the-other-family-only': both(looks(family), other),
      'defrag-by-socket': both(
        looks(family).replace('COMMIT', '-A PREROUTING -m socket --nowildcard\nCOMMIT'),
      ),
      'nat-table-without-rules': both(looks(family, table('nat'))),
    }).map(([name, rules]) => onRouter(`fragment-switch/${name}/${family}`, rules, pieces));
  });
}

/** Sizes about 64 KiB, and packets of other protocols. */
function sizeCases(): Case[] {
  return ([4, 6] as const).flatMap((family) => {
    const header = family === 4 ? 20 : 40;
    const large = (bytes: number, step: number) =>
      ways(family).flatMap((way, number) => {
        const data = content(family, way, bytes);
        return Array.from({ length: Math.ceil(bytes / step) }, (_, i) =>
          cut(family, way, data, { from: i * step, to: Math.min(bytes, (i + 1) * step) }, 80 + number),
        );
      });
    // The largest payload of the family.
    const most = family === 4 ? 65535 - header : 65535;
    // What the last fragment claims beyond it; its checksum is no matter then.
    const beyond = (bytes: number) =>
      ways(family).flatMap((way, number) => {
        const data = content(family, way, most);
        const step = 32_752;
        return [
          cut(family, way, data, { from: 0, to: step, more: true }, 82 + number),
          cut(family, way, data, { from: step, to: 2 * step, more: true }, 82 + number),
          cut(family, way, data, { from: 2 * step, to: bytes, more: false }, 82 + number),
        ];
      });
    const echo = ways(family).flatMap((way, number) => {
      const layer =
        family === 4 ? icmp({ type: 8, payload: filler(90) }) : icmpv6({ type: 128, payload: filler(90) });
      const data = ip(way, layer).subarray(header);
      return [0, 32, 64].map((from) =>
        cut(
          family,
          way,
          data,
          { from, to: Math.min(data.length, from + 32), protocol: family === 4 ? 1 : 58 },
          84 + number,
        ),
      );
    });
    const hops = ways(family).flatMap((way, number) => {
      const data = content(family, way);
      return [A, B, C].map(({ from, to }) =>
        family === 4
          ? cut(family, way, data, { from, to }, 86 + number)
          : arrives(
              way.iface,
              ipv6(
                way,
                hopByHop(
                  fragmentHeader(raw(17, data.subarray(from, to)), {
                    id: 86 + number,
                    offset: from,
                    more: to < 96,
                  }),
                ),
              ),
            ),
      );
    });
    return Object.entries({
      'two-kilobytes': large(2000, 1480),
      'sixty-kilobytes': large(60_000, 1480),
      'the-most': large(most, 32_752),
      'one-more': beyond(most + 1),
      'eight-more': beyond(most + 8),
      echo,
      'hop-by-hop': hops,
    }).flatMap(([name, packets]) =>
      [
        ['tracked', [TRACKED]],
        ['plain', []],
      ].map(([how, before]) => {
        const dump = looks(family, ...(before as string[]));
        return onRouter(
          `fragment-size/${name}/${how as string}/${family}`,
          family === 4 ? { v4: dump } : { v6: dump },
          packets,
          { conntrack: how === 'tracked' },
        );
      }),
    );
  });
}

/** Forwarded by an interface with an MTU of 1280: what counts is the largest of the fragments, not the whole. */
function mtuCases(): Case[] {
  const host: Host = { ...ROUTER, interfaces: [{ name: 'eth0', mtu: 1280 }, { name: 'eth1' }] };
  const trains: Readonly<Record<string, readonly Piece[]>> = {
    small: [0, 1200, 2400].map((from) => ({ from, to: Math.min(3000, from + 1200) })),
    large: [0, 1400, 2800].map((from) => ({ from, to: Math.min(3000, from + 1400) })),
    'one-large': [
      { from: 0, to: 1000 },
      { from: 1000, to: 2400 },
      { from: 2400, to: 3000 },
    ],
    'whole-fits': [
      { from: 0, to: 600 },
      { from: 600, to: 1200 },
    ],
    // Header and all exactly the MTU, and eight bytes more.
    exact: [0, 1232, 2464].map((from) => ({ from, to: Math.min(3000, from + 1232) })),
    'eight-more': [0, 1240, 2480].map((from) => ({ from, to: Math.min(3000, from + 1240) })),
    'twenty-more': [0, 1264, 2528].map((from) => ({ from, to: Math.min(3000, from + 1264) })),
  };
  return ([4, 6] as const).flatMap((family) =>
    Object.entries(trains).flatMap(([name, pieces]) =>
      ([[], [0], [1], [0, 1, 2]] as const).flatMap((withDf) => {
        if (family === 6 && withDf.length > 0) return [];
        const [, outwards] = ways(family);
        const data = content(family, outwards!, pieces.at(-1)!.to);
        const packets = pieces.map((piece, i) =>
          cut(family, outwards!, data, with_(piece, { df: (withDf as readonly number[]).includes(i) }), 60),
        );
        const dump = looks(family, TRACKED);
        const id = `fragment-mtu/${name}${withDf.length === 0 ? '' : `/df-${withDf.join('')}`}/${family}`;
        return [onRouter(id, family === 4 ? { v4: dump } : { v6: dump }, packets, { host })];
      }),
    ),
  );
}

/** A packet that is complete in time, and one that is not; moments far from any edge and the clock's grain. */
function timeCases(): Case[] {
  const moments: Readonly<Record<string, readonly (readonly [Piece, number])[]>> = {
    'in-time': [
      [A, 0],
      [B, 0.4],
      [C, 0.7],
    ],
    'too-late': [
      [A, 0],
      [B, 0.4],
      [C, 1.4],
    ],
    'begun-anew': [
      [A, 0],
      [B, 1.4],
      [C, 1.6],
      [A, 1.9],
    ],
    'not-prolonged-by-a-later-one': [
      [A, 0],
      [B, 0.7],
      [C, 1.4],
    ],
    'late-duplicate-begins-another': [
      [A, 0],
      [B, 0.2],
      [C, 0.4],
      [B, 0.5],
      [A, 0.7],
      [C, 1.2],
    ],
  };
  return ([4, 6] as const).flatMap((family) => {
    const host: Host = {
      ...ROUTER,
      sysctls:
        family === 4 ? { 'net.ipv4.ipfrag_time': 1 } : { 'net.netfilter.nf_conntrack_frag6_timeout': 1 },
    };
    return Object.entries(moments).map(([name, times]) => {
      const [inwards] = ways(family);
      const packets = times.map(([piece, at]) =>
        cut(family, inwards!, content(family, inwards!), with_(piece, { at }), 90),
      );
      const dump = looks(family, TRACKED);
      return onRouter(
        `fragment-time/${name}/${family}`,
        family === 4 ? { v4: dump } : { v6: dump },
        packets,
        {
          host,
          conntrack: false,
        },
      );
    });
  });
}

/** Limits of memory, and IPv4's limit of the distance between two fragments of a packet. */
function limitCases(): Case[] {
  const cases: Case[] = [];
  for (const family of [4, 6] as const) {
    const prefix = family === 4 ? 'net.ipv4.ipfrag_' : 'net.netfilter.nf_conntrack_frag6_';
    const [inwards] = ways(family);
    const data = content(family, inwards!);
    const piece = (of: Piece, id: number) => cut(family, inwards!, data, of, id);
    const flood = (count: number) => Array.from({ length: count }, (_, i) => piece(A, 1000 + i));
    // Nothing fits, not even the second fragment; or room for far fewer or far more than there are.
    for (const [name, high, packets] of [
      ['none', 0, [A, B, C].map((one) => piece(one, 7))],
      ['one-fragment', 1, [A, B, C, A, B, C].map((one) => piece(one, 7))],
      ['room-for-few', 20_000, [...flood(100), ...[A, B, C].map((one) => piece(one, 7))]],
      ['room-for-all', 400_000, [...flood(100), ...[A, B, C].map((one) => piece(one, 7))]],
      [
        'the-complete-are-given-back',
        20_000,
        Array.from({ length: 100 }, (_, i) => [A, B, C].map((one) => piece(one, 3000 + i))).flat(),
      ],
      [
        'the-void-are-given-back',
        20_000,
        Array.from({ length: 100 }, (_, i) =>
          [A, { from: 24, to: 64 }, B].map((one) => piece(one, 3000 + (i % 50))),
        )
          .flat()
          .concat([A, B, C].map((one) => piece(one, 7))),
      ],
    ] as const) {
      const dump = looks(family, TRACKED);
      cases.push(
        onRouter(`fragment-memory/${name}/${family}`, family === 4 ? { v4: dump } : { v6: dump }, packets, {
          host: { ...ROUTER, sysctls: { [`${prefix}low_thresh`]: 0, [`${prefix}high_thresh`]: high } },
          conntrack: false,
        }),
      );
    }
  }
  const [inwards] = ways(4);
  const data = content(4, inwards!);
  const piece = (of: Piece, id: number, saddr?: string) =>
    cut(4, inwards!, data, { ...of, ...(saddr === undefined ? {} : { saddr }) }, id);
  const between = (count: number, saddr?: string) =>
    Array.from({ length: count }, (_, i) => piece(A, 2000 + i, saddr));
  for (const [name, distance, packets] of [
    ['63', undefined, [piece(A, 7), ...between(63), piece(B, 7), piece(C, 7)]],
    ['64', undefined, [piece(A, 7), ...between(64), piece(B, 7), piece(C, 7)]],
    [
      '64-then-the-first-again',
      undefined,
      [piece(A, 7), ...between(64), piece(B, 7), piece(C, 7), piece(A, 7)],
    ],
    ['64-of-another', undefined, [piece(A, 7), ...between(64, '192.0.2.44'), piece(B, 7), piece(C, 7)]],
    ['off', 0, [piece(A, 7), ...between(64), piece(B, 7), piece(C, 7)]],
    ['1', 1, [piece(A, 7), piece(A, 8), piece(B, 7), piece(C, 7), piece(B, 8), piece(C, 8)]],
    ['2', 2, [piece(A, 7), piece(A, 8), piece(B, 7), piece(C, 7), piece(B, 8), piece(C, 8)]],
    ['duplicates-count', 3, [piece(A, 7), piece(A, 8), piece(A, 8), piece(A, 8), piece(B, 7), piece(C, 7)]],
  ] as const) {
    cases.push(
      onRouter(`fragment-distance/${name}`, { v4: looks(4, TRACKED) }, packets, {
        ...(distance === undefined
          ? {}
          : { host: { ...ROUTER, sysctls: { 'net.ipv4.ipfrag_max_dist': distance } } }),
        conntrack: false,
      }),
    );
  }
  return cases;
}

/**
 * Later fragments whose bytes look like a transport header, and such that are too short for one: most matches know
 * that there is none, a few read what is not theirs. An IPv6 rule's offset of the transport header is 0 then, and
 * those few read the IPv6 header itself: the fifth byte of the source address has the length of TCP's.
 */
function laterFragments(family: Family, protocol: number): CasePacket[] {
  const { outside, self, inside, far } = addresses(family);
  const segment = (options: Bytes) =>
    tcp({ sport: 1024, dport: 80, flags: 'SEC', seq: 9, options, payload: filler(40) });
  const like = [segment(tcpOption.mss(1460)), segment(new Uint8Array()), segment(tcpOption.mss(536))].map(
    (layer) => ip({ saddr: outside, daddr: self }, layer).subarray(family === 4 ? 20 : 40),
  );
  const bodies = [
    ...like,
    concat(like[0]!.subarray(0, 12), Uint8Array.of(0x40), like[0]!.subarray(13)),
    concat(like[0]!.subarray(0, 12), Uint8Array.of(0xf0), like[0]!.subarray(13)),
    ...[24, 20, 19, 8, 4, 3, 1].map((bytes) => like[0]!.subarray(0, bytes)),
  ];
  const sources =
    family === 4
      ? [outside]
      : [outside, '2001:db8:5012::9', '2001:db8:6012::204:5b4', '2001:db8:f012::9', '2001:db8:7012::1'];
  const packets: CasePacket[] = [];
  for (const saddr of sources) {
    for (const [number, body] of bodies.entries()) {
      for (const offset of [8, 16, 1480]) {
        const more = number % 2 === 0 && body.length % 8 === 0;
        const way =
          offset === 16
            ? { iface: 'eth1', saddr: family === 4 ? inside : saddr, daddr: far }
            : { iface: 'eth0', saddr, daddr: self };
        const id = 100 + number;
        const bytes =
          family === 4
            ? ipv4({ ...way, id, mf: more, fragmentOffset: offset }, raw(protocol, body))
            : ipv6(way, fragmentHeader(raw(protocol, body), { id, offset, more }));
        packets.push(arrives(way.iface, bytes));
      }
    }
  }
  return packets;
}

const LATER: readonly (readonly [protocol: number, name: string, matches: readonly string[]])[] = [
  [
    6,
    'tcp',
    [
      '-p tcp -m tcpmss {!}--mss 1460',
      '-p tcp -m tcpmss --mss 0:65535',
      '-p tcp -m ecn {!}--ecn-tcp-cwr',
      '-p tcp -m ecn {!}--ecn-tcp-ece',
      '-p tcp -m tcp {!}--tcp-option 2',
      '-p tcp -m tcp {!}--tcp-flags ALL SYN',
      '-p tcp -m multiport {!}--dports 80',
      '-p tcp -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 3 --hashlimit-mode dstport --hashlimit-name h',
      '-p tcp -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name h',
      '-p tcp -m recent --set',
      '-p tcp -m length --length 0:100',
      '-p tcp -m string --algo bm --string "\x01\x02"',
    ],
  ],
  [17, 'udp', ['-p udp -m udp {!}--dport 80', '-p udp -m multiport {!}--ports 1024']],
  [132, 'sctp', ['-p sctp -m sctp {!}--dport 80', '-p sctp -m sctp --chunk-types any DATA']],
  [33, 'dccp', ['-p dccp -m dccp {!}--dport 80', '-p dccp -m dccp --dccp-types REQUEST']],
  [50, 'esp', ['-p esp -m esp {!}--espspi 0:4294967295']],
  [51, 'ah', ['-p ah -m ah {!}--ahspi 0:4294967295']],
  [108, 'ipcomp', ['-p ipcomp -m ipcomp {!}--ipcompspi 0:4294967295']],
];

const TARGETS: readonly string[] = [
  '-p tcp -j TCPOPTSTRIP --strip-options 2',
  '-p tcp -j TCPMSS --set-mss 100',
  '-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 100',
];

function laterCases(): Case[] {
  const cases: Case[] = [];
  for (const family of [4, 6] as const) {
    for (const [protocol, name, matches] of LATER) {
      cases.push(
        ...matchCases({
          name: `later-fragment-${name}-v${family}`,
          families: [family],
          matches,
          packets: () => laterFragments(family, protocol),
        }),
      );
    }
    const icmpName = family === 4 ? 'icmp' : 'icmp6';
    cases.push(
      ...matchCases({
        name: `later-fragment-icmp-v${family}`,
        families: [family],
        matches: [
          `-p ${icmpName === 'icmp' ? 'icmp' : 'ipv6-icmp'} -m ${icmpName} {!}--${icmpName === 'icmp' ? 'icmp' : 'icmpv6'}-type 4`,
        ],
        packets: () => laterFragments(family, family === 4 ? 1 : 58),
      }),
    );
    for (const [number, rule] of [
      ...TARGETS,
      ...(family === 4 ? ['-p tcp -j ECN --ecn-tcp-remove'] : []),
    ].entries()) {
      const dump = table(
        'mangle',
        ...['PREROUTING', 'FORWARD', 'POSTROUTING'].flatMap((chain) => [
          `${chain} ${rule}`,
          `${chain} -p tcp`,
        ]),
      );
      cases.push(
        onRouter(
          `later-fragment-target/${number}/${family}`,
          family === 4 ? { v4: dump } : { v6: dump },
          laterFragments(family, 6),
          { conntrack: false },
        ),
      );
    }
  }
  return cases;
}

/** Which back end loaded the rules is no matter to defragmentation: only what shows that is played with both. */
const WITH_BOTH = /^(fragment\/(order|duplicate)|fragment-switch)/;

export const fragmentTableCases = (): Case[] =>
  [
    ...mixCases(),
    ...switchCases(),
    ...sizeCases(),
    ...mtuCases(),
    ...timeCases(),
    ...limitCases(),
    ...laterCases(),
  ].map((one) => (WITH_BOTH.test(one.id) ? one : { ...one, backend: 'legacy' }));
