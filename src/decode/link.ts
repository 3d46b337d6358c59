import {
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NFLOG,
  LINKTYPE_NULL,
  LINKTYPE_PPP,
  LINKTYPE_PPP_ETHER,
  LINKTYPE_PPP_HDLC,
  LINKTYPE_RAW,
  LINKTYPE_RAW_BSD,
  LINKTYPE_RAW_OPENBSD,
} from '../capture/linktype.ts';
import { ETH_P_IP, ETH_P_IPV6, ETH_P_PPP_SES } from './ether-types.ts';
import { decodeEthernet } from './ethernet.ts';
import type { Frame } from './frame.ts';
import { decodeNflog } from './nflog.ts';
import { decodeLoop, decodeNull } from './null.ts';
import { decodePpp, decodePppHdlc } from './ppp.ts';
import { decodePppoe } from './pppoe.ts';
import { decodeRaw } from './raw.ts';
import { decodeSll } from './sll.ts';
import { decodeSll2 } from './sll2.ts';
import { decodeVlan } from './vlan.ts';

/** Takes off all headers below IP; returns the Ethertype (or what stands for it) of what is left. */
export function decodeLink(frame: Frame, linktype: number): number {
  let etherType = decodeOutermost(frame, linktype);
  etherType = decodeVlan(frame, etherType);
  if (etherType === ETH_P_PPP_SES && linktype !== LINKTYPE_PPP && linktype !== LINKTYPE_PPP_HDLC) {
    return decodePppoe(frame);
  }
  return etherType;
}

function decodeOutermost(frame: Frame, linktype: number): number {
  switch (linktype) {
    case LINKTYPE_ETHERNET:
      return decodeEthernet(frame);
    case LINKTYPE_LINUX_SLL:
      return decodeSll(frame);
    case LINKTYPE_LINUX_SLL2:
      return decodeSll2(frame);
    case LINKTYPE_RAW:
    case LINKTYPE_RAW_BSD:
    case LINKTYPE_RAW_OPENBSD:
      return decodeRaw(frame);
    case LINKTYPE_IPV4:
      return ETH_P_IP;
    case LINKTYPE_IPV6:
      return ETH_P_IPV6;
    case LINKTYPE_NULL:
      return decodeNull(frame);
    case LINKTYPE_LOOP:
      return decodeLoop(frame);
    case LINKTYPE_PPP:
      return decodePpp(frame);
    case LINKTYPE_PPP_HDLC:
      return decodePppHdlc(frame);
    case LINKTYPE_PPP_ETHER:
      return ETH_P_PPP_SES;
    case LINKTYPE_NFLOG:
      return decodeNflog(frame);
    default:
      return 0;
  }
}
