import { DECODE_PPPOE } from '../batch/layout.ts';
import { ETH_P_PPP_SES } from './ether-types.ts';
import type { Frame } from './frame.ts';
import { decodePppProtocol } from './ppp.ts';

const PPPOE_HEADER_BYTES = 6;
/** Version 1, type 1. */
const PPPOE_VERSION_TYPE = 0x11;
const PPPOE_CODE_SESSION = 0;

/**
 * Takes off a PPPoE session header (RFC 2516) and the PPP protocol behind it, as pppoe_rcv()
 * (drivers/net/ppp/pppoe.c) does: its length field cuts Ethernet padding.
 */
export function decodePppoe(frame: Frame): number {
  const { view, at } = frame;
  if (frame.captured < PPPOE_HEADER_BYTES) return ETH_P_PPP_SES;
  if (view.getUint8(at) !== PPPOE_VERSION_TYPE || view.getUint8(at + 1) !== PPPOE_CODE_SESSION)
    return ETH_P_PPP_SES;
  const length = view.getUint16(at + 4);
  frame.at = at + PPPOE_HEADER_BYTES;
  if (length > frame.onWire) return ETH_P_PPP_SES;
  frame.trim(length);
  frame.flag(DECODE_PPPOE);
  const etherType = decodePppProtocol(frame);
  return etherType === 0 ? ETH_P_PPP_SES : etherType;
}
