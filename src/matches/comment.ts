import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { quote, string } from '../extension/values.ts';

/** Bytes of a comment that are kept: XT_MAX_COMMENT_LEN less the ending NUL. */
const COMMENT_BYTES = 255;

/** `-m comment`: always matches. Linux: net/netfilter/xt_comment.c. */
export const comment = defineMatch<string>({
  name: 'comment',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    options: { '--comment': string({ cut: COMMENT_BYTES, mandatory: true }) },
    build: (v): string => v['--comment']!.value,
    save: (text) => ` --comment ${quote(text)}`,
    list: (text) => `/* ${text} */`,
  }),
  evaluate: () => true,
  compile: () => true,
});
