import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { type Masked, tosMask } from '../extension/values.ts';
import { R_TOS } from '../packet/registers.ts';

interface TosOptions extends Masked {
  readonly inverted: boolean;
}

/** A TOS byte as iptables prints it. */
export function formatTos(o: Masked): string {
  return `${hex2(o.value)}/${hex2(o.mask)}`;
}

function hex2(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** `-m tos`: the TOS byte or the traffic class. Linux: net/netfilter/xt_dscp.c, tos_mt(). */
export const tos = defineMatch<TosOptions>({
  name: 'tos',
  families: [4, 6],
  scope: 'packet',
  reads: ['tos'],
  syntax: defineSyntax({
    options: { '--tos': tosMask({ invertible: true, mandatory: true, nameMask: 0x3f }) },
    build: (v): TosOptions => ({ ...v['--tos']!.value, inverted: v['--tos']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --tos ${formatTos(o)}`,
    list: (o) => `tos match${o.inverted ? '!' : ''}${formatTos(o)}`,
  }),
  evaluate: (o, p) => ((p.r[R_TOS]! & o.mask) === o.value) !== o.inverted,
  compile: (o, e) => {
    const body = (b: typeof e) => ((o.value & ~o.mask) !== 0 ? b.never() : b.masked(R_TOS, o.mask, o.value));
    if (o.inverted) e.not(body);
    else body(e);
    return true;
  },
});
