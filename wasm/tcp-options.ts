/** synOptions of src/conntrack/tcp-options.ts. */
import { AT_DATA, AT_L3_CAP_LEN, AT_L3_OFFSET, AT_L4_OFFSET } from './layout';
import { FLAG_BE_LIBERAL, FLAG_SACK_PERM, FLAG_WINDOW_SCALE } from './records';

const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_WINDOW: u32 = 3;
const OPTION_SACK_PERM: u32 = 4;
const MAX_WINDOW_SCALE: u32 = 14;

/** The flags and scale (SEEN_FLAGS) that the options of row `i`, a plain SYN, announce; `previous` where it has none. */
export function synOptions(batch: usize, i: u32, previous: u32): u32 {
  const p4 = batch + 4 * i;
  const header = batch + load<u32>(p4, AT_L4_OFFSET) + AT_DATA;
  const end = batch + load<u32>(p4, AT_L3_OFFSET) + load<u32>(p4, AT_L3_CAP_LEN) + AT_DATA;
  const headerBytes = (<u32>load<u8>(header, 12) >>> 4) << 2;
  let at = header + 20;
  let left = <i32>headerBytes - 20;
  if (left <= 0) return previous;
  let flags = previous & FLAG_BE_LIBERAL;
  let scale: u32 = 0;
  while (left > 0 && at < end) {
    const kind: u32 = load<u8>(at);
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      left--;
      continue;
    }
    if (left < 2 || at + 2 > end) break;
    const size: i32 = load<u8>(at, 1);
    if (size < 2 || size > left) break;
    if (kind === OPTION_SACK_PERM && size === 2) flags |= FLAG_SACK_PERM;
    else if (kind === OPTION_WINDOW && size === 3 && at + 3 <= end) {
      scale = min<u32>(load<u8>(at, 2), MAX_WINDOW_SCALE);
      flags |= FLAG_WINDOW_SCALE;
    }
    at += size;
    left -= size;
  }
  return flags | (scale << 8);
}
