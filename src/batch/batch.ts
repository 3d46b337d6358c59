import { ARENA_ALIGNMENT, type Arena, allocateMemory } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import type { SharedMemory } from '../base/web-assembly.ts';
import {
  BATCH_CAPACITY,
  BATCH_MAGIC,
  BATCH_VERSION,
  COLUMNS,
  type ColumnName,
  columnOffsets,
  DATA_BYTES,
  HEADER_BYTES,
  HEADER_CAPACITY,
  HEADER_COUNT,
  HEADER_DATA_BYTES,
  HEADER_FIRST_HIGH,
  HEADER_FIRST_LOW,
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

/** Read beyond the last byte of the data by loops that take 16 bytes at a time. */
const PADDING_BYTES = 64;

/** Bytes of a batch for `capacity` packets and `dataBytes` bytes of capture data. */
export function batchBytes(capacity: number, dataBytes: number): number {
  return (columnOffsets(capacity).data + dataBytes + PADDING_BYTES + 63) & ~63;
}

/** Where a batch lies, in a form that can be sent to another thread. */
export interface BatchPlace {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
  /** Whose `buffer` it is, when it is a WebAssembly memory: then kernels can run on it (batch/kernels.ts). */
  readonly memory: SharedMemory | undefined;
}

/** Views over one batch. Make it with `allocateBatch` on one side, view it with `Batch.from` on the other. */
export class Batch {
  readonly place: BatchPlace;
  readonly header: Int32Array<SharedArrayBuffer>;
  /** The same bytes as Float64: word w is element w / 2. */
  readonly headerFloats: Float64Array<SharedArrayBuffer>;
  readonly columns: Columns;
  readonly data: Uint8Array<SharedArrayBuffer>;
  readonly view: DataView<SharedArrayBuffer>;
  readonly capacity: number;
  /**
   * Some packets are fragments that this host made: what lies behind them is wanted with them. Written by the direction
   * stage, read by the ordered stage, which share a thread.
   */
  hasOwnFragments = false;

  private constructor(place: BatchPlace) {
    this.place = place;
    const { buffer, offset } = place;
    this.header = new Int32Array(buffer, offset, HEADER_BYTES / 4);
    this.headerFloats = new Float64Array(buffer, offset, HEADER_BYTES / 8);
    assert(this.header[HEADER_MAGIC] === BATCH_MAGIC, 'not a batch buffer');
    assert(this.header[HEADER_VERSION] === BATCH_VERSION, 'batch of another layout version');
    this.capacity = this.header[HEADER_CAPACITY]!;
    const offsets = columnOffsets(this.capacity);
    const columns: Record<string, unknown> = {};
    for (const [name, { kind, perPacket }] of Object.entries(COLUMNS)) {
      columns[name] = makeColumn(
        kind,
        buffer,
        offset + offsets[name as ColumnName],
        perPacket * this.capacity,
      );
    }
    // Keyed stores made a dictionary of it, in which every `columns.x` is a hash look-up; a copy is an ordinary object.
    this.columns = { ...columns } as unknown as Columns;
    this.data = new Uint8Array(buffer, offset + offsets.data, this.header[HEADER_DATA_BYTES]);
    this.view = new DataView(buffer, offset + offsets.data, this.header[HEADER_DATA_BYTES]);
  }

  /** Views of a batch that was allocated in whichever thread. */
  static from(place: BatchPlace): Batch {
    return new Batch(place);
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

/** Where the first batch of a memory begins. */
const FIRST_OFFSET = 1024;

/**
 * A new, empty batch. `dataBytes` grows beyond the default only for a record that is longer than a batch
 * (64-bit-length jumbograms of a capture with a huge snap length). Kernels are for batches of BATCH_CAPACITY packets only.
 */
export function allocateBatch(capacity = BATCH_CAPACITY, dataBytes = DATA_BYTES): Batch {
  if (capacity === BATCH_CAPACITY) return allocateBatches(1, dataBytes)[0]!;
  return allocatePlain(capacity, dataBytes);
}

/** Batches of BATCH_CAPACITY packets in one WebAssembly memory, which claims gigabytes of addresses whatever its size. */
export function allocateBatches(count: number, dataBytes = DATA_BYTES): Batch[] {
  const bytes = batchBytes(BATCH_CAPACITY, dataBytes);
  const memory = allocateMemory(FIRST_OFFSET + count * bytes);
  if (memory === undefined)
    return Array.from({ length: count }, () => allocatePlain(BATCH_CAPACITY, dataBytes));
  const { buffer } = memory;
  return Array.from({ length: count }, (_, i) =>
    makeBatch({ buffer, offset: FIRST_OFFSET + i * bytes, memory }, BATCH_CAPACITY, dataBytes),
  );
}

/** Bytes of an arena that so many batches of the usual size take. */
export function arenaBytes(batches: number): number {
  return batches * (batchBytes(BATCH_CAPACITY, DATA_BYTES) + ARENA_ALIGNMENT);
}

/** A batch of the usual size in an arena, or, when that is full, anywhere. */
export function allocateBatchIn(arena: Arena | undefined): Batch {
  const offset = arena?.take(batchBytes(BATCH_CAPACITY, DATA_BYTES)) ?? -1;
  if (arena === undefined || offset < 0) return allocateBatch();
  return makeBatch({ buffer: arena.buffer, offset, memory: arena.memory }, BATCH_CAPACITY, DATA_BYTES);
}

function allocatePlain(capacity: number, dataBytes: number): Batch {
  const buffer = new SharedArrayBuffer(batchBytes(capacity, dataBytes));
  return makeBatch({ buffer, offset: 0, memory: undefined }, capacity, dataBytes);
}

function makeBatch(place: BatchPlace, capacity: number, dataBytes: number): Batch {
  const header = new Int32Array(place.buffer, place.offset, HEADER_BYTES / 4);
  header[HEADER_MAGIC] = BATCH_MAGIC;
  header[HEADER_VERSION] = BATCH_VERSION;
  header[HEADER_CAPACITY] = capacity;
  header[HEADER_DATA_BYTES] = dataBytes;
  return Batch.from(place);
}
