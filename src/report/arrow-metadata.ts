import { FlatBuffer } from './flatbuffer.ts';

/**
 * The metadata messages of Arrow's IPC format (https://arrow.apache.org/docs/format/Columnar.html; field numbers
 * from format/Schema.fbs, Message.fbs and File.fbs), for the few types that are written here.
 */
export type ArrowType = 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'timestamp' | 'utf8' | 'names';

/** `names`: a dictionary of utf8 with int32 indices; its id is the field's index. */
export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
}

/** Where a message lies in the file. */
export interface ArrowBlock {
  readonly offset: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

export interface ArrowNode {
  readonly length: number;
  readonly nullCount: number;
}

export interface ArrowRegion {
  readonly offset: number;
  readonly bytes: number;
}

const VERSION_V5 = 4;
const HEADER_SCHEMA = 1;
const HEADER_DICTIONARY = 2;
const HEADER_RECORDS = 3;
const TYPE_INT = 2;
const TYPE_UTF8 = 5;
const TYPE_TIMESTAMP = 10;
const UNIT_NANOSECOND = 3;

const INT_BITS: Partial<Record<ArrowType, number>> = { uint8: 8, uint16: 16, uint32: 32, uint64: 64 };

export function schemaMessage(fields: readonly ArrowField[]): Uint8Array {
  const b = new FlatBuffer();
  return message(b, HEADER_SCHEMA, schema(b, fields), 0);
}

export function recordMessage(
  rows: number,
  nodes: readonly ArrowNode[],
  regions: readonly ArrowRegion[],
): Uint8Array {
  const b = new FlatBuffer();
  return message(b, HEADER_RECORDS, records(b, rows, nodes, regions), bodyBytes(regions));
}

export function dictionaryMessage(id: number, words: number, regions: readonly ArrowRegion[]): Uint8Array {
  const b = new FlatBuffer();
  const data = records(b, words, [{ length: words, nullCount: 0 }], regions);
  b.beginTable();
  b.field(0, () => b.int64(id));
  b.field(1, () => b.offset(data));
  return message(b, HEADER_DICTIONARY, b.endTable(), bodyBytes(regions));
}

export function footer(
  fields: readonly ArrowField[],
  dictionaries: readonly ArrowBlock[],
  batches: readonly ArrowBlock[],
): Uint8Array {
  const b = new FlatBuffer();
  const batchBlocks = b.structs(batches, 24, (item) => block(b, item));
  const dictionaryBlocks = b.structs(dictionaries, 24, (item) => block(b, item));
  const schemaAt = schema(b, fields);
  b.beginTable();
  b.field(3, () => b.offset(batchBlocks));
  b.field(2, () => b.offset(dictionaryBlocks));
  b.field(1, () => b.offset(schemaAt));
  b.field(0, () => b.int16(VERSION_V5));
  return b.finish(b.endTable());
}

function bodyBytes(regions: readonly ArrowRegion[]): number {
  const last = regions.at(-1);
  return last === undefined ? 0 : align8(last.offset + last.bytes);
}

export function align8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function message(b: FlatBuffer, headerType: number, header: number, body: number): Uint8Array {
  b.beginTable();
  b.field(3, () => b.int64(body));
  b.field(2, () => b.offset(header));
  b.field(0, () => b.int16(VERSION_V5));
  b.field(1, () => b.int8(headerType));
  return b.finish(b.endTable());
}

function block(b: FlatBuffer, item: ArrowBlock): void {
  b.int64(item.bodyBytes);
  b.int32(0);
  b.int32(item.metadataBytes);
  b.int64(item.offset);
}

function records(
  b: FlatBuffer,
  rows: number,
  nodes: readonly ArrowNode[],
  regions: readonly ArrowRegion[],
): number {
  const regionsAt = b.structs(regions, 16, (region) => {
    b.int64(region.bytes);
    b.int64(region.offset);
  });
  const nodesAt = b.structs(nodes, 16, (node) => {
    b.int64(node.nullCount);
    b.int64(node.length);
  });
  b.beginTable();
  b.field(0, () => b.int64(rows));
  b.field(1, () => b.offset(nodesAt));
  b.field(2, () => b.offset(regionsAt));
  return b.endTable();
}

function schema(b: FlatBuffer, fields: readonly ArrowField[]): number {
  const fieldsAt = b.offsets(fields.map((field, id) => schemaField(b, field, id)));
  b.beginTable();
  b.field(1, () => b.offset(fieldsAt));
  return b.endTable();
}

function schemaField(b: FlatBuffer, field: ArrowField, id: number): number {
  const name = b.string(field.name);
  const children = b.offsets([]);
  const type = fieldType(b, field.type);
  const dictionary = field.type === 'names' ? dictionaryEncoding(b, id) : 0;
  b.beginTable();
  b.field(0, () => b.offset(name));
  b.field(3, () => b.offset(type.at));
  b.field(5, () => b.offset(children));
  if (dictionary !== 0) b.field(4, () => b.offset(dictionary));
  b.field(1, () => b.int8(1));
  b.field(2, () => b.int8(type.code));
  return b.endTable();
}

function fieldType(b: FlatBuffer, type: ArrowType): { code: number; at: number } {
  const bits = INT_BITS[type];
  if (bits !== undefined) return { code: TYPE_INT, at: intType(b, bits, false) };
  if (type === 'timestamp') {
    const zone = b.string('UTC');
    b.beginTable();
    b.field(1, () => b.offset(zone));
    b.field(0, () => b.int16(UNIT_NANOSECOND));
    return { code: TYPE_TIMESTAMP, at: b.endTable() };
  }
  b.beginTable();
  return { code: TYPE_UTF8, at: b.endTable() };
}

function intType(b: FlatBuffer, bits: number, signed: boolean): number {
  b.beginTable();
  b.field(0, () => b.int32(bits));
  b.field(1, () => b.int8(signed ? 1 : 0));
  return b.endTable();
}

function dictionaryEncoding(b: FlatBuffer, id: number): number {
  const index = intType(b, 32, true);
  b.beginTable();
  b.field(0, () => b.int64(id));
  b.field(1, () => b.offset(index));
  return b.endTable();
}
