import { assert } from '../base/assert.ts';
import {
  BATCH_CAPACITY,
  BATCH_MAGIC,
  BATCH_VERSION,
  COLUMNS,
  type ColumnName,
  DATA_BYTES,
  HEADER_BYTES,
  HEADER_CAPACITY,
  HEADER_COUNT,
  HEADER_DATA_BYTES,
  HEADER_FIRST_HIGH,
  HEADER_FIRST_LOW,
  HEADER_LOCATED,
  HEADER_MAGIC,
  HEADER_SEQUENCE,
  HEADER_VERSION,
} from './layout.ts';

interface KindArrays {
  u8: Uint8Array<SharedArrayBuffer>;
  u16: Uint16Array<SharedArrayBuffer>;
  u32: Uint32Array<SharedArrayBuffer>;
  i32: Int32Array<SharedArrayBuffer>;
  f64: Float64Array<SharedArrayBuffer>;
}

/** The columns of a batch as typed arrays over its one buffer; `Batch` has each under its name. */
export type Columns = { readonly [C in ColumnName]: KindArrays[(typeof COLUMNS)[C]['kind']] };

const ELEMENT_BYTES = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8 } as const;

const align8 = (bytes: number): number => (bytes + 7) & ~7;

/** Bytes of a batch buffer for `capacity` packets and `dataBytes` bytes of capture data. */
export function batchBytes(capacity: number, dataBytes: number): number {
  let bytes = HEADER_BYTES;
  for (const column of Object.values(COLUMNS)) {
    bytes = align8(bytes + ELEMENT_BYTES[column.kind] * column.perPacket * capacity);
  }
  return bytes + align8(dataBytes);
}

/** Views over one batch buffer. Make the buffer with `allocateBatch` on one side, view it with `Batch.from` on the other. */
export class Batch {
  readonly buffer: SharedArrayBuffer;
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly columns: Columns;
  readonly data: Uint8Array<SharedArrayBuffer>;
  readonly view: DataView<SharedArrayBuffer>;
  readonly capacity: number;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    assert(this.header[HEADER_MAGIC] === BATCH_MAGIC, 'not a batch buffer');
    assert(this.header[HEADER_VERSION] === BATCH_VERSION, 'batch of another layout version');
    this.capacity = this.header[HEADER_CAPACITY]!;
    const columns: Record<string, unknown> = {};
    let offset = HEADER_BYTES;
    for (const [name, column] of Object.entries(COLUMNS)) {
      const length = column.perPacket * this.capacity;
      columns[name] = makeColumn(column.kind, buffer, offset, length);
      offset = align8(offset + ELEMENT_BYTES[column.kind] * length);
    }
    // Keyed stores made a dictionary of it, in which every `columns.x` is a hash look-up; a copy is an ordinary object.
    this.columns = { ...columns } as unknown as Columns;
    this.data = new Uint8Array(buffer, offset, this.header[HEADER_DATA_BYTES]);
    this.view = new DataView(buffer, offset, this.header[HEADER_DATA_BYTES]);
  }

  /** Views of a buffer that `allocateBatch` made, in whichever thread. */
  static from(buffer: SharedArrayBuffer): Batch {
    return new Batch(buffer);
  }

  /** Packets in the batch. */
  get count(): number {
    return this.header[HEADER_COUNT]!;
  }

  set count(packets: number) {
    this.header[HEADER_COUNT] = packets;
  }

  /** Number of the batch in the run, from 0. */
  get sequence(): number {
    return this.header[HEADER_SEQUENCE]!;
  }

  set sequence(n: number) {
    this.header[HEADER_SEQUENCE] = n;
  }

  /** Its connections have been looked for ahead (conntrack/locate.loop.ts). */
  get isLocated(): boolean {
    return this.header[HEADER_LOCATED] === 1;
  }

  set isLocated(yes: boolean) {
    this.header[HEADER_LOCATED] = yes ? 1 : 0;
  }

  /** Number of the batch's first packet in the run, from 0. */
  get firstPacket(): number {
    return (this.header[HEADER_FIRST_HIGH]! >>> 0) * 4294967296 + (this.header[HEADER_FIRST_LOW]! >>> 0);
  }

  set firstPacket(n: number) {
    this.header[HEADER_FIRST_LOW] = n | 0;
    this.header[HEADER_FIRST_HIGH] = Math.floor(n / 4294967296);
  }
}

function makeColumn(kind: string, buffer: SharedArrayBuffer, offset: number, length: number) {
  switch (kind) {
    case 'u8':
      return new Uint8Array(buffer, offset, length);
    case 'u16':
      return new Uint16Array(buffer, offset, length);
    case 'u32':
      return new Uint32Array(buffer, offset, length);
    case 'i32':
      return new Int32Array(buffer, offset, length);
    default:
      return new Float64Array(buffer, offset, length);
  }
}

/**
 * A new, empty batch. `dataBytes` grows beyond the default only for a record that is longer than a batch
 * (64-bit-length jumbograms of a capture with a huge snap length).
 */
export function allocateBatch(capacity = BATCH_CAPACITY, dataBytes = DATA_BYTES): Batch {
  const buffer = new SharedArrayBuffer(batchBytes(capacity, dataBytes));
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  header[HEADER_MAGIC] = BATCH_MAGIC;
  header[HEADER_VERSION] = BATCH_VERSION;
  header[HEADER_CAPACITY] = capacity;
  header[HEADER_DATA_BYTES] = dataBytes;
  return Batch.from(buffer);
}
