import { type ArrowColumn, ArrowFileWriter, type ByteSink, bytesOf } from './arrow-file.ts';
import type { ArrowField, ArrowType } from './arrow-metadata.ts';
import { ByteBuilder } from './byte-builder.ts';
import { timestampHalves } from './time-parts.ts';
import type { RowColumn, VerdictRows } from './verdict-rows.loop.ts';

/** Arrow types of the whole-number columns. */
const WHOLE_TYPES: Readonly<Record<string, ArrowType>> = {
  number: 'uint64',
  family: 'uint8',
  sport: 'uint16',
  dport: 'uint16',
  icmp_type: 'uint8',
  icmp_code: 'uint8',
  length: 'uint32',
  rule: 'uint32',
};

const NS_PER_SECOND = 1_000_000_000;

/** Rows of packets as record batches of an Arrow file: one for each batch of the replay. */
export class RowArrow {
  private readonly columns: readonly RowColumn[];
  private readonly file: ArrowFileWriter;
  private readonly text = new ByteBuilder();
  private readonly halves = new Uint32Array(2);

  constructor(sink: ByteSink, columns: readonly RowColumn[]) {
    this.columns = columns;
    this.file = new ArrowFileWriter(sink, columns.map(fieldOf));
  }

  write(rows: VerdictRows): void {
    const { count } = rows;
    if (count === 0) return;
    this.file.writeBatch(
      count,
      this.columns.map((column) => this.encode(column, count)),
    );
  }

  finish(): void {
    this.file.finish((index) => {
      const column = this.columns[index]!;
      return column.kind === 'symbol' ? column.symbols.words : [];
    });
  }

  private encode(column: RowColumn, rows: number): ArrowColumn {
    switch (column.kind) {
      case 'symbol':
        return withValidity(column.values, rows, bytesOf(column.values.subarray(0, rows)));
      case 'whole':
        return withValidity(column.values, rows, wholeBytes(column.values, rows, WHOLE_TYPES[column.name]!));
      case 'time':
        return withValidity(column.seconds, rows, this.timestamps(column.seconds, column.nanoseconds, rows));
      case 'address':
        return this.addresses(column.words, column.family, rows);
    }
  }

  private timestamps(seconds: Float64Array, nanoseconds: Float64Array, rows: number): Uint8Array {
    const words = new Uint32Array(2 * rows);
    const { halves } = this;
    for (let row = 0; row < rows; row++) {
      if (seconds[row]! < 0) continue;
      timestampHalves(seconds[row]!, NS_PER_SECOND, nanoseconds[row]!, halves);
      words[2 * row] = halves[1]!;
      words[2 * row + 1] = halves[0]!;
    }
    return bytesOf(words);
  }

  private addresses(words: Int32Array, family: Float64Array, rows: number): ArrowColumn {
    const { text } = this;
    const offsets = new Int32Array(rows + 1);
    text.clear();
    for (let row = 0; row < rows; row++) {
      if (family[row] === 4) text.putIpv4(words[4 * row]!);
      else if (family[row] === 6) text.putIpv6(words, 4 * row);
      offsets[row + 1] = text.length;
    }
    const { nullCount, buffers } = withValidity(family, rows, bytesOf(offsets));
    return { nullCount, buffers: [...buffers, new Uint8Array(text.view())] };
  }
}

function fieldOf(column: RowColumn): ArrowField {
  const { name } = column;
  switch (column.kind) {
    case 'symbol':
      return { name, type: 'names' };
    case 'whole':
      return { name, type: WHOLE_TYPES[name]! };
    case 'time':
      return { name, type: 'timestamp' };
    case 'address':
      return { name, type: 'utf8' };
  }
}

/** Negative values are absent. */
function withValidity(values: Int32Array | Float64Array, rows: number, bytes: Uint8Array): ArrowColumn {
  let nullCount = 0;
  for (let row = 0; row < rows; row++) if (values[row]! < 0) nullCount++;
  if (nullCount === 0) return { nullCount, buffers: [new Uint8Array(0), bytes] };
  // One byte more than needed, and bits behind the last row set: arquero's reader looks at them and would take rows
  // of the next batch as absent (arquero 7.2.1, nullKeys()).
  const validity = new Uint8Array((rows >>> 3) + 1).fill(0xff);
  for (let row = 0; row < rows; row++) {
    if (values[row]! < 0) validity[row >>> 3] = validity[row >>> 3]! & ~(1 << (row & 7));
  }
  return { nullCount, buffers: [validity, bytes] };
}

function wholeBytes(values: Float64Array, rows: number, type: ArrowType): Uint8Array {
  switch (type) {
    case 'uint8':
      return Uint8Array.from(values.subarray(0, rows));
    case 'uint16':
      return bytesOf(Uint16Array.from(values.subarray(0, rows)));
    case 'uint32':
      return bytesOf(Uint32Array.from(values.subarray(0, rows)));
    default: {
      const words = new Uint32Array(2 * rows);
      for (let row = 0; row < rows; row++) {
        words[2 * row] = values[row]! % 4294967296;
        words[2 * row + 1] = Math.floor(values[row]! / 4294967296);
      }
      return bytesOf(words);
    }
  }
}
