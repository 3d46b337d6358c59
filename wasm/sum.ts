/** Sums over the record columns of a batch: sumRows of src/netfilter/batch-sums.loop.ts. */
import {
  AT_ORIG_LEN,
  AT_TIME_INVALID,
  AT_TIME_NS,
  HEADER_BACK,
  HEADER_INVALID,
  HEADER_LEAP,
  HEADER_WIRE_BYTES,
} from './layout';

export function sum(batch: usize, count: u32, lastNs: f64): void {
  let last = lastNs;
  let leap: f64 = 0;
  let back: u32 = 0;
  let invalid: u32 = 0;
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const now = load<f64>(batch + 8 * i, AT_TIME_NS);
    back += <u32>(now < last);
    leap = max<f64>(leap, now - last);
    last = now;
    invalid += load<u8>(batch + i, AT_TIME_INVALID);
    bytes += load<u32>(batch + 4 * i, AT_ORIG_LEN);
  }
  store<u32>(batch, back, 4 * HEADER_BACK);
  store<u32>(batch, invalid, 4 * HEADER_INVALID);
  store<f64>(batch, leap, 4 * HEADER_LEAP);
  store<f64>(batch, <f64>bytes, 4 * HEADER_WIRE_BYTES);
}
