import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint32 } from '../extension/values.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { BAD_HEADERS, findHeader, NEXTHDR_FRAGMENT, NOT_FOUND } from './ipv6-headers.ts';
import { type SpiRange, saveSpi, spiMatches, spiRange, toSpiRange } from './spi.ts';

interface FragOptions {
  readonly id: SpiRange;
  /** Kept and printed; no kernel looks at it. */
  readonly length: { readonly value: number; readonly inverted: boolean } | undefined;
  readonly reserved: boolean;
  readonly first: boolean;
  /** More fragments follow, or none does. */
  readonly more: boolean;
  readonly last: boolean;
}

const FRAGMENT_HEADER_BYTES = 8;

/** `-m frag` (IPv6): the fragment header. Linux: net/ipv6/netfilter/ip6t_frag.c, frag_mt6(). */
export const frag = defineMatch<FragOptions>({
  name: 'frag',
  families: [6],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: {
      '--fragid': spiRange(),
      '--fraglen': uint32({ invertible: true }),
      '--fragres': flag(),
      '--fragfirst': flag(),
      '--fragmore': flag({ excludes: ['--fraglast'] }),
      '--fraglast': flag({ excludes: ['--fragmore'] }),
    },
    build: (v): FragOptions => ({
      id: toSpiRange(v['--fragid']),
      length: v['--fraglen'],
      reserved: v['--fragres'] !== undefined,
      first: v['--fragfirst'] !== undefined,
      more: v['--fragmore'] !== undefined,
      last: v['--fraglast'] !== undefined,
    }),
    save: (o) =>
      saveSpi('--fragid', o.id) +
      (o.length === undefined ? '' : `${o.length.inverted ? ' !' : ''} --fraglen ${o.length.value}`) +
      (o.reserved ? ' --fragres' : '') +
      (o.first ? ' --fragfirst' : '') +
      (o.more ? ' --fragmore' : '') +
      (o.last ? ' --fraglast' : ''),
    list: (o) =>
      `frag ${listId(o.id)}` +
      (o.length === undefined ? '' : ` length:${o.length.inverted ? '!' : ''}${o.length.value}`) +
      (o.reserved ? ' reserved' : '') +
      (o.first ? ' first' : '') +
      (o.more ? ' more' : '') +
      (o.last ? ' last' : ''),
  }),
  evaluate: (o, p) => {
    const at = findHeader(p, NEXTHDR_FRAGMENT);
    if (at === NOT_FOUND) return false;
    if (at === BAD_HEADERS || at + FRAGMENT_HEADER_BYTES > p.r[R_LENGTH]!) {
      p.hotdrop = true;
      return false;
    }
    const header = p.l3Offset + at;
    if (header + FRAGMENT_HEADER_BYTES > p.l3End) return false;
    const offsetWord = p.view.getUint16(header + 2);
    const hasMore = (offsetWord & 1) !== 0;
    if (!spiMatches(o.id, p.view.getUint32(header + 4))) return false;
    if (o.reserved && (p.view.getUint8(header + 1) !== 0 || (offsetWord & 6) !== 0)) return false;
    if (o.first && (offsetWord & 0xfff8) !== 0) return false;
    return !(o.more && !hasMore) && !(o.last && hasMore);
  },
});

function listId(id: SpiRange): string {
  if (id.low === 0 && id.high === 0xffffffff && !id.inverted) return '';
  const not = id.inverted ? '!' : '';
  return id.low === id.high ? `id:${not}${id.low}` : `ids:${not}${id.low}:${id.high}`;
}
