import type { Columns } from '../batch/batch.ts';
import { DECODE_INTERFACE_CHECK, PKT_OTHERHOST } from '../batch/layout.ts';
import { DROP_IPV6_LOOPBACK, DROP_IPV6_SCOPE_INTERFACE, DROP_NONE, DROP_OTHERHOST } from './drop-reasons.ts';

/**
 * Drop reason of an inbound packet as far as it depends on the interface it came in by; DROP_NONE when there is
 * none. To be asked together with the `drop` column, for packets that arrive:
 *
 * - `pktType` is skb->pkt_type, the column's value or what the engine made of PKT_UNKNOWN by the interface's
 *   address: ip_rcv_core() and ip6_rcv_core() drop PACKET_OTHERHOST first of all;
 * - an IPv6 loopback address, or interface-local multicast, comes in by a loopback interface only. For loopback
 *   addresses, a VRF device (netif_is_l3_master()) counts as loopback.
 */
export function interfaceDropReason(
  columns: Columns,
  row: number,
  pktType: number,
  isLoopback: boolean,
): number {
  if (pktType === PKT_OTHERHOST) return DROP_OTHERHOST;
  if (isLoopback || (columns.decodeFlags[row]! & DECODE_INTERFACE_CHECK) === 0) return DROP_NONE;
  const destination = columns.daddr[4 * row]! >>> 0;
  // The flag is set for one of the two: ff?1::/16 as destination, or ::1 at either end.
  const hasLoopback = isIpv6Loopback(columns.saddr, 4 * row) || isIpv6Loopback(columns.daddr, 4 * row);
  return hasLoopback || destination >>> 24 !== 0xff ? DROP_IPV6_LOOPBACK : DROP_IPV6_SCOPE_INTERFACE;
}

const isIpv6Loopback = (words: Int32Array, i: number): boolean =>
  words[i] === 0 && words[i + 1] === 0 && words[i + 2] === 0 && words[i + 3] === 1;
