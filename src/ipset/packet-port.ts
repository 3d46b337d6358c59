import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  type Packet,
} from '../packet/packet.ts';
import {
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_LENGTH,
  R_SPORT,
} from '../packet/registers.ts';

/** The packet shows no port: ip_set_get_ip4_port() and ip_set_get_ip6_port() say false. */
export const NO_PORT = -1;

/** Bytes that must be there of the transport header: sizeof of the header that the kernel asks for. */
const HEADER_BYTES: Readonly<Record<number, number>> = {
  [IPPROTO_TCP]: 20,
  [IPPROTO_SCTP]: 12,
  [IPPROTO_UDP]: 8,
  [IPPROTO_UDPLITE]: 8,
  [IPPROTO_ICMP]: 8,
  [IPPROTO_ICMPV6]: 8,
};

const NEXTHDR_NONE = 59;

/**
 * Protocol << 16 | port of a packet, as set types with a port see it; NO_PORT when there is none to be seen. ICMP has
 * type << 8 | code for a port, and protocols without ports have 0. Linux: net/netfilter/ipset/ip_set_getport.c.
 */
export function packetPort(p: Packet, isSource: boolean): number {
  const { r } = p;
  const l4proto = r[R_L4PROTO]!;
  if (r[R_FRAG_OFFSET] !== 0) return NO_PORT;
  if (r[R_FAMILY] === 4 ? l4proto === 0 : l4proto === NEXTHDR_NONE) return NO_PORT;
  const needed = HEADER_BYTES[l4proto];
  if (needed === undefined) return l4proto << 16;
  if (p.l4Offset < 0 || r[R_LENGTH]! - (p.l4Offset - p.l3Offset) < needed) return NO_PORT;
  if (l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6) {
    if (r[R_ICMP_TYPE]! < 0) return NO_PORT;
    return (l4proto << 16) | (r[R_ICMP_TYPE]! << 8) | r[R_ICMP_CODE]!;
  }
  const port = r[isSource ? R_SPORT : R_DPORT]!;
  return port < 0 ? NO_PORT : (l4proto << 16) | port;
}
