import { defineMatch } from '../extension/define.ts';
import { hex } from '../extension/numbers.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { type Masked, markMask } from '../extension/values.ts';
import { R_MARK } from '../packet/registers.ts';

interface MarkOptions extends Masked {
  readonly inverted: boolean;
}

/** ` 0x1` or ` 0x1/0xff`. */
export function formatMark(o: Masked): string {
  return o.mask === -1 ? ` 0x${hex(o.value)}` : ` 0x${hex(o.value)}/0x${hex(o.mask)}`;
}

/** `-m mark`: compares the packet mark. Linux: net/netfilter/xt_mark.c, mark_mt(). */
export const mark = defineMatch<MarkOptions>({
  name: 'mark',
  families: [4, 6],
  scope: 'connection',
  reads: ['mark'],
  syntax: defineSyntax({
    options: { '--mark': markMask({ invertible: true, mandatory: true }) },
    build: (v): MarkOptions => ({ ...v['--mark']!.value, inverted: v['--mark']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --mark${formatMark(o)}`,
    list: (o) => `mark match${o.inverted ? ' !' : ''}${formatMark(o)}`,
  }),
  evaluate: (o, p) => ((p.r[R_MARK]! & o.mask) === o.value) !== o.inverted,
  compile: (o, e) => {
    // Bits of the value outside the mask can never be found.
    const impossible = (o.value & ~o.mask) !== 0;
    if (impossible) {
      if (!o.inverted) e.never();
    } else if (o.inverted) {
      e.not((n) => n.masked(R_MARK, o.mask, o.value));
    } else {
      e.masked(R_MARK, o.mask, o.value);
    }
    return true;
  },
});
