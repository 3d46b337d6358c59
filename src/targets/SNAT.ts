import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import {
  type ConntrackAccess,
  MANIP_SRC,
  NAT_PERSISTENT,
  NAT_PROTO_RANDOM,
  NAT_PROTO_RANDOM_FULLY,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { formatDestination, formatFlags, parseDestination } from './nat-range.ts';

const FLAGS = [
  ['random', NAT_PROTO_RANDOM],
  ['random-fully', NAT_PROTO_RANDOM_FULLY],
  ['persistent', NAT_PERSISTENT],
] as const;

/** `-j SNAT`: gives the connection another source. Linux: net/netfilter/xt_nat.c, xt_snat_target_v1(). */
export const snat = defineTarget<NatRange, ConntrackAccess>({
  name: 'SNAT',
  families: [4, 6],
  tables: ['nat'],
  hooks: ['POSTROUTING', 'INPUT'],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct'],
  writes: ['saddr', 'sport', 'ctstatus'],
  syntax: defineSyntax({
    options: {
      '--to-source': custom(parseDestination, { mandatory: true }),
      '--random': flag(),
      '--random-fully': flag(),
      '--persistent': flag(),
    },
    build: (v): NatRange => {
      const range = v['--to-source']!.value;
      // The structure that iptables hands over has no place for a base port: `:80-90/8080` is kept as /0.
      range.basePort = 0;
      if (v['--random'] !== undefined) range.flags |= NAT_PROTO_RANDOM;
      if (v['--random-fully'] !== undefined) range.flags |= NAT_PROTO_RANDOM_FULLY;
      if (v['--persistent'] !== undefined) range.flags |= NAT_PERSISTENT;
      return range;
    },
    save: (o, rule) => ` --to-source ${formatDestination(o, rule)}${formatFlags(o, FLAGS, ' --')}`,
    list: (o, rule) => `to:${formatDestination(o, rule)}${formatFlags(o, FLAGS, ' ')}`,
  }),
  prepare: (_, environment) => environment.conntrack,
  apply: (o, p, conntrack) => conntrack.natSetup(p, MANIP_SRC, o),
});
