import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { type Masked, markMask } from '../extension/values.ts';
import { R_CT, R_CTMARK } from '../packet/registers.ts';
import { formatMark } from './mark.ts';

interface ConnmarkOptions extends Masked {
  readonly inverted: boolean;
}

/**
 * `-m connmark`: the mark of the connection; a packet without one does not match, inverted or not.
 * Linux: net/netfilter/xt_connmark.c, connmark_mt().
 */
export const connmark = defineMatch<ConnmarkOptions>({
  name: 'connmark',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'packet',
  reads: ['ct', 'ctmark'],
  syntax: defineSyntax({
    options: { '--mark': markMask({ invertible: true, mandatory: true }) },
    build: (v): ConnmarkOptions => ({ ...v['--mark']!.value, inverted: v['--mark']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --mark${formatMark(o)}`,
    list: (o) => `connmark match ${o.inverted ? '!' : ''}${formatMark(o)}`,
  }),
  evaluate: (o, p) => p.r[R_CT]! >= 0 && ((p.r[R_CTMARK]! & o.mask) === o.value) !== o.inverted,
  compile: (o, e) => {
    e.range(R_CT, 0, 0x7fffffff);
    const body = (b: typeof e) =>
      (o.value & ~o.mask) !== 0 ? b.never() : b.masked(R_CTMARK, o.mask, o.value);
    if (o.inverted) e.not(body);
    else body(e);
    return true;
  },
});
