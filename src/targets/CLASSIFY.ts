import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { R_PRIORITY } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

/** `-j CLASSIFY`: sets skb->priority, the class of the queueing discipline. Linux: net/netfilter/xt_CLASSIFY.c. */
export const classify = defineTarget<number>({
  name: 'CLASSIFY',
  families: [4, 6],
  hooks: ['OUTPUT', 'FORWARD', 'POSTROUTING'],
  scope: 'connection',
  reads: [],
  writes: ['priority'],
  syntax: defineSyntax({
    options: {
      '--set-class': custom(
        (text, call) => {
          // sscanf("%x:%x"): what follows is not looked at.
          const found = /^\s*(?:0[xX])?([0-9a-fA-F]+):\s*(?:0[xX])?([0-9a-fA-F]+)/.exec(text);
          if (found === null)
            return call.fail(`Bad class value "${text}"`, 'Written in hexadecimal: MAJOR:MINOR.');
          const [major, minor] = [Number.parseInt(found[1]!, 16), Number.parseInt(found[2]!, 16)];
          return (major << 16) | (minor & 0xffff);
        },
        { mandatory: true },
      ),
    },
    build: (v): number => v['--set-class']!.value,
    save: (o) => ` --set-class ${half(o >>> 16).padStart(4, '0')}:${half(o & 0xffff).padStart(4, '0')}`,
    list: (o) => `CLASSIFY set ${half(o >>> 16)}:${half(o & 0xffff)}`,
  }),
  apply: (o, p) => {
    p.r[R_PRIORITY] = o;
    return VERDICT_CONTINUE;
  },
});

function half(value: number): string {
  return value.toString(16);
}
