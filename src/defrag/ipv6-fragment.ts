/** IPv6 extension headers that ipv6_ext_hdr() knows (net/ipv6/exthdrs_core.c). */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const NO_NEXT = 59;
const DESTINATION = 60;

const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

function isExtension(next: number): boolean {
  return (
    next === HOP_BY_HOP ||
    next === ROUTING ||
    next === FRAGMENT ||
    next === AUTHENTICATION ||
    next === NO_NEXT ||
    next === DESTINATION
  );
}

export interface FragmentHeaderPlace {
  /** Offset of the fragment header. */
  readonly header: number;
  /** Offset of the "next header" byte that names it. */
  readonly previousNext: number;
}

/**
 * find_prev_fhdr() in net/ipv6/netfilter/nf_conntrack_reasm.c: where the fragment header of the IPv6 packet at `l3`
 * is, or undefined when there is none to be found. `end` is behind the last captured byte.
 */
export function findFragmentHeader(view: DataView, l3: number, end: number): FragmentHeaderPlace | undefined {
  let kind = view.getUint8(l3 + 6);
  let previousNext = l3 + 6;
  let at = l3 + 40;
  while (kind !== FRAGMENT) {
    if (!isExtension(kind) || kind === NO_NEXT || at + 2 > end) return undefined;
    const length = view.getUint8(at + 1);
    const bytes = kind === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
    previousNext = at;
    kind = view.getUint8(at);
    at += bytes;
  }
  return at + 8 <= end ? { header: at, previousNext } : undefined;
}

/**
 * ipv6frag_thdr_truncated() in include/net/ipv6_frag.h: true for a first fragment that does not hold all headers up
 * to the transport's (RFC 8200, section 4.5). `packetEnd` is where the fragment ends by its own length.
 */
export function isFirstTruncated(
  view: DataView,
  header: number,
  packetEnd: number,
  captureEnd: number,
): boolean {
  let next = FRAGMENT;
  let at = header;
  while (isExtension(next)) {
    if (next === NO_NEXT) return false;
    // Headers that cannot be read are nobody's fault; the kernel goes on, too.
    if (at + 8 > Math.min(packetEnd, captureEnd)) return false;
    if (next === FRAGMENT && (view.getUint16(at + 2) & 0xfff8) !== 0) return false;
    const length = view.getUint8(at + 1);
    const bytes = next === FRAGMENT ? 8 : next === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
    next = view.getUint8(at);
    at += bytes;
  }
  const needed = next === TCP ? 20 : next === UDP || next === ICMPV6 ? 8 : 1;
  return at + needed > packetEnd;
}
