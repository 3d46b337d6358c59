import {
  DECODE_BAD_CHAIN,
  DECODE_FRAGMENT,
  DECODE_L4_CUT,
  DECODE_L4_SHORT,
  DECODE_MORE_FRAGMENTS,
  DECODE_OPTIONS,
} from '../batch/layout.ts';
import type { Frame } from './frame.ts';
import {
  FIXED_HEADER_BYTES,
  IPPROTO_AH,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ROUTING,
} from './protocols.ts';
import { decodeTransport } from './transport.ts';

/** ipv6_ext_hdr() (net/ipv6/exthdrs_core.c), but for "no next header", where the search ends. */
const isExtension = (nextHeader: number): boolean =>
  nextHeader === IPPROTO_HOPOPTS ||
  nextHeader === IPPROTO_ROUTING ||
  nextHeader === IPPROTO_FRAGMENT ||
  nextHeader === IPPROTO_AH ||
  nextHeader === IPPROTO_DSTOPTS;

/**
 * Looks for the transport header behind the IPv6 header as ipv6_find_hdr(skb, …, -1, …) does for ip6_packet_match():
 * over hop-by-hop, routing, destination, fragment and authentication headers, in whatever order and number. ESP and
 * "no next header" (59) end the search. A later fragment's protocol is the one that its fragment header names.
 * Every step goes on by at least 8 bytes, so that no garbage can hold it up.
 */
export function decodeExtensionHeaders(frame: Frame, nextHeader: number): void {
  const { c, view, row } = frame;
  const begin = frame.at;
  while (isExtension(nextHeader)) {
    const { at } = frame;
    frame.flag(DECODE_OPTIONS);
    c.l4proto[row] = nextHeader;
    // A routing header is asked for four bytes, a fragment header for its offset field, the others for two.
    const needed = nextHeader === IPPROTO_ROUTING || nextHeader === IPPROTO_FRAGMENT ? 4 : 2;
    if (frame.onWire < needed) {
      frame.flag(DECODE_BAD_CHAIN);
      return;
    }
    if (frame.captured < needed) {
      frame.flag(DECODE_L4_CUT);
      return;
    }
    const inner = view.getUint8(at);
    let bytes = (view.getUint8(at + 1) + 1) * 8;
    if (nextHeader === IPPROTO_AH) bytes = (view.getUint8(at + 1) + 2) * 4;
    if (nextHeader === IPPROTO_FRAGMENT) {
      bytes = 8;
      decodeFragmentHeader(frame);
      if (c.fragOffset[row] !== 0) {
        if (isExtension(inner)) frame.flag(DECODE_BAD_CHAIN);
        else c.l4proto[row] = inner;
        return;
      }
    }
    frame.at = at + bytes;
    nextHeader = inner;
  }
  c.l4proto[row] = nextHeader;
  if (frame.at !== begin) frame.flag(DECODE_OPTIONS);
  endOfChain(frame, nextHeader);
}

/** `frame.at` may lie beyond the packet: the last extension header then claims more than there is. */
function endOfChain(frame: Frame, l4proto: number): void {
  if (frame.at > frame.wireEnd) {
    if (FIXED_HEADER_BYTES[l4proto]! > 0) frame.flag(DECODE_L4_SHORT);
  } else if (frame.at > frame.end) {
    frame.flag(DECODE_L4_CUT);
  } else {
    decodeTransport(frame, l4proto);
  }
}

/** Fragment header (RFC 8200 section 4.5): 2 offset (upper 13 bits, in 8 bytes) and M flag, 4 identification. */
function decodeFragmentHeader(frame: Frame): void {
  const { c, view, row, at } = frame;
  const field = view.getUint16(at + 2);
  c.fragOffset[row] = field & 0xfff8;
  frame.flag(DECODE_FRAGMENT);
  if ((field & 1) !== 0) frame.flag(DECODE_MORE_FRAGMENTS);
  if (frame.captured >= 8) c.ipId[row] = view.getUint32(at + 4);
}
