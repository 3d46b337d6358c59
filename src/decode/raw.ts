import { ETH_P_802_2, ETH_P_IP, ETH_P_IPV6 } from './ether-types.ts';
import type { Frame } from './frame.ts';

/** Raw IP (link types 12, 14, 101): no link header, the version field tells the family. */
export function decodeRaw(frame: Frame): number {
  if (frame.captured < 1) return 0;
  const version = frame.view.getUint8(frame.at) >>> 4;
  if (version === 4) return ETH_P_IP;
  return version === 6 ? ETH_P_IPV6 : ETH_P_802_2;
}
