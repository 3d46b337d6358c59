import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/** `-j CHECKSUM`: fills in a checksum that was left to the device. Linux: net/netfilter/xt_CHECKSUM.c, checksum_tg(). */
export const checksum = defineTarget<null>({
  name: 'CHECKSUM',
  families: [4, 6],
  tables: ['mangle'],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: { '--checksum-fill': flag({ mandatory: true }) },
    build: () => null,
    save: () => ' --checksum-fill',
    list: () => 'CHECKSUM fill',
  }),
  apply: () => VERDICT_CONTINUE,
});
