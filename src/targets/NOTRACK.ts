import { defineTarget } from '../extension/define.ts';
import { noOptions } from '../extension/syntax.ts';
import { setUntracked } from './CT.ts';

/** `-j NOTRACK`: the same as `-j CT --notrack`. Linux: net/netfilter/xt_CT.c, notrack_tg(). */
export const notrack = defineTarget<null>({
  name: 'NOTRACK',
  families: [4, 6],
  tables: ['raw'],
  scope: 'connection',
  reads: ['ctinfo', 'ct'],
  writes: ['ctinfo'],
  syntax: noOptions('NOTRACK'),
  apply: (_, p) => setUntracked(p),
});
