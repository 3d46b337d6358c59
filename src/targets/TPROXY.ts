import type { Family } from '../base/inet.ts';
import { defineTarget } from '../extension/define.ts';
import { hex } from '../extension/numbers.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { formatAddress, host, type Masked, markMask, port } from '../extension/values.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../packet/packet.ts';
import { VERDICT_DROP } from '../packet/verdict.ts';

interface TproxyOptions {
  readonly port: number;
  /** Four words; all zero: the first address of the interface. */
  readonly address: Int32Array;
  readonly mark: Masked;
}

/**
 * `-j TPROXY`: hands the packet to a transparent socket of this host. A capture does not tell which sockets there are:
 * none is taken to listen, and then the kernel drops the packet.
 * Linux: net/netfilter/xt_TPROXY.c, tproxy_tg4(), tproxy_tg6_v1(), tproxy_tg4_check().
 */
export const tproxy = defineTarget<TproxyOptions>({
  name: 'TPROXY',
  families: [4, 6],
  tables: ['mangle'],
  hooks: ['PREROUTING'],
  bringsDefrag: true,
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--on-port': port({ mandatory: true }),
      '--on-ip': host(),
      '--tproxy-mark': markMask(),
    },
    build: (v): TproxyOptions => ({
      port: v['--on-port']!.value,
      address: v['--on-ip']?.value ?? new Int32Array(4),
      mark: v['--tproxy-mark']?.value ?? { value: 0, mask: 0 },
    }),
    save: (o, rule) =>
      ` --on-port ${o.port} --on-ip ${formatAddress(o.address, rule.family)} --tproxy-mark ${formatMark(o.mark)}`,
    list: (o, rule) => `TPROXY redirect ${formatTarget(o, rule.family)} mark ${formatMark(o.mark)}`,
    kernelCheck: (_, rule) =>
      (rule.protocol === IPPROTO_TCP || rule.protocol === IPPROTO_UDP) && !rule.protocolInverted
        ? undefined
        : 'xt_TPROXY: Can be used only with -p tcp or -p udp',
  }),
  prepare: (_, environment) => {
    environment.assume(
      'TPROXY: a capture does not tell which sockets this host has; none is taken to listen, and then the kernel drops the packet.',
    );
    return undefined;
  },
  apply: () => VERDICT_DROP,
});

function formatMark({ value, mask }: Masked): string {
  return `0x${hex(value)}/0x${hex(mask)}`;
}

function formatTarget(o: TproxyOptions, family: Family): string {
  return `${formatAddress(o.address, family)}:${o.port}`;
}
