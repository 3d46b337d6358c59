import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import {
  type ConntrackAccess,
  NAT_PROTO_RANDOM,
  NAT_PROTO_RANDOM_FULLY,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { assertPorts, copyRange, emptyRange, formatFlags, formatPorts, parsePorts } from './nat-range.ts';

interface MasqueradeState {
  readonly conntrack: ConntrackAccess;
  readonly range: NatRange;
}

const FLAGS = [
  ['random', NAT_PROTO_RANDOM],
  ['random-fully', NAT_PROTO_RANDOM_FULLY],
] as const;

/**
 * `-j MASQUERADE`: gives the connection the source address that the host has on the interface it leaves by. Linux:
 * net/netfilter/nf_nat_masquerade.c, nf_nat_masquerade_ipv4(), nf_nat_masquerade_ipv6().
 */
export const masquerade = defineTarget<NatRange, MasqueradeState>({
  name: 'MASQUERADE',
  families: [4, 6],
  tables: ['nat'],
  hooks: ['POSTROUTING'],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct', 'oif', 'daddr'],
  writes: ['saddr', 'sport', 'ctstatus'],
  syntax: defineSyntax({
    options: {
      '--to-ports': custom((text, call): NatRange => {
        const range = emptyRange();
        assertPorts(call);
        parsePorts(text, range, call);
        // The structure that iptables hands over has no place for a base port.
        range.basePort = 0;
        return range;
      }),
      '--random': flag(),
      '--random-fully': flag(),
    },
    build: (v): NatRange => {
      const range = v['--to-ports']?.value ?? emptyRange();
      if (v['--random'] !== undefined) range.flags |= NAT_PROTO_RANDOM;
      if (v['--random-fully'] !== undefined) range.flags |= NAT_PROTO_RANDOM_FULLY;
      return range;
    },
    save: (o) => `${ports(o, ' --to-ports ')}${formatFlags(o, FLAGS, ' --')}`,
    list: (o) => `${ports(o, 'masq ports: ')}${formatFlags(o, FLAGS, ' ')}`.trim(),
  }),
  prepare: (o, { conntrack }): MasqueradeState => ({ conntrack, range: copyRange(o) }),
  apply: (_, p, { conntrack, range }) => conntrack.masquerade(p, range),
});

function ports(o: NatRange, head: string): string {
  const text = formatPorts(o);
  return text === '' ? '' : `${head}${text}`;
}
