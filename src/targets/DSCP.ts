import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, uint8 } from '../extension/values.ts';
import { R_TOS } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/** Names of classes: CS0 to CS7, AF11 to AF43, BE and EF (RFC 2474, 2597, 3246). */
const CLASSES: ReadonlyMap<string, number> = new Map([
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n): [string, number] => [`CS${n}`, n << 3]),
  ...[1, 2, 3, 4].flatMap((n) =>
    [1, 2, 3].map((drop): [string, number] => [`AF${n}${drop}`, (n << 3) | (drop << 1)]),
  ),
  ['BE', 0],
  ['EF', 0x2e],
]);
const MAX_DSCP = 63;

/** `-j DSCP`: sets the upper six bits of the TOS. Linux: net/netfilter/xt_DSCP.c, dscp_tg(), dscp_tg6(). */
export const dscpTarget = defineTarget<number>({
  name: 'DSCP',
  families: [4, 6],
  tables: ['mangle'],
  scope: 'packet',
  reads: ['tos'],
  writes: ['tos'],
  syntax: defineSyntax({
    options: {
      '--set-dscp': uint8({ max: MAX_DSCP, excludes: ['--set-dscp-class'] }),
      '--set-dscp-class': custom(
        (text, call) =>
          CLASSES.get(text.toUpperCase()) ??
          call.fail(`Invalid DSCP value \`${text}'`, `Known: ${[...CLASSES.keys()].join(' ')}.`),
        { excludes: ['--set-dscp'] },
      ),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('DSCP target: Parameter --set-dscp is required');
    },
    build: (v): number => (v['--set-dscp'] ?? v['--set-dscp-class'])!.value,
    save: (o) => ` --set-dscp ${format(o)}`,
    list: (o) => `DSCP set ${format(o)}`,
  }),
  apply: (o, p) => {
    const tos = (p.r[R_TOS]! & 3) | (o << 2);
    if (tos !== p.r[R_TOS]) {
      p.r[R_TOS] = tos;
      p.touch();
    }
    return VERDICT_CONTINUE;
  },
});

function format(dscp: number): string {
  return `0x${dscp.toString(16).padStart(2, '0')}`;
}
