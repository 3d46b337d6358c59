import { ETH_P_802_2, ETH_P_IP, ETH_P_IPV6 } from './ether-types.ts';
import type { Frame } from './frame.ts';

const NFLOG_HEADER_BYTES = 4;
const TLV_HEADER_BYTES = 4;
const AF_INET = 2;
const AF_INET6 = 10;
/** Attributes of NFULNL packet messages (include/uapi/linux/netfilter/nfnetlink_log.h). */
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;

/**
 * Takes off an NFLOG header (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html): address family, version,
 * resource; then attributes of length, type and value, padded to 4 bytes. The payload attribute is the IP packet.
 *
 * Length and type are in the byte order of the machine that wrote the file. Types are below 256, so that one of
 * the type's two bytes is zero and tells the order.
 */
export function decodeNflog(frame: Frame): number {
  const { c, view, row } = frame;
  if (frame.captured < NFLOG_HEADER_BYTES) return 0;
  const family = view.getUint8(frame.at);
  let at = frame.at + NFLOG_HEADER_BYTES;
  while (frame.end - at >= TLV_HEADER_BYTES) {
    const littleEndian = view.getUint8(at + 3) === 0;
    const length = view.getUint16(at, littleEndian);
    const type = view.getUint16(at + 2, littleEndian) & 0x7fff;
    if (length < TLV_HEADER_BYTES) break;
    if (type === NFULA_PAYLOAD) {
      frame.at = at + TLV_HEADER_BYTES;
      frame.trim(length - TLV_HEADER_BYTES);
      if (family === AF_INET) return ETH_P_IP;
      return family === AF_INET6 ? ETH_P_IPV6 : ETH_P_802_2;
    }
    if (length > frame.end - at) break;
    if (
      length === 8 &&
      (type === NFULA_IFINDEX_INDEV || (type === NFULA_IFINDEX_OUTDEV && c.ifindex[row] === 0))
    ) {
      c.ifindex[row] = view.getUint32(at + TLV_HEADER_BYTES);
    }
    at += (length + 3) & ~3;
  }
  return 0;
}
