/**
 * IPv6 packets that end within an extension header, at each of its bytes, and a match that looks for a header: it
 * drops them on the spot, or does not match, by how much of which header Linux asks for (ipv6_find_hdr()).
 */

import type { Case } from '../judge.ts';
import { type Bytes, concat, destinationOptions, ipv6, type Layer, PROTOCOL, raw } from '../packets.ts';
import { arrives, onRouter, table } from './build.ts';
import { A6 } from './hosts.ts';

/** What looks for a header; one rule each, since a packet that is dropped meets no second one. */
const MATCHES: readonly (readonly [name: string, match: string])[] = [
  ['rt', '-m rt'],
  ['rt-reserved', '-m rt --rt-type 0 --rt-0-res'],
  ['frag', '-m frag'],
  ['frag-first', '-m frag --fragfirst'],
  ['ah', '-m ah'],
  ['ah-reserved', '-m ah --ahres'],
  ['hbh', '-m hbh'],
  ['dst', '-m dst'],
  ['dst-options', '-m dst --dst-opts 5'],
  ['srh', '-m srh'],
  ['ipv6header-soft', '-m ipv6header --header route --soft'],
  ['ipv6header', '-m ipv6header --header route'],
  ['ipv6header-protocol', '-m ipv6header --header dst,prot'],
  ['protocol', '-p udp'],
  ['protocol-not', '! -p udp'],
  ['protocol-icmp', '-p ipv6-icmp -m icmp6 --icmpv6-type 128'],
  ['hashlimit', '-m hashlimit --hashlimit-upto 1/hour --hashlimit-mode dstport --hashlimit-name cut'],
];

/** 24 bytes of a header that say its length is `units`, of 8 bytes (AH: of 4) more than the first. */
const header = (next: number, units: number): Bytes =>
  concat(Uint8Array.of(next, units, 0, 0, 0, 0, 0, 0), new Uint8Array(16));

const CUT: readonly Layer[] = [
  PROTOCOL.routing,
  PROTOCOL.fragment,
  PROTOCOL.ah,
  PROTOCOL.destinationOptions,
].flatMap((kind) =>
  [PROTOCOL.udp, PROTOCOL.none, PROTOCOL.destinationOptions].flatMap((next) =>
    // AH says 12 bytes where the others say 8.
    [...Array(13).keys()].map((bytes) =>
      raw(kind, header(next, kind === PROTOCOL.ah ? 1 : 0).slice(0, bytes)),
    ),
  ),
);

/** Headers that say to be longer than what is left of the packet. */
const TOO_LONG: readonly Layer[] = [PROTOCOL.routing, PROTOCOL.destinationOptions].flatMap((kind) =>
  [16, 23, 24].map((bytes) => raw(kind, header(PROTOCOL.udp, 2).slice(0, bytes))),
);

export const headers6CutCases = (): Case[] =>
  MATCHES.map(([name, match]) =>
    onRouter(
      `headers6-cut/${name}`,
      { v6: table('raw', `PREROUTING ${match}`, 'PREROUTING -m comment --comment after') },
      [...CUT, ...TOO_LONG, ...CUT.map((layer) => destinationOptions(layer))].map((layer) =>
        arrives('eth0', ipv6({ saddr: A6.outside, daddr: A6.self }, layer)),
      ),
      { conntrack: false },
    ),
  );
