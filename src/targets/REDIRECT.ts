import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import {
  type ConntrackAccess,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { assertPorts, copyRange, emptyRange, formatFlags, formatPorts, parsePorts } from './nat-range.ts';

interface RedirectState {
  readonly conntrack: ConntrackAccess;
  readonly range: NatRange;
}

const FLAGS = [['random', NAT_PROTO_RANDOM]] as const;

/**
 * `-j REDIRECT`: gives the connection this host itself as its destination. Linux: net/netfilter/nf_nat_redirect.c,
 * nf_nat_redirect_ipv4(), nf_nat_redirect_ipv6().
 */
export const redirect = defineTarget<NatRange, RedirectState>({
  name: 'REDIRECT',
  families: [4, 6],
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct', 'iif', 'daddr'],
  writes: ['daddr', 'dport', 'ctstatus'],
  syntax: defineSyntax({
    options: {
      '--to-ports': custom((text, call): NatRange => {
        const range = emptyRange();
        assertPorts(call);
        parsePorts(text, range, call);
        if ((range.flags & NAT_PROTO_OFFSET) !== 0) {
          call.fail('Shifted portmap ranges not supported with this kernel');
        }
        return range;
      }),
      '--random': flag(),
    },
    build: (v): NatRange => {
      const range = v['--to-ports']?.value ?? emptyRange();
      if (v['--random'] !== undefined) range.flags |= NAT_PROTO_RANDOM;
      return range;
    },
    save: (o) => `${ports(o, ' --to-ports ')}${formatFlags(o, FLAGS, ' --')}`,
    list: (o) => `${ports(o, 'redir ports ')}${formatFlags(o, FLAGS, ' ')}`.trim(),
  }),
  prepare: (o, { conntrack }): RedirectState => ({ conntrack, range: copyRange(o) }),
  apply: (_, p, { conntrack, range }) => conntrack.redirect(p, range),
});

function ports(o: NatRange, head: string): string {
  const text = formatPorts(o);
  return text === '' ? '' : `${head}${text}`;
}
