const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_SACK: u32 = 5;
/** NOP NOP TIMESTAMP 10, as the memory has it. */
const TIMESTAMP_ALONE: u32 = 0x0a080101;

/** highestSack of src/decode/tcp-sack.ts: of the header at `l4`, with `ack`; the captured bytes end at `end`. */
export function highestSack(l4: usize, headerBytes: u32, end: usize, ack: i32): i32 {
  let at = l4 + 20;
  let left = <i32>headerBytes - 20;
  if (left <= 0) return ack;
  if (left === 12 && at + 4 <= end && load<u32>(at) === TIMESTAMP_ALONE) return ack;
  while (left > 0 && at < end) {
    const kind = <u32>load<u8>(at);
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      left--;
      continue;
    }
    if (left < 2 || at + 2 > end) break;
    const size = <i32>load<u8>(at, 1);
    if (size < 2 || size > left) break;
    if (kind === OPTION_SACK && size >= 10 && (size - 2) % 8 === 0) return highestEdge(at, size, end, ack);
    at += size;
    left -= size;
  }
  return ack;
}

function highestEdge(at: usize, size: i32, end: usize, ack: i32): i32 {
  let sack = ack;
  for (let edge = at + 6; edge < at + size && edge + 4 <= end; edge += 8) {
    const right = bswap<i32>(load<i32>(edge));
    if (sack - right < 0) sack = right;
  }
  return sack;
}
