import type { Frame } from './frame.ts';

const VERSION_MASK = 0x0007;
const VERSION_PPTP = 1;
const PROTOCOL_PPP = 0x880b;

/** GRE: gre_pkt_to_tuple() (net/netfilter/nf_conntrack_proto_gre.c) takes the call id of version 1 (PPTP, RFC 2637). */
export function decodeGre(frame: Frame): void {
  const { c, view, row, at } = frame;
  if (frame.captured < 8) return;
  if ((view.getUint16(at) & VERSION_MASK) !== VERSION_PPTP || view.getUint16(at + 2) !== PROTOCOL_PPP) return;
  c.dport[row] = view.getUint16(at + 6);
}
