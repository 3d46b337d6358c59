import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

const TYPES = ['accept', 'drop', 'reject'];

/** `-j AUDIT`: writes an audit record and goes on. Linux: net/netfilter/xt_AUDIT.c, audit_tg(). */
export const audit = defineTarget<string>({
  name: 'AUDIT',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--type': custom(
        (text, call) =>
          TYPES.find((type) => type === text.toLowerCase()) ?? call.fail(`Bad action type value "${text}"`),
        { mandatory: true },
      ),
    },
    build: (v): string => v['--type']!.value,
    save: (type) => ` --type ${type}`,
    list: (type) => `AUDIT ${type}`,
  }),
  apply: () => VERDICT_CONTINUE,
});
