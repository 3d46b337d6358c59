import { PKT_LOOPBACK } from '../batch/layout.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';
import { ADDR6_UNICAST, addressType6 } from '../host/address6.ts';
import {
  type Host,
  REVERSE_ELSEWHERE,
  REVERSE_LOCAL,
  REVERSE_LOCAL_ELSEWHERE,
  REVERSE_SAME,
} from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import {
  R_DADDR,
  R_FAMILY,
  R_IIF,
  R_L4PROTO,
  R_MARK,
  R_PKT_TYPE,
  R_SADDR,
  R_TOS,
} from '../packet/registers.ts';

const FLAGS = ['loose', 'validmark', 'accept-local', 'invert'] as const;
type RpfilterOptions = ReadonlySet<(typeof FLAGS)[number]>;

interface RpfilterState {
  readonly host: Host;
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
  reads: ['saddr', 'daddr', 'iif', 'mark', 'tos', 'l4proto', 'pktType'],
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
    words: new Int32Array(8),
  }),
  evaluate: (o, p, state) => {
    const passes = p.r[R_FAMILY] === 4 ? passes4(o, p, state) : passes6(o, p, state);
    return passes !== o.has('invert');
  },
});

function passes4(o: RpfilterOptions, p: Packet, { host, words }: RpfilterState): boolean {
  const { r } = p;
  const iif = r[R_IIF]!;
  if (isOwn(p, host)) return true;
  const [saddr, daddr] = [r[R_SADDR]!, r[R_DADDR]!];
  const isSelfless = daddr >>> 28 === 14 || daddr === -1 || daddr >>> 24 === 0;
  // A host that asks for its address; 224.0.0.0/24 is the local multicast network.
  if (saddr >>> 24 === 0 && (daddr === -1 || daddr >>> 8 === 0xe00000)) return true;
  words[0] = isSelfless ? 0 : daddr;
  words[4] = saddr;
  const mark = o.has('validmark') ? r[R_MARK]! : 0;
  const way = host.reversePath(4, words, 0, 4, r[R_TOS]!, mark, iif, 0, false, false);
  if (way === REVERSE_SAME) return true;
  if (way === REVERSE_LOCAL) return o.has('accept-local');
  if (way === REVERSE_LOCAL_ELSEWHERE) return o.has('accept-local') && o.has('loose');
  return way === REVERSE_ELSEWHERE && o.has('loose');
}

function passes6(o: RpfilterOptions, p: Packet, { host, words }: RpfilterState): boolean {
  const { r } = p;
  const iif = r[R_IIF]!;
  if (isOwn(p, host)) return true;
  // Nothing can be routed back to such a source: the packet is left to the routing decision.
  if ([0, 1, 2, 3].every((i) => r[R_SADDR + i] === 0)) return true;
  const hasUnicast = (addressType6(r, R_DADDR) & ADDR6_UNICAST) !== 0;
  for (let i = 0; i < 4; i++) {
    words[i] = hasUnicast ? r[R_DADDR + i]! : 0;
    words[4 + i] = r[R_SADDR + i]!;
  }
  const mark = o.has('validmark') ? r[R_MARK]! : 0;
  const isLinkLocal = r[R_SADDR]! >>> 22 === 0xfe80 >>> 6;
  const isBound = isLinkLocal || !o.has('loose');
  const way = host.reversePath(6, words, 0, 4, r[R_TOS]!, mark, iif, r[R_L4PROTO]!, isBound, isLinkLocal);
  if (way === REVERSE_LOCAL) return o.has('accept-local');
  return way === REVERSE_SAME || (way === REVERSE_ELSEWHERE && o.has('loose'));
}

/** rpfilter_is_loopback(): the host's own, by lo or as the copy of a broadcast or multicast that it sent. */
function isOwn({ r }: Packet, host: Host): boolean {
  const iif = r[R_IIF]!;
  return iif === 0 || r[R_PKT_TYPE] === PKT_LOOPBACK || host.interfaces[iif]!.isLoopback;
}

function format(o: RpfilterOptions, head: string): string {
  return FLAGS.filter((name) => o.has(name))
    .map((name) => `${head}${name}`)
    .join('');
}
