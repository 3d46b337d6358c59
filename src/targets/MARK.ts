import { defineTarget } from '../extension/define.ts';
import { hex } from '../extension/numbers.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { type Masked, markMask, uint32 } from '../extension/values.ts';
import { R_MARK } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

const ALL = ['--set-xmark', '--set-mark', '--and-mark', '--or-mark', '--xor-mark'] as const;
const but = (own: (typeof ALL)[number]) => ({ excludes: ALL.filter((one) => one !== own) });

/** `-j MARK`: (mark & ~mask) ^ value. Linux: net/netfilter/xt_mark.c, mark_tg(). */
export const markTarget = defineTarget<Masked>({
  name: 'MARK',
  families: [4, 6],
  scope: 'connection',
  reads: ['mark'],
  writes: ['mark'],
  syntax: defineSyntax({
    options: {
      '--set-xmark': markMask(but('--set-xmark')),
      '--set-mark': markMask(but('--set-mark')),
      '--and-mark': uint32(but('--and-mark')),
      '--or-mark': uint32(but('--or-mark')),
      '--xor-mark': uint32(but('--xor-mark')),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) {
        rule.fail('MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required');
      }
    },
    build: (v): Masked => {
      const set = v['--set-mark']?.value;
      if (set !== undefined) return { value: set.value, mask: set.mask | set.value };
      const and = v['--and-mark']?.value;
      if (and !== undefined) return { value: 0, mask: ~and };
      const or = v['--or-mark']?.value;
      if (or !== undefined) return { value: or | 0, mask: or | 0 };
      const xor = v['--xor-mark']?.value;
      if (xor !== undefined) return { value: xor | 0, mask: 0 };
      return v['--set-xmark']!.value;
    },
    save: (o) => ` --set-xmark 0x${hex(o.value)}/0x${hex(o.mask)}`,
    list: (o) => {
      if (o.value === 0) return `MARK and 0x${hex(~o.mask)}`;
      if (o.value === o.mask) return `MARK or 0x${hex(o.value)}`;
      if (o.mask === 0) return `MARK xor 0x${hex(o.value)}`;
      if (o.mask === -1) return `MARK set 0x${hex(o.value)}`;
      return `MARK xset 0x${hex(o.value)}/0x${hex(o.mask)}`;
    },
  }),
  apply: (o, p) => {
    p.r[R_MARK] = (p.r[R_MARK]! & ~o.mask) ^ o.value;
    return VERDICT_CONTINUE;
  },
});
