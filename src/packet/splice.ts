import { internetSum } from '../decode/internet-checksum.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type Packet } from './packet.ts';
import { R_FAMILY, R_L4PROTO, R_LENGTH } from './registers.ts';
import { currentBytes, ownBytes } from './rewrite.ts';

/**
 * Payload of another length: mangle_contents() in net/netfilter/nf_nat_helper.c. Writes `text` (a character a byte) in
 * place of `bytes` bytes at offset `at` of `p.bytes`, in a new copy, so that whoever holds on to the old bytes
 * keeps them; lengths and checksums follow. For TCP and UDP. All that was captured behind `at` must be there.
 */
export function splicePayload(p: Packet, at: number, bytes: number, text: string | Uint8Array): void {
  // Writing the registers may move the packet: `at` is then told by its distance from the IP header.
  const distance = at - p.l3Offset;
  const old = currentBytes(p);
  const begin = p.macOffset >= 0 && p.macOffset < p.l3Offset ? p.macOffset : p.l3Offset;
  const growth = text.length - bytes;
  const from = p.l3Offset + distance;
  const copy = new Uint8Array(p.l3End - begin + growth);
  copy.set(old.subarray(begin, from), 0);
  for (let i = 0; i < text.length; i++) {
    copy[from - begin + i] = typeof text === 'string' ? text.charCodeAt(i) : text[i]!;
  }
  copy.set(old.subarray(from + bytes, p.l3End), from - begin + text.length);
  ownBytes(p, copy, begin);
  p.l3End += growth;
  p.r[R_LENGTH]! += growth;
  writeLengths(p);
  if (p.r[R_LENGTH]! === p.l3End - p.l3Offset) writeChecksum(p);
}

function writeLengths(p: Packet): void {
  const { view, l3Offset, l4Offset } = p;
  const length = p.r[R_LENGTH]!;
  if (p.r[R_FAMILY] === 4) {
    view.setUint16(l3Offset + 2, length);
    view.setUint16(l3Offset + 10, 0);
    const headerBytes = (view.getUint8(l3Offset) & 15) << 2;
    view.setUint16(l3Offset + 10, complement(internetSum(view, l3Offset, headerBytes, 0)));
  } else view.setUint16(l3Offset + 4, length - 40);
  if (p.r[R_L4PROTO] === IPPROTO_UDP) view.setUint16(l4Offset + 4, l3Offset + length - l4Offset);
}

/** nf_nat_csum_recalc(). A UDP datagram without a checksum stays without one. */
function writeChecksum(p: Packet): void {
  const { view, l3Offset, l4Offset, l3End } = p;
  const l4proto = p.r[R_L4PROTO]!;
  const sumAt = l4Offset + (l4proto === IPPROTO_TCP ? 16 : 6);
  if (l4proto === IPPROTO_UDP && view.getUint16(sumAt) === 0) return;
  view.setUint16(sumAt, 0);
  const [addresses, bytes] = p.r[R_FAMILY] === 4 ? [l3Offset + 12, 8] : [l3Offset + 8, 32];
  const pseudo = internetSum(view, addresses, bytes, l4proto + l3End - l4Offset);
  const sum = complement(internetSum(view, l4Offset, l3End - l4Offset, pseudo));
  view.setUint16(sumAt, l4proto === IPPROTO_UDP && sum === 0 ? 0xffff : sum);
}

function complement(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 65536);
  return ~folded & 0xffff;
}
