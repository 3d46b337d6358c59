import {
  C_TCP_LAST,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_LAST_SEQ,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
} from './layout.ts';
import {
  FLAG_BE_LIBERAL,
  FLAG_EXP_CHALLENGE_ACK,
  FLAG_SACK_PERM,
  FLAG_WINDOW_SCALE,
  synOptions,
} from './tcp-options.ts';
import { TCP_ACK_SET, TCP_LAST_ACK, TCP_SYN_SENT, TCP_SYN_SET } from './tcp-states.ts';

/**
 * Packets that are let pass unbelieved, since the entry may be out of step with the connection: what they said is
 * kept, and when their answer shows that they were right, it becomes the entry's.
 */

/** Where last_flags (and behind them last_wscale) stand in C_TCP_LAST_WIN. */
export const LAST_FLAGS_SHIFT = 16;

/** A SYN that was ignored has been acknowledged: its numbers become the entry's. */
export function adoptIgnoredSyn(w: Int32Array, at: number, lastDir: number, own: number): void {
  const sender = at + C_TCP_SEEN + lastDir * TCP_SEEN_WORDS;
  w[at + C_TCP_LAST_WIN]! &= ~(FLAG_EXP_CHALLENGE_ACK << LAST_FLAGS_SHIFT);
  const lastWindow = w[at + C_TCP_LAST_WIN]! & 0xffff;
  w[sender + SEEN_END] = w[at + C_TCP_LAST_END]!;
  w[sender + SEEN_MAXEND] = w[at + C_TCP_LAST_END]!;
  w[sender + SEEN_MAXWIN] = lastWindow === 0 ? 1 : lastWindow;
  // Flags and scale, packed as SEEN_FLAGS is.
  w[sender + SEEN_FLAGS] = w[at + C_TCP_LAST_WIN]! >>> LAST_FLAGS_SHIFT;
  // nf_ct_tcp_state_reset()
  w[own + SEEN_END] = 0;
  w[own + SEEN_MAXEND] = 0;
  w[own + SEEN_MAXWIN] = 0;
  w[own + SEEN_MAXACK] = 0;
  w[own + SEEN_FLAGS]! &= FLAG_BE_LIBERAL;
}

/** What an ignored packet said is remembered: its answer may show that it was right. */
export function noteIgnored(
  w: Int32Array,
  at: number,
  dir: number,
  kind: number,
  oldState: number,
  seq: number,
  ack: number,
  segmentEnd: number,
  window: number,
  view: DataView,
  l4: number,
  headerBytes: number,
  end: number,
): void {
  w[at + C_TCP_LAST] = kind | (dir << 8) | (w[at + C_TCP_LAST]! & 0xff0000);
  w[at + C_TCP_LAST_SEQ] = seq;
  w[at + C_TCP_LAST_END] = segmentEnd;
  w[at + C_TCP_LAST_WIN] = (w[at + C_TCP_LAST_WIN]! & ~0xffff) | window;
  if (kind === TCP_SYN_SET && dir === 0) {
    const options = synOptions(view, l4, headerBytes, end, 0);
    let flags = options & (FLAG_WINDOW_SCALE | FLAG_SACK_PERM);
    if (oldState === TCP_LAST_ACK) flags |= FLAG_EXP_CHALLENGE_ACK;
    if ((flags & FLAG_WINDOW_SCALE) !== 0) flags |= options & 0xff00;
    w[at + C_TCP_LAST_WIN] = window | (flags << LAST_FLAGS_SHIFT);
  }
  if (oldState === TCP_SYN_SENT && kind === TCP_ACK_SET && dir === 1) w[at + C_TCP_LAST_ACK] = ack;
}
