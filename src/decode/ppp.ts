import { ETH_P_IP, ETH_P_IPV6, ETH_P_MPLS_MC, ETH_P_MPLS_UC, ETH_P_PPP_SES } from './ether-types.ts';
import type { Frame } from './frame.ts';

const PPP_IP = 0x0021;
const PPP_IPV6 = 0x0057;
const PPP_MPLS_UC = 0x0281;
const PPP_MPLS_MC = 0x0283;
/** HDLC address "all stations" and control "unnumbered information" (RFC 1662). */
const PPP_ADDRESS_CONTROL = 0xff03;
/** Cisco HDLC addresses: what follows is an Ethertype. */
const CHDLC_UNICAST = 0x0f00;
const CHDLC_BROADCAST = 0x8f00;

/** Takes off a PPP header with or without its HDLC-like framing; returns the Ethertype that stands for its protocol. */
export function decodePpp(frame: Frame): number {
  const { view } = frame;
  if (frame.captured >= 2 && view.getUint16(frame.at) === PPP_ADDRESS_CONTROL) frame.at += 2;
  return decodePppProtocol(frame);
}

/** PPP or Cisco HDLC in HDLC framing (link type 50). */
export function decodePppHdlc(frame: Frame): number {
  const { view } = frame;
  if (frame.captured >= 4) {
    const address = view.getUint16(frame.at);
    if (address === CHDLC_UNICAST || address === CHDLC_BROADCAST) {
      frame.at += 4;
      return view.getUint16(frame.at - 2);
    }
  }
  return decodePpp(frame);
}

/** The protocol field: two bytes, or one when it is compressed (RFC 1661 section 6.5: then it is odd). */
export function decodePppProtocol(frame: Frame): number {
  const { view } = frame;
  if (frame.captured < 1) return 0;
  let protocol = view.getUint8(frame.at);
  if ((protocol & 1) !== 0) {
    frame.at += 1;
  } else {
    if (frame.captured < 2) return 0;
    protocol = view.getUint16(frame.at);
    frame.at += 2;
  }
  switch (protocol) {
    case PPP_IP:
      return ETH_P_IP;
    case PPP_IPV6:
      return ETH_P_IPV6;
    case PPP_MPLS_UC:
      return ETH_P_MPLS_UC;
    case PPP_MPLS_MC:
      return ETH_P_MPLS_MC;
    default:
      return ETH_P_PPP_SES;
  }
}
