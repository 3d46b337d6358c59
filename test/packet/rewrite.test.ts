import { expect, test } from 'vitest';
import { CHECKSUM_GOOD, CHECKSUM_PARTIAL } from '../../src/batch/layout.ts';
import { Packet } from '../../src/packet/packet.ts';
import {
  R_CHECKSUM,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_ID,
  R_L4PROTO,
  R_LENGTH,
  R_SADDR,
  R_SPORT,
  R_TOS,
  R_TTL,
} from '../../src/packet/registers.ts';
import { currentBytes } from '../../src/packet/rewrite.ts';

/** Ones' complement sum of 16-bit words. */
function sum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let total = start;
  for (let i = from; i < to; i += 2) total += (bytes[i]! << 8) | (i + 1 < to ? bytes[i + 1]! : 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

function pseudoSum(bytes: Uint8Array, family: 4 | 6, l4proto: number, lengthBytes: number): number {
  return sum(bytes, family === 4 ? 12 : 8, family === 4 ? 20 : 40, l4proto + lengthBytes);
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

/** An IP packet with right checksums, its bytes behind an Ethernet header and in front of others. */
function make(family: 4 | 6, l4proto: number, l4Bytes: number): { p: Packet; original: Uint8Array } {
  const head = family === 4 ? 20 : 40;
  const ip = new Uint8Array(head + l4Bytes);
  if (family === 4) {
    ip.set([0x45, 0, 0, ip.length, 1, 2, 0x40, 0, 64, l4proto, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
    const header = ~sum(ip, 0, 20) & 0xffff;
    ip.set([header >>> 8, header & 255], 10);
  } else {
    ip.set([0x60, 0, 0, 0, 0, l4Bytes, l4proto, 64, 0x20, 1, 0xd, 0xb8]);
    ip.set([0x20, 1, 0xd, 0xb8, 0, 1], 24);
  }
  for (let i = 0; i < l4Bytes; i++) ip[head + i] = (i * 37 + 11) & 255;
  if (l4proto === 1 || l4proto === 58) ip[head] = l4proto === 1 ? 8 : 128;
  const at = head + CHECKSUM_AT[l4proto]!;
  ip[at] = 0;
  ip[at + 1] = 0;
  const start = l4proto === 1 ? 0 : pseudoSum(ip, family, l4proto, l4Bytes);
  const l4sum = ~sum(ip, head, ip.length, start) & 0xffff;
  ip[at] = l4sum >>> 8;
  ip[at + 1] = l4sum & 255;
  const frame = new Uint8Array(14 + ip.length + 9).fill(0xee);
  frame.set(ip, 14);

  const p = new Packet();
  p.bytes = frame;
  p.view = new DataView(frame.buffer);
  p.macOffset = 0;
  p.l3Offset = 14;
  p.l4Offset = 14 + head;
  p.l3End = 14 + ip.length;
  const { r } = p;
  r[R_FAMILY] = family;
  r[R_L4PROTO] = l4proto;
  r[R_LENGTH] = ip.length;
  r[R_TTL] = 64;
  r[R_CHECKSUM] = CHECKSUM_GOOD;
  const words = family === 4 ? 1 : 4;
  for (let i = 0; i < words; i++) {
    r[R_SADDR + i] = p.view.getInt32(14 + (family === 4 ? 12 : 8) + 4 * i);
    r[R_DADDR + i] = p.view.getInt32(14 + (family === 4 ? 16 : 24) + 4 * i);
  }
  if (l4proto === 1 || l4proto === 58) r[R_ICMP_ID] = p.view.getUint16(p.l4Offset + 4);
  else {
    r[R_SPORT] = p.view.getUint16(p.l4Offset);
    r[R_DPORT] = p.view.getUint16(p.l4Offset + 2);
  }
  return { p, original: frame.slice() };
}

const KINDS = [
  [4, 6, 20],
  [4, 17, 13],
  [4, 1, 16],
  [6, 6, 20],
  [6, 17, 13],
  [6, 58, 16],
] as const;

test.each(KINDS)(
  'IPv%i protocol %i: checksums stay right when registers are written back',
  (family, l4proto, l4Bytes) => {
    const { p, original } = make(family, l4proto, l4Bytes);
    const shared = p.bytes;
    expect(currentBytes(p)).toBe(shared);
    p.r[R_SADDR] = 0x0a010203;
    p.r[R_DADDR] = 0xc0a80163 | 0;
    p.r[R_TOS] = 0x2e;
    p.r[R_TTL] = 63;
    if (l4proto === 1 || l4proto === 58) p.r[R_ICMP_ID] = 0xbeef;
    else {
      p.r[R_SPORT] = 40000;
      p.r[R_DPORT] = 8080;
    }
    p.touch();
    const bytes = currentBytes(p);
    expect(bytes).not.toBe(shared);
    expect(shared).toEqual(original);
    expect(p.touched).toBe(false);
    const ip = bytes.subarray(p.l3Offset, p.l3End);
    const head = p.l4Offset - p.l3Offset;
    if (family === 4) {
      expect(sum(ip, 0, 20)).toBe(0xffff);
      expect([ip[1], ip[8]]).toEqual([0x2e, 63]);
    } else {
      expect([((ip[0]! & 15) << 4) | (ip[1]! >>> 4), ip[7]]).toEqual([0x2e, 63]);
    }
    const start = l4proto === 1 ? 0 : pseudoSum(ip, family, l4proto, l4Bytes);
    expect(sum(ip, head, ip.length, start)).toBe(0xffff);
    if (l4proto === 6)
      expect([p.view.getUint16(p.l4Offset), p.view.getUint16(p.l4Offset + 2)]).toEqual([40000, 8080]);
    // The link header is still in front.
    expect(p.macOffset).toBe(0);
    expect(bytes[0]).toBe(0xee);
  },
);

test('an unfinished checksum takes the addresses in, not the ports', () => {
  const { p } = make(4, 6, 20);
  const pseudo = pseudoSum(p.bytes.subarray(14), 4, 6, 20);
  p.view.setUint16(p.l4Offset + 16, pseudo);
  p.r[R_CHECKSUM] = CHECKSUM_PARTIAL;
  p.r[R_SADDR] = 0x0a010203;
  p.r[R_SPORT] = 40000;
  p.touch();
  const ip = currentBytes(p).subarray(p.l3Offset, p.l3End);
  expect(p.view.getUint16(p.l4Offset + 16)).toBe(pseudoSum(ip, 4, 6, 20));
  expect(sum(ip, 0, 20)).toBe(0xffff);
});

test('a UDP packet without a checksum stays without one', () => {
  const { p } = make(4, 17, 12);
  p.view.setUint16(p.l4Offset + 6, 0);
  p.r[R_DPORT] = 9;
  p.touch();
  currentBytes(p);
  expect(p.view.getUint16(p.l4Offset + 6)).toBe(0);
});
