import { defineMatch } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, uint32 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { BAD_HEADERS, findHeader, NEXTHDR_DEST, NEXTHDR_HOP, NOT_FOUND } from './ipv6-headers.ts';

interface Option {
  readonly type: number;
  /** 255 for any. */
  readonly length: number;
}

interface OptionsOptions {
  /** Bytes of the whole header. */
  readonly length: { readonly value: number; readonly inverted: boolean } | undefined;
  readonly options: readonly Option[];
}

/** IP6T_OPTS_OPTSNR. */
const MAX_OPTIONS = 16;
const ANY_LENGTH = 255;

function parseByte(text: string, what: string, call: OptionCall): number {
  const number = strtoumax(text);
  if (number === undefined) return call.fail(`${call.extension}: no valid digits in ${what} \`${text}'`);
  if (number.end !== text.length) call.fail(`${call.extension}: error parsing ${what} \`${text}'`);
  return Number(number.value & 0xffn);
}

function parseOptions(text: string, call: OptionCall): Option[] {
  const parts = text.split(',');
  const options = parts.slice(0, MAX_OPTIONS).map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) return { type: parseByte(part, 'opt', call), length: ANY_LENGTH };
    return {
      length: parseByte(part.slice(colon + 1), 'length', call),
      type: parseByte(part.slice(0, colon), 'opt', call),
    };
  });
  if (parts.length > MAX_OPTIONS) call.fail('too many addresses specified');
  return options;
}

/** The headers of hop-by-hop and of destination options are built alike. */
function optionsMatch(name: 'hbh' | 'dst', header: number) {
  const [length, opts] = [`--${name}-len`, `--${name}-opts`] as const;
  return defineMatch<OptionsOptions>({
    name,
    families: [6],
    scope: 'packet',
    reads: ['payload'],
    syntax: defineSyntax({
      options: { [length]: uint32({ invertible: true }), [opts]: custom(parseOptions) },
      build: (v): OptionsOptions => ({
        length: v[length] as OptionsOptions['length'],
        options: (v[opts]?.value as Option[] | undefined) ?? [],
      }),
      save: (o) =>
        (o.length === undefined ? '' : `${o.length.inverted ? ' !' : ''} ${length} ${o.length.value}`) +
        (o.options.length === 0 ? '' : ` ${opts} ${format(o)}`),
      list: (o) =>
        name +
        (o.length === undefined ? '' : ` length:${o.length.inverted ? '!' : ''}${o.length.value}`) +
        (o.options.length === 0 ? '' : ` opts ${format(o)}`),
    }),
    evaluate: (o, p) => {
      const at = findHeader(p, header);
      if (at === NOT_FOUND) return false;
      if (at === BAD_HEADERS || at + 2 > p.r[R_LENGTH]!) {
        p.hotdrop = true;
        return false;
      }
      if (p.l3Offset + at + 2 > p.l3End) return false;
      const bytes = (p.view.getUint8(p.l3Offset + at + 1) + 1) << 3;
      if (p.r[R_LENGTH]! - at < bytes) {
        // A packet that is smaller than its header says.
        p.hotdrop = true;
        return false;
      }
      if (o.length !== undefined && (o.length.value === bytes) === o.length.inverted) return false;
      return hasOptions(o.options, p, at + 2, bytes - 2);
    },
  });
}

/** The options stand at the beginning of the header, in this order; `left` bytes of it from `at` on. */
function hasOptions(options: readonly Option[], p: Packet, at: number, left: number): boolean {
  for (const [i, option] of options.entries()) {
    const here = p.l3Offset + at;
    if (left < 1 || here + 1 > p.l3End || p.view.getUint8(here) !== option.type) return false;
    // Padding of one byte has no length.
    let bytes = 1;
    if (option.type !== 0) {
      if (left < 2 || here + 2 > p.l3End) return false;
      const length = p.view.getUint8(here + 1);
      if (option.length !== ANY_LENGTH && option.length !== length) return false;
      bytes = length + 2;
    }
    if (left < bytes && i < options.length - 1) return false;
    at += bytes;
    left -= bytes;
  }
  return true;
}

function format(o: OptionsOptions): string {
  return o.options
    .map(({ type, length }) => (length === ANY_LENGTH ? `${type}` : `${type}:${length}`))
    .join(',');
}

/** `-m hbh` (IPv6): hop-by-hop options. Linux: net/ipv6/netfilter/ip6t_hbh.c, hbh_mt6(). */
export const hbh = optionsMatch('hbh', NEXTHDR_HOP);
/** `-m dst` (IPv6): destination options. Linux: net/ipv6/netfilter/ip6t_hbh.c, hbh_mt6(). */
export const dst = optionsMatch('dst', NEXTHDR_DEST);
