import type { Host } from '../host/types.ts';

/**
 * How long an entry lives, by protocol and state, in nanoseconds. From the host's sysctls, which the host module
 * fills with the kernel's defaults where HOST does not say.
 */
export interface Timeouts {
  /** By enum tcp_conntrack; TCP_TIMEOUT_RETRANS and TCP_TIMEOUT_UNACK behind the states. */
  readonly tcp: Float64Array;
  /** By enum sctp_conntrack. */
  readonly sctp: Float64Array;
  readonly udp: number;
  readonly udpStream: number;
  readonly icmp: number;
  readonly icmpv6: number;
  readonly gre: number;
  readonly greStream: number;
  readonly generic: number;
}

export const SECOND_NS = 1e9;

/** Indexes of Timeouts.tcp beyond the states (enum tcp_conntrack). */
export const TCP_TIMEOUT_RETRANS = 12;
export const TCP_TIMEOUT_UNACK = 13;

/** `syn_sent2` has no sysctl of its own: nf_conntrack_standalone.c leaves it at its default of 2 minutes. */
const TCP_SYN_SENT2_SECONDS = 120;

export function readTimeouts(host: Host): Timeouts {
  const ns = (name: string) => host.sysctl(`net.netfilter.nf_conntrack_${name}`) * SECOND_NS;
  const tcp = new Float64Array(14);
  const states = [
    'syn_sent',
    'syn_recv',
    'established',
    'fin_wait',
    'close_wait',
    'last_ack',
    'time_wait',
    'close',
  ];
  for (const [i, state] of states.entries()) tcp[i + 1] = ns(`tcp_timeout_${state}`);
  // State NONE is never an entry's; its timeout is an alias of SYN_SENT's (nf_conntrack_tcp_init_net()).
  tcp[0] = tcp[1]!;
  tcp[9] = TCP_SYN_SENT2_SECONDS * SECOND_NS;
  tcp[TCP_TIMEOUT_RETRANS] = ns('tcp_timeout_max_retrans');
  tcp[TCP_TIMEOUT_UNACK] = ns('tcp_timeout_unacknowledged');
  const sctp = new Float64Array(9);
  const chunks = [
    'closed',
    'cookie_wait',
    'cookie_echoed',
    'established',
    'shutdown_sent',
    'shutdown_recd',
    'shutdown_ack_sent',
    'heartbeat_sent',
  ];
  for (const [i, state] of chunks.entries()) sctp[i + 1] = ns(`sctp_timeout_${state}`);
  sctp[0] = sctp[1]!;
  return {
    tcp,
    sctp,
    udp: ns('udp_timeout'),
    udpStream: ns('udp_timeout_stream'),
    icmp: ns('icmp_timeout'),
    icmpv6: ns('icmpv6_timeout'),
    gre: ns('gre_timeout'),
    greStream: ns('gre_timeout_stream'),
    generic: ns('generic_timeout'),
  };
}
