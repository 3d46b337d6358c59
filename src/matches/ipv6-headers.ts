import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';

export const NEXTHDR_HOP = 0;
export const NEXTHDR_ROUTING = 43;
export const NEXTHDR_FRAGMENT = 44;
export const NEXTHDR_ESP = 50;
export const NEXTHDR_AUTH = 51;
export const NEXTHDR_NONE = 59;
export const NEXTHDR_DEST = 60;

/** The header is not there: -ENOENT. */
export const NOT_FOUND = -1;
/** The packet ends within its extension headers: -EBADMSG, for which matches drop it. */
export const BAD_HEADERS = -2;
/** What was captured of the packet ends within them. */
export const UNSEEN_HEADERS = -3;

const IPV6_HEADER_BYTES = 40;

function isExtension(header: number): boolean {
  return (
    header === NEXTHDR_HOP ||
    header === NEXTHDR_ROUTING ||
    header === NEXTHDR_FRAGMENT ||
    header === NEXTHDR_AUTH ||
    header === NEXTHDR_NONE ||
    header === NEXTHDR_DEST
  );
}

/** How much of an extension header must be there to go on behind it. */
function bytesAskedFor(header: number): number {
  return header === NEXTHDR_ROUTING || header === NEXTHDR_FRAGMENT ? 4 : 2;
}

/**
 * Offset from the IPv6 header of the first header of type `wanted`, or NOT_FOUND or BAD_HEADERS.
 * Linux: net/ipv6/exthdrs_core.c, ipv6_find_hdr() with no flags. Where the capture, not the packet, ends too early,
 * the header counts as not there.
 */
export function findHeader(p: Packet, wanted: number): number {
  currentBytes(p);
  const { view, l3Offset } = p;
  const captured = p.l3End - l3Offset;
  const length = p.r[R_LENGTH]!;
  let next = view.getUint8(l3Offset + 6);
  let at = IPV6_HEADER_BYTES;
  while (next !== wanted) {
    if (!isExtension(next) || next === NEXTHDR_NONE) return NOT_FOUND;
    const needed = bytesAskedFor(next);
    if (at + needed > length) return BAD_HEADERS;
    if (at + needed > captured) return NOT_FOUND;
    const header = l3Offset + at;
    let bytes: number;
    if (next === NEXTHDR_FRAGMENT) {
      // Behind the header of a later fragment there are no headers any more.
      if ((view.getUint16(header + 2) & 0xfff8) !== 0) return NOT_FOUND;
      bytes = 8;
    } else {
      const units = view.getUint8(header + 1);
      bytes = next === NEXTHDR_AUTH ? (units + 2) << 2 : (units + 1) << 3;
    }
    next = view.getUint8(header);
    at += bytes;
  }
  return at;
}

/** What stands behind the extension headers. */
export interface LastHeader {
  protocol: number;
  /** Offset from the outer IPv6 header; says nothing in a later fragment. */
  at: number;
  /** A fragment header stands before it, that of a whole packet too. */
  isFragment: boolean;
}

/**
 * Finds the transport header, or the AH header before it, of the IPv6 header at offset `ip` of the packet, which may be one
 * that an ICMPv6 error quotes. Gives 0, BAD_HEADERS or UNSEEN_HEADERS. `currentBytes` has been asked for. Linux:
 * net/ipv6/exthdrs_core.c, ipv6_find_hdr() of no certain header, with IP6_FH_F_AUTH.
 */
export function findLastHeader(p: Packet, ip: number, found: LastHeader): number {
  const { view, l3Offset } = p;
  const captured = p.l3End - l3Offset;
  const length = p.r[R_LENGTH]!;
  found.isFragment = false;
  let next = view.getUint8(l3Offset + ip + 6);
  let at = ip + IPV6_HEADER_BYTES;
  while (isExtension(next) && next !== NEXTHDR_NONE) {
    const header = l3Offset + at;
    const needed = bytesAskedFor(next);
    if (next === NEXTHDR_FRAGMENT) found.isFragment = true;
    if (at + needed > length) return BAD_HEADERS;
    if (at + needed > captured) return UNSEEN_HEADERS;
    if (next === NEXTHDR_AUTH) break;
    const inner = view.getUint8(header);
    if (next !== NEXTHDR_FRAGMENT) at += (view.getUint8(header + 1) + 1) << 3;
    else if ((view.getUint16(header + 2) & 0xfff8) === 0) at += 8;
    else if (isExtension(inner) && inner !== NEXTHDR_NONE) return BAD_HEADERS;
    else {
      found.protocol = inner;
      return 0;
    }
    next = inner;
  }
  found.protocol = next;
  found.at = at;
  return 0;
}
