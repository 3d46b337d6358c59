import { expect } from 'vitest';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { COLUMNS, type ColumnName, NO_OFFSET } from '../../src/batch/layout.ts';
import { type DecodeOptions, decodeBatch } from '../../src/decode/decode.ts';
import { dropReason } from '../../src/decode/drop-reasons.ts';

export interface Captured {
  readonly data: Uint8Array;
  readonly linktype?: number;
  readonly origLen?: number;
  readonly direction?: number;
}

/** A DataView that refuses reads outside the captured bytes of the packets. */
class GuardedView extends DataView<SharedArrayBuffer> {
  allowed = new Uint8Array(0);

  #check(at: number, length: number): void {
    for (let i = at; i < at + length; i++) {
      if (this.allowed[i] !== 1) throw new Error(`read of byte ${i}, which was not captured`);
    }
  }

  override getUint8(at: number): number {
    this.#check(at, 1);
    return super.getUint8(at);
  }

  override getUint16(at: number, littleEndian?: boolean): number {
    this.#check(at, 2);
    return super.getUint16(at, littleEndian);
  }

  override getUint32(at: number, littleEndian?: boolean): number {
    this.#check(at, 4);
    return super.getUint32(at, littleEndian);
  }

  override getInt32(at: number, littleEndian?: boolean): number {
    this.#check(at, 4);
    return super.getInt32(at, littleEndian);
  }
}

/** Bytes between packets. */
const GAP_BYTES = 3;
/** In all columns before they are written. */
export const RUBBISH = 0x7b;

const dataBytesOf = (packets: readonly Captured[]): number =>
  packets.reduce((sum, { data }) => sum + data.length + GAP_BYTES, GAP_BYTES);

/** A batch of these packets, with some bytes between them; every decode column is full of rubbish beforehand. */
export function batchOf(packets: readonly Captured[], guarded = true): Batch {
  const total = dataBytesOf(packets);
  const batch = allocateBatch(Math.max(1, packets.length), total);
  const allowed = new Uint8Array(total);
  fill(batch, packets, allowed);
  if (!guarded) return batch;
  const view = new GuardedView(batch.data.buffer, batch.data.byteOffset, batch.data.length);
  view.allowed = allowed;
  return Object.create(batch, {
    view: { value: view },
    count: { value: packets.length },
    columns: { value: batch.columns },
  }) as Batch;
}

const kernelBatch = allocateBatch();

/** The same packets in a batch that kernels run on: one batch for all, good until the next call. */
export function kernelBatchOf(packets: readonly Captured[]): Batch {
  fill(kernelBatch, packets, new Uint8Array(dataBytesOf(packets)));
  return kernelBatch;
}

/** Writes packets and record columns; the rows, and two more, are full of rubbish otherwise. */
function fill(batch: Batch, packets: readonly Captured[], allowed: Uint8Array): void {
  const c = batch.columns;
  const bytes = allowed.length;
  batch.data.fill(0xee, 0, bytes + 64);
  for (const [name, { perPacket }] of Object.entries(COLUMNS)) {
    c[name as ColumnName].fill(RUBBISH, 0, perPacket * (packets.length + 2));
  }
  let at = GAP_BYTES;
  for (const [i, { data, linktype = 1, origLen = data.length, direction = 0 }] of packets.entries()) {
    batch.data.set(data, at);
    allowed.fill(1, at, at + data.length);
    c.dataOffset[i] = at;
    c.capLen[i] = data.length;
    c.origLen[i] = origLen;
    c.linktype[i] = linktype;
    c.recordDirection[i] = direction;
    at += data.length + GAP_BYTES;
  }
  batch.count = packets.length;
}

/** The columns that the decoder writes. */
export const DECODE_COLUMNS: readonly ColumnName[] = [
  'recordDirection',
  'family',
  'drop',
  'l4proto',
  'tos',
  'ttl',
  'tcpFlags',
  'checksum',
  'decodeFlags',
  'fragOffset',
  'vlan',
  'etherType',
  'pktType',
  'macOffset',
  'l3Offset',
  'l3CapLen',
  'length',
  'l4Offset',
  'sport',
  'dport',
  'tcpSeq',
  'tcpAck',
  'tcpWindow',
  'saddr',
  'daddr',
  'ipId',
  'tupleHash',
  'ifindex',
  'plain',
  'payloadBytes',
  'tcpSack',
];

export type Row = Record<string, number | number[] | string>;

/** One row's decode columns; offsets are counted from the packet's first byte. */
export function rowOf(batch: Batch, i: number): Row {
  const row: Row = {};
  const begin = batch.columns.dataOffset[i]!;
  for (const name of DECODE_COLUMNS) {
    const { perPacket } = COLUMNS[name];
    const column = batch.columns[name];
    if (perPacket > 1) row[name] = Array.from(column.subarray(perPacket * i, perPacket * (i + 1)));
    else
      row[name] =
        name.endsWith('Offset') && name !== 'fragOffset' && column[i] !== NO_OFFSET
          ? column[i]! - begin
          : column[i]!;
  }
  return row;
}

/** Decodes one packet, header by header and by the kernels; `drop` comes as the reason's name, `''` when there is none. */
export function decodeOne(packet: Captured | Uint8Array, options?: DecodeOptions): Row {
  const captured = packet instanceof Uint8Array ? { data: packet } : packet;
  const batch = batchOf([captured]);
  decodeBatch(batch, options);
  const row = rowOf(batch, 0);
  const byKernels = kernelBatchOf([captured]);
  decodeBatch(byKernels, options);
  expect(rowOf(byKernels, 0)).toEqual(row);
  return { ...row, reason: dropReason(row.drop as number)?.name ?? '' };
}
