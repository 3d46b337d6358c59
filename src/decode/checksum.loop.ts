import type { Batch } from '../batch/batch.ts';
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNKNOWN,
  DECODE_L4_CUT,
  DECODE_L4_SHORT,
  DECODE_MORE_FRAGMENTS,
  DECODE_PAYLOAD_CUT,
  NO_OFFSET,
} from '../batch/layout.ts';
import { crc32c } from './crc32c.ts';
import { internetSum } from './internet-checksum.ts';
import {
  IPPROTO_DCCP,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from './protocols.ts';

/** With one of these not all bytes that the checksum covers are there. A later fragment has no l4Offset. */
const INCOMPLETE = DECODE_PAYLOAD_CUT | DECODE_L4_CUT | DECODE_L4_SHORT | DECODE_MORE_FRAGMENTS;

/**
 * Verifies the transport checksums of decoded rows [begin, end), as nf_checksum() (net/netfilter/utils.c) does: over
 * everything from the transport header to the end of the packet, whatever a UDP length field says, and for IPv6
 * with the header's own destination, whatever a routing header says.
 */
export function verifyChecksums(batch: Batch, begin: number, end: number): void {
  const { view } = batch;
  const { family, l4proto, decodeFlags, l3Offset, l4Offset, length, saddr, daddr, checksum } = batch.columns;
  for (let i = begin; i < end; i++) {
    const at = l4Offset[i]!;
    if (at === NO_OFFSET || (decodeFlags[i]! & INCOMPLETE) !== 0) continue;
    const bytes = l3Offset[i]! + length[i]! - at;
    const proto = l4proto[i]!;
    const k = 4 * i;
    let pseudo = 0;
    if (proto !== IPPROTO_ICMP) {
      pseudo = proto + (bytes & 0xffff) + (bytes >>> 16) + halves(saddr[k]!) + halves(daddr[k]!);
      if (family[i] === 6) {
        pseudo += halves(saddr[k + 1]!) + halves(saddr[k + 2]!) + halves(saddr[k + 3]!);
        pseudo += halves(daddr[k + 1]!) + halves(daddr[k + 2]!) + halves(daddr[k + 3]!);
      }
    }
    checksum[i] = verdictOf(view, at, bytes, proto, pseudo, family[i]!);
  }
}

const halves = (word: number): number => (word >>> 16) + (word & 0xffff);

/** CHECKSUM_* of the segment data[at, at + bytes); its fixed header is whole. */
function verdictOf(
  view: DataView,
  at: number,
  bytes: number,
  proto: number,
  pseudo: number,
  family: number,
): number {
  switch (proto) {
    case IPPROTO_TCP:
      return offloadable(view, at, bytes, pseudo, view.getUint16(at + 16));
    case IPPROTO_UDP: {
      const stored = view.getUint16(at + 6);
      // Zero means "none" (RFC 768); udp_error() (nf_conntrack_proto_udp.c) lets it pass for both families.
      if (stored === 0) return family === 4 ? CHECKSUM_GOOD : CHECKSUM_PARTIAL;
      return offloadable(view, at, bytes, pseudo, stored);
    }
    case IPPROTO_ICMP:
      return internetSum(view, at, bytes, 0) === 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
    case IPPROTO_ICMPV6:
      return internetSum(view, at, bytes, pseudo) === 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
    case IPPROTO_UDPLITE:
      return udpLite(view, at, bytes, pseudo);
    case IPPROTO_DCCP:
      return dccp(view, at, bytes, pseudo);
    case IPPROTO_SCTP:
      return sctp(view, at, bytes);
    default:
      return CHECKSUM_UNKNOWN;
  }
}

/**
 * TCP and UDP, whose checksum the network card may have to complete: Linux leaves the sum of the pseudo header in
 * the field, other systems that of a pseudo header without length (large send offload), or zero. A one's complement
 * zero is written as 0 or as 0xffff.
 */
function offloadable(view: DataView, at: number, bytes: number, pseudo: number, stored: number): number {
  if (internetSum(view, at, bytes, pseudo) === 0xffff) return CHECKSUM_GOOD;
  const found = stored % 0xffff;
  const withoutLength = pseudo - (bytes & 0xffff) - (bytes >>> 16);
  if (stored === 0 || found === pseudo % 0xffff || found === withoutLength % 0xffff) return CHECKSUM_PARTIAL;
  return CHECKSUM_BAD;
}

/** RFC 3828: 4 coverage (0: all), 6 checksum, which must not be zero. The pseudo header has the whole length. */
function udpLite(view: DataView, at: number, bytes: number, pseudo: number): number {
  const stated = view.getUint16(at + 4);
  const coverage = stated === 0 ? bytes : stated;
  if (coverage < 8 || coverage > bytes || view.getUint16(at + 6) === 0) return CHECKSUM_BAD;
  return internetSum(view, at, coverage, pseudo) === 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
}

/** RFC 4340 section 9: the header with its options, and (CsCov - 1) * 4 bytes of the payload, or all (CsCov 0). */
function dccp(view: DataView, at: number, bytes: number, pseudo: number): number {
  const headerBytes = view.getUint8(at + 4) * 4;
  const stated = view.getUint8(at + 5) & 15;
  const coverage = stated === 0 ? bytes : headerBytes + (stated - 1) * 4;
  if (headerBytes < 12 || coverage > bytes) return CHECKSUM_BAD;
  return internetSum(view, at, coverage, pseudo) === 0xffff ? CHECKSUM_GOOD : CHECKSUM_BAD;
}

/** RFC 9260 section 6.8: a CRC over the packet with the field taken as zero; zero is what offload leaves behind. */
function sctp(view: DataView, at: number, bytes: number): number {
  const stored = view.getUint32(at + 8, true);
  if (crc32c(view, at, bytes, at + 8) === stored) return CHECKSUM_GOOD;
  return stored === 0 ? CHECKSUM_PARTIAL : CHECKSUM_BAD;
}
