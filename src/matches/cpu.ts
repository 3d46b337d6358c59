import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { uint32 } from '../extension/values.ts';

interface CpuOptions {
  readonly cpu: number;
  readonly inverted: boolean;
}

/** `-m cpu`: the CPU that handles the packet. A capture does not know it: 0 is taken. Linux: net/netfilter/xt_cpu.c. */
export const cpu = defineMatch<CpuOptions>({
  name: 'cpu',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    options: { '--cpu': uint32({ mandatory: true, invertible: true }) },
    build: (v): CpuOptions => ({ cpu: v['--cpu']!.value, inverted: v['--cpu']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --cpu ${o.cpu}`,
    list: (o) => `cpu ${o.inverted ? '! ' : ''}${o.cpu}`,
  }),
  prepare: (_, environment) => {
    environment.assume('A capture does not tell which CPU handled a packet (-m cpu): CPU 0 is taken.');
    return undefined;
  },
  evaluate: (o) => (o.cpu === 0) !== o.inverted,
});
