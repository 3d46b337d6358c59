import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, string, uint32 } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface IdletimerOptions {
  readonly timeoutSeconds: number;
  readonly label: string;
  readonly alarm: boolean;
}

/** MAX_IDLETIMER_LABEL_SIZE - 1. */
const LABEL_BYTES = 27;
/** INT_MAX / 1000. */
const MAX_TIMEOUT_SECONDS = 2_147_483;

/**
 * `-j IDLETIMER`: starts a timer anew that user space may watch, and goes on. Linux: net/netfilter/xt_IDLETIMER.c,
 * idletimer_tg_target(), idletimer_tg_helper().
 */
export const idletimer = defineTarget<IdletimerOptions>({
  name: 'IDLETIMER',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--timeout': uint32({ mandatory: true }),
      '--label': string({ mandatory: true, cut: LABEL_BYTES }),
      '--alarm': flag(),
    },
    build: (v): IdletimerOptions => ({
      timeoutSeconds: v['--timeout']!.value,
      label: v['--label']!.value,
      alarm: v['--alarm'] !== undefined,
    }),
    save: (o) => ` --timeout ${o.timeoutSeconds} --label ${o.label}${o.alarm ? ' --alarm' : ''}`,
    list: (o) => `timeout:${o.timeoutSeconds} label:${o.label}${o.alarm ? ' alarm' : ''}`,
    kernelCheck: (o) => {
      if (o.timeoutSeconds === 0) return 'xt_IDLETIMER: timeout value is zero';
      if (o.timeoutSeconds >= MAX_TIMEOUT_SECONDS) return 'xt_IDLETIMER: timeout value is too big';
      return o.label === '' ? 'xt_IDLETIMER: label is empty or not nul-terminated' : undefined;
    },
  }),
  apply: () => VERDICT_CONTINUE,
});
