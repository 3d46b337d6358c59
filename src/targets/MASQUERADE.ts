import type { RuleEnvironment } from '../extension/define.ts';
import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import type { RouteResult } from '../host/types.ts';
import {
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PROTO_RANDOM,
  NAT_PROTO_RANDOM_FULLY,
  type NatRange,
  TUPLE_SADDR,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import {
  R_CT,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_L4PROTO,
  R_MARK,
  R_OIF,
  R_SADDR,
  R_SPORT,
  R_TOS,
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../packet/verdict.ts';
import { assertPorts, copyRange, emptyRange, formatFlags, formatPorts, parsePorts } from './nat-range.ts';

interface MasqueradeState extends Pick<RuleEnvironment, 'conntrack' | 'host'> {
  readonly range: NatRange;
  readonly route: RouteResult;
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
  prepare: (o, environment): MasqueradeState => ({
    conntrack: environment.conntrack,
    host: environment.host,
    range: { ...copyRange(o), flags: o.flags | NAT_MAP_IPS },
    route: {
      kind: 0,
      oif: 0,
      prefsrc: new Int32Array(4),
      hasPrefsrc: false,
      gateway: new Int32Array(4),
      hasGateway: false,
      realm: 0,
      reason: '',
    },
  }),
  apply: (_, p, state) => {
    const { conntrack, range } = state;
    const ct = p.r[R_CT]!;
    // A host that has no address yet (DHCP) is left alone.
    if (p.r[R_FAMILY] === 4 && conntrack.words[conntrack.tupleAt(ct, 0) + TUPLE_SADDR] === 0)
      return VERDICT_ACCEPT;
    if (!chooseSource(p, state)) return VERDICT_DROP;
    range.maxAddr.set(range.minAddr);
    return conntrack.natSetup(p, MANIP_SRC, range);
  },
});

/** IPv4 asks for the address that suits the next hop, IPv6 for the one that suits the destination. */
function chooseSource(p: Packet, { host, range, route }: MasqueradeState): boolean {
  const { r } = p;
  const oif = r[R_OIF]!;
  if (r[R_FAMILY] === 6) return host.selectSource(6, oif, r, R_DADDR, range.minAddr, 0);
  host.routeOutput(
    4,
    r,
    R_SADDR,
    R_DADDR,
    r[R_TOS]!,
    r[R_MARK]!,
    oif,
    r[R_L4PROTO]!,
    Math.max(0, r[R_SPORT]!),
    Math.max(0, r[R_DPORT]!),
    route,
  );
  return route.hasGateway && route.oif === oif
    ? host.selectSource(4, oif, route.gateway, 0, range.minAddr, 0)
    : host.selectSource(4, oif, r, R_DADDR, range.minAddr, 0);
}

function ports(o: NatRange, head: string): string {
  const text = formatPorts(o);
  return text === '' ? '' : `${head}${text}`;
}
