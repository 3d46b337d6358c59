import type { Family } from '../base/inet.ts';
import { defineTarget } from '../extension/define.ts';
import { defineSyntax, type Given } from '../extension/syntax.ts';
import { uint8 } from '../extension/values.ts';
import { R_TTL } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface TtlOptions {
  readonly mode: 'set' | 'inc' | 'dec';
  readonly value: number;
}

const LISTED = { set: 'set to', inc: 'increment by', dec: 'decrement by' } as const;

/** TTL of IPv4 and HL of IPv6 differ in nothing but the words. */
function ttlTarget(name: 'TTL' | 'HL', family: Family) {
  const prefix = name.toLowerCase();
  const option = (mode: TtlOptions['mode']) => `--${prefix}-${mode}` as const;
  const [set, dec, inc] = [option('set'), option('dec'), option('inc')];
  return defineTarget<TtlOptions>({
    name,
    families: [family],
    tables: ['mangle'],
    scope: 'packet',
    reads: ['ttl'],
    writes: ['ttl'],
    syntax: defineSyntax({
      options: {
        [set]: uint8({ excludes: [dec, inc] }),
        [dec]: uint8({ min: 1, excludes: [set, inc] }),
        [inc]: uint8({ min: 1, excludes: [set, dec] }),
      },
      finalCheck: (v, rule) => {
        if (Object.keys(v).length === 0) rule.fail(`${name}: You must specify an action`);
      },
      build: (v): TtlOptions => {
        const mode = (['set', 'inc', 'dec'] as const).find((one) => v[option(one)] !== undefined)!;
        return { mode, value: (v[option(mode)] as Given<number>).value };
      },
      save: (o) => ` ${option(o.mode)} ${o.value}`,
      list: (o) => `${name} ${LISTED[o.mode]} ${o.value}`,
    }),
    apply: (o, p) => {
      const old = p.r[R_TTL]!;
      const ttl =
        o.mode === 'set'
          ? o.value
          : o.mode === 'inc'
            ? Math.min(255, old + o.value)
            : Math.max(0, old - o.value);
      if (ttl !== old) {
        p.r[R_TTL] = ttl;
        p.touch();
      }
      return VERDICT_CONTINUE;
    },
  });
}

/** `-j TTL` (IPv4). Linux: net/netfilter/xt_HL.c, ttl_tg(). */
export const ttlTarget4 = ttlTarget('TTL', 4);
/** `-j HL` (IPv6). Linux: net/netfilter/xt_HL.c, hl_tg6(). */
export const hlTarget6 = ttlTarget('HL', 6);
