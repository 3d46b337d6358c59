import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag, string as text, uint16 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { formatPattern, isPrintable, parseHexPattern, parsePattern } from './string-pattern.ts';
import { makeSearch, type Search, search } from './string-search.ts';

interface StringOptions {
  readonly pattern: Uint8Array;
  readonly inverted: boolean;
  readonly algorithm: string;
  readonly from: number;
  readonly to: number;
  readonly ignoreCase: boolean;
}

const MAX_OFFSET = 0xffff;
/** XT_STRING_MAX_ALGO_NAME_SIZE less the ending NUL. */
const ALGORITHM_BYTES = 15;

/**
 * `-m string`: bytes anywhere in the packet, counted from its IP header. The algorithms of the kernel differ in cost
 * only, as long as the packet lies in one piece. Linux: net/netfilter/xt_string.c, string_mt(); net/core/skbuff.c,
 * skb_find_text(): the first find must lie wholly before `--to`.
 */
export const string = defineMatch<StringOptions, Search>({
  name: 'string',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload', 'length'],
  syntax: defineSyntax({
    options: {
      '--from': uint16(),
      '--to': uint16(),
      '--algo': text({ cut: ALGORITHM_BYTES, mandatory: true }),
      '--string': custom(parsePattern, { invertible: true, excludes: ['--hex-string'] }),
      '--hex-string': custom(parseHexPattern, { invertible: true, excludes: ['--string'] }),
      '--icase': flag(),
    },
    finalCheck: (v, rule) => {
      if (v['--string'] === undefined && v['--hex-string'] === undefined) {
        rule.fail("STRING match: You must specify `--string' or `--hex-string'");
      }
    },
    build: (v): StringOptions => {
      const given = (v['--string'] ?? v['--hex-string'])!;
      return {
        pattern: given.value,
        inverted: given.inverted,
        algorithm: v['--algo']!.value,
        from: v['--from']?.value ?? 0,
        to: v['--to']?.value ?? MAX_OFFSET,
        ignoreCase: v['--icase'] !== undefined,
      };
    },
    save: (o) =>
      `${o.inverted ? ' !' : ''} --${isPrintable(o.pattern) ? '' : 'hex-'}string ${formatPattern(o.pattern)}` +
      ` --algo ${o.algorithm}` +
      (o.from === 0 ? '' : ` --from ${o.from}`) +
      (o.to === MAX_OFFSET ? '' : ` --to ${o.to}`) +
      (o.ignoreCase ? ' --icase' : ''),
    list: (o) =>
      `STRING match ${o.inverted ? '!' : ''} ${formatPattern(o.pattern)} ALGO name ${o.algorithm}` +
      (o.from === 0 ? '' : ` FROM ${o.from}`) +
      (o.to === MAX_OFFSET ? '' : ` TO ${o.to}`) +
      (o.ignoreCase ? ' ICASE' : ''),
    kernelCheck: (o) => {
      if (o.from > o.to) return `xt_string: --from ${o.from} lies behind --to ${o.to}`;
      if (o.pattern.length === 0) return 'xt_string: the pattern is empty';
      if (o.algorithm !== 'bm' && o.algorithm !== 'kmp') {
        return `xt_string: no algorithm ${o.algorithm} can be used (bm and kmp can)`;
      }
      return undefined;
    },
  }),
  prepare: (o) => makeSearch(o.pattern, o.ignoreCase),
  evaluate: (o, p, prepared: Search) => {
    const at = find(p, prepared, o);
    return (at >= 0 && at + o.pattern.length <= o.to) !== o.inverted;
  },
});

/** Offset from the IP header of the first find at or behind `from`, or -1. */
function find(p: Packet, prepared: Search, o: StringOptions): number {
  // The search does not begin behind `to`, but reads on to the end of the packet.
  if (o.from >= o.to) return -1;
  const bytes = currentBytes(p);
  const end = Math.min(p.l3End, p.l3Offset + p.r[R_LENGTH]!);
  const at = search(prepared, bytes, p.l3Offset + o.from, end);
  return at < 0 ? -1 : at - p.l3Offset;
}
