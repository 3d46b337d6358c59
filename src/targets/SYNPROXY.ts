import { CHECKSUM_BAD } from '../batch/layout.ts';
import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint8, uint32 } from '../extension/values.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import { R_CHECKSUM, R_TCP_FLAGS } from '../packet/registers.ts';
import { VERDICT_CONTINUE, VERDICT_DROP, VERDICT_STOLEN } from '../packet/verdict.ts';

interface SynproxyOptions {
  readonly sackPerm: boolean;
  readonly timestamp: boolean;
  readonly wscale: number | undefined;
  readonly mss: number | undefined;
  readonly ecn: boolean;
}

const FIN_SYN_RST_ACK = 0x17;
const SYN = 0x02;
const ACK = 0x10;

/**
 * `-j SYNPROXY`: answers SYN packets in place of the server, and opens the connection to it when the client's ACK brings
 * the cookie back. Which cookies the host gave is not known: an ACK is taken to bring a right one. What the proxy itself
 * sends is replayed only where a capture shows it.
 * Linux: net/ipv4/netfilter/ipt_SYNPROXY.c, synproxy_tg4(), synproxy_tg4_check(); ip6t_SYNPROXY.c.
 */
export const synproxy = defineTarget<SynproxyOptions>({
  name: 'SYNPROXY',
  families: [4, 6],
  hooks: ['INPUT', 'FORWARD'],
  bringsConntrack: true,
  scope: 'packet',
  reads: ['tcpFlags', 'checksum'],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--sack-perm': flag(),
      '--timestamp': flag(),
      '--wscale': uint8(),
      '--mss': uint32(),
      '--ecn': flag(),
    },
    build: (v): SynproxyOptions => ({
      sackPerm: v['--sack-perm'] !== undefined,
      timestamp: v['--timestamp'] !== undefined,
      wscale: v['--wscale']?.value,
      // The kernel keeps 16 bits.
      mss: v['--mss'] && v['--mss'].value & 0xffff,
      ecn: v['--ecn'] !== undefined,
    }),
    save: (o) => format(o, ' --'),
    list: (o) => `SYNPROXY${format(o, ' ')}`,
    kernelCheck: (_, rule) =>
      rule.protocol === IPPROTO_TCP && !rule.protocolInverted
        ? undefined
        : `${rule.family === 4 ? 'ipt' : 'ip6t'}_SYNPROXY: only valid for protocol tcp`,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'SYNPROXY: a capture does not tell which cookies this host gave; every ACK that reaches the proxy is taken to bring a right one.',
    );
    return undefined;
  },
  apply: (_, p) => {
    const flags = p.r[R_TCP_FLAGS]!;
    if (p.r[R_CHECKSUM] === CHECKSUM_BAD || flags < 0) return VERDICT_DROP;
    const kind = flags & FIN_SYN_RST_ACK;
    return kind === SYN || kind === ACK ? VERDICT_STOLEN : VERDICT_CONTINUE;
  },
});

function format(o: SynproxyOptions, head: string): string {
  return [
    o.sackPerm ? `${head}sack-perm` : '',
    o.timestamp ? `${head}timestamp` : '',
    o.wscale === undefined ? '' : `${head}wscale ${o.wscale}`,
    o.mss === undefined ? '' : `${head}mss ${o.mss}`,
    o.ecn ? `${head}ecn` : '',
  ].join('');
}
