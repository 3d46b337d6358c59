import { defineMatch } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { isLaterFragment, transportBytes } from './ports.ts';

interface MhOptions {
  readonly low: number;
  readonly high: number;
  readonly inverted: boolean;
}

const HEADER_BYTES = 6;
const IPPROTO_NONE = 59;

const NAMES: readonly (readonly [string, number])[] = [
  ['binding-refresh-request', 0],
  ['brr', 0],
  ['home-test-init', 1],
  ['hoti', 1],
  ['careof-test-init', 2],
  ['coti', 2],
  ['home-test', 3],
  ['hot', 3],
  ['careof-test', 4],
  ['cot', 4],
  ['binding-update', 5],
  ['bu', 5],
  ['binding-acknowledgement', 6],
  ['ba', 6],
  ['binding-error', 7],
  ['be', 7],
];

/** A name may be cut short: the first that begins so is meant. */
function parseType(text: string, call: OptionCall): number {
  const lower = text.toLowerCase();
  const named = NAMES.find(([name]) => name === lower) ?? NAMES.find(([name]) => name.startsWith(lower));
  return named?.[1] ?? strtoui(text, 0, 255) ?? call.fail(`Invalid MH type \`${text}'`);
}

function parseTypes(text: string, call: OptionCall): readonly [number, number] {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const only = parseType(text, call);
    return [only, only];
  }
  const low = colon === 0 ? 0 : parseType(text.slice(0, colon), call);
  const rest = text.slice(colon + 1);
  const high = rest === '' ? 255 : parseType(rest, call);
  if (low > high) call.fail('Invalid MH type range (min > max)');
  return [low, high];
}

/** `-m mh`: the message of a Mobile IPv6 mobility header. Linux: net/ipv6/netfilter/ip6t_mh.c, mh_mt6(). */
export const mh = defineMatch<MhOptions>({
  name: 'mh',
  families: [6],
  scope: 'packet',
  reads: ['payload', 'fragOffset', 'length'],
  syntax: defineSyntax({
    protocol: 135,
    options: { '--mh-type': custom(parseTypes, { invertible: true }) },
    build: (v): MhOptions => ({
      low: v['--mh-type']?.value[0] ?? 0,
      high: v['--mh-type']?.value[1] ?? 255,
      inverted: v['--mh-type']?.inverted ?? false,
    }),
    save: (o) =>
      o.low === 0 && o.high === 255 ? '' : `${o.inverted ? ' !' : ''} --mh-type ${formatTypes(o)}`,
    list: (o) =>
      o.low === 0 && o.high === 255 && !o.inverted ? 'mh' : `mh ${o.inverted ? '!' : ''}${formatTypes(o)}`,
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    if (transportBytes(p) < HEADER_BYTES) {
      p.hotdrop = true;
      return false;
    }
    currentBytes(p);
    // Bytes that the capture has cut off cannot be compared: nothing matches.
    if (p.l4Offset + HEADER_BYTES > p.l3End) return false;
    if (p.view.getUint8(p.l4Offset) !== IPPROTO_NONE) {
      p.hotdrop = true;
      return false;
    }
    const type = p.view.getUint8(p.l4Offset + 2);
    return (type >= o.low && type <= o.high) !== o.inverted;
  },
});

function formatTypes({ low, high }: MhOptions): string {
  return low === high ? `${low}` : `${low}:${high}`;
}
