/// <reference path="../../test/capture/pcap-parser.d.ts" />
/**
 * How fast packets are decoded: reading alone, reading and decoding, with and without checksums, of cut and of
 * whole packets; pcap-parser, which decodes nothing, beside it. Makes its own input. `--smoke` runs it once on a
 * small one. Run it with: npm run bench:build && node bench/dist/bench/micro/decode.js
 */
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pcapParser from 'pcap-parser';
import { allocateBatch } from '../../src/batch/batch.ts';
import { openCaptures } from '../../src/capture/open.ts';
import { type DecodeOptions, decodeBatch } from '../../src/decode/decode.ts';
import { compare, ROUNDS, type Variant } from './measure.ts';
import { makeCapture, write } from './packets.ts';

const smoke = process.argv.includes('--smoke');
const PACKETS = smoke ? 5_000 : 2_000_000;
const FULL_PACKETS = smoke ? 2_000 : 300_000;

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));
const batch = allocateBatch();

async function decode(path: string, options: DecodeOptions | undefined): Promise<number> {
  const reader = await openCaptures([path]);
  let packets = 0;
  for (;;) {
    const filled = reader.fill(batch);
    const count = typeof filled === 'number' ? filled : await filled;
    if (count === 0) break;
    if (options !== undefined) decodeBatch(batch, options);
    packets += count;
  }
  reader.close();
  return packets;
}

/** The same batch decoded again and again: what decoding costs when the data is in the cache. */
function decodeAgain(times: number, options: DecodeOptions): number {
  for (let i = 0; i < times; i++) decodeBatch(batch, options);
  return times * batch.count;
}

function readTheirs(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let packets = 0;
    const parser = pcapParser.parse(createReadStream(path));
    parser.on('packet', () => packets++);
    parser.on('error', reject);
    parser.on('end', () => resolve(packets));
  });
}

async function fillOnce(path: string): Promise<void> {
  const reader = await openCaptures([path]);
  await reader.fill(batch);
  reader.close();
}

try {
  const cut = write(join(folder, 'cut.pcap'), makeCapture(PACKETS, 96));
  const whole = write(join(folder, 'whole.pcap'), makeCapture(FULL_PACKETS, 1514));
  for (const path of [cut, whole]) readFileSync(path);
  const variants = (path: string): Variant[] => [
    { name: 'read', run: () => decode(path, undefined) },
    { name: 'read, decode (checksum trust)', run: () => decode(path, { checksum: 'trust' }) },
    { name: 'read, decode, verify checksums', run: () => decode(path, { checksum: 'verify' }) },
    { name: 'npm pcap-parser 0.2.1 (read only)', run: () => readTheirs(path) },
  ];
  const rounds = smoke ? 1 : ROUNDS;
  await compare(`${PACKETS} packets of at most 96 bytes`, variants(cut), rounds);
  await compare(`${FULL_PACKETS} whole frames, 493 bytes on average`, variants(whole), rounds);
  const times = smoke ? 2 : 200;
  for (const [name, path] of [
    ['cut', cut],
    ['whole', whole],
  ] as const) {
    await fillOnce(path);
    await compare(
      `one batch of ${name} packets, decoded again and again`,
      [
        { name: 'decode (checksum trust)', run: () => decodeAgain(times, { checksum: 'trust' }) },
        { name: 'decode, verify checksums', run: () => decodeAgain(times, { checksum: 'verify' }) },
      ],
      rounds,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
