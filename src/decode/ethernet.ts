import { DECODE_GROUP_MAC, PKT_BROADCAST, PKT_MULTICAST, PKT_UNKNOWN } from '../batch/layout.ts';
import { ETH_P_802_2, ETH_P_802_3, ETH_P_802_3_MIN } from './ether-types.ts';
import type { Frame } from './frame.ts';

export const ETHERNET_HEADER_BYTES = 14;

/** Takes off an Ethernet header; returns the Ethertype as eth_type_trans() (net/ethernet/eth.c) finds it. */
export function decodeEthernet(frame: Frame): number {
  const { c, view, row, at } = frame;
  if (frame.captured < ETHERNET_HEADER_BYTES) return 0;
  c.macOffset[row] = at;
  c.pktType[row] = PKT_UNKNOWN;
  if ((view.getUint8(at) & 1) !== 0) {
    const isBroadcast = view.getUint32(at) === 0xffffffff && view.getUint16(at + 4) === 0xffff;
    c.pktType[row] = isBroadcast ? PKT_BROADCAST : PKT_MULTICAST;
    frame.flag(DECODE_GROUP_MAC);
  }
  const etherType = view.getUint16(at + 12);
  frame.at = at + ETHERNET_HEADER_BYTES;
  if (etherType >= ETH_P_802_3_MIN) return etherType;
  // IEEE 802.3: Linux gives IP in LLC or SNAP to nobody.
  return frame.captured >= 2 && view.getUint16(frame.at) === 0xffff ? ETH_P_802_3 : ETH_P_802_2;
}
