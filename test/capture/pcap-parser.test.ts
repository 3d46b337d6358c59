import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import pcapParser from 'pcap-parser';
import { describe, expect, test } from 'vitest';
import { packetsArbitrary } from './arbitrary.ts';
import { pcap } from './generate.ts';
import { type ReadPacket, readAll, scratch } from './read.ts';

/**
 * The npm package pcap-parser is an independent reader of classic captures in microseconds. On every one of them
 * it and ours agree on every packet.
 */
const { file } = scratch();

interface TheirPacket {
  readonly header: {
    readonly timestampSeconds: number;
    readonly timestampMicroseconds: number;
    readonly capturedLength: number;
    readonly originalLength: number;
  };
  readonly data: Buffer;
}

/** `pieceBytes`: the parser joins what it has with what comes, in quadratic time: it is fed small pieces. */
function readTheirs(
  bytes: Uint8Array,
  pieceBytes = 4096,
): Promise<{ linktype: number; packets: TheirPacket[] }> {
  return new Promise((resolve, reject) => {
    const packets: TheirPacket[] = [];
    let linktype = -1;
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes)
      pieces.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
    const parser = pcapParser.parse(Readable.from(pieces, { objectMode: false }));
    parser.on('globalHeader', (header: { linkLayerType: number }) => {
      linktype = header.linkLayerType;
    });
    parser.on('packet', (packet: TheirPacket) => packets.push(packet));
    parser.on('error', reject);
    parser.on('end', () => resolve({ linktype, packets }));
  });
}

const ours = ({ timeNs, data, origLen, linktype }: ReadPacket) => ({ timeNs, data, origLen, linktype });
const theirs = ({ header, data }: TheirPacket, linktype: number) => ({
  timeNs: BigInt(header.timestampSeconds) * 1_000_000_000n + BigInt(header.timestampMicroseconds) * 1000n,
  data: new Uint8Array(data),
  origLen: Math.max(header.originalLength, header.capturedLength),
  linktype,
});

/** Classic captures in microseconds below a folder. */
function classicCaptures(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(pcap|cap)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('pcap-parser and our reader agree', () => {
  test('on random captures of both byte orders', async () => {
    await fc.assert(
      fc.asyncProperty(
        packetsArbitrary(),
        fc.boolean(),
        fc.constantFrom(0, 1, 101, 113),
        async (list, littleEndian, linktype) => {
          const bytes = pcap(list, { littleEndian, linktype });
          const other = await readTheirs(bytes);
          const { packets } = await readAll([file('random.pcap', bytes)]);
          expect(packets.map(ours)).toEqual(other.packets.map((packet) => theirs(packet, linktype)));
        },
      ),
      { numRuns: 60 },
    );
  });

  const recorded = classicCaptures(fileURLToPath(new URL('../../captures', import.meta.url)));
  // Those of other folders by hand: CAPTURES=folder npx vitest run test/capture/pcap-parser.test.ts
  const others = process.env.CAPTURES === undefined ? [] : classicCaptures(process.env.CAPTURES);

  test.each([...recorded, ...others])('on %s', async (path) => {
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(path);
    const first = bytes.readUInt32LE(0);
    if (first !== 0xa1b2c3d4 && first !== 0xd4c3b2a1) return;
    const other = await readTheirs(bytes);
    let packets: ReadPacket[];
    try {
      ({ packets } = await readAll([path]));
    } catch (error) {
      expect((error as Error).message).toMatch(/cannot be replayed|is not read/);
      return;
    }
    expect(packets.length).toBe(other.packets.length);
    for (const [i, packet] of packets.entries()) {
      const their = theirs(other.packets[i]!, other.linktype & 0xffff);
      expect(packet.data, `packet ${i + 1}`).toEqual(their.data);
      expect([packet.origLen, packet.linktype]).toEqual([their.origLen, their.linktype]);
      // Farther than 2^53 ns from the first packet a double rounds.
      const apart = packet.timeNs - their.timeNs;
      expect(apart <= 2n && apart >= -2n, `time of packet ${i + 1}`).toBe(true);
    }
  });
});
