import { ETH_P_IP, ETH_P_IPV6 } from './ether-types.ts';
import type { Frame } from './frame.ts';
import { decodeIpv4 } from './ipv4.ts';
import { decodeIpv6 } from './ipv6.ts';
import { decodeLink } from './link.ts';

/** Decodes any row, header by header: all but the transport checksum. */
export function decodeRow(frame: Frame, row: number): void {
  frame.begin(row);
  const etherType = decodeLink(frame, frame.c.linktype[row]!);
  frame.c.etherType[row] = etherType;
  if (etherType === ETH_P_IP) decodeIpv4(frame);
  else if (etherType === ETH_P_IPV6) decodeIpv6(frame);
}
