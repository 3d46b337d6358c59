/** Indices in the result words of `walkEnhancedPackets`. */
export const WALK_NEXT = 0;
export const WALK_WORDS = 1;

export const BLOCK_ENHANCED_PACKET = 6;
/** Block type, total length, interface, time stamp (2), captured length, original length. */
export const ENHANCED_HEADER_BYTES = 28;
const TRAILER_BYTES = 4;
const OPTION_END = 0;
/** epb_flags; its two low bits are the direction: 1 inbound, 2 outbound, as RECORD_* has them. */
const OPTION_FLAGS = 2;

/**
 * Walks the sound Enhanced Packet Blocks that stand one behind the other from data[at] on, and stops at the first
 * byte of anything else: another block, a block that is not whole, one that is wrong in any way, or one of an
 * interface whose `nsPerTick` is 0 (its time stamps need more than a double). Returns the rows in use.
 *
 * A time stamp is ((high - baseHigh) * 2^32 + low - baseLow) * nsPerTick + offsetNs: exact while the distance from
 * the base is below 2^53 ticks and nanoseconds.
 */
export function walkEnhancedPackets(
  view: DataView,
  at: number,
  to: number,
  row: number,
  capacity: number,
  littleEndian: boolean,
  interfaces: number,
  sourceOf: Uint16Array,
  linktypeOf: Uint16Array,
  maxBytesOf: Uint32Array,
  nsPerTickOf: Float64Array,
  baseHighOf: Float64Array,
  baseLowOf: Float64Array,
  offsetNsOf: Float64Array,
  timeNs: Float64Array,
  dataOffset: Uint32Array,
  capLen: Uint32Array,
  origLen: Uint32Array,
  sourceColumn: Uint16Array,
  linktypeColumn: Uint16Array,
  recordDirection: Uint8Array,
  timeInvalid: Uint8Array,
  result: Float64Array,
): number {
  while (row < capacity && to - at >= ENHANCED_HEADER_BYTES + TRAILER_BYTES) {
    if (view.getUint32(at, littleEndian) !== BLOCK_ENHANCED_PACKET) break;
    const total = view.getUint32(at + 4, littleEndian);
    if (total > to - at || total < ENHANCED_HEADER_BYTES + TRAILER_BYTES || (total & 3) !== 0) break;
    const end = at + total - TRAILER_BYTES;
    if (view.getUint32(end, littleEndian) !== total) break;
    const id = view.getUint32(at + 8, littleEndian);
    if (id >= interfaces || nsPerTickOf[id] === 0) break;
    const captured = view.getUint32(at + 20, littleEndian);
    const begin = at + ENHANCED_HEADER_BYTES;
    if (captured > end - begin || captured > maxBytesOf[id]!) break;
    const original = view.getUint32(at + 24, littleEndian);
    const high = view.getUint32(at + 12, littleEndian) - baseHighOf[id]!;
    const low = view.getUint32(at + 16, littleEndian) - baseLowOf[id]!;
    timeNs[row] = (high * 4294967296 + low) * nsPerTickOf[id]! + offsetNsOf[id]!;
    dataOffset[row] = begin;
    capLen[row] = captured;
    origLen[row] = Math.max(original, captured);
    sourceColumn[row] = sourceOf[id]!;
    linktypeColumn[row] = linktypeOf[id]!;
    recordDirection[row] = directionOption(view, begin + ((captured + 3) & ~3), end, littleEndian);
    timeInvalid[row] = 0;
    row++;
    at += total;
  }
  result[WALK_NEXT] = at;
  return row;
}

/** RECORD_* direction in the options of a packet block, data[at, end). Options that lie about their length end the search. */
export function directionOption(view: DataView, at: number, end: number, littleEndian: boolean): number {
  while (end - at >= 4) {
    const code = view.getUint16(at, littleEndian);
    const bytes = view.getUint16(at + 2, littleEndian);
    if (code === OPTION_END || bytes > end - at - 4) return 0;
    if (code === OPTION_FLAGS && bytes === 4) {
      const direction = view.getUint32(at + 4, littleEndian) & 3;
      return direction === 3 ? 0 : direction;
    }
    at += 4 + ((bytes + 3) & ~3);
  }
  return 0;
}
