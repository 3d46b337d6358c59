import { IPS_ASSURED, IPS_CONFIRMED, IPS_SEEN_REPLY, TUPLE_PROTO } from '../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import type { ConntrackCore } from './core.ts';
import {
  C_STATE,
  C_STATUS,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_SEEN,
  RECORD_SHIFT,
  SEEN_FLAGS,
  SEEN_MAXACK,
  TCP_SEEN_WORDS,
} from './layout.ts';
import { FLAG_MAXACK_SET } from './tcp-options.ts';
import {
  TCP_ACK_SET,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT,
  TCP_SYN_SENT,
  TCP_SYN_SET,
} from './tcp-states.ts';

/** The RST closes the connection, whatever its numbers. */
export const RESET_BELIEVED = 0;
/** It changes no state; the window is to be checked. */
export const RESET_KEEPS_STATE = 1;
/** Not of this connection. */
export const RESET_INVALID = 2;
/** It closes the connection if it is in the window. */
export const RESET_IN_WINDOW = 3;
/** Its numbers do not matter, and it changes no state. */
export const RESET_BELIEVED_KEEPS_STATE = 4;

/** What an RST may do (RFC 5961, section 3): close, be checked against the window, change nothing, or be INVALID. */
export function judgeReset(
  core: ConntrackCore,
  at: number,
  dir: number,
  oldState: number,
  seq: number,
  ack: number,
  lastIndex: number,
  lastDir: number,
): number {
  const w = core.words;
  // Closing already: the tuple may be in use again, and what we remember be of the old connection.
  if (oldState >= TCP_FIN_WAIT && oldState <= TCP_CLOSE) return RESET_BELIEVED;
  const other = at + C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS;
  let keepsState = false;
  if ((w[other + SEEN_FLAGS]! & FLAG_MAXACK_SET) !== 0 && lastIndex !== TCP_SYN_SET) {
    const established = oldState === TCP_ESTABLISHED && (w[at + C_STATUS]! & IPS_ASSURED) !== 0;
    if (seq === 0 && !established) return RESET_IN_WINDOW;
    const maxAck = w[other + SEEN_MAXACK]!;
    if (((seq - maxAck) | 0) < 0 && !core.tcpIgnoreInvalidRst) return RESET_INVALID;
    if (!established || seq === maxAck) return RESET_IN_WINDOW;
    // Right behind the sender's last segment.
    if (lastIndex === TCP_ACK_SET && lastDir === dir && seq === w[at + C_TCP_LAST_END])
      return RESET_IN_WINDOW;
    // In the window, but not exact: the other end may answer with a challenge ACK.
    keepsState = true;
  }
  const status = w[at + C_STATUS]!;
  if (
    (((status & IPS_SEEN_REPLY) !== 0 && lastIndex === TCP_SYN_SET && lastDir !== dir) ||
      ((status & IPS_ASSURED) === 0 && lastIndex === TCP_ACK_SET)) &&
    ack === w[at + C_TCP_LAST_END]
  ) {
    // It answers a SYN or ACK that was let through unbelieved. (That the SYN must have come from the other side is
    // what 6.18.44 does; older kernels take an RST from the same side, too.)
    return keepsState ? RESET_BELIEVED_KEEPS_STATE : RESET_BELIEVED;
  }
  // It answers a challenge ACK that was let through.
  if (
    oldState === TCP_SYN_SENT &&
    lastIndex === TCP_ACK_SET &&
    lastDir === 1 &&
    seq === w[at + C_TCP_LAST_ACK]
  ) {
    return keepsState ? RESET_BELIEVED_KEEPS_STATE : RESET_BELIEVED;
  }
  return keepsState ? RESET_KEEPS_STATE : RESET_IN_WINDOW;
}

/**
 * A reset that the host itself sent has ended the connection: nf_conntrack_tcp_set_closing() in
 * net/netfilter/nf_conntrack_proto_tcp.c. One that is closed already lives no longer for it.
 */
export function closeConnection(core: ConntrackCore, ct: number): void {
  const w = core.words;
  const at = ct << RECORD_SHIFT;
  if ((w[at + C_STATUS]! & IPS_CONFIRMED) === 0 || (w[at + TUPLE_PROTO]! & 255) !== IPPROTO_TCP) return;
  const oldState = w[at + C_STATE];
  w[at + C_STATE] = TCP_CLOSE;
  if (oldState !== TCP_CLOSE) core.refreshTimeout(ct, core.timeoutsOf(ct).tcp[TCP_CLOSE]!);
}
