import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { string } from '../extension/values.ts';
import { R_SECMARK } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/** SECMARK_SECCTX_MAX - 1. */
const CONTEXT_BYTES = 255;

/**
 * `-j SECMARK`: gives the packet a security mark. The kernel takes the rule only where SELinux knows the context, which
 * cannot be checked here; marks are numbered by context, since the kernel's own numbers show nowhere.
 * Linux: net/netfilter/xt_SECMARK.c, secmark_tg(), secmark_tg_check().
 */
export const secmark = defineTarget<string, number>({
  name: 'SECMARK',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: ['secmark'],
  syntax: defineSyntax({
    options: { '--selctx': string({ mandatory: true, cut: CONTEXT_BYTES }) },
    build: (v): string => v['--selctx']!.value,
    // extensions/libxt_SECMARK.c, print_secmark(): without quotes.
    save: (context) => ` --selctx ${context}`,
    list: (context) => `SECMARK selctx ${context}`,
    kernelCheck: (context, { table }) => {
      if (table !== 'mangle' && table !== 'security') {
        return `xt_SECMARK: only valid in 'mangle' or 'security' table, not '${table}'`;
      }
      return context === '' ? "xt_SECMARK: unable to map security context ''" : undefined;
    },
  }),
  prepare: (context, environment) => {
    const numbers = environment.shared('SECMARK', () => new Map<string, number>());
    const number = numbers.get(context) ?? numbers.size + 1;
    numbers.set(context, number);
    return number;
  },
  apply: (_, p, number) => {
    p.r[R_SECMARK] = number;
    return VERDICT_CONTINUE;
  },
});
