import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, quote, string, syslogLevel } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface LogOptions {
  readonly level: number;
  readonly prefix: string;
  /** XT_LOG_* bits: include/uapi/linux/netfilter/xt_LOG.h. */
  readonly flags: number;
}

const DEFAULT_LEVEL = 4;
/** Bytes of a prefix that are kept. */
const PREFIX_BYTES = 29;

const FLAGS = [
  ['--log-tcp-sequence', 1],
  ['--log-tcp-options', 2],
  ['--log-ip-options', 4],
  ['--log-uid', 8],
  ['--log-macdecode', 32],
] as const;

/** `-j LOG`: writes to the kernel's log and goes on. Linux: net/netfilter/xt_LOG.c, log_tg(). */
export const log = defineTarget<LogOptions>({
  name: 'LOG',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--log-level': syslogLevel(),
      '--log-prefix': string({ minLength: 1, cut: PREFIX_BYTES }),
      '--log-tcp-sequence': flag(),
      '--log-tcp-options': flag(),
      '--log-ip-options': flag(),
      '--log-uid': flag(),
      '--log-macdecode': flag(),
    },
    build: (v, rule): LogOptions => {
      const prefix = v['--log-prefix']?.value ?? '';
      if (prefix.includes('\n')) rule.fail('Newlines not allowed in --log-prefix');
      let flags = 0;
      for (const [name, bit] of FLAGS) if (v[name] !== undefined) flags |= bit;
      return { level: v['--log-level']?.value ?? DEFAULT_LEVEL, prefix, flags };
    },
    save: (o) =>
      (o.prefix === '' ? '' : ` --log-prefix ${quote(o.prefix)}`) +
      (o.level === DEFAULT_LEVEL ? '' : ` --log-level ${o.level}`) +
      FLAGS.filter(([, bit]) => (o.flags & bit) !== 0)
        .map(([name]) => ` ${name}`)
        .join(''),
    list: (o) => `LOG flags ${o.flags} level ${o.level}${o.prefix === '' ? '' : ` prefix "${o.prefix}"`}`,
  }),
  apply: () => VERDICT_CONTINUE,
});
