/** Records of a classic pcap file: walkPcapRecords of src/capture/pcap.loop.ts, where lengths stand as they are named. */
import {
  AT_CAP_LEN,
  AT_DATA,
  AT_DATA_OFFSET,
  AT_LINKTYPE,
  AT_ORIG_LEN,
  AT_RECORD_DIRECTION,
  AT_SOURCE,
  AT_TIME_INVALID,
  AT_TIME_NS,
  BATCH_CAPACITY,
  HEADER_COUNT,
  WALK_BAD_LENGTH_BIT,
} from './layout';

const RECORD_HEADER_BYTES: u32 = 16;

/** Writes the record columns, and the batch's count; returns where it stopped, and WALK_BAD_LENGTH_BIT. */
export function walkPcap(
  batch: usize,
  to: u32,
  littleEndian: bool,
  maxBytes: u32,
  nsPerUnit: f64,
  baseSeconds: f64,
  baseFractionNs: f64,
  source: u32,
  linktype: u32,
): u32 {
  const unitsPerSecond = 1e9 / nsPerUnit;
  let at: u32 = 0;
  let row: u32 = 0;
  let bad: u32 = 0;
  while (row < BATCH_CAPACITY && at + RECORD_HEADER_BYTES <= to) {
    const header = batch + at + AT_DATA;
    let seconds = load<u32>(header);
    let fraction = load<u32>(header, 4);
    let captured = load<u32>(header, 8);
    let original = load<u32>(header, 12);
    if (!littleEndian) {
      seconds = bswap<u32>(seconds);
      fraction = bswap<u32>(fraction);
      captured = bswap<u32>(captured);
      original = bswap<u32>(original);
    }
    if (captured > maxBytes) {
      bad = WALK_BAD_LENGTH_BIT;
      break;
    }
    const begin = at + RECORD_HEADER_BYTES;
    if (captured > to - begin) break;
    const p1 = batch + row;
    const p2 = batch + 2 * row;
    const p4 = batch + 4 * row;
    const timeNs = (<f64>seconds - baseSeconds) * 1e9 + <f64>fraction * nsPerUnit - baseFractionNs;
    store<f64>(batch + 8 * row, timeNs, AT_TIME_NS);
    store<u32>(p4, begin, AT_DATA_OFFSET);
    store<u32>(p4, captured, AT_CAP_LEN);
    store<u32>(p4, max<u32>(original, captured), AT_ORIG_LEN);
    store<u16>(p2, source, AT_SOURCE);
    store<u16>(p2, linktype, AT_LINKTYPE);
    store<u8>(p1, 0, AT_RECORD_DIRECTION);
    store<u8>(p1, <f64>fraction < unitsPerSecond ? 0 : 1, AT_TIME_INVALID);
    row++;
    at = begin + captured;
  }
  store<u32>(batch, row, 4 * HEADER_COUNT);
  return at | bad;
}
