import type { Frame } from './frame.ts';

/** UDP, UDP-Lite, SCTP, DCCP and TCP begin with the two ports: nf_ct_get_tuple_ports() asks for four bytes, not more. */
export function decodePorts(frame: Frame): void {
  const { c, view, row, at } = frame;
  if (frame.captured < 4) return;
  c.sport[row] = view.getUint16(at);
  c.dport[row] = view.getUint16(at + 2);
}
