import { defineTarget } from '../extension/define.ts';
import { noOptions } from '../extension/syntax.ts';
import { R_TRACE } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/** `-j TRACE`: has the rules that the packet hits logged from here on. Linux: net/netfilter/xt_TRACE.c, trace_tg(). */
export const trace = defineTarget<null>({
  name: 'TRACE',
  families: [4, 6],
  tables: ['raw'],
  scope: 'connection',
  reads: [],
  writes: ['trace'],
  syntax: noOptions(),
  apply: (_, p) => {
    p.r[R_TRACE] = 1;
    return VERDICT_CONTINUE;
  },
});
