/** What the kernels of wasm/quick-way.ts are given: byte offsets of the members of one structure, and bits of its flags. */

/** Addresses (32 bits) of the records, and of the index of the connection table; and the mask of its slots. */
export const CONTEXT_RECORDS = 0;
export const CONTEXT_INDEX = 4;
export const CONTEXT_MASK = 8;
/** Addresses of counters, packets and bytes in pairs of Float64: by path, and by family, protocol and state. */
export const CONTEXT_PATHS = 12;
export const CONTEXT_STATES = 16;
/** Address of the accounts. */
export const CONTEXT_ACCOUNTS = 28;
export const CONTEXT_FLAGS = 32;
export const CONTEXT_MAX_RETRANS = 36;
/** What was loaded ahead, lest a compiler leave the loads out. */
export const CONTEXT_TOUCHED = 40;
/** Timeouts, Float64, nanoseconds. */
export const CONTEXT_ESTABLISHED = 48;
export const CONTEXT_RETRANS = 56;
export const CONTEXT_UNACK = 64;
export const CONTEXT_UDP = 72;
export const CONTEXT_UDP_STREAM = 80;
export const CONTEXT_ICMP = 88;
export const CONTEXT_ICMPV6 = 96;
/** Addresses of the table's header, of the memo of walks (memo-layout.ts; 0: there is none), and of counts of connections. */
export const CONTEXT_HEADER = 104;
export const CONTEXT_MEMO = 108;
export const CONTEXT_CONFIRMED = 112;
/** Connections that there may be; and how many are looked at for one to make room. */
export const CONTEXT_MOST = 116;
export const CONTEXT_EVICTION = 120;
/** Counted up: packets that took the way of another connection's walk. */
export const CONTEXT_RECALLED = 124;
/** Timeouts by state of TCP: Timeouts.tcp, 14 Float64; and TCP_TRANSITIONS, 192 bytes. */
export const CONTEXT_TCP_TIMEOUTS = 128;
export const CONTEXT_TRANSITIONS = 240;
/** Address of the buckets by source, and the mask of them. */
export const CONTEXT_SOURCES = 432;
export const CONTEXT_SOURCE_MASK = 436;
export const CONTEXT_BYTES = 448;

/** Rules of the family look at the status of connections: it is part of the key of known ways. */
export const READS_STATUS4 = 1;
export const READS_STATUS6 = 2;
/** Connections count their packets and bytes. */
export const HAS_ACCOUNTS = 4;
/** Connections begin without a helper, and none is expected. */
export const BEGINS = 8;
/** Packets of the family may be tracked before their way is known: raw has no say. */
export const TRACKS4 = 16;
export const TRACKS6 = 32;
/** The family has rules in nat, which have been asked when a connection stands. */
export const TRANSLATES4 = 64;
export const TRANSLATES6 = 128;
