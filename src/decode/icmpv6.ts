import type { Frame } from './frame.ts';

const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const NODE_INFORMATION_QUERY = 139;
const NODE_INFORMATION_REPLY = 140;

/** ICMPv6 (RFC 4443): as ICMP; types with an identifier are those of nf_conntrack_invert_icmpv6_tuple(). */
export function decodeIcmpv6(frame: Frame): void {
  const { c, view, row, at } = frame;
  const { captured } = frame;
  if (captured < 2) return;
  c.dport[row] = view.getUint16(at);
  const type = view.getUint8(at);
  const isEcho = type === ECHO_REQUEST || type === ECHO_REPLY;
  const isQuery = isEcho || type === NODE_INFORMATION_QUERY || type === NODE_INFORMATION_REPLY;
  if (captured >= 6 && isQuery) c.sport[row] = view.getUint16(at + 4);
}
