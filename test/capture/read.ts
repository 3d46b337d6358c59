import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll } from 'vitest';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import type { CaptureDamage } from '../../src/capture/damage.ts';
import { type OpenOptions, openCaptures } from '../../src/capture/open.ts';
import type { CaptureReader } from '../../src/capture/reader.ts';
import type { CaptureSource } from '../../src/capture/source.ts';
import type { TestPacket } from './generate.ts';

/** A packet as it was read: the record columns as an object. */
export interface ReadPacket {
  readonly timeNs: bigint;
  readonly relativeNs: number;
  readonly data: Uint8Array;
  readonly origLen: number;
  readonly source: number;
  readonly linktype: number;
  readonly direction: number;
  readonly timeInvalid: number;
}

export interface ReadResult {
  readonly packets: ReadPacket[];
  readonly sources: CaptureSource[];
  readonly damage: CaptureDamage[];
  readonly reader: CaptureReader;
  /** How often fill was called with a result. */
  readonly batches: number;
}

/** Reads everything with batches of that size, as the engine would. */
export async function readAll(
  args: readonly string[],
  options: OpenOptions & { capacity?: number; dataBytes?: number } = {},
): Promise<ReadResult> {
  const { capacity = 100, dataBytes = 4096 } = options;
  const reader = await openCaptures(args, options);
  const packets: ReadPacket[] = [];
  let batches = 0;
  try {
    const usual = allocateBatch(capacity, dataBytes);
    let batch = usual;
    for (;;) {
      const count = await reader.fill(batch);
      if (count === 0 && reader.neededDataBytes === 0) break;
      if (count === 0) {
        if (reader.neededDataBytes <= batch.data.length) throw new Error('asks for a batch that it had');
        batch = allocateBatch(capacity, reader.neededDataBytes);
        continue;
      }
      batches++;
      takeRows(batch, reader.clock.baseNs, packets);
      batch = usual;
    }
  } finally {
    reader.close();
  }
  return { packets, sources: [...reader.sources], damage: [...reader.damage], reader, batches };
}

function takeRows(batch: Batch, baseNs: bigint, packets: ReadPacket[]): void {
  const c = batch.columns;
  for (let i = 0; i < batch.count; i++) {
    const relativeNs = c.timeNs[i]!;
    packets.push({
      timeNs: baseNs + BigInt(Math.round(relativeNs)),
      relativeNs,
      data: batch.data.slice(c.dataOffset[i]!, c.dataOffset[i]! + c.capLen[i]!),
      origLen: c.origLen[i]!,
      source: c.source[i]!,
      linktype: c.linktype[i]!,
      direction: c.recordDirection[i]!,
      timeInvalid: c.timeInvalid[i]!,
    });
  }
}

/** A scratch folder that is removed after the file's tests. */
export function scratch(): { file: (name: string, bytes: Uint8Array) => string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    file: (name, bytes) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      return path;
    },
  };
}

/** Standard input that delivers these bytes in chunks of that size. */
export function stdinOf(bytes: Uint8Array, chunkBytes = 7): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(Buffer.from(bytes.subarray(at, at + chunkBytes)));
  return Readable.from(chunks, { objectMode: false });
}

interface Essence {
  readonly timeNs: bigint;
  readonly data: Uint8Array;
  readonly origLen: number;
}

/** What was written, in the form of `got`. */
export const plain = (packets: readonly TestPacket[]): Essence[] =>
  packets.map(({ timeNs, data, origLen = data.length }) => ({ timeNs, data, origLen }));

/** What was read, without what the format adds. */
export const got = (packets: readonly ReadPacket[]): Essence[] =>
  packets.map(({ timeNs, data, origLen }) => ({ timeNs, data, origLen }));
