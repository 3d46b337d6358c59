import type { Family } from '../base/inet.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint32 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { BAD_HEADERS, findHeader, NEXTHDR_AUTH, NOT_FOUND } from './ipv6-headers.ts';
import { isLaterFragment, transportBytes } from './ports.ts';
import { listSpi, type SpiRange, saveSpi, spiMatches, spiRange, toSpiRange } from './spi.ts';

const AH_HEADER_BYTES = 12;

/** `-m ah` of IPv4: the security parameter index of IPsec AH. Linux: net/ipv4/netfilter/ipt_ah.c, ah_mt(). */
export const ah = defineMatch<SpiRange>({
  name: 'ah',
  families: [4],
  scope: 'packet',
  reads: ['payload', 'fragOffset'],
  syntax: defineSyntax({
    protocol: 51,
    options: { '--ahspi': spiRange() },
    build: (v): SpiRange => toSpiRange(v['--ahspi']),
    save: (o) => saveSpi('--ahspi', o),
    list: (o) => ['ah', listSpi(o)].filter((text) => text !== '').join(' '),
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    if (transportBytes(p) < AH_HEADER_BYTES) {
      p.hotdrop = true;
      return false;
    }
    currentBytes(p);
    if (p.l4Offset + 8 > p.l3End) return false;
    return spiMatches(o, p.view.getUint32(p.l4Offset + 4));
  },
});

interface Ah6Options {
  readonly spi: SpiRange;
  /** Length of the header in bytes; 0 for any. */
  readonly length: number;
  readonly lengthInverted: boolean;
  /** The reserved field must be zero. */
  readonly reservedZero: boolean;
}

/** `-m ah` of IPv6: any AH header among the extension headers. Linux: net/ipv6/netfilter/ip6t_ah.c, ah_mt6(). */
export const ah6 = defineMatch<Ah6Options>({
  name: 'ah',
  families: [6 satisfies Family],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: {
      '--ahspi': spiRange(),
      '--ahlen': uint32({ invertible: true }),
      '--ahres': flag(),
    },
    build: (v): Ah6Options => ({
      spi: toSpiRange(v['--ahspi']),
      length: v['--ahlen']?.value ?? 0,
      lengthInverted: v['--ahlen']?.inverted ?? false,
      reservedZero: v['--ahres'] !== undefined,
    }),
    save: (o) =>
      saveSpi('--ahspi', o.spi) +
      (o.length !== 0 || o.lengthInverted ? `${o.lengthInverted ? ' !' : ''} --ahlen ${o.length}` : '') +
      (o.reservedZero ? ' --ahres' : ''),
    list: (o) =>
      `ah ${listSpi(o.spi)}` +
      (o.length !== 0 || o.lengthInverted ? `length:${o.lengthInverted ? '!' : ''}${o.length}` : '') +
      (o.reservedZero ? ' reserved' : ''),
  }),
  evaluate: (o, p) => {
    const at = findHeader(p, NEXTHDR_AUTH);
    if (at === NOT_FOUND) return false;
    if (at === BAD_HEADERS || at + AH_HEADER_BYTES > p.r[R_LENGTH]!) {
      p.hotdrop = true;
      return false;
    }
    return headerMatches(o, p, p.l3Offset + at);
  },
});

function headerMatches(o: Ah6Options, p: Packet, header: number): boolean {
  if (header + 8 > p.l3End) return false;
  const lengthBytes = (p.view.getUint8(header + 1) + 2) << 2;
  return (
    spiMatches(o.spi, p.view.getUint32(header + 4)) &&
    (o.length === 0 || (o.length === lengthBytes) !== o.lengthInverted) &&
    !(o.reservedZero && p.view.getUint16(header + 2) !== 0)
  );
}
