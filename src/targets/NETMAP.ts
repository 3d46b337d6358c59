import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { formatAddress, hostMask, prefixLength } from '../extension/values.ts';
import type { ConntrackAccess, NatRange } from '../packet/conntrack-access.ts';
import { emptyRange } from './nat-range.ts';

interface NetmapOptions {
  /** Masked. */
  readonly network: Int32Array;
  readonly mask: Int32Array;
  readonly prefixBits: number;
}

interface NetmapState {
  readonly conntrack: ConntrackAccess;
  readonly range: NatRange;
}

/** `-j NETMAP`: maps a network onto another one, host by host. Linux: net/netfilter/xt_NETMAP.c, netmap_tg4(), netmap_tg6(). */
export const netmap = defineTarget<NetmapOptions, NetmapState>({
  name: 'NETMAP',
  families: [4, 6],
  tables: ['nat'],
  hooks: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct', 'saddr', 'daddr', 'hook'],
  writes: ['saddr', 'daddr', 'ctstatus'],
  syntax: defineSyntax({
    options: { '--to': hostMask({ mandatory: true }) },
    build: (v, rule): NetmapOptions => {
      const { address, mask } = v['--to']!.value;
      const network = address.map((word, i) => word & mask[i]!);
      return { network, mask, prefixBits: prefixLength(mask, rule.family) };
    },
    save: (o, rule) => ` --to ${formatAddress(o.network, rule.family)}/${o.prefixBits}`,
    list: (o, rule) => `to:${formatAddress(o.network, rule.family)}/${o.prefixBits}`,
  }),
  prepare: ({ network, mask }, { conntrack }): NetmapState => ({
    conntrack,
    range: { ...emptyRange(), minAddr: network, maxAddr: network.map((word, i) => word | ~mask[i]!) },
  }),
  apply: (_, p, { conntrack, range }) => conntrack.netmap(p, range),
});
