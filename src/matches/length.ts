import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { uint16Range } from '../extension/values.ts';
import { R_LENGTH } from '../packet/registers.ts';

interface LengthOptions {
  readonly low: number;
  readonly high: number;
  readonly inverted: boolean;
}

/** `-m length`: the length of the IP packet; of a fragment its own. Linux: net/netfilter/xt_length.c, length_mt(). */
export const length = defineMatch<LengthOptions>({
  name: 'length',
  families: [4, 6],
  scope: 'packet',
  reads: ['length'],
  syntax: defineSyntax({
    options: { '--length': uint16Range({ invertible: true, mandatory: true }) },
    build: (v): LengthOptions => {
      const { value, inverted } = v['--length']!;
      return { low: value[0]!, high: value[1] ?? value[0]!, inverted };
    },
    save: (o) => `${o.inverted ? ' !' : ''} --length ${format(o)}`,
    list: (o) => `length ${o.inverted ? '!' : ''}${format(o)}`,
  }),
  evaluate: (o, p) => {
    const length = p.r[R_LENGTH]!;
    return (length >= o.low && length <= o.high) !== o.inverted;
  },
  compile: (o, e) => {
    const body = (b: typeof e) => (o.low > o.high ? b.never() : b.range(R_LENGTH, o.low, o.high));
    if (o.inverted) e.not(body);
    else body(e);
    return true;
  },
});

function format(o: LengthOptions): string {
  return o.low === o.high ? `${o.low}` : `${o.low}:${o.high}`;
}
