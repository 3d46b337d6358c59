import type { Packet } from './packet.ts';
import type { Verdict } from './verdict.ts';

/**
 * What matches and targets may ask of connection tracking. Implemented by src/conntrack and src/nat; declared
 * here so that the extensions below them need not import them. `ct` is the entry index of register R_CT.
 */
export interface ConntrackAccess {
  /** All entries as words; `tupleAt` gives offsets into it. */
  readonly words: Int32Array;
  /** Offset in `words` of the tuple of direction `dir` (0 original, 1 reply): see TUPLE_*. */
  tupleAt(ct: number, dir: 0 | 1): number;
  status(ct: number): number;
  mark(ct: number): number;
  /** Sets the connection mark (and the packet's R_CTMARK must be set by the caller). */
  setMark(ct: number, mark: number): void;
  secmark(ct: number): number;
  setSecmark(ct: number, mark: number): void;
  /** Seconds until the entry runs out, as nf_ct_expires() / HZ says it at time `nowNs`. */
  expiresSeconds(ct: number, nowNs: number): number;
  /** Accounting: packets and bytes of a direction, counted only where nf_conntrack_acct is on (connbytes turns it on). */
  packets(ct: number, dir: 0 | 1): number;
  bytes(ct: number, dir: 0 | 1): number;
  /** Name of the entry's helper, of its master's for a RELATED connection; undefined when none. */
  helperName(ct: number): string | undefined;
  /** True when bit `bit` (0..127) of the entry's labels is set. */
  label(ct: number, bit: number): boolean;
  setLabel(ct: number, bit: number): boolean;
  zone(ct: number, dir: 0 | 1): number;
  /** True until the entry has been confirmed. */
  isUnconfirmed(ct: number): boolean;
  /** nf_ct_set_closing(): a TCP connection that a reset ends at time `nowNs`; only if it is confirmed. */
  setClosing(ct: number, nowNs: number): void;
  /**
   * nf_nat_setup_info(): binds the entry of the packet to a translation of the given kind, once. MANIP_SRC for
   * SNAT-like targets, MANIP_DST for DNAT-like ones. Gives VERDICT_ACCEPT, or VERDICT_DROP when no free tuple is left.
   */
  natSetup(p: Packet, manip: 0 | 1, range: NatRange): Verdict;
  /**
   * MASQUERADE, REDIRECT and NETMAP: as natSetup, with the addresses worked out as the target does it; `range`
   * brings the flags, the ports and, for NETMAP, the network (minAddr with the host bits 0, maxAddr with them 1).
   */
  masquerade(p: Packet, range: NatRange): Verdict;
  redirect(p: Packet, range: NatRange): Verdict;
  netmap(p: Packet, range: NatRange): Verdict;
  /** nf_ct_set_acct(): what connbytes does when it is loaded. Connections that begin from now on are counted. */
  enableAccounting(): void;
  /** HOST has a timeout policy of this name. */
  hasTimeoutPolicy(name: string): boolean;
  /**
   * Makes a template for a CT target. R_CT_TEMPLATE of a packet holds its index from raw to conntrack.
   */
  makeTemplate(options: CtTemplateOptions): number;
  /**
   * The entry that stands for a template while the packet is in raw: for the matches there it is a NEW connection of
   * no addresses (xt_ct_target() attaches a struct nf_conn).
   */
  templateEntry(template: number): number;
  /**
   * Number of live connections of one connlimit counter after counting this packet's one: nf_conncount_count().
   * `counter` comes from makeConncount; the key is `keyWords` words.
   */
  conncount(counter: number, key: Int32Array, keyWords: number, p: Packet): number;
  makeConncount(): number;
}

/** A tuple in `ConntrackAccess.words`: offsets from `tupleAt`. */
export const TUPLE_SADDR = 0;
export const TUPLE_DADDR = 4;
/** Port, or ICMP identifier. */
export const TUPLE_SPORT = 8;
/** Port, or ICMP type << 8 | code. */
export const TUPLE_DPORT = 9;
/** l4proto | family << 8. */
export const TUPLE_PROTO = 10;
export const TUPLE_WORDS = 12;

export interface CtTemplateOptions {
  /** Zone of a direction; -1: that of the packet mark, with zoneFromMark. */
  readonly zoneOriginal: number;
  readonly zoneReply: number;
  /**
   * Zone from the packet mark: of both directions (`--zone mark`), or of the one whose zone is -1 above
   * (`--zone-orig mark`, `--zone-reply mark`).
   */
  readonly zoneFromMark: boolean;
  readonly helper: string | undefined;
  readonly timeoutPolicy: string | undefined;
}

export const MANIP_SRC = 0;
export const MANIP_DST = 1;

/** struct nf_nat_range2 (include/uapi/linux/netfilter/nf_nat.h). */
export interface NatRange {
  /** NF_NAT_RANGE_* bits. */
  flags: number;
  /** First and last address: 4 words each, IPv4 in the first; valid with NAT_MAP_IPS. */
  readonly minAddr: Int32Array;
  readonly maxAddr: Int32Array;
  /** First and last port or ICMP identifier; valid with NAT_PROTO_SPECIFIED. */
  minPort: number;
  maxPort: number;
  /** With NAT_PROTO_OFFSET. */
  basePort: number;
}

export const NAT_MAP_IPS = 1;
export const NAT_PROTO_SPECIFIED = 2;
export const NAT_PROTO_RANDOM = 4;
export const NAT_PERSISTENT = 8;
export const NAT_PROTO_RANDOM_FULLY = 16;
export const NAT_PROTO_OFFSET = 32;
export const NAT_NETMAP = 64;

/** IPS_* status bits (include/uapi/linux/netfilter/nf_conntrack_common.h). */
export const IPS_EXPECTED = 1;
export const IPS_SEEN_REPLY = 2;
export const IPS_ASSURED = 4;
export const IPS_CONFIRMED = 8;
export const IPS_SRC_NAT = 16;
export const IPS_DST_NAT = 32;
export const IPS_SEQ_ADJUST = 64;
export const IPS_SRC_NAT_DONE = 128;
export const IPS_DST_NAT_DONE = 256;
export const IPS_DYING = 512;
export const IPS_FIXED_TIMEOUT = 1024;
export const IPS_TEMPLATE = 2048;
export const IPS_NAT_CLASH = 4096;
export const IPS_HELPER = 8192;
/** A helper reads the connection's packets, or their sequence numbers are adjusted: each of them goes the whole way. */
export const IPS_WHOLE_WAY = IPS_HELPER | IPS_SEQ_ADJUST;
