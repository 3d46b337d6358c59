import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { type Masked, tosMask, uint8 } from '../extension/values.ts';
import { R_TOS } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

const ALL = ['--set-tos', '--and-tos', '--or-tos', '--xor-tos'] as const;
const but = (own: (typeof ALL)[number]) => ({ excludes: ALL.filter((one) => one !== own) });
/** A name leaves the two bits of explicit congestion notification alone. */
const NAME_MASK = 0x3f;

/** `-j TOS`: (tos & ~mask) ^ value, of all eight bits. Linux: net/netfilter/xt_DSCP.c, tos_tg(), tos_tg6(). */
export const tosTarget = defineTarget<Masked>({
  name: 'TOS',
  families: [4, 6],
  tables: ['mangle'],
  scope: 'packet',
  reads: ['tos'],
  writes: ['tos'],
  syntax: defineSyntax({
    options: {
      '--set-tos': tosMask({ nameMask: NAME_MASK, ...but('--set-tos') }),
      '--and-tos': uint8(but('--and-tos')),
      '--or-tos': uint8(but('--or-tos')),
      '--xor-tos': uint8(but('--xor-tos')),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('TOS: An action is required');
    },
    build: (v): Masked => {
      const and = v['--and-tos']?.value;
      if (and !== undefined) return { value: 0, mask: ~and & 0xff };
      const or = v['--or-tos']?.value;
      if (or !== undefined) return { value: or, mask: or };
      const xor = v['--xor-tos']?.value;
      if (xor !== undefined) return { value: xor, mask: 0 };
      return v['--set-tos']!.value;
    },
    save: (o) => ` --set-tos ${format(o)}`,
    list: (o) => `TOS set ${format(o)}`,
  }),
  apply: (o, p) => {
    const tos = (p.r[R_TOS]! & ~o.mask) ^ o.value;
    if (tos !== p.r[R_TOS]) {
      p.r[R_TOS] = tos;
      p.touch();
    }
    return VERDICT_CONTINUE;
  },
});

function format(o: Masked): string {
  const byte = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;
  return `${byte(o.value)}/${byte(o.mask)}`;
}
