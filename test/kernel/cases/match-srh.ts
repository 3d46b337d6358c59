/** The match on IPv6 segment routing headers: every option and its negation, and headers that lie or end early. */

import type { Case } from '../judge.ts';
import {
  address6,
  ah,
  be16,
  concat,
  destinationOptions,
  filler,
  fragmentHeader,
  hopByHop,
  ipv6,
  type Layer,
  PROTOCOL,
  raw,
  routing,
  udp,
} from '../packets.ts';
import { arrives, everyWay, matchCases } from './build.ts';

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });
const SEGMENTS = ['2001:db8:a::1', '2001:db8:b::2', '2001:db8:c::3'];

interface SrhFields {
  readonly left?: number;
  /** Number of the list's last entry; what the list says by its length when absent. */
  readonly lastEntry?: number;
  readonly tag?: number;
  readonly type?: number;
  readonly segments?: readonly string[];
  /** Bytes behind the list. */
  readonly more?: number;
}

function srh(next: Layer, fields: SrhFields = {}): Layer {
  const segments = fields.segments ?? SEGMENTS;
  return routing(next, {
    type: fields.type ?? 4,
    segmentsLeft: fields.left ?? 1,
    data: concat(
      Uint8Array.of(fields.lastEntry ?? segments.length - 1, 0),
      be16(fields.tag ?? 0),
      ...segments.map(address6),
      new Uint8Array(fields.more ?? 0),
    ),
  });
}

const FIELDS: readonly SrhFields[] = [
  ...[0, 1, 2].map((left) => ({ left })),
  // More are left than there are.
  { left: 3 },
  { segments: SEGMENTS.slice(0, 1), left: 0 },
  { segments: [], left: 0, lastEntry: 0 },
  { more: 8 },
  ...[1, 0x100, 0x1234, 0xffff].map((tag) => ({ tag })),
  // Another type of routing header.
  ...[0, 2, 3].map((type) => ({ type })),
  // The list says to be longer than the header: the segments are what stands behind it, if anything does.
  { lastEntry: 4, left: 3 },
  { lastEntry: 4, left: 2 },
  { lastEntry: 255, left: 255 },
  { lastEntry: 255, left: 254 },
];

const OUTER = { saddr: '2001:db8:f::9', daddr: '2001:db8:1::9' };

/** One word of 8 bytes and no more says header length 0. */
const bare = (next: number, length: number, left = 0) => Uint8Array.of(next, length, 4, left, left, 0, 0, 1);

const ODD: readonly Layer[] = [
  datagram,
  // The header ends early: before its fixed part, before its length, in a segment.
  raw(PROTOCOL.routing, bare(17, 0).slice(0, 1)),
  raw(PROTOCOL.routing, bare(17, 0).slice(0, 3)),
  raw(PROTOCOL.routing, bare(17, 0).slice(0, 4)),
  raw(PROTOCOL.routing, bare(17, 0).slice(0, 7)),
  raw(PROTOCOL.routing, bare(59, 0)),
  raw(PROTOCOL.routing, bare(59, 2)),
  raw(PROTOCOL.routing, concat(bare(59, 2), filler(15))),
  raw(PROTOCOL.routing, concat(bare(59, 2), filler(16))),
  // Before and behind others; two of them, of which the first counts.
  hopByHop(srh(datagram)),
  destinationOptions(srh(datagram)),
  srh(destinationOptions(datagram)),
  srh(ah(datagram)),
  ah(srh(datagram)),
  srh(srh(datagram, { left: 0 }), { left: 2 }),
  routing(srh(datagram), { type: 0 }),
  raw(PROTOCOL.destinationOptions, filler(1)),
  // Fragments.
  fragmentHeader(srh(datagram)),
  fragmentHeader(srh(datagram), { more: true, id: 5 }),
  fragmentHeader(srh(datagram), { offset: 8, id: 6 }),
  srh(fragmentHeader(datagram, { offset: 8, id: 7 })),
];

export const srhCases = (): Case[] =>
  matchCases({
    name: 'srh',
    families: [6],
    matches: [
      '-m srh',
      '-m srh {!}--srh-next-hdr 17',
      '-m srh {!}--srh-next-hdr 60',
      ...['eq', 'gt', 'lt'].flatMap((test) => [
        `-m srh {!}--srh-hdr-len-${test} 6`,
        `-m srh {!}--srh-segs-left-${test} 1`,
        `-m srh {!}--srh-last-entry-${test} 2`,
      ]),
      '-m srh --srh-hdr-len-gt 0 {!}--srh-hdr-len-lt 255 {!}--srh-hdr-len-eq 2',
      '-m srh --srh-segs-left-gt 0 --srh-segs-left-lt 2',
      '-m srh {!}--srh-last-entry-eq 0',
      '-m srh {!}--srh-tag 0',
      '-m srh {!}--srh-tag 1',
      '-m srh {!}--srh-tag 256',
      '-m srh {!}--srh-tag 0x3412',
      '-m srh {!}--srh-psid 2001:db8:b::2',
      '-m srh {!}--srh-psid 2001:db8:c::/48',
      '-m srh {!}--srh-psid ::/0',
      '-m srh {!}--srh-nsid 2001:db8:a::1',
      '-m srh {!}--srh-nsid 2001:db8:b::77/64',
      '-m srh {!}--srh-nsid ::/0',
      '-m srh {!}--srh-lsid 2001:db8:a::1',
      '-m srh {!}--srh-lsid 2001:db8:b::/40',
      '-m srh {!}--srh-lsid ::/0',
      '-m srh {!}--srh-psid 2001:db8:c::3 {!}--srh-nsid 2001:db8:a::1 --srh-lsid 2001:db8:a::/127 {!}--srh-tag 0 --srh-segs-left-eq 1',
    ],
    packets: (family) => [
      ...FIELDS.flatMap((fields) => everyWay(family, srh(datagram, fields))),
      ...ODD.map((layer) => arrives('eth0', ipv6(OUTER, layer))),
    ],
    more: { conntrack: false },
  });
