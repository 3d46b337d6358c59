/**
 * Indices in the words that `parseTcpOptions` writes. Values are 32-bit: sequence numbers and time stamps come as
 * signed words (use `>>> 0`).
 */
/** TCP_OPTION_* bits of what was found. */
export const TCPO_FOUND = 0;
/** Maximum segment size in bytes. */
export const TCPO_MSS = 1;
/** Window scale shift count, at most 14 as RFC 7323 and the kernel have it. */
export const TCPO_WSCALE = 2;
export const TCPO_TSVAL = 3;
export const TCPO_TSECR = 4;
/** Number of SACK blocks, at most 4. */
export const TCPO_SACK_BLOCKS = 5;
/** Left and right edge of each block, one behind the other. */
export const TCPO_SACK = 6;
export const TCPO_WORDS = 14;

export const TCP_OPTION_MSS = 1;
export const TCP_OPTION_WSCALE = 2;
export const TCP_OPTION_SACK_PERMITTED = 4;
export const TCP_OPTION_TIMESTAMPS = 8;
export const TCP_OPTION_SACK = 16;

const KIND_END = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WSCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_SACK = 5;
const KIND_TIMESTAMP = 8;
const MAX_WSCALE = 14;
const MAX_SACK_BLOCKS = 4;

/**
 * Reads the options data[offset, end) of a TCP header into `out` (TCPO_WORDS words), and returns the TCP_OPTION_*
 * bits. `end` is the header's end, doff * 4 bytes behind its beginning, but not behind the captured bytes.
 *
 * Garbage is borne as tcp_options() and tcp_sack() (net/netfilter/nf_conntrack_proto_tcp.c) bear it: a length below
 * 2 or beyond the end stops the reading, a known kind with a wrong length is passed over, the last of several wins.
 * Of several SACK options the first counts, where tcp_sack() stops.
 */
export function parseTcpOptions(view: DataView, offset: number, end: number, out: Int32Array): number {
  out.fill(0, 0, TCPO_WORDS);
  let found = 0;
  let at = offset;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === KIND_END) break;
    if (kind === KIND_NOP) {
      at++;
      continue;
    }
    if (end - at < 2) break;
    const bytes = view.getUint8(at + 1);
    if (bytes < 2 || bytes > end - at) break;
    if (kind === KIND_MSS && bytes === 4) {
      out[TCPO_MSS] = view.getUint16(at + 2);
      found |= TCP_OPTION_MSS;
    } else if (kind === KIND_WSCALE && bytes === 3) {
      out[TCPO_WSCALE] = Math.min(MAX_WSCALE, view.getUint8(at + 2));
      found |= TCP_OPTION_WSCALE;
    } else if (kind === KIND_SACK_PERMITTED && bytes === 2) {
      found |= TCP_OPTION_SACK_PERMITTED;
    } else if (kind === KIND_TIMESTAMP && bytes === 10) {
      out[TCPO_TSVAL] = view.getInt32(at + 2);
      out[TCPO_TSECR] = view.getInt32(at + 6);
      found |= TCP_OPTION_TIMESTAMPS;
    } else if (
      kind === KIND_SACK &&
      bytes >= 10 &&
      (bytes - 2) % 8 === 0 &&
      (found & TCP_OPTION_SACK) === 0
    ) {
      readSackBlocks(view, at + 2, (bytes - 2) >>> 3, out);
      found |= TCP_OPTION_SACK;
    }
    at += bytes;
  }
  out[TCPO_FOUND] = found;
  return found;
}

function readSackBlocks(view: DataView, at: number, blocks: number, out: Int32Array): void {
  const kept = Math.min(blocks, MAX_SACK_BLOCKS);
  out[TCPO_SACK_BLOCKS] = kept;
  for (let i = 0; i < 2 * kept; i++) out[TCPO_SACK + i] = view.getInt32(at + 4 * i);
}
