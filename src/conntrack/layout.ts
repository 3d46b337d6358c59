/**
 * The connection table's one layout: a SharedArrayBuffer that every thread may view, written by the ordered stage
 * alone.
 *
 *   +---------------------+ 0
 *   | header, 256 bytes   |  Int32 words and Float64 numbers, see HEADER_*; a record never shares a cache line with another
 *   +---------------------+ RECORDS_OFFSET
 *   | records             |  capacity x 256 bytes
 *   +---------------------+
 *   | index               |  indexSlots x 2 words: hash, reference
 *   +---------------------+
 *   | by-source buckets   |  one word each: first record of the chain + 1 (NAT's hash of source tuples)
 *   +---------------------+
 *   | accounts            |  capacity x 4 Float64: packets, bytes of the original, then of the reply direction
 *   +---------------------+
 *
 * A record is four cache lines. A packet of a known connection touches the line of its direction's tuple (0 or 1), to
 * compare it, line 2 for its protocol's state, and line 3 for status, timeout and the ways that such packets have gone
 * before; each line costs more time than all that is computed on it.
 *
 *   word  0          12       | 16          28            | 32 ......... 47   | 48     49     50-51     52-59   60 .. 63
 *        +-----------+--------+-------------+-------------+-------------------+------+------+---------+-------+-------+
 *        | original  |labels  | reply tuple |master, hold,| protocol state    |status| mark |timeout  | ways  | NAT   |
 *        | tuple (12)|(4)     | (12)        |helper, …    | (16 words)        |      |      |(float64)|       |       |
 *        +-----------+--------+-------------+-------------+-------------------+------+------+---------+-------+-------+
 *
 * Of the index only as many slots are in use as the connections need (at most half of them full), so that it
 * stays in the caches as long as it can: it doubles when it gets fuller.
 *
 * The whole is asked for at once: untouched pages of a SharedArrayBuffer cost address space, not memory, so a
 * table for a million connections (256 MB of records, 40 MB of index, 32 MB of accounts) costs what its busiest moment touches.
 */

export const TABLE_MAGIC = 0x69706374;
export const TABLE_VERSION = 3;

export const HEADER_BYTES = 256;
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 1;
/** Records there is room for. */
export const HEADER_CAPACITY = 2;
/** Slots of the index there is room for: a power of two, at least four times the capacity. */
export const HEADER_INDEX_SLOTS = 3;
/** Buckets of the by-source hash: a power of two. */
export const HEADER_SOURCE_BUCKETS = 4;
/** Records in use, confirmed or not: what net.netfilter.nf_conntrack_count counts. */
export const HEADER_COUNT = 5;
/** First free record + 1, 0 when none was ever freed. */
export const HEADER_FREE = 6;
/** Records that were ever in use: those from here on are still untouched. */
export const HEADER_HIGH = 7;
/** Where the garbage collection goes on. */
export const HEADER_GC_NEXT = 8;
/** Slots of the index in use: a power of two. */
export const HEADER_INDEX_USED = 9;
/** References in the index. */
export const HEADER_INDEX_COUNT = 10;
/** Records that are dead and not free yet; where in HEADER_LIMBO the next one goes. */
export const HEADER_BURIED = 11;
export const HEADER_LIMBO_NEXT = 12;
/**
 * Float64 elements: when it is worth while again to look for expired entries, in a full table, and in a round of sweeps
 * (expire.ts); and when the first of those entries expires that were looked at since the round began. Nanoseconds.
 */
export const HEADER_NEXT_SWEEP_NS = 8;
export const HEADER_NEXT_ROUND_NS = 9;
export const HEADER_SOONEST_NS = 10;
/** Records + 1 that have been killed last, of which a packet may still speak (ConntrackCore), 0 for none; so many. */
export const HEADER_LIMBO = 32;
export const LIMBO_RECORDS = 16;

export const RECORDS_OFFSET = HEADER_BYTES;
export const RECORD_BYTES = 256;
export const RECORD_WORDS = 64;
/** Shift from a record's number to the offset of its first word. */
export const RECORD_SHIFT = 6;

// --- line 0 -------------------------------------------------------------------------------------------------
/** Original tuple: TUPLE_* of packet/conntrack-access.ts; word 11 is the zone of the direction. */
export const C_ORIGINAL = 0;
/** Word of a tuple that holds the zone in which it is looked up. */
export const TUPLE_ZONE = 11;
/** 128 bits. */
export const C_LABELS = 12;

// --- line 1 -------------------------------------------------------------------------------------------------
export const C_REPLY = 16;
/** Words from the original to the reply tuple. */
export const REPLY_STRIDE = 16;

/** Record of the master connection + 1 (RELATED by expectation), 0 when none. */
export const C_MASTER = 28;
/** How many hold on to the record besides the table and the packet: see ConntrackCore.hold(). */
export const C_HOLD = 29;
/** Number of the helper's name, 0 when none. */
export const C_HELPER = 30;
export const C_SECMARK = 31;

// --- line 2: protocol state -------------------------------------------------------------------------------------
export const C_PROTO = 32;
export const C_PROTO_WORDS = 16;

/** TCP: enum tcp_conntrack. SCTP: enum sctp_conntrack. */
export const C_STATE = 32;

/** UDP: Float64 time from which the connection counts as a stream (nf_conn.proto.udp.stream_ts). */
export const C_UDP_STREAM = 34;

/** TCP: last_index | last_dir << 8 | retrans << 16. */
export const C_TCP_LAST = 33;
/** TCP: last_win, as it stood in the packet, | last_flags << 16 | last_wscale << 24. */
export const C_TCP_LAST_WIN = 34;
/** TCP: struct ip_ct_tcp_state of the original direction, 5 words; the reply direction's follows. */
export const C_TCP_SEEN = 35;
export const TCP_SEEN_WORDS = 5;
export const SEEN_END = 0;
export const SEEN_MAXEND = 1;
export const SEEN_MAXWIN = 2;
export const SEEN_MAXACK = 3;
/** IP_CT_TCP_FLAG_* | td_scale << 8. */
export const SEEN_FLAGS = 4;
export const C_TCP_LAST_SEQ = 45;
export const C_TCP_LAST_ACK = 46;
export const C_TCP_LAST_END = 47;

/** SCTP: verification tag expected of the original direction; the reply direction's follows. */
export const C_SCTP_VTAG = 34;
/** SCTP: 1 when an INIT was seen in the original direction; the reply direction's follows. */
export const C_SCTP_INIT = 36;
/** SCTP: direction of the last heartbeat whose tag did not fit. */
export const C_SCTP_LAST_DIR = 38;
/** SCTP: SCTP_FLAG_HEARTBEAT_VTAG_FAILED. */
export const C_SCTP_FLAGS = 39;

// --- line 3 -------------------------------------------------------------------------------------------------
/** IPS_* bits. */
export const C_STATUS = 48;
/** Connection mark. */
export const C_MARK = 49;
/**
 * Float64, in nanoseconds: when the entry expires; before confirmation how long it is to live from then on
 * (nf_conn.timeout, which is relative until __nf_conntrack_confirm() adds the time).
 */
export const C_TIMEOUT = 50;
/** Known ways, a pair of words for each of CT_ESTABLISHED, CT_NEW, CT_ESTABLISHED_REPLY: see netfilter/path-cache.ts. */
export const C_WAYS = 52;
/** The mark, and the status where rules look at it, with which the known ways were gone. */
export const C_WAYS_MARK = 58;
export const C_WAYS_STATUS = 59;
/** Interface by which a masqueraded connection left, 0 when it was not (nf_conn_nat.masq_index). */
export const C_MASQ_OIF = 60;
/** Number of the timeout policy that a CT target has given, 0 for the timeouts of the sysctls. */
export const C_TIMEOUT_POLICY = 61;
/**
 * By-source chain: next record + 1 (0: the last); previous record + 1, for the first of a chain minus its bucket - 1,
 * and 0 for a record that is in none.
 */
export const C_SOURCE_NEXT = 62;
export const C_SOURCE_PREV = 63;
/** Free chain: next free record + 1. */
export const C_FREE_NEXT = 0;
/** Added to C_HOLD when the record is otherwise dead: it is freed with the last of those who hold on to it. */
export const HELD_AND_DEAD = 1 << 20;

/** Float64 elements of a record in the accounts. */
export const ACCOUNT_ELEMENTS = 4;
