const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_SACK = 5;
/** NOP NOP TIMESTAMP 10: the one option that most packets carry, told by its first word. */
const TIMESTAMP_ALONE = 0x0101080a;

/**
 * tcp_sack() (net/netfilter/nf_conntrack_proto_tcp.c): the highest right edge of the SACK blocks of the TCP header at
 * `l4`, `headerBytes` long, at least `ack`. Options that the capture cuts off at `end` are not there for us.
 */
export function highestSack(
  view: DataView,
  l4: number,
  headerBytes: number,
  end: number,
  ack: number,
): number {
  let at = l4 + 20;
  let left = headerBytes - 20;
  if (left <= 0) return ack;
  if (left === 12 && at + 4 <= end && view.getInt32(at) === TIMESTAMP_ALONE) return ack;
  let sack = ack;
  while (left > 0 && at < end) {
    const kind = view.getUint8(at);
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      left--;
      continue;
    }
    if (left < 2 || at + 2 > end) break;
    const size = view.getUint8(at + 1);
    if (size < 2 || size > left) break;
    if (kind === OPTION_SACK && size >= 10 && (size - 2) % 8 === 0) {
      for (let edge = at + 6; edge < at + size && edge + 4 <= end; edge += 8) {
        const right = view.getInt32(edge);
        if (((sack - right) | 0) < 0) sack = right;
      }
      break;
    }
    at += size;
    left -= size;
  }
  return sack;
}
