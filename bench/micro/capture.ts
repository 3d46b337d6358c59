/// <reference path="../../test/capture/pcap-parser.d.ts" />
/**
 * How fast captures are read: the header walk of classic pcap and pcapng, gzip, a merge of two, and the npm package
 * pcap-parser beside ours. Makes its own input. `--smoke` runs it once on a small one.
 *
 * Run it with: npm run bench:build && node bench/dist/bench/micro/capture.js
 */
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import pcapParser from 'pcap-parser';
import { allocateBatch } from '../../src/batch/batch.ts';
import { openCaptures } from '../../src/capture/open.ts';
import { compare, ROUNDS } from './measure.ts';
import { makeCapture, toPcapng, write } from './packets.ts';

const smoke = process.argv.includes('--smoke');
const PACKETS = smoke ? 5_000 : 2_000_000;
const FULL_PACKETS = smoke ? 2_000 : 300_000;

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));
const batch = allocateBatch();

async function readOurs(...args: string[]): Promise<number> {
  const reader = await openCaptures(args);
  let packets = 0;
  for (;;) {
    const filled = reader.fill(batch);
    const count = typeof filled === 'number' ? filled : await filled;
    if (count === 0) break;
    packets += count;
  }
  reader.close();
  return packets;
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

try {
  const snap = makeCapture(PACKETS, 96);
  const snapPath = write(join(folder, 'snap.pcap'), snap);
  const ngPath = write(join(folder, 'snap.pcapng'), toPcapng(snap));
  const gzPath = write(join(folder, 'snap.pcap.gz'), gzipSync(snap, { level: 1 }));
  const fullPath = write(join(folder, 'full.pcap'), makeCapture(FULL_PACKETS, 1514));
  for (const path of [snapPath, ngPath, gzPath, fullPath]) readFileSync(path);
  const rounds = smoke ? 1 : ROUNDS;
  await compare(
    `${PACKETS} packets of at most 96 bytes`,
    [
      { name: 'classic pcap', run: () => readOurs(snapPath) },
      { name: 'pcapng with direction options', run: () => readOurs(ngPath) },
      { name: 'classic pcap, gzip', run: () => readOurs(gzPath) },
      { name: 'merge of two (each of these)', run: () => readOurs(snapPath, ngPath) },
      { name: 'npm pcap-parser 0.2.1', run: () => readTheirs(snapPath) },
    ],
    rounds,
  );
  await compare(
    `${FULL_PACKETS} whole frames, 493 bytes on average`,
    [
      { name: 'classic pcap', run: () => readOurs(fullPath) },
      { name: 'npm pcap-parser 0.2.1', run: () => readTheirs(fullPath) },
    ],
    rounds,
  );
} finally {
  rmSync(folder, { recursive: true });
}
