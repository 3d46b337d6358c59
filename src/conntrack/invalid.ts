/**
 * Why conntrack could make nothing of a packet (INVALID), or let it pass without believing it. The phrases are
 * those that the kernel logs with net.netfilter.nf_conntrack_log_invalid, values left out.
 */
export const INVALID_NONE = 0;
export const INVALID_NO_TRANSPORT = 1;
export const INVALID_SHORT = 2;
export const INVALID_TRUNCATED = 3;
export const INVALID_CHECKSUM = 4;
export const INVALID_TCP_FLAGS = 5;
export const INVALID_TCP_NEW = 6;
export const INVALID_TCP_NOT_LOOSE = 7;
export const INVALID_TCP_STATE = 8;
export const INVALID_TCP_SEQ_OVER = 9;
export const INVALID_TCP_ACK_OVER = 10;
export const INVALID_TCP_RST = 11;
export const IGNORED_TCP_STATE = 12;
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

/** The sentence of each reason. Those of IGNORED_* are no INVALID: the packet keeps its connection's state. */
export const INVALID_PHRASES: readonly string[] = [
  'nothing is wrong with it',
  "can't find proto in pkt",
  'short packet',
  'truncated/malformed packet',
  'bad checksum',
  'invalid tcp flag combination',
  'invalid new',
  'in the middle of a connection that was not seen to begin (nf_conntrack_tcp_loose=0)',
  'packet invalid in the state of the connection',
  'SEQ is over upper bound (over the window of the receiver)',
  'ACK is over upper bound (ACKed data not seen yet)',
  'invalid rst',
  'packet ignored in the state of the connection',
  'more bytes than expected',
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
  'basic checks of the chunks failed',
  'a chunk that cannot begin an association',
  'verification tag check failed',
  'chunk invalid in the state of the association',
  'unsupported GRE protocol',
  'the capture is cut short before what conntrack has to see',
  'nf_conntrack: table full, dropping packet',
  'nf_ct_helper: dropping packet',
];
