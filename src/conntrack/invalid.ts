import { TCP_STATE_NAMES } from './tcp-states.ts';

/**
 * Why conntrack could make nothing of a packet (INVALID), or let it pass without believing it. The phrases are those
 * that the kernel logs with net.netfilter.nf_conntrack_log_invalid (nf_l4proto_log_invalid(),
 * nf_ct_l4proto_log_invalid() in net/netfilter/nf_conntrack_proto.c), numbers of the packet's own left out; where the
 * kernel says nothing, or only to developers (pr_debug()), they are ours.
 */
export const INVALID_NONE = 0;
export const INVALID_NO_TRANSPORT = 1;
export const INVALID_SHORT = 2;
export const INVALID_TRUNCATED = 3;
export const INVALID_CHECKSUM = 4;
export const INVALID_TCP_FLAGS = 5;
export const INVALID_TCP_NEW = 6;
export const INVALID_TCP_NOT_LOOSE = 7;
export const INVALID_TCP_SEQ_OVER = 9;
export const INVALID_TCP_ACK_OVER = 10;
export const INVALID_TCP_RST = 11;
export const IGNORED_TCP_MORE = 13;
export const IGNORED_TCP_SEQ_UNDER = 14;
export const IGNORED_TCP_ACK_UNDER = 15;
export const IGNORED_TCP_CHALLENGE_ACK = 16;
export const INVALID_ICMP_TYPE = 17;
export const INVALID_ICMP_NEW = 18;
export const INVALID_ICMP_INNER = 19;
export const INVALID_ICMP_UNRELATED = 20;
export const INVALID_ICMP_OUTER = 21;
export const INVALID_NO_REPLY = 22;
export const INVALID_UDPLITE_COVERAGE = 23;
export const INVALID_UDPLITE_CHECKSUM_MISSING = 24;
export const INVALID_REDIRECT_SHORT = 25;
export const INVALID_REDIRECT_SENDER = 26;
export const INVALID_REDIRECT_OPTIONS = 27;
export const INVALID_SCTP_CHUNKS = 28;
export const INVALID_SCTP_NEW = 29;
export const INVALID_SCTP_TAG = 30;
export const INVALID_SCTP_STATE = 31;
export const INVALID_GRE = 32;
export const INVALID_CAPTURE_CUT = 33;
export const DROPPED_TABLE_FULL = 34;
export const DROPPED_BY_HELPER = 35;
export const INVALID_ICMP_CHECKSUM = 36;
export const INVALID_ICMPV6_CHECKSUM = 37;
export const INVALID_SCTP_CRC = 38;
export const INVALID_OTHER_FAMILY = 39;
/** And behind these two, for each direction, kind of packet (TCP_*_SET) and state: see tcpStateReason. */
export const INVALID_TCP_STATE = 64;
export const IGNORED_TCP_STATE = 192;
/** Reasons are smaller than this. */
export const INVALID_REASONS = 320;

const KINDS = 6;
const STATES = 10;

/** The reason of a TCP packet that does not suit the state of its connection: `base` is INVALID_ or IGNORED_TCP_STATE. */
export function tcpStateReason(base: number, dir: number, kind: number, state: number): number {
  return base + (dir * KINDS + kind) * STATES + state;
}

/** The sentence of each reason. Those of IGNORED_* are no INVALID: the packet keeps its connection's state. */
const PHRASES: readonly string[] = [
  'nothing is wrong with it',
  "can't find proto in pkt",
  'short packet',
  'truncated/malformed packet',
  'bad checksum',
  'invalid tcp flag combination',
  'invalid new',
  'in the middle of a connection that was not seen to begin (nf_conntrack_tcp_loose=0)',
  '',
  'SEQ is over upper bound (over the window of the receiver)',
  'ACK is over upper bound (ACKed data not seen yet)',
  'invalid rst',
  '',
  'bytes more than expected',
  'SEQ is under lower bound (already ACKed data retransmitted)',
  'ignored ACK under lower bound (possible overly delayed)',
  'challenge-ack ignored',
  'invalid icmp type',
  "can't create new conn with type",
  'the packet inside the ICMP error cannot be read',
  'the packet inside the ICMP error belongs to no connection',
  'outer daddr != inner',
  'an ICMP message of this type is no query, no answer and no error',
  'invalid checksum coverage',
  'checksum missing',
  'short redirect',
  'invalid saddr or hoplimit for redirect',
  'redirect without options',
  'do_basic_checks failed',
  'a chunk that cannot begin an association',
  'verification tag check failed',
  'Invalid, old_state 8, dir 1',
  'unsupported GRE protocol',
  'the capture is cut short before what conntrack has to see',
  'nf_conntrack: table full, dropping packet',
  'nf_ct_helper: dropping packet',
  'bad hw icmp checksum',
  'ICMPv6 checksum failed',
  'bad CRC',
  "a message of the other family's ICMP",
];

/** By reason. */
export const INVALID_PHRASES: readonly string[] = Array.from({ length: INVALID_REASONS }, (_, reason) => {
  const base = reason >= IGNORED_TCP_STATE ? IGNORED_TCP_STATE : INVALID_TCP_STATE;
  const at = reason - base;
  if (at < 0 || at >= 2 * KINDS * STATES) return PHRASES[reason] ?? '';
  const kind = Math.floor(at / STATES) % KINDS;
  const dir = Math.floor(at / STATES / KINDS);
  const verb = base === IGNORED_TCP_STATE ? 'ignored' : 'invalid';
  return `packet (index ${kind}) in dir ${dir} ${verb}, state ${TCP_STATE_NAMES[at % STATES]}`;
});
