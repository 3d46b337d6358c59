import { writeFileSync } from 'node:fs';

/** Deterministic 32-bit generator (xorshift), for inputs alone. */
export function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Sums 16-bit words, for the checksums of the generated packets. */
function sum16(view: DataView, at: number, bytes: number, sum: number): number {
  let i = at;
  for (; i + 1 < at + bytes; i += 2) sum += view.getUint16(i);
  if (i < at + bytes) sum += view.getUint8(i) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** Bytes on the wire of the generated frames: many small ones, some of a full MTU. */
const FRAME_BYTES = [66, 66, 74, 90, 130, 590, 1514, 1514];

/**
 * A classic pcap of Ethernet, IPv4, three quarters TCP and one quarter UDP, with right checksums, cut to `snaplen`.
 * Returns its bytes.
 */
export function makeCapture(packets: number, snaplen: number): Uint8Array {
  const random = generator(20240229);
  const frame = new Uint8Array(1514);
  const view = new DataView(frame.buffer);
  const out = new Uint8Array(24 + packets * (16 + snaplen));
  const file = new DataView(out.buffer);
  file.setUint32(0, 0xa1b2c3d4, true);
  file.setUint16(4, 2, true);
  file.setUint16(6, 4, true);
  file.setUint32(16, 262144, true);
  file.setUint32(20, 1, true);
  let at = 24;
  for (let i = 0; i < packets; i++) {
    const bytes = FRAME_BYTES[random() & 7]!;
    const isTcp = (random() & 3) !== 0;
    frame.fill(random() & 255, 14, bytes);
    view.setUint16(12, 0x0800);
    view.setUint32(14, 0x45000000 | (bytes - 14));
    view.setUint32(18, ((random() & 0xffff) << 16) | 0x4000);
    view.setUint32(22, (64 << 24) | ((isTcp ? 6 : 17) << 16));
    view.setUint32(26, 0x0a000000 | (random() & 0xffff));
    view.setUint32(30, 0xc0a80000 | (random() & 0xff));
    view.setUint16(24, 0xffff - sum16(view, 14, 20, 0));
    view.setUint16(34, 1024 + (random() & 0x3fff));
    view.setUint16(36, isTcp ? 443 : 53);
    const segment = bytes - 34;
    if (isTcp) view.setUint16(46, 0x5010);
    else view.setUint16(38, segment);
    const field = isTcp ? 50 : 40;
    view.setUint16(field, 0);
    const pseudo = sum16(view, 26, 8, (isTcp ? 6 : 17) + segment);
    view.setUint16(field, 0xffff - sum16(view, 34, segment, pseudo));
    const kept = Math.min(snaplen, bytes);
    file.setUint32(at, 1_700_000_000 + Math.floor(i / 1000), true);
    file.setUint32(at + 4, (i % 1000) * 1000, true);
    file.setUint32(at + 8, kept, true);
    file.setUint32(at + 12, bytes, true);
    out.set(frame.subarray(0, kept), at + 16);
    at += 16 + kept;
  }
  return out.subarray(0, at);
}

/** The same packets as pcapng: Enhanced Packet Blocks with a direction option, microseconds. */
export function toPcapng(pcap: Uint8Array): Uint8Array {
  const from = new DataView(pcap.buffer, pcap.byteOffset, pcap.length);
  const out = new Uint8Array(pcap.length * 2 + 100);
  const to = new DataView(out.buffer);
  const words = (at: number, ...values: number[]): number => {
    for (const [i, value] of values.entries()) to.setUint32(at + 4 * i, value, true);
    return at + 4 * values.length;
  };
  let at = words(0, 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28, 1, 20, 1, 0, 20);
  for (let p = 24; p < pcap.length; ) {
    const micros = BigInt(from.getUint32(p, true)) * 1_000_000n + BigInt(from.getUint32(p + 4, true));
    const kept = from.getUint32(p + 8, true);
    const padded = (kept + 3) & ~3;
    const total = 32 + padded + 12;
    at = words(
      at,
      6,
      total,
      0,
      Number(micros >> 32n),
      Number(micros & 0xffffffffn),
      kept,
      from.getUint32(p + 12, true),
    );
    out.set(pcap.subarray(p + 16, p + 16 + kept), at);
    at = words(at + padded, 0x00040002, 1, 0, total);
    p += 16 + kept;
  }
  return out.subarray(0, at);
}

export const write = (path: string, bytes: Uint8Array): string => {
  writeFileSync(path, bytes);
  return path;
};
