import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { R_CT, R_SECMARK } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/**
 * `-j CONNSECMARK`: carries the security mark from packet to connection, or back, where the other has none yet. Linux:
 * net/netfilter/xt_CONNSECMARK.c, secmark_save(), secmark_restore(), connsecmark_tg_check().
 */
export const connsecmark = defineTarget<'save' | 'restore', ConntrackAccess>({
  name: 'CONNSECMARK',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct', 'secmark'],
  writes: ['secmark'],
  syntax: defineSyntax({
    options: {
      '--save': flag({ excludes: ['--restore'] }),
      '--restore': flag({ excludes: ['--save'] }),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('CONNSECMARK target: parameter required');
    },
    build: (v) => (v['--save'] === undefined ? ('restore' as const) : ('save' as const)),
    save: (mode) => ` --${mode}`,
    list: (mode) => `CONNSECMARK ${mode}`,
    kernelCheck: (_, { table }) =>
      table === 'mangle' || table === 'security'
        ? undefined
        : `xt_CONNSECMARK: only valid in 'mangle' or 'security' table, not '${table}'`,
  }),
  prepare: (_, environment) => environment.conntrack,
  apply: (mode, p, conntrack) => {
    const { r } = p;
    const ct = r[R_CT]!;
    if (ct < 0) return VERDICT_CONTINUE;
    const known = conntrack.secmark(ct);
    if (mode === 'restore' && r[R_SECMARK] === 0) r[R_SECMARK] = known;
    else if (mode === 'save' && known === 0 && r[R_SECMARK] !== 0) conntrack.setSecmark(ct, r[R_SECMARK]!);
    return VERDICT_CONTINUE;
  },
});
