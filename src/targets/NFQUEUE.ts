import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint16, uint16Range } from '../extension/values.ts';
import { VERDICT_ACCEPT, VERDICT_QUEUE } from '../packet/verdict.ts';

interface NfqueueOptions {
  readonly first: number;
  /** Queues that share the packets; 1 for --queue-num. */
  readonly total: number;
  readonly bypass: boolean;
  readonly cpuFanout: boolean;
}

const numbers = uint16Range({ excludes: ['--queue-num'] });
const balanceRange: typeof numbers = {
  ...numbers,
  parse: (text, call) => {
    const found = numbers.parse(text, call);
    if (found.length !== 2) call.fail(`Bad range "${text}"`);
    if (found[0]! >= found[1]!) call.fail(`${found[0]} should be less than ${found[1]}`);
    return found;
  },
};

/**
 * `-j NFQUEUE`: hands the packet to a listener in user space, which a replay does not have. Without a listener the
 * kernel drops, and with --queue-bypass lets the packet pass. Linux: net/netfilter/xt_NFQUEUE.c, nfqueue_tg_v3();
 * net/netfilter/nf_queue.c, nf_queue().
 */
export const nfqueue = defineTarget<NfqueueOptions>({
  name: 'NFQUEUE',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--queue-num': uint16({ excludes: ['--queue-balance'] }),
      '--queue-balance': balanceRange,
      '--queue-bypass': flag(),
      '--queue-cpu-fanout': flag({ requires: ['--queue-balance'] }),
    },
    build: (v): NfqueueOptions => {
      const balance = v['--queue-balance'];
      const flags = {
        bypass: v['--queue-bypass'] !== undefined,
        cpuFanout: v['--queue-cpu-fanout'] !== undefined,
      };
      if (balance === undefined) return { first: v['--queue-num']?.value ?? 0, total: 1, ...flags };
      const [first, last] = balance.value as readonly [number, number];
      return { first, total: last - first + 1, ...flags };
    },
    save: (o) =>
      ` --${range(o, 'queue-')}${o.bypass ? ' --queue-bypass' : ''}${o.cpuFanout ? ' --queue-cpu-fanout' : ''}`,
    list: (o) => `NFQUEUE ${range(o, '')}${o.bypass ? ' bypass' : ''}${o.cpuFanout ? ' cpu-fanout' : ''}`,
    // The number of queues is a 16-bit field, in which 65536 is 0.
    kernelCheck: (o) => (o.total > 0xffff ? 'xt_NFQUEUE: number of total queues is 0' : undefined),
  }),
  prepare: (_, environment) => {
    environment.assume(
      'NFQUEUE has no listener in a replay: its packets stop there, or pass where the rule says --queue-bypass.',
    );
  },
  apply: (o) => (o.bypass ? VERDICT_ACCEPT : VERDICT_QUEUE),
});

function range(o: NfqueueOptions, head: string): string {
  return o.total === 1 ? `${head}num ${o.first}` : `${head}balance ${o.first}:${o.first + o.total - 1}`;
}
