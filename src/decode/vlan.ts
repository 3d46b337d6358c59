import { ETH_P_8021AD, ETH_P_8021Q } from './ether-types.ts';
import type { Frame } from './frame.ts';

const VLAN_HEADER_BYTES = 4;
const VLAN_ID_MASK = 0x0fff;

/** Tags that skb_vlan_untag() takes off: 802.1Q and 802.1ad, not the older 0x9100. */
export const isVlan = (etherType: number): boolean => etherType === ETH_P_8021Q || etherType === ETH_P_8021AD;

/**
 * Takes off VLAN tags, however many; the column keeps the innermost identifier. Returns the Ethertype behind them,
 * or the tag's own when the frame ends in it.
 */
export function decodeVlan(frame: Frame, etherType: number): number {
  const { c, view, row } = frame;
  while (isVlan(etherType)) {
    if (frame.captured < VLAN_HEADER_BYTES) return etherType;
    c.vlan[row] = view.getUint16(frame.at) & VLAN_ID_MASK;
    etherType = view.getUint16(frame.at + 2);
    frame.at += VLAN_HEADER_BYTES;
  }
  return etherType;
}
