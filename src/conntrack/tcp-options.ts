/**
 * TCP options, as far as window tracking looks: the window scale and "SACK permitted" of a SYN (tcp_options() in
 * net/netfilter/nf_conntrack_proto_tcp.c). Options that the capture cuts off are not there for us; what is parsed is
 * what was captured. The right edges of SACK blocks are read while decoding (decode/tcp-sack.ts).
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
const MAX_WINDOW_SCALE = 14;

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
