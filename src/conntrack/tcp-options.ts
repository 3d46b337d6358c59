/**
 * TCP options, as far as window tracking looks: the window scale and "SACK permitted" of a SYN, and the right
 * edges of SACK blocks (tcp_options() and tcp_sack() in net/netfilter/nf_conntrack_proto_tcp.c). Options that the
 * capture cuts off are not there for us; what is parsed is what was captured.
 */

/** ip_ct_tcp_state.flags (include/uapi/linux/netfilter/nf_conntrack_tcp.h). */
export const FLAG_WINDOW_SCALE = 1;
export const FLAG_SACK_PERM = 2;
export const FLAG_CLOSE_INIT = 4;
export const FLAG_BE_LIBERAL = 8;
export const FLAG_DATA_UNACKNOWLEDGED = 16;
export const FLAG_MAXACK_SET = 32;
export const FLAG_EXP_CHALLENGE_ACK = 64;
export const FLAG_SIMULTANEOUS_OPEN = 128;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_WINDOW = 3;
const OPTION_SACK_PERM = 4;
const OPTION_SACK = 5;
const MAX_WINDOW_SCALE = 14;
/** NOP NOP TIMESTAMP 10: the one option that most packets carry, told by its first word. */
const TIMESTAMP_ALONE = 0x0101080a;

/**
 * tcp_options(): the flags and scale that a SYN's options announce, as SEEN_FLAGS packs them (flags | scale << 8).
 * `previous` is what stood there; it stays when the packet has no options at all.
 */
export function synOptions(
  view: DataView,
  l4: number,
  headerBytes: number,
  end: number,
  previous: number,
): number {
  let at = l4 + 20;
  let left = headerBytes - 20;
  if (left <= 0) return previous;
  let flags = previous & FLAG_BE_LIBERAL;
  let scale = 0;
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
    if (kind === OPTION_SACK_PERM && size === 2) {
      flags |= FLAG_SACK_PERM;
    } else if (kind === OPTION_WINDOW && size === 3 && at + 3 <= end) {
      scale = Math.min(view.getUint8(at + 2), MAX_WINDOW_SCALE);
      flags |= FLAG_WINDOW_SCALE;
    }
    at += size;
    left -= size;
  }
  return flags | (scale << 8);
}

/** tcp_sack(): the highest right edge of the packet's SACK blocks, at least `ack`. */
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
