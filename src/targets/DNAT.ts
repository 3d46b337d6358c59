import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import {
  type ConntrackAccess,
  MANIP_DST,
  NAT_PERSISTENT,
  NAT_PROTO_RANDOM,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { formatDestination, formatFlags, parseDestination } from './nat-range.ts';

const FLAGS = [
  ['random', NAT_PROTO_RANDOM],
  ['persistent', NAT_PERSISTENT],
] as const;

/** `-j DNAT`: gives the connection another destination. Linux: net/netfilter/xt_nat.c, xt_dnat_target_v2(). */
export const dnat = defineTarget<NatRange, ConntrackAccess>({
  name: 'DNAT',
  families: [4, 6],
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct'],
  writes: ['daddr', 'dport', 'ctstatus'],
  syntax: defineSyntax({
    options: {
      '--to-destination': custom(parseDestination, { mandatory: true }),
      '--random': flag(),
      '--persistent': flag(),
    },
    build: (v): NatRange => {
      const range = v['--to-destination']!.value;
      if (v['--random'] !== undefined) range.flags |= NAT_PROTO_RANDOM;
      if (v['--persistent'] !== undefined) range.flags |= NAT_PERSISTENT;
      return range;
    },
    save: (o, rule) => ` --to-destination ${formatDestination(o, rule)}${formatFlags(o, FLAGS, ' --')}`,
    list: (o, rule) => `to:${formatDestination(o, rule)}${formatFlags(o, FLAGS, ' ')}`,
  }),
  prepare: (_, environment) => environment.conntrack,
  apply: (o, p, conntrack) => conntrack.natSetup(p, MANIP_DST, o),
});
