import { DECODE_L4_CUT, DECODE_L4_SHORT } from '../batch/layout.ts';
import type { Frame } from './frame.ts';
import { decodeGre } from './gre.ts';
import { decodeIcmp } from './icmp.ts';
import { decodeIcmpv6 } from './icmpv6.ts';
import { decodePorts } from './ports.ts';
import {
  FIXED_HEADER_BYTES,
  IPPROTO_DCCP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from './protocols.ts';
import { decodeTcp } from './tcp.ts';

/** Reads as much of the transport header at `frame.at` as there is. `frame.end` and `wireEnd` are the packet's. */
export function decodeTransport(frame: Frame, l4proto: number): void {
  frame.c.l4Offset[frame.row] = frame.at;
  const needed = FIXED_HEADER_BYTES[l4proto]!;
  if (frame.onWire < needed) frame.flag(DECODE_L4_SHORT);
  else if (frame.captured < needed) frame.flag(DECODE_L4_CUT);
  switch (l4proto) {
    case IPPROTO_TCP:
      decodeTcp(frame);
      break;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      decodePorts(frame);
      break;
    case IPPROTO_ICMP:
      decodeIcmp(frame);
      break;
    case IPPROTO_ICMPV6:
      decodeIcmpv6(frame);
      break;
    case IPPROTO_GRE:
      decodeGre(frame);
      break;
  }
}
