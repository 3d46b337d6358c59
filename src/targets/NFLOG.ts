import { defineTarget } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, quote, string, uint16, uint32 } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface NflogOptions {
  readonly group: number;
  readonly prefix: string;
  /** Bytes of the packet that are handed over; undefined when not said. */
  readonly size: number | undefined;
  /** `--nflog-range`, which never had an effect. */
  readonly range: number;
  readonly threshold: number;
}

/** sizeof(xt_nflog_info.prefix) - 1. */
const PREFIX_BYTES = 63;
const MAX_U32 = 0xffffffff;

/** `-j NFLOG`: hands a copy to a listener of nfnetlink_log and goes on. Linux: net/netfilter/xt_NFLOG.c, nflog_tg(). */
export const nflog = defineTarget<NflogOptions>({
  name: 'NFLOG',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--nflog-group': uint16(),
      '--nflog-prefix': string({ minLength: 1, cut: PREFIX_BYTES }),
      '--nflog-range': custom(
        (text, call) => {
          const range =
            strtoui(text, 0, MAX_U32) ??
            call.fail(`NFLOG: bad value for option "--nflog-range", or out of range (0-${MAX_U32}).`);
          call.warn(
            '--nflog-range has never worked and is no longer supported, please use --nflog-size instead',
          );
          return range;
        },
        { excludes: ['--nflog-size'] },
      ),
      '--nflog-size': uint32({ excludes: ['--nflog-range'] }),
      '--nflog-threshold': uint16(),
    },
    build: (v, rule): NflogOptions => {
      const prefix = v['--nflog-prefix']?.value ?? '';
      if (prefix.includes('\n')) rule.fail('Newlines not allowed in --log-prefix');
      return {
        group: v['--nflog-group']?.value ?? 0,
        prefix,
        size: v['--nflog-size']?.value,
        range: v['--nflog-range']?.value ?? 0,
        threshold: v['--nflog-threshold']?.value ?? 0,
      };
    },
    save: (o) => format(o, ' --').join(''),
    list: (o) => format(o, ' ').join('').trim(),
  }),
  apply: () => VERDICT_CONTINUE,
});

function format(o: NflogOptions, head: string): string[] {
  return [
    o.prefix === '' ? '' : `${head}nflog-prefix ${quote(o.prefix)}`,
    o.group === 0 ? '' : `${head}nflog-group ${o.group}`,
    o.size !== undefined
      ? `${head}nflog-size ${o.size}`
      : o.range === 0
        ? ''
        : `${head}nflog-range ${o.range}`,
    o.threshold === 0 ? '' : `${head}nflog-threshold ${o.threshold}`,
  ];
}
