import { ETH_P_802_2, ETH_P_IP, ETH_P_IPV6 } from './ether-types.ts';
import type { Frame } from './frame.ts';

const AF_INET = 2;
/** AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of macOS: the file keeps the number of its writer. */
const AF_INET6: readonly number[] = [10, 24, 28, 30];

/** Takes off a BSD loopback header (link type 0): an address family in the byte order of the machine that wrote it. */
export function decodeNull(frame: Frame): number {
  if (frame.captured < 4) return 0;
  const family = frame.view.getUint32(frame.at, true);
  // A family is a small number: in the other byte order its low half is empty.
  return familyProtocol(frame, (family & 0xffff) === 0 ? frame.view.getUint32(frame.at) : family);
}

/** The same header in network byte order (link type 108). */
export function decodeLoop(frame: Frame): number {
  return frame.captured < 4 ? 0 : familyProtocol(frame, frame.view.getUint32(frame.at));
}

function familyProtocol(frame: Frame, family: number): number {
  frame.at += 4;
  if (family === AF_INET) return ETH_P_IP;
  return AF_INET6.includes(family) ? ETH_P_IPV6 : ETH_P_802_2;
}
