import { defineTarget, type RuleEnvironment } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import {
  MANIP_DST,
  NAT_MAP_IPS,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM,
  type NatRange,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import { HOOK_OUTPUT, R_DADDR, R_FAMILY, R_HOOK, R_IIF } from '../packet/registers.ts';
import { VERDICT_DROP } from '../packet/verdict.ts';
import { assertPorts, copyRange, emptyRange, formatFlags, formatPorts, parsePorts } from './nat-range.ts';

interface RedirectState extends Pick<RuleEnvironment, 'conntrack' | 'host'> {
  readonly range: NatRange;
}

const FLAGS = [['random', NAT_PROTO_RANDOM]] as const;
const LOOPBACK4 = 0x7f000001;

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
  prepare: (o, environment): RedirectState => ({
    conntrack: environment.conntrack,
    host: environment.host,
    range: { ...copyRange(o), flags: o.flags | NAT_MAP_IPS },
  }),
  apply: (_, p, state) => {
    if (!chooseAddress(p, state)) return VERDICT_DROP;
    state.range.maxAddr.set(state.range.minAddr);
    return state.conntrack.natSetup(p, MANIP_DST, state.range);
  },
});

/** Loopback for packets of this host, else the first address of the interface that the packet came in by. */
function chooseAddress(p: Packet, { host, range }: RedirectState): boolean {
  const { r } = p;
  const family = r[R_FAMILY] === 4 ? 4 : 6;
  if (r[R_HOOK] !== HOOK_OUTPUT) return host.firstAddress(family, r[R_IIF]!, r, R_DADDR, range.minAddr, 0);
  range.minAddr.fill(0);
  range.minAddr[family === 4 ? 0 : 3] = family === 4 ? LOOPBACK4 : 1;
  return true;
}

function ports(o: NatRange, head: string): string {
  const text = formatPorts(o);
  return text === '' ? '' : `${head}${text}`;
}
