import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { formatAddress, host, string } from '../extension/values.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface TeeOptions {
  /** Four words, IPv4 in the first. */
  readonly gateway: Int32Array;
  /** Empty for any. */
  readonly oif: string;
}

/** IFNAMSIZ - 1. */
const NAME_BYTES = 15;

/**
 * `-j TEE`: sends a copy to a gateway of the link and goes on with the packet. The copy passes OUTPUT and POSTROUTING
 * of its own; that is not replayed. Linux: net/netfilter/xt_TEE.c, tee_tg4(), tee_tg6(), tee_tg_check().
 */
export const tee = defineTarget<TeeOptions>({
  name: 'TEE',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--gateway': host({ mandatory: true }),
      '--oif': string({ cut: NAME_BYTES }),
    },
    build: (v): TeeOptions => ({ gateway: v['--gateway']!.value, oif: v['--oif']?.value ?? '' }),
    save: (o, rule) =>
      ` --gateway ${formatAddress(o.gateway, rule.family)}${o.oif === '' ? '' : ` --oif ${o.oif}`}`,
    list: (o, rule) =>
      `TEE gw:${formatAddress(o.gateway, rule.family)}${o.oif === '' ? '' : ` oif=${o.oif}`}`,
    kernelCheck: (o) =>
      o.gateway.every((word) => word === 0) ? 'xt_TEE: the gateway is the unspecified address' : undefined,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'TEE: the copies pass OUTPUT and POSTROUTING of this host by themselves; they are not replayed, and the rules there do not count them.',
    );
    return undefined;
  },
  apply: () => VERDICT_CONTINUE,
});
