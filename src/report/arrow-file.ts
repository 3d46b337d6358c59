import {
  type ArrowBlock,
  type ArrowField,
  type ArrowNode,
  type ArrowRegion,
  align8,
  dictionaryMessage,
  footer,
  recordMessage,
  schemaMessage,
} from './arrow-metadata.ts';

/** Where bytes go: an OutputFile, or memory in tests. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

/** One column of a record batch: its buffers in Arrow's order, validity first (empty when nothing is absent). */
export interface ArrowColumn {
  readonly nullCount: number;
  readonly buffers: readonly Uint8Array[];
}

const MAGIC = Buffer.from('ARROW1');
const PADDING = new Uint8Array(64);

/**
 * Writes an Arrow IPC file ("Feather V2") record batch by record batch, in bounded memory. arquero's own writer wants the
 * whole table at once, hence this one.
 *
 *   "ARROW1\0\0" | schema | record batch | record batch ... | dictionaries | end of stream | footer | "ARROW1"
 *
 * The dictionaries come last because only then all names are known. The file format allows that: a reader finds
 * them by the footer before it reads record batches.
 */
export class ArrowFileWriter {
  private readonly sink: ByteSink;
  private readonly fields: readonly ArrowField[];
  private readonly batches: ArrowBlock[] = [];
  private readonly dictionaries: ArrowBlock[] = [];
  private offset = 0;

  constructor(sink: ByteSink, fields: readonly ArrowField[]) {
    this.sink = sink;
    this.fields = fields;
    this.put(MAGIC);
    this.pad();
    this.message(schemaMessage(fields), []);
  }

  /** One record batch: a column for each field. */
  writeBatch(rows: number, columns: readonly ArrowColumn[]): void {
    const nodes: ArrowNode[] = columns.map(({ nullCount }) => ({ length: rows, nullCount }));
    const buffers = columns.flatMap((column) => column.buffers);
    this.batches.push(this.message(recordMessage(rows, nodes, regionsOf(buffers)), buffers));
  }

  /** Ends the file. `words` gives the dictionary of each field of type `names`, by the field's index. */
  finish(words: (fieldIndex: number) => readonly string[]): void {
    this.fields.forEach((field, id) => {
      if (field.type === 'names') this.writeDictionary(id, words(id));
    });
    const end = new Uint8Array(8);
    end.fill(0xff, 0, 4);
    this.put(end);
    const tail = footer(this.fields, this.dictionaries, this.batches);
    this.put(tail);
    const size = Buffer.alloc(4);
    size.writeInt32LE(tail.length);
    this.put(size);
    this.put(MAGIC);
  }

  private writeDictionary(id: number, words: readonly string[]): void {
    const values = Buffer.from(words.join(''), 'utf8');
    const offsets = new Int32Array(words.length + 1);
    words.forEach((word, i) => {
      offsets[i + 1] = offsets[i]! + Buffer.byteLength(word);
    });
    const buffers = [new Uint8Array(0), bytesOf(offsets), values];
    this.dictionaries.push(this.message(dictionaryMessage(id, words.length, regionsOf(buffers)), buffers));
  }

  /** Continuation marker, length, metadata padded to 8 bytes, then the body's buffers, each padded to 8 bytes. */
  private message(metadata: Uint8Array, buffers: readonly Uint8Array[]): ArrowBlock {
    const { offset } = this;
    const prefix = Buffer.alloc(8);
    prefix.writeInt32LE(-1, 0);
    prefix.writeInt32LE(align8(metadata.length), 4);
    this.put(prefix);
    this.put(metadata);
    this.pad();
    const bodyOffset = this.offset;
    for (const buffer of buffers) {
      this.put(buffer);
      this.pad();
    }
    return { offset, metadataBytes: bodyOffset - offset, bodyBytes: this.offset - bodyOffset };
  }

  private put(bytes: Uint8Array): void {
    this.sink.write(bytes);
    this.offset += bytes.length;
  }

  private pad(): void {
    this.put(PADDING.subarray(0, align8(this.offset) - this.offset));
  }
}

/** The bytes of a typed array. Arrow is little-endian, as is every machine that Node 20 runs on (s390x aside). */
export function bytesOf(array: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function regionsOf(buffers: readonly Uint8Array[]): ArrowRegion[] {
  let offset = 0;
  return buffers.map((buffer) => {
    const region = { offset, bytes: buffer.length };
    offset += align8(buffer.length);
    return region;
  });
}
