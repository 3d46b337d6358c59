import { DECODE_DONT_FRAGMENT, DECODE_OPTIONS } from '../batch/layout.ts';
import type { Host } from '../host/types.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_DECODE_FLAGS, R_FAMILY, R_IIF, R_L4PROTO, R_LENGTH } from '../packet/registers.ts';

/** IP options (RFC 791). */
const IPOPT_END = 0;
const IPOPT_NOOP = 1;
const IPOPT_LSRR = 131;
const IPOPT_SSRR = 137;

/** An IPv4 source route that the interface does not accept (accept_source_route of all and of the interface). */
export function isSourceRouted(host: Host, p: Packet, iif: number): boolean {
  const { r } = p;
  if (r[R_FAMILY] !== 4 || (r[R_DECODE_FLAGS]! & DECODE_OPTIONS) === 0) return false;
  const end = Math.min(p.l3End, p.l3Offset + 4 * (p.bytes[p.l3Offset]! & 15));
  for (let at = p.l3Offset + 20; at < end; ) {
    const option = p.bytes[at]!;
    if (option === IPOPT_END) break;
    if (option === IPOPT_LSRR || option === IPOPT_SSRR) {
      return host.interfaceSysctl(4, 'accept_source_route', iif) === 0;
    }
    at += option === IPOPT_NOOP ? 1 : Math.max(2, p.bytes[at + 1]!);
  }
  return false;
}

/**
 * ip_exceeds_mtu(), ip6_pkt_too_big(): decided before FORWARD. What defragmentation put together is cut again on its way
 * out, unless its fragments were too big themselves. A TCP packet above the MTU of the interface it came in by is one
 * that receive offload has put together, and it is cut again, too.
 */
export function isTooBig(host: Host, p: Packet, oif: number): boolean {
  const { r } = p;
  const out = host.interfaces[oif]!;
  // What HOST does not know has no MTU.
  if (out.ifindex === undefined || r[R_LENGTH]! <= out.mtu) return false;
  if (r[R_FAMILY] === 4 && (r[R_DECODE_FLAGS]! & DECODE_DONT_FRAGMENT) === 0) return false;
  if (p.fragMaxBytes > 0) return p.fragMaxBytes > out.mtu;
  const cameBy = host.interfaces[r[R_IIF]!];
  return r[R_L4PROTO] !== IPPROTO_TCP || cameBy === undefined || r[R_LENGTH]! <= cameBy.mtu;
}
