import {
  PKT_OUTGOING,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
  RECORD_UNKNOWN,
} from '../batch/layout.ts';
import { ETH_P_802_2, ETH_P_802_3_MIN } from './ether-types.ts';
import type { Frame } from './frame.ts';

const SLL_HEADER_BYTES = 16;

/**
 * Takes off a "cooked" header of version 1 (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html):
 *
 *   0 packet type | 2 ARPHRD_ type | 4 address length | 6 address (8) | 14 protocol
 */
export function decodeSll(frame: Frame): number {
  const { view, at } = frame;
  if (frame.captured < SLL_HEADER_BYTES) return 0;
  setPacketType(frame, view.getUint16(at));
  frame.at = at + SLL_HEADER_BYTES;
  return cookedProtocol(view.getUint16(at + 14));
}

/** skb->pkt_type, and with it the direction, where the file does not state one. */
export function setPacketType(frame: Frame, packetType: number): void {
  const { c, row } = frame;
  const known = packetType <= PKT_OUTGOING;
  c.pktType[row] = known ? packetType : PKT_UNKNOWN;
  if (!known || c.recordDirection[row] !== RECORD_UNKNOWN) return;
  c.recordDirection[row] = packetType === PKT_OUTGOING ? RECORD_OUTBOUND : RECORD_INBOUND;
}

/** Numbers below 0x600 are no Ethertypes: 1 is Novell's 802.3, 4 LLC, others are of CAN and its like. */
export function cookedProtocol(protocol: number): number {
  return protocol >= ETH_P_802_3_MIN || protocol === 1 ? protocol : ETH_P_802_2;
}
