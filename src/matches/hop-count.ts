import type { Family } from '../base/inet.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { uint8 } from '../extension/values.ts';
import { R_TTL } from '../packet/registers.ts';

export interface HopCountOptions {
  readonly mode: 'eq' | 'ne' | 'lt' | 'gt';
  readonly value: number;
}

const SIGNS = { eq: '==', ne: '!=', lt: '<', gt: '>' } as const;

/** What `-m ttl` and `-m hl` have in common: all but their names. Linux: net/netfilter/xt_hl.c, ttl_mt(), hl_mt6(). */
export function hopCountMatch(name: 'ttl' | 'hl', family: Family, missingPhrase: string) {
  const [lt, gt, eq] = [`--${name}-lt`, `--${name}-gt`, `--${name}-eq`] as const;
  return defineMatch<HopCountOptions>({
    name,
    families: [family],
    scope: 'packet',
    reads: ['ttl'],
    syntax: defineSyntax({
      options: {
        [lt]: uint8({ excludes: [gt, eq] }),
        [gt]: uint8({ excludes: [lt, eq] }),
        [eq]: uint8({
          excludes: [lt, gt],
          invertible: true,
          ...(name === 'ttl' ? { aliases: ['--ttl'] } : {}),
        }),
      },
      finalCheck: (v, rule) => {
        if (Object.keys(v).length === 0) rule.fail(missingPhrase);
      },
      build: (v): HopCountOptions => {
        if (v[lt] !== undefined) return { mode: 'lt', value: v[lt].value };
        if (v[gt] !== undefined) return { mode: 'gt', value: v[gt].value };
        return { mode: v[eq]!.inverted ? 'ne' : 'eq', value: v[eq]!.value };
      },
      save: (o) => (o.mode === 'ne' ? ` ! ${eq} ${o.value}` : ` --${name}-${o.mode} ${o.value}`),
      list: (o) => `${name.toUpperCase()} match ${name.toUpperCase()} ${SIGNS[o.mode]} ${o.value}`,
    }),
    evaluate: (o, p) => {
      const ttl = p.r[R_TTL]!;
      switch (o.mode) {
        case 'eq':
          return ttl === o.value;
        case 'ne':
          return ttl !== o.value;
        case 'lt':
          return ttl < o.value;
        case 'gt':
          return ttl > o.value;
      }
    },
    compile: (o, e) => {
      if (o.mode === 'eq') e.range(R_TTL, o.value, o.value);
      else if (o.mode === 'ne') e.not((n) => n.range(R_TTL, o.value, o.value));
      else if (o.mode === 'lt') o.value === 0 ? e.never() : e.range(R_TTL, 0, o.value - 1);
      else o.value === 255 ? e.never() : e.range(R_TTL, o.value + 1, 255);
      return true;
    },
  });
}
