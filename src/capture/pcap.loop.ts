/** Bytes of a classic record header: seconds, fraction, captured length, original length. */
export const RECORD_HEADER_BYTES = 16;

/** Indices in the result words of `walkPcapRecords`. */
export const WALK_NEXT = 0;
/** 0: more bytes or rows are needed. 1: the record at WALK_NEXT claims an impossible length. */
export const WALK_BAD_LENGTH = 1;
export const WALK_WORDS = 2;

/** Captured and original length stand in the other order (pcap before 2.3). */
export const LENGTHS_AS_NAMED = 0;
export const LENGTHS_SWAPPED = 1;
/** pcap 2.3: some writers swapped them; the captured length cannot be the greater one. */
export const LENGTHS_EITHER = 2;

/**
 * Walks classic pcap records in data[0, to) and writes one row for each whole one; returns the rows.
 * Times are (seconds - baseSeconds) * 1e9 + fraction * nsPerUnit - baseFractionNs: exact while the difference is
 * below 2^53 ns. Seconds are unsigned, as Wireshark reads them: they last until 2106.
 */
export function walkPcapRecords(
  view: DataView,
  to: number,
  littleEndian: boolean,
  lengths: number,
  maxBytes: number,
  nsPerUnit: number,
  unitsPerSecond: number,
  baseSeconds: number,
  baseFractionNs: number,
  source: number,
  linktype: number,
  capacity: number,
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
  let at = 0;
  let row = 0;
  let badLength = 0;
  const lastHeader = to - RECORD_HEADER_BYTES;
  while (row < capacity && at <= lastHeader) {
    const fraction = view.getUint32(at + 4, littleEndian);
    let captured = view.getUint32(at + 8, littleEndian);
    let original = view.getUint32(at + 12, littleEndian);
    if (lengths !== LENGTHS_AS_NAMED && (lengths === LENGTHS_SWAPPED || captured > original)) {
      const swapped = captured;
      captured = original;
      original = swapped;
    }
    if (captured > maxBytes) {
      badLength = 1;
      break;
    }
    const begin = at + RECORD_HEADER_BYTES;
    if (begin + captured > to) break;
    timeNs[row] =
      (view.getUint32(at, littleEndian) - baseSeconds) * 1e9 + fraction * nsPerUnit - baseFractionNs;
    dataOffset[row] = begin;
    capLen[row] = captured;
    origLen[row] = Math.max(original, captured);
    sourceColumn[row] = source;
    linktypeColumn[row] = linktype;
    recordDirection[row] = 0;
    timeInvalid[row] = fraction < unitsPerSecond ? 0 : 1;
    row++;
    at = begin + captured;
  }
  result[WALK_NEXT] = at;
  result[WALK_BAD_LENGTH] = badLength;
  return row;
}
