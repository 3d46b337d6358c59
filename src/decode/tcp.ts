import type { Frame } from './frame.ts';
import { decodePorts } from './ports.ts';

/** TCP (RFC 9293): 4 sequence number, 8 acknowledgement number, 13 flags, 14 window; each as far as it was captured. */
export function decodeTcp(frame: Frame): void {
  const { c, view, row, at } = frame;
  const { captured } = frame;
  decodePorts(frame);
  if (captured >= 8) c.tcpSeq[row] = view.getUint32(at + 4);
  if (captured >= 12) c.tcpAck[row] = view.getUint32(at + 8);
  if (captured >= 14) c.tcpFlags[row] = view.getUint8(at + 13);
  if (captured >= 16) c.tcpWindow[row] = view.getUint16(at + 14);
}
