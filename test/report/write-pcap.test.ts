import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { VerdictPcap } from '../../src/report/write-pcap.ts';
import { BASE_NS, CONTEXT, makeBatch, PACKETS } from './batches.ts';

/** As much of a pcapng reader as these tests need, written from the format's specification. */
function readBlocks(bytes: Buffer): { type: number; body: Buffer }[] {
  const blocks: { type: number; body: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    expect(length % 4).toBe(0);
    expect(bytes.readUInt32LE(at + length - 4)).toBe(length);
    blocks.push({ type: bytes.readUInt32LE(at), body: bytes.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function written(outcomes: readonly number[]): { bytes: Buffer; packets: number } {
  const pieces: Buffer[] = [];
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) };
  const pcap = new VerdictPcap(outcomes, sink, CONTEXT);
  pcap.write(makeBatch(PACKETS.slice(0, 4)));
  pcap.write(makeBatch(PACKETS.slice(4), 4));
  return { bytes: Buffer.concat(pieces), packets: pcap.packets };
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

test('only packets with the verdict are written, with their interfaces in front', () => {
  const { bytes, packets } = written([3, 4]);
  expect(packets).toBe(3);
  expect(readBlocks(bytes).map((block) => block.type)).toEqual([0x0a0d0d0a, 1, 6, 6, 1, 6]);
});

test('time stamps keep the resolution of their capture, exactly', () => {
  const blocks = readBlocks(written(ALL).bytes).filter((block) => block.type === 6);
  const stamps = blocks.map(
    ({ body }) => (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
  );
  // eth0 counts microseconds, lo nanoseconds.
  expect(stamps[0]).toBe(BASE_NS / 1000n);
  expect(stamps[1]).toBe((BASE_NS + 1000n) / 1000n);
  expect(stamps[2]).toBe(BASE_NS + 1_500_000_001n);
});

function hasTshark(): boolean {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.runIf(hasTshark())('Wireshark reads packets, names, times and comments', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-'));
  try {
    const file = path.join(folder, 'all.pcapng');
    writeFileSync(file, written(ALL).bytes);
    const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.len', 'frame.comment'];
    const args = ['-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const text = execFileSync('tshark', args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    ).toMatchInlineSnapshot(`
      [
        [
          "1700000000.999999000",
          "eth0",
          "60",
          "dropped in INPUT by filter INPUT rule 3: -A INPUT -p tcp -m comment --comment "a, b" -j DROP",
        ],
        [
          "1700000001.000000000",
          "eth0",
          "60",
          "dropped in INPUT by the policy of filter INPUT: -P INPUT DROP",
        ],
        [
          "1700000002.499999001",
          "lo",
          "60",
          "sent by this host to itself",
        ],
        [
          "1700000002.999999000",
          "eth0",
          "60",
          "a packet seen before, on its way out",
        ],
        [
          "1700000003.999999000",
          "eth0",
          "42",
          "not IP",
        ],
        [
          "1700000003.999999000",
          "eth0",
          "60",
          "dropped by the network stack: no route to the destination",
        ],
      ]
    `);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
