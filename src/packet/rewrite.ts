import { CHECKSUM_PARTIAL } from '../batch/layout.ts';
import type { Packet } from './packet.ts';
import {
  R_CHECKSUM,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_ID,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
  R_TOS,
  R_TTL,
} from './registers.ts';

/**
 * Bytes that agree with the registers.
 *
 * Targets and NAT change registers and call `touch()`; the captured bytes stay as they came. A match that reads
 * bytes (u32, string, bpf …) asks here, and gets a private copy into which the registers have been written, with
 * the checksums brought up to date as the kernel does it: by what has changed (RFC 1624), never anew, so that a
 * packet that came with a wrong checksum keeps a wrong one (include/net/checksum.h, csum_replace4();
 * net/core/utils.c, inet_proto_csum_replace4()).
 *
 * Offsets of the packet (l3Offset, l4Offset …) may change when the copy is made: read them after asking. What no
 * register holds (an IP packet quoted in an ICMP error, payload) is not rewritten here.
 */
export function currentBytes(p: Packet): Uint8Array {
  if (p.touched) {
    makePrivate(p);
    writeRegisters(p);
    p.touched = false;
  }
  return p.bytes;
}

/**
 * As currentBytes, and it may be written to: for targets that change what no register holds (TCPMSS,
 * TCPOPTSTRIP, CHECKSUM …). They keep the checksum right by `replaceSum16`.
 */
export function writableBytes(p: Packet): Uint8Array {
  currentBytes(p);
  makePrivate(p);
  return p.bytes;
}

const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_DCCP = 33;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_SCTP = 132;
const IPPROTO_UDPLITE = 136;

/** Offset of the checksum in the transport header; SCTP has a CRC, which is not kept up by differences. */
const CHECKSUM_OFFSET: Readonly<Record<number, number>> = {
  [IPPROTO_ICMP]: 2,
  [IPPROTO_TCP]: 16,
  [IPPROTO_UDP]: 6,
  [IPPROTO_DCCP]: 6,
  [IPPROTO_ICMPV6]: 2,
  [IPPROTO_UDPLITE]: 6,
};

/**
 * Gives the packet bytes of its own, those of the capture belong to everybody: copies it, link header included, and
 * moves its offsets, unless it has been done for this packet.
 */
export function makePrivate(p: Packet): void {
  if (p.privateBytes === p.bytes) return;
  const begin = p.macOffset >= 0 && p.macOffset < p.l3Offset ? p.macOffset : p.l3Offset;
  const { bytes } = p;
  // Shared memory is copied by words where both sides are aligned alike, else byte by byte.
  const at = (bytes.byteOffset + begin) & (ALIGNMENT - 1);
  const needed = at + p.l3End - begin;
  if (p.scratch === undefined || p.scratch.byteLength < needed)
    p.scratch = new DataView(new ArrayBuffer(Math.max(SCRATCH_BYTES, 2 * needed)));
  const copy =
    p.privateBytes?.buffer === p.scratch.buffer ? p.privateBytes : new Uint8Array(p.scratch.buffer);
  copy.set(bytes.subarray(begin, p.l3End), at);
  own(p, copy, p.scratch, begin - at);
}

const ALIGNMENT = 8;
/** For most packets. */
const SCRATCH_BYTES = 4096;

/** Gives the packet `copy` for its own, whose first byte is the one at `begin` so far. */
export function ownBytes(p: Packet, copy: Uint8Array, begin: number): void {
  own(p, copy, new DataView(copy.buffer, copy.byteOffset, copy.byteLength), begin);
}

function own(p: Packet, copy: Uint8Array, view: DataView, begin: number): void {
  p.privateBytes = copy;
  p.bytes = copy;
  p.view = view;
  p.l3Offset -= begin;
  p.l3End -= begin;
  if (p.l4Offset >= 0) p.l4Offset -= begin;
  if (p.macOffset >= 0) p.macOffset -= begin;
}

/** A packet's bytes, and where things are in them. */
type Bytes = Pick<Packet, 'bytes' | 'view' | 'l3Offset' | 'l3End' | 'l4Offset' | 'macOffset' | 'touched'>;

/** The packet's bytes as they are, to come back to them: whoever writes from now on writes to another copy (skb_clone()). */
export function setAside(p: Packet): Bytes {
  forgetPrivate(p);
  const { bytes, view, l3Offset, l3End, l4Offset, macOffset, touched } = p;
  return { bytes, view, l3Offset, l3End, l4Offset, macOffset, touched };
}

/** Gives the packet the bytes back that were set aside; they may be given back again. */
export function putBack(p: Packet, aside: Bytes): void {
  forgetPrivate(p);
  Object.assign(p, aside);
}

/** What was the packet's alone is somebody else's now. */
function forgetPrivate(p: Packet): void {
  p.privateBytes = undefined;
  p.scratch = undefined;
}

/** Where a word was replaced in a header whose checksum covers it. */
interface Sum {
  /** Offset in bytes of the checksum, or -1 when there is none (or it was not captured). */
  readonly at: number;
  /** The word belongs to the pseudo header: an unfinished checksum (CHECKSUM_PARTIAL) knows of it, and of no other. */
  readonly pseudo: boolean;
}

function writeRegisters(p: Packet): void {
  const { r, view } = p;
  const transport = transportSum(p);
  if (r[R_FAMILY] === 4) {
    const header = p.l3Offset;
    const own: Sum = { at: p.l3End - header >= 12 ? header + 10 : -1, pseudo: false };
    put16(p, header, (view.getUint8(header) << 8) | (r[R_TOS]! & 0xff), [own]);
    put16(p, header + 8, ((r[R_TTL]! & 0xff) << 8) | view.getUint8(header + 9), [own]);
    put32(p, header + 12, r[R_SADDR]!, [own, transport]);
    put32(p, header + 16, r[R_DADDR]!, [own, transport]);
  } else {
    const header = p.l3Offset;
    const first = view.getUint16(header);
    put16(p, header, (first & 0xf00f) | ((r[R_TOS]! & 0xff) << 4), []);
    put16(p, header + 6, (view.getUint8(header + 6) << 8) | (r[R_TTL]! & 0xff), []);
    for (let i = 0; i < 4; i++) {
      put32(p, header + 8 + 4 * i, r[R_SADDR + i]!, [transport]);
      put32(p, header + 24 + 4 * i, r[R_DADDR + i]!, [transport]);
    }
  }
  writeTransport(p, { ...transport, pseudo: false });
}

function transportSum(p: Packet): Sum {
  const l4proto = p.r[R_L4PROTO]!;
  const offset = CHECKSUM_OFFSET[l4proto];
  // ICMP of IPv4 has no pseudo header: addresses do not matter to it.
  const unaffected = offset === undefined || p.l4Offset < 0 || l4proto === IPPROTO_ICMP;
  if (unaffected) return { at: -1, pseudo: true };
  const at = p.l4Offset + offset;
  if (at + 2 > p.l3End) return { at: -1, pseudo: true };
  // A UDP checksum of zero means that there is none.
  if (l4proto === IPPROTO_UDP && p.view.getUint16(at) === 0) return { at: -1, pseudo: true };
  return { at, pseudo: true };
}

function writeTransport(p: Packet, sum: Sum): void {
  const { r } = p;
  const at = p.l4Offset;
  if (at < 0) return;
  switch (r[R_L4PROTO]) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_DCCP:
    case IPPROTO_SCTP:
      if (at + 4 > p.l3End || r[R_SPORT]! < 0) return;
      put16(p, at, r[R_SPORT]!, [sum]);
      put16(p, at + 2, r[R_DPORT]!, [sum]);
      return;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      // The register is 0 for messages without an identifier; those bytes then mean something else.
      if (at + 6 > p.l3End || r[R_ICMP_ID] === 0) return;
      const own: Sum = { at: at + 2, pseudo: false };
      put16(p, at + 4, r[R_ICMP_ID]!, [own]);
    }
  }
}

function put32(p: Packet, at: number, word: number, sums: readonly Sum[]): void {
  if (at + 4 > p.l3End) return;
  put16(p, at, word >>> 16, sums);
  put16(p, at + 2, word & 0xffff, sums);
}

function put16(p: Packet, at: number, word: number, sums: readonly Sum[]): void {
  if (at + 2 > p.l3End) return;
  const old = p.view.getUint16(at);
  if (old === word) return;
  p.view.setUint16(at, word);
  for (const sum of sums) {
    if (sum.at < 0) continue;
    if (p.r[R_CHECKSUM] !== CHECKSUM_PARTIAL || sum.at === p.l3Offset + 10) {
      replaceSum16(p, sum.at, old, word);
    } else if (sum.pseudo) {
      // What offload leaves is the sum itself, not its complement.
      p.view.setUint16(sum.at, fold(p.view.getUint16(sum.at) + (~old & 0xffff) + word));
    }
  }
}

/** Brings the checksum at `sumAt` up to date after a 16-bit word has changed from `old` to `word` (RFC 1624, eqn. 3). */
export function replaceSum16(p: Packet, sumAt: number, old: number, word: number): void {
  const sum = ~p.view.getUint16(sumAt) & 0xffff;
  let next = ~fold(sum + (~old & 0xffff) + word) & 0xffff;
  // Zero would say that there is no checksum: CSUM_MANGLED_0.
  if (next === 0 && p.r[R_L4PROTO] === IPPROTO_UDP && sumAt === p.l4Offset + 6) next = 0xffff;
  p.view.setUint16(sumAt, next);
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
