import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { formatAddress, hostMask, prefixLength, prefixMask } from '../extension/values.ts';
import {
  type ConntrackAccess,
  MANIP_DST,
  MANIP_SRC,
  NAT_MAP_IPS,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { HOOK_OUTPUT, HOOK_PREROUTING, R_DADDR, R_HOOK, R_SADDR } from '../packet/registers.ts';
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
      const most = rule.family === 4 ? 32 : 128;
      const bits = prefixLength(mask, rule.family);
      // iptables keeps a length; a mask with holes becomes the longest.
      const prefixBits = bits < 0 ? most : bits;
      const kept = prefixMask(prefixBits, rule.family);
      return { network: address.map((word, i) => word & kept[i]!), mask: kept, prefixBits };
    },
    save: (o, rule) => ` --to ${formatAddress(o.network, rule.family)}/${o.prefixBits}`,
    list: (o, rule) => `to:${formatAddress(o.network, rule.family)}/${o.prefixBits}`,
  }),
  prepare: (_, environment): NetmapState => ({
    conntrack: environment.conntrack,
    range: { ...emptyRange(), flags: NAT_MAP_IPS },
  }),
  apply: (o, p, { conntrack, range }) => {
    const hook = p.r[R_HOOK];
    const isDestination = hook === HOOK_PREROUTING || hook === HOOK_OUTPUT;
    const from = isDestination ? R_DADDR : R_SADDR;
    for (let i = 0; i < 4; i++) {
      range.minAddr[i] = (p.r[from + i]! & ~o.mask[i]!) | o.network[i]!;
      range.maxAddr[i] = range.minAddr[i]!;
    }
    return conntrack.natSetup(p, isDestination ? MANIP_DST : MANIP_SRC, range);
  },
});
