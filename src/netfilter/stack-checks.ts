import { DECODE_DONT_FRAGMENT } from '../batch/layout.ts';
import type { Host } from '../host/types.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_DECODE_FLAGS, R_FAMILY, R_IIF, R_L4PROTO, R_LENGTH } from '../packet/registers.ts';

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
