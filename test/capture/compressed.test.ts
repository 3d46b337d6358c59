import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packetsArbitrary, SECOND } from './arbitrary.ts';
import { concat, pcap, pcapng, type TestPacket, zstdRaw } from './generate.ts';
import { got, plain, readAll, scratch, stdinOf } from './read.ts';
import { ZSTD_SAMPLE } from './zstd-sample.ts';

const { file } = scratch();
const sample: TestPacket[] = Array.from({ length: 300 }, (_, i) => ({
  timeNs: (1_700_000_000n + BigInt(i)) * SECOND + BigInt(i) * 1000n,
  data: new TextEncoder().encode(`packet number ${i} of the compressed capture; `.repeat(3)),
}));

describe('compressed captures, told by their content', () => {
  test('any packets in gzip and Zstandard, in several members, from a file and from standard input', async () => {
    await fc.assert(
      fc.asyncProperty(
        packetsArbitrary(),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        async (list, classic, capacity, split) => {
          const bytes = classic ? pcap(list) : pcapng(list);
          const at = split % (bytes.length + 1);
          const parts = [bytes.subarray(0, at), bytes.subarray(at)];
          for (const compress of [gzipSync, (part: Uint8Array) => zstdRaw(part, 50)]) {
            const compressed = concat(...parts.map((part) => compress(part)));
            const a = await readAll([file('no-suffix', compressed)], { capacity });
            expect(got(a.packets)).toEqual(plain(list));
            expect(a.damage).toEqual([]);
            const b = await readAll(['-'], { capacity, stdin: stdinOf(compressed, 11) });
            expect(got(b.packets)).toEqual(plain(list));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('what the zstd program writes', async () => {
    const bytes = new Uint8Array(Buffer.from(ZSTD_SAMPLE, 'base64'));
    const { packets, damage, reader } = await readAll([file('a.zst', bytes)]);
    expect(got(packets)).toEqual(plain(sample));
    expect(damage).toEqual([]);
    expect(reader.position).toEqual({ fileBytes: bytes.length, fileBytesTotal: bytes.length, packets: 300 });
  });

  test('compressed twice', async () => {
    const { packets } = await readAll([file('twice', zstdRaw(gzipSync(pcap(sample))))]);
    expect(got(packets)).toEqual(plain(sample));
  });

  test('cut short: read as far as it goes', async () => {
    for (const whole of [
      gzipSync(pcap(sample)),
      zstdRaw(pcap(sample)),
      new Uint8Array(Buffer.from(ZSTD_SAMPLE, 'base64')),
    ]) {
      for (const part of [0.3, 0.9]) {
        const { packets, damage } = await readAll([
          file('cut', whole.subarray(0, Math.floor(part * whole.length))),
        ]);
        expect(damage).toHaveLength(1);
        expect(damage[0]!.message).toMatch(/unexpected e(nd of file|of)/i);
        expect(damage[0]!.packetNumber).toBe(packets.length + 1);
        expect(got(packets)).toEqual(plain(sample.slice(0, packets.length)));
      }
    }
  });

  test('garbage behind a compressed header', async () => {
    for (const whole of [gzipSync(pcap(sample)), zstdRaw(pcap(sample))]) {
      const broken = concat(whole.subarray(0, 12), new Uint8Array(50).fill(0xff));
      const { packets, damage } = await readAll([file('garbage', broken)]);
      expect(packets).toEqual([]);
      expect(damage).toHaveLength(1);
    }
  });
});
