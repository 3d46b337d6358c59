import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';
import { type Host, ROUTE_LOCAL, ROUTE_UNICAST, type RouteResult } from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DADDR, R_FAMILY, R_IIF, R_MARK, R_SADDR, R_TOS } from '../packet/registers.ts';

const FLAGS = ['loose', 'validmark', 'accept-local', 'invert'] as const;
type RpfilterOptions = ReadonlySet<(typeof FLAGS)[number]>;

interface RpfilterState {
  readonly host: Host;
  readonly route: RouteResult;
  /** Addresses of the way back: source and destination. */
  readonly words: Int32Array;
}

/**
 * `-m rpfilter`: an answer to the packet would leave by the interface that it came in by. Linux:
 * net/ipv4/netfilter/ipt_rpfilter.c, rpfilter_mt(); net/ipv6/netfilter/ip6t_rpfilter.c, rpfilter_mt().
 */
export const rpfilter = defineMatch<RpfilterOptions, RpfilterState>({
  name: 'rpfilter',
  families: [4, 6],
  hooks: ['PREROUTING'],
  scope: 'connection',
  reads: ['saddr', 'daddr', 'iif', 'mark', 'tos'],
  syntax: defineSyntax({
    options: {
      '--loose': flag(),
      '--validmark': flag(),
      '--accept-local': flag(),
      '--invert': flag(),
    },
    build: (v): RpfilterOptions => new Set(FLAGS.filter((name) => v[`--${name}`] !== undefined)),
    save: (o) => format(o, ' --'),
    list: (o) => `rpfilter${format(o, ' ')}`,
    kernelCheck: (_, rule) =>
      rule.table === 'raw' || rule.table === 'mangle'
        ? undefined
        : `${rule.family === 4 ? 'ipt' : 'ip6t'}_rpfilter: only valid in 'raw' or 'mangle' table, not '${rule.table}'`,
  }),
  prepare: (_, environment): RpfilterState => ({
    host: environment.host,
    route: {
      kind: ROUTE_UNICAST,
      oif: 0,
      prefsrc: new Int32Array(4),
      hasPrefsrc: false,
      gateway: new Int32Array(4),
      hasGateway: false,
      realm: 0,
      reason: '',
    },
    words: new Int32Array(8),
  }),
  evaluate: (o, p, state) => {
    const passes = p.r[R_FAMILY] === 4 ? passes4(o, p, state) : passes6(o, p, state);
    return passes !== o.has('invert');
  },
});

function passes4(o: RpfilterOptions, p: Packet, { host, route, words }: RpfilterState): boolean {
  const { r } = p;
  const iif = r[R_IIF]!;
  if (iif === 0 || host.interfaces[iif]!.isLoopback) return true;
  const [saddr, daddr] = [r[R_SADDR]!, r[R_DADDR]!];
  const isSelfless = daddr >>> 28 === 14 || daddr === -1 || daddr >>> 24 === 0;
  // A host that asks for its address; 224.0.0.0/24 is the local multicast network.
  if (saddr >>> 24 === 0 && (daddr === -1 || daddr >>> 8 === 0xe00000)) return true;
  words.fill(0);
  words[0] = isSelfless ? 0 : daddr;
  words[4] = saddr;
  const mark = o.has('validmark') ? r[R_MARK]! : 0;
  host.routeOutput(4, words, 0, 4, r[R_TOS]!, mark, 0, 0, 0, 0, route);
  if (route.kind === ROUTE_LOCAL) {
    if (!o.has('accept-local')) return false;
    // The route of an own address is by the interface that has it, though packets go by loopback.
    return o.has('loose') || host.addressType(4, r, R_SADDR, iif) === 'LOCAL';
  }
  return route.kind === ROUTE_UNICAST && (route.oif === iif || o.has('loose'));
}

function passes6(o: RpfilterOptions, p: Packet, { host, route, words }: RpfilterState): boolean {
  const { r } = p;
  const iif = r[R_IIF]!;
  if (iif === 0 || host.interfaces[iif]!.isLoopback) return true;
  const isUnspecified = [0, 1, 2, 3].every((i) => r[R_SADDR + i] === 0);
  // Nothing can be routed back to such a source: the packet is left to the routing decision.
  if (isUnspecified) return true;
  if (host.isLocalAddress(6, r, R_SADDR)) return o.has('accept-local');
  for (let i = 0; i < 4; i++) {
    words[i] = r[R_DADDR]! >>> 24 === 0xff ? 0 : r[R_DADDR + i]!;
    words[4 + i] = r[R_SADDR + i]!;
  }
  const mark = o.has('validmark') ? r[R_MARK]! : 0;
  const isLinkLocal = r[R_SADDR]! >>> 22 === 0xfe80 >>> 6;
  const oif = isLinkLocal || !o.has('loose') ? iif : 0;
  host.routeOutput(6, words, 0, 4, r[R_TOS]!, mark, oif, 0, 0, 0, route);
  return route.kind === ROUTE_UNICAST && (route.oif === iif || o.has('loose'));
}

function format(o: RpfilterOptions, head: string): string {
  return FLAGS.filter((name) => o.has(name))
    .map((name) => `${head}${name}`)
    .join('');
}
