import type { Frame } from './frame.ts';

/**
 * Types whose messages carry an identifier: those of icmp_invert_tuple() (net/netfilter/nf_conntrack_proto_icmp.c),
 * that is echo, timestamp, information and address mask, each with its reply. One bit a type.
 */
const QUERY_TYPES =
  (1 << 0) | (1 << 8) | (1 << 13) | (1 << 14) | (1 << 15) | (1 << 16) | (1 << 17) | (1 << 18);

/** Types of errors about a packet, which they quote: unreachable, source quench, redirect, time exceeded, parameter problem. */
export const ICMP_ERROR_TYPES: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** ICMP (RFC 792): 0 type, 1 code, 4 identifier of a query. */
export function decodeIcmp(frame: Frame): void {
  const { c, view, row, at } = frame;
  const { captured } = frame;
  if (captured < 2) return;
  c.dport[row] = view.getUint16(at);
  const type = view.getUint8(at);
  if (captured >= 6 && type < 32 && ((QUERY_TYPES >>> type) & 1) === 1) c.sport[row] = view.getUint16(at + 4);
}
