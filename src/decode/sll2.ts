import type { Frame } from './frame.ts';
import { cookedProtocol, setPacketType } from './sll.ts';

const SLL2_HEADER_BYTES = 20;

/**
 * Takes off a "cooked" header of version 2 (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html):
 *
 *   0 protocol | 2 reserved | 4 interface index | 8 ARPHRD_ type | 10 packet type (1) | 11 address length (1) | 12 address (8)
 */
export function decodeSll2(frame: Frame): number {
  const { c, view, row, at } = frame;
  if (frame.captured < SLL2_HEADER_BYTES) return 0;
  c.ifindex[row] = view.getUint32(at + 4);
  setPacketType(frame, view.getUint8(at + 10));
  frame.at = at + SLL2_HEADER_BYTES;
  return cookedProtocol(view.getUint16(at));
}
