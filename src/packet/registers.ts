/**
 * The registers of the packet that is being evaluated: one Int32Array that every match reads, whichever way it
 * runs (linear walker, compiled program, path key). A register holds what the kernel's skb, its headers and its
 * conntrack entry hold *now*: NAT, MARK, TOS, TTL targets change registers, and the rules after them see that.
 *
 * Words are 32 bits, signed; addresses are in host order (base/inet.ts).
 */

/** Source address: 4 words, IPv4 in the first and 0 in the others. */
export const R_SADDR = 0;
/** Destination address, as R_SADDR. */
export const R_DADDR = 4;
/** 4 or 6. */
export const R_FAMILY = 8;
/** Protocol number; for IPv6 after the extension headers. */
export const R_L4PROTO = 9;
/** Source and destination port (TCP, UDP, UDP-Lite, SCTP, DCCP); -1 when the packet holds no such header bytes. */
export const R_SPORT = 10;
export const R_DPORT = 11;
/** ICMP or ICMPv6 type and code; -1 when absent. */
export const R_ICMP_TYPE = 12;
export const R_ICMP_CODE = 13;
/** ICMP identifier (queries), else 0. */
export const R_ICMP_ID = 14;
/** TCP flags byte; -1 when absent. */
export const R_TCP_FLAGS = 15;
/** IPv4 TOS, IPv6 traffic class. */
export const R_TOS = 16;
/** IPv4 TTL, IPv6 hop limit. */
export const R_TTL = 17;
/** skb->len: bytes of the IP packet; what the byte counters count. */
export const R_LENGTH = 18;
/** Offset of this fragment in bytes: not 0 means a later fragment, that shows no transport header. */
export const R_FRAG_OFFSET = 19;
/** DECODE_* bits of batch/layout.ts. */
export const R_DECODE_FLAGS = 20;
/** Interface the packet came in by (Host interface id), 0 when none (OUTPUT, POSTROUTING). */
export const R_IIF = 21;
/** Interface the packet leaves by, 0 when none (PREROUTING, INPUT). */
export const R_OIF = 22;
/** Bridge ports, 0 when none. */
export const R_PHYS_IN = 23;
export const R_PHYS_OUT = 24;
/** skb->mark. */
export const R_MARK = 25;
/** skb->pkt_type: PKT_*. */
export const R_PKT_TYPE = 26;
/** skb->priority (CLASSIFY, --set-class). */
export const R_PRIORITY = 27;
/** CT_* below: what nf_ct_get() would give with the skb. */
export const R_CTINFO = 28;
/** Index of the conntrack entry, -1 when none. */
export const R_CT = 29;
/** IPS_* status bits of the entry, 0 when none. */
export const R_CTSTATUS = 30;
/** Connection mark, 0 when there is no entry. */
export const R_CTMARK = 31;
/** HOOK_* the packet is at. */
export const R_HOOK = 32;
/** IPv4 identification, IPv6 fragment identification. */
export const R_IP_ID = 33;
/** CHECKSUM_* of the transport checksum, as --checksum has it judged. */
export const R_CHECKSUM = 34;
/** TCP sequence, acknowledgement, window (not scaled). */
export const R_TCP_SEQ = 35;
export const R_TCP_ACK = 36;
export const R_TCP_WINDOW = 37;
/** Conntrack zone that a CT target has chosen for the direction (template), else 0. */
export const R_CT_ZONE = 38;
/** 1 when a TRACE target has set skb->nf_trace. */
export const R_TRACE = 39;
/** secmark, set by SECMARK and CONNSECMARK. */
export const R_SECMARK = 40;
/** Index of the template that a CT target has attached (before conntrack), -1 when none. */
export const R_CT_TEMPLATE = 41;
/** Hash of the arriving tuple (base/hash.ts), valid until an address or a port is changed. */
export const R_TUPLE_HASH = 42;
/** Routing realm (ipv4 dst->tclassid), 0 when none. */
export const R_REALM = 43;

export const REGISTER_COUNT = 48;

/** Names for planners, messages and `reads` lists. */
export const REGISTER_BY_NAME = {
  saddr: R_SADDR,
  daddr: R_DADDR,
  family: R_FAMILY,
  l4proto: R_L4PROTO,
  sport: R_SPORT,
  dport: R_DPORT,
  icmpType: R_ICMP_TYPE,
  icmpCode: R_ICMP_CODE,
  icmpId: R_ICMP_ID,
  tcpFlags: R_TCP_FLAGS,
  tos: R_TOS,
  ttl: R_TTL,
  length: R_LENGTH,
  fragOffset: R_FRAG_OFFSET,
  decodeFlags: R_DECODE_FLAGS,
  iif: R_IIF,
  oif: R_OIF,
  physIn: R_PHYS_IN,
  physOut: R_PHYS_OUT,
  mark: R_MARK,
  pktType: R_PKT_TYPE,
  priority: R_PRIORITY,
  ctinfo: R_CTINFO,
  ct: R_CT,
  ctstatus: R_CTSTATUS,
  ctmark: R_CTMARK,
  hook: R_HOOK,
  ipId: R_IP_ID,
  checksum: R_CHECKSUM,
  tcpSeq: R_TCP_SEQ,
  tcpAck: R_TCP_ACK,
  tcpWindow: R_TCP_WINDOW,
  trace: R_TRACE,
  secmark: R_SECMARK,
  realm: R_REALM,
} as const;

export type RegisterName = keyof typeof REGISTER_BY_NAME;

/** Hooks, numbered as NF_INET_* (include/uapi/linux/netfilter.h). */
export const HOOK_PREROUTING = 0;
export const HOOK_INPUT = 1;
export const HOOK_FORWARD = 2;
export const HOOK_OUTPUT = 3;
export const HOOK_POSTROUTING = 4;

export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
export const HOOK_NAMES: readonly HookName[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/**
 * R_CTINFO: enum ip_conntrack_info (include/uapi/linux/netfilter/nf_conntrack_common.h), plus CT_NONE.
 * Values from CT_IS_REPLY on are of the reply direction.
 */
export const CT_ESTABLISHED = 0;
export const CT_RELATED = 1;
export const CT_NEW = 2;
export const CT_IS_REPLY = 3;
export const CT_ESTABLISHED_REPLY = 3;
export const CT_RELATED_REPLY = 4;
export const CT_UNTRACKED = 7;
/** No entry and not untracked: INVALID where conntrack runs, and what all packets have where it does not. */
export const CT_NONE = -1;
