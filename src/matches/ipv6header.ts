import { defineMatch } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { protocolNumber } from '../extension/protocols.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';

interface Ipv6headerOptions {
  /** Bits of HEADERS. */
  readonly flags: number;
  readonly inverted: boolean;
  /** These headers among others, not exactly these. */
  readonly soft: boolean;
}

/** Name, other name, protocol number, bit: include/uapi/linux/netfilter_ipv6/ip6t_ipv6header.h. */
const HEADERS: readonly (readonly [string, string, number, number])[] = [
  ['hop-by-hop', 'hop', 0, 128],
  ['ipv6-opts', 'dst', 60, 64],
  ['ipv6-route', 'route', 43, 32],
  ['ipv6-frag', 'frag', 44, 16],
  ['ah', 'auth', 51, 8],
  ['esp', 'esp', 50, 4],
  ['ipv6-nonxt', 'none', 59, 2],
  ['protocol', 'prot', 255, 1],
];
const ESP = 50;
const AUTH = 51;
const FRAGMENT = 44;
const NONE = 59;
const PROTOCOL_BIT = 1;
const IPV6_HEADER_BYTES = 40;

function parseHeaders(text: string, call: OptionCall): number {
  if (text === '') call.fail('ip6t_ipv6header: cannot parse header names');
  let flags = 0;
  // strsep() and a test for an empty rest: a comma at the end is nothing.
  for (const part of text.replace(/,$/, '').split(',')) {
    const header = HEADERS.find(([name, other]) => name === part || other === part);
    const number = header?.[2] ?? strtoui(part, 0, 255) ?? protocolNumber(part);
    const bit = HEADERS.find(([, , protocol]) => protocol === number)?.[3];
    if (bit === undefined) return call.fail(`unknown header \`${number ?? part}' specified`);
    flags |= bit;
  }
  return flags;
}

/** `-m ipv6header`: which extension headers there are. Linux: net/ipv6/netfilter/ip6t_ipv6header.c, ipv6header_mt6(). */
export const ipv6header = defineMatch<Ipv6headerOptions>({
  name: 'ipv6header',
  families: [6],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: { '--header': custom(parseHeaders, { mandatory: true, invertible: true }), '--soft': flag() },
    build: (v): Ipv6headerOptions => ({
      flags: v['--header']!.value,
      inverted: v['--header']!.inverted,
      soft: v['--soft'] !== undefined,
    }),
    save: (o) =>
      `${o.inverted ? ' !' : ''} --header ` +
      HEADERS.filter(([, , , bit]) => (o.flags & bit) !== 0)
        .map(([name]) => name)
        .join(',') +
      (o.soft ? ' --soft' : ''),
    list: (o) =>
      `ipv6header flags:${o.inverted ? '!' : ''}0x${o.flags.toString(16).toUpperCase().padStart(2, '0')}` +
      (o.soft ? ' soft' : ''),
  }),
  evaluate: (o, p) => {
    const found = headersOf(p);
    if (found < 0) return false;
    if (!o.soft) return (found === o.flags) !== o.inverted;
    return ((found ^ o.flags ^ (o.inverted ? 0xff : 0)) & o.flags) === 0;
  },
});

/** Bits of the headers of the packet; -1 when they cannot be walked, and then the packet may be dropped. */
function headersOf(p: Packet): number {
  currentBytes(p);
  const { view, l3Offset } = p;
  const length = p.r[R_LENGTH]!;
  let next = view.getUint8(l3Offset + 6);
  let at = IPV6_HEADER_BYTES;
  let found = 0;
  for (;;) {
    const header = HEADERS.find(([, , protocol]) => protocol === next && protocol !== 255);
    if (header === undefined) return found | PROTOCOL_BIT;
    if (next === NONE) return found | header[3];
    if (length - at < 2) return -1;
    if (next === ESP) return found | header[3];
    // What the capture has cut off cannot be told: no match.
    if (l3Offset + at + 2 > p.l3End) return -1;
    found |= header[3];
    const units = view.getUint8(l3Offset + at + 1);
    const bytes = next === FRAGMENT ? 8 : next === AUTH ? (units + 2) << 2 : (units + 1) << 3;
    next = view.getUint8(l3Offset + at);
    at += bytes;
    if (at > length) return next === NONE || next === ESP ? found : found | PROTOCOL_BIT;
  }
}
