import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, uint8 } from '../extension/values.ts';
import { R_TOS } from '../packet/registers.ts';
import { dscpOfClass } from './dscp-class.ts';

interface DscpOptions {
  readonly dscp: number;
  readonly inverted: boolean;
}

/** `-m dscp`: the upper six bits of the TOS byte or traffic class. Linux: net/netfilter/xt_dscp.c, dscp_mt(). */
export const dscp = defineMatch<DscpOptions>({
  name: 'dscp',
  families: [4, 6],
  scope: 'packet',
  reads: ['tos'],
  syntax: defineSyntax({
    options: {
      '--dscp': uint8({ max: 63, invertible: true, excludes: ['--dscp-class'] }),
      '--dscp-class': custom(
        (text, call) => dscpOfClass(text) ?? call.fail(`Invalid DSCP value \`${text}'`),
        { invertible: true, excludes: ['--dscp'] },
      ),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('DSCP match: Parameter --dscp is required');
    },
    build: (v): DscpOptions => {
      const given = (v['--dscp'] ?? v['--dscp-class'])!;
      return { dscp: given.value, inverted: given.inverted };
    },
    save: (o) => `${o.inverted ? ' !' : ''} --dscp ${format(o)}`,
    list: (o) => `DSCP match ${o.inverted ? '!' : ''}${format(o)}`,
  }),
  evaluate: (o, p) => (p.r[R_TOS]! >>> 2 === o.dscp) !== o.inverted,
  compile: (o, e) => {
    if (o.inverted) e.not((n) => n.masked(R_TOS, 0xfc, o.dscp << 2));
    else e.masked(R_TOS, 0xfc, o.dscp << 2);
    return true;
  },
});

function format(o: DscpOptions): string {
  return `0x${o.dscp.toString(16).padStart(2, '0')}`;
}
