import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
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

describe('gzip: all that can be read is, and what is wrong is said', () => {
  const whole = pcap(sample);
  const text = (word: string) => new TextEncoder().encode(`${word}\0`);
  /** Some of a capture as a gzip file's member, whose trailer may be wrong. */
  const member = (part: Uint8Array, { crc = crc32(part), bytes = part.length } = {}): Uint8Array =>
    concat(new Uint8Array(gzipSync(part)).subarray(0, -8), word(crc), word(bytes));
  const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
  /** With extra field, name, comment and the header's own checksum, which is wrong by `by`. */
  const withFields = (by: number): Uint8Array => {
    const header = concat(
      Uint8Array.of(0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3, 4, 0, 1, 2, 0, 4),
      text('name'),
      text('a comment'),
    );
    const checksum = Uint8Array.of(crc32(header) ^ by, crc32(header) >>> 8);
    return concat(
      header,
      checksum,
      new Uint8Array(deflateRawSync(whole)),
      word(crc32(whole)),
      word(whole.length),
    );
  };
  const halves = (): [Uint8Array, Uint8Array] => {
    const at = Math.floor(whole.length / 2);
    return [whole.subarray(0, at), whole.subarray(at)];
  };
  const [first, second] = halves();

  test.each<[string, Uint8Array, string | undefined]>([
    ['a wrong checksum', member(whole, { crc: 1 }), 'gzip member 1: incorrect checksum'],
    ['a wrong length', member(whole, { bytes: 1 }), 'gzip member 1: incorrect length'],
    [
      'a wrong checksum of the first of two members',
      concat(member(first, { crc: 1 }), member(second)),
      'gzip member 1: incorrect checksum',
    ],
    [
      'a wrong length of the second',
      concat(member(first), member(second, { bytes: 7 })),
      'gzip member 2: incorrect length',
    ],
    ['zeros behind it', concat(member(whole), new Uint8Array(70_000)), undefined],
    ['zeros behind two members', concat(member(first), member(second), new Uint8Array(1)), undefined],
    ['an empty member between', concat(member(first), member(new Uint8Array(0)), member(second)), undefined],
    ['garbage behind it', concat(member(whole), text('garbage')), 'what follows the gzip data is not gzip'],
    [
      'one byte behind it',
      concat(member(whole), Uint8Array.of(0x1f)),
      'what follows the gzip data is not gzip',
    ],
    [
      'garbage behind zeros',
      concat(member(whole), new Uint8Array(9), text('garbage')),
      'what follows the gzip data is not gzip',
    ],
    [
      'a second member cut in its header',
      concat(member(whole), member(second).subarray(0, 5)),
      'unexpected end of file',
    ],
    ['no trailer', member(whole).subarray(0, -8), 'unexpected end of file'],
    ['half a trailer', member(whole).subarray(0, -3), 'unexpected end of file'],
    ['every field of a header', withFields(0), undefined],
    ['a wrong checksum of a header', withFields(1), 'gzip member 1: incorrect checksum of its header'],
  ])('%s', async (_, bytes, message) => {
    for (const read of [
      () => readAll([file('a.gz', bytes)]),
      () => readAll(['-'], { capacity: 50, stdin: stdinOf(bytes, 101) }),
    ]) {
      const { packets, damage } = await read();
      expect(got(packets)).toEqual(plain(sample));
      expect(damage.map((one) => one.message)).toEqual(
        message === undefined ? [] : [`the file ends with an error (${message})`],
      );
    }
  });

  test('cut anywhere: every packet whose bytes are there', async () => {
    // Stored, so that it can be told which packets these are: 5 bytes of each block's header before its data.
    const stored = new Uint8Array(gzipSync(whole, { level: 0 }));
    const block = 10 + 5;
    for (const cut of [200, 1000, 4095, 4096, 4097, 4111, 9000, 12_300]) {
      const { packets, damage } = await readAll([file('cut.gz', stored.subarray(0, cut))]);
      let [count, bytes] = [0, 24];
      for (const { data } of sample) {
        bytes += 16 + data.length;
        if (bytes > cut - block) break;
        count++;
      }
      expect(packets).toHaveLength(count);
      expect(damage).toHaveLength(1);
    }
  });

  test('bytes that are no deflate stream: what came before them', async () => {
    const [head, tail] = [gzipSync(first, { level: 0 }).subarray(0, -8), new Uint8Array(9000).fill(0xff)];
    // The last block is not the last one any more.
    const open = new Uint8Array(head);
    open[10] = 0;
    const { packets, damage } = await readAll([file('broken.gz', concat(open, tail))]);
    // Up to 4 KiB of compressed bytes before them are lost.
    expect(packets.length).toBeGreaterThan(0);
    expect(got(packets)).toEqual(plain(sample.slice(0, packets.length)));
    expect(damage).toHaveLength(1);
    expect(damage[0]!.message).toContain('invalid block type');
  });
});
