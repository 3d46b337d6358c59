/**
 * The one layout of a batch: a SharedArrayBuffer that holds some thousands of captured packets as columns.
 *
 *   +--------------------+ 0
 *   | header, 64 bytes   |  Int32 words, see HEADER_*
 *   +--------------------+ 64
 *   | columns            |  one typed array a column, in the order of COLUMNS, each 64-byte aligned;
 *   |                    |  `perPacket` elements a packet, `capacity` packets: columnOffsets
 *   +--------------------+ dataOffset
 *   | data               |  the bytes of the capture as they were read: records with their headers in between
 *   +--------------------+
 *
 * Who writes what: the capture reader fills the "record" columns and the data, the decoder the "decode" columns,
 * the ordered stage the "outcome" columns. A stage never writes a column of another, so a batch needs no lock: it
 * is handed from stage to stage (ring.ts) and each hand-over publishes what was written before it.
 */

export const BATCH_MAGIC = 0x69707262;
export const BATCH_VERSION = 4;

/** Bytes of file data in a batch: 256 KiB to 1 MiB reads fastest (more falls out of the L2 cache). */
export const DATA_BYTES = 1 << 20;
/** Packets in a batch at most; 1 MiB of 64-byte frames is 13,107 of them. */
export const BATCH_CAPACITY = 16384;

export const HEADER_BYTES = 64;
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 1;
export const HEADER_CAPACITY = 2;
export const HEADER_DATA_BYTES = 3;
/** Packets in the batch now. */
export const HEADER_COUNT = 4;
/** Number of the batch in the run, from 0. */
export const HEADER_SEQUENCE = 5;
/** Number of the first packet of the batch in the run, from 0: low and high 32 bits. */
export const HEADER_FIRST_LOW = 6;
export const HEADER_FIRST_HIGH = 7;
/** Hand-over word of the ring. */
export const HEADER_STATE = 8;
/** Sums over the rows (netfilter/batch-sums.loop.ts): stamps that go back, invalid ones; as Float64 the longest step ahead, and bytes. */
export const HEADER_BACK = 9;
export const HEADER_INVALID = 10;
export const HEADER_LEAP = 12;
export const HEADER_WIRE_BYTES = 14;

type Kind = 'u8' | 'u16' | 'u32' | 'i32' | 'f64';

interface Column {
  readonly kind: Kind;
  readonly perPacket: number;
}

const one = <K extends Kind>(kind: K): Column & { readonly kind: K } => ({ kind, perPacket: 1 });

/** Every column, its type, and (in the comment) meaning, unit and writer. */
export const COLUMNS = {
  // --- record: written by src/capture -------------------------------------------------------------------
  /** Nanoseconds from the run's base time (RunClock), exact below 2^53; may be negative or go back. */
  timeNs: one('f64'),
  /** Offset of the first captured byte (link header) in the data area. */
  dataOffset: one('u32'),
  /** Captured bytes. */
  capLen: one('u32'),
  /** Bytes on the wire; never below capLen. */
  origLen: one('u32'),
  /** Index of the capture source (a file and an interface in it): see CaptureSource. */
  source: one('u16'),
  /** LINKTYPE_ value of the record. */
  linktype: one('u16'),
  /**
   * Direction the record itself states: RECORD_INBOUND, RECORD_OUTBOUND or RECORD_UNKNOWN. Where the file says
   * nothing, the decoder fills in what an SLL or SLL2 header says.
   */
  recordDirection: one('u8'),
  /** 1 when the time stamp is not a valid one (microseconds >= 1e6 …) or the file has none. */
  timeInvalid: one('u8'),

  // --- decode: written by src/decode --------------------------------------------------------------------
  /** 4, 6, or 0 when the packet is not IP. */
  family: one('u8'),
  /** Why the packet never reaches a hook (DropReason), 0 when it does. Set for what does not depend on the host. */
  drop: one('u8'),
  /** IP protocol, after the extension headers for IPv6 (ipv6_find_hdr(skb, …, -1)). */
  l4proto: one('u8'),
  /** IPv4 TOS, IPv6 traffic class. */
  tos: one('u8'),
  /** IPv4 TTL, IPv6 hop limit. */
  ttl: one('u8'),
  /** TCP flags byte (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128). */
  tcpFlags: one('u8'),
  /** Layer-4 checksum: CHECKSUM_*. */
  checksum: one('u8'),
  /** DECODE_* bits. */
  decodeFlags: one('u16'),
  /** Fragment offset in bytes; 0 for a whole packet and for a first fragment. */
  fragOffset: one('u16'),
  /** Innermost VLAN identifier (0..4095), or 0xffff when untagged. */
  vlan: one('u16'),
  /** Ethertype (or its equivalent) of what was not IP, else 0x0800 or 0x86dd. */
  etherType: one('u16'),
  /** skb->pkt_type as far as the record says it: PKT_*; PKT_UNKNOWN where it needs the interface's address. */
  pktType: one('u8'),
  /** Offset in data of the Ethernet header, or NO_OFFSET. */
  macOffset: one('u32'),
  /** Offset in data of the IP header. */
  l3Offset: one('u32'),
  /** Captured bytes from the IP header on, link padding trimmed away. */
  l3CapLen: one('u32'),
  /** skb->len at the hooks: the IP packet's own length (bytes), which counters count. */
  length: one('u32'),
  /** Offset in data of the transport header, or NO_OFFSET (a later fragment, a broken header chain). */
  l4Offset: one('u32'),
  /** TCP, UDP, UDP-Lite, SCTP, DCCP: source port. ICMP, ICMPv6: identifier of a query or its reply. Else 0. */
  sport: one('u16'),
  /**
   * TCP, UDP, UDP-Lite, SCTP, DCCP: destination port. ICMP, ICMPv6: type << 8 | code. GRE version 1 with PPP
   * (PPTP): call id, as gre_pkt_to_tuple(). Else 0.
   */
  dport: one('u16'),
  /** TCP sequence number. */
  tcpSeq: one('u32'),
  /** TCP acknowledgement number. */
  tcpAck: one('u32'),
  /** TCP window, not scaled. */
  tcpWindow: one('u16'),
  /** Source address: 4 words a packet; IPv4 uses the first and leaves the others 0. */
  saddr: { kind: 'i32', perPacket: 4 },
  /** Destination address, as saddr. */
  daddr: { kind: 'i32', perPacket: 4 },
  /** IPv4 identification; IPv6 fragment identification (else flow label). */
  ipId: one('u32'),
  /** hashTuple4 or hashTuple6 of the packet's tuple as it arrived. */
  tupleHash: one('i32'),
  /** Interface index that an SLL2 or NFLOG header names, else 0. */
  ifindex: one('u32'),
  /** PLAIN_*: what most packets are, TCP, UDP or an echo with nothing odd about it; 0 for all others. */
  plain: one('u8'),
  /** Of plain packets: bytes behind the transport header, by the IP length. Else 0. */
  payloadBytes: one('u32'),
  /** Scratch of the decoder: rows that its fast path has left, one behind the other, of a share with ODD_UNDEALT. */
  odd: one('u16'),
  /** Where a batch holds one share of its packets (decode/share.ts): which of the batch's packets the row is. */
  ordinal: one('u16'),
  /** The same: 1 for a row of another share, which is to be passed over. */
  foreign: one('u8'),
  /** Of plain TCP: highest right edge of its SACK blocks, at least the acknowledgement number (tcp_sack()). Else 0. */
  tcpSack: one('i32'),

  // --- direction: written by src/direction ----------------------------------------------------------------
  /** DIRECTION_* (direction/director.ts). */
  direction: one('u8'),
  /** skb->pkt_type: PKT_*, never PKT_UNKNOWN. */
  skbPktType: one('u8'),
  /** Interface id it passed by; the bridge for a packet of a bridge port. */
  ifaceId: one('u16'),
  /** Interface id of the bridge port, 0 when none. */
  portId: one('u16'),
  /** For an inbound packet whose echo was found: how many packets later it was captured, else 0. */
  echoDistance: one('u32'),

  // --- quick: written by netfilter/quick-columns.loop.ts ---------------------------------------------------
  /**
   * PLAIN_* of a packet that may go the quick way, 0 for one that goes the long way, QUICK_PASSED for one that goes none; the
   * others hold for the first.
   */
  quick: one('u8'),
  /** Sharing.signature; not written where no rule looks at anything that is in it. */
  signature: one('i32'),
  /** conntrack/locate.loop.ts: record << 1 | direction of the connection that may be the packet's, or REFERENCE_UNKNOWN. */
  reference: one('i32'),
  /** Ways.idOf: the number of the signature, of how the packet came in, and of its class of length. */
  way: one('u32'),

  // --- outcome: written by the ordered stage -------------------------------------------------------------
  /** Index of the path that the packet took (PathTable). */
  path: one('u32'),
  /** OUTCOME_* (netfilter/outcome.ts). */
  outcome: one('u8'),
  /** Reason code of OUTCOME_STACK, else 0. */
  reason: one('u8'),
  /** HOOK_* at which the way ended; 255 when the packet reached none. */
  hook: one('u8'),
  /** Counter id of the rule or policy that decided, -1 when none. */
  decider: one('i32'),
  /** R_CTINFO & 255 at the end of the way; 255 (CT_NONE) for INVALID or where conntrack does not run. */
  ctinfo: one('u8'),
  /** Why conntrack called the packet INVALID, or did not believe it (conntrack/invalid.ts); 0 where it did. */
  invalidReason: one('u16'),
  /** Interface ids as the traversal had them, 0 when none. */
  iif: one('u16'),
  oif: one('u16'),
} as const satisfies Record<string, Column>;

export type ColumnName = keyof typeof COLUMNS;

/** Bytes of an element. */
export const ELEMENT_BYTES = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8 } as const;

/**
 * Added behind each column: with a capacity that is a power of two, all columns would begin at the same place of a
 * page, and the same rows of twenty columns would fall into the same lines of a cache that has eight of each.
 */
const COLUMN_GAP_BYTES = 320;

/** Where in a batch buffer of `capacity` packets each column begins; `data` is the data area. */
export function columnOffsets(capacity: number): Record<ColumnName | 'data', number> {
  const offsets: Record<string, number> = {};
  let offset = HEADER_BYTES;
  for (const [name, { kind, perPacket }] of Object.entries(COLUMNS)) {
    offsets[name] = offset;
    offset += ELEMENT_BYTES[kind] * perPacket * capacity + COLUMN_GAP_BYTES;
    offset = (offset + 63) & ~63;
  }
  return { ...offsets, data: offset } as Record<ColumnName | 'data', number>;
}

export const NO_OFFSET = 0xffffffff;

/** What a kernel adds to an offset in the data area where it has found an impossible length. */
export const WALK_BAD_LENGTH_BIT = 0x40000000;

/** In the column `odd`: it is not settled yet whose the row is. */
export const ODD_UNDEALT = 0x8000;

export const RECORD_UNKNOWN = 0;
export const RECORD_INBOUND = 1;
export const RECORD_OUTBOUND = 2;

/** Cannot be known: the capture is cut short, the packet is a fragment, or the protocol has none. */
export const CHECKSUM_UNKNOWN = 0;
export const CHECKSUM_GOOD = 1;
export const CHECKSUM_BAD = 2;
/** What transmit offload leaves behind: the sum of the pseudo header alone, or zero. */
export const CHECKSUM_PARTIAL = 3;

/** The packet is a fragment (first or later). */
export const DECODE_FRAGMENT = 1;
/** More fragments follow. */
export const DECODE_MORE_FRAGMENTS = 2;
/** IPv4 "don't fragment". */
export const DECODE_DONT_FRAGMENT = 4;
/** IPv4 options or IPv6 extension headers stand before the transport header. */
export const DECODE_OPTIONS = 8;
/** Fewer bytes were captured than the packet's transport header needs. */
export const DECODE_L4_CUT = 16;
/** The packet itself (not the capture) is shorter than its transport header. */
export const DECODE_L4_SHORT = 32;
/** Payload bytes are missing from the capture (snap length). */
export const DECODE_PAYLOAD_CUT = 64;
/** The Ethernet destination is a group address. */
export const DECODE_GROUP_MAC = 128;
/** A PPPoE session header was taken off. */
export const DECODE_PPPOE = 256;

/**
 * ipv6_find_hdr() gives no protocol: the extension header chain runs past the packet, or a later fragment names
 * another extension header. A rule with `-p` then drops the packet (hotdrop in ip6_packet_match()).
 */
export const DECODE_BAD_CHAIN = 512;
/** A header check depends on the interface the packet came in by: see src/decode/interface-checks.ts. */
export const DECODE_INTERFACE_CHECK = 1024;
/** IPv4 options that ip_options_compile() refuses: dropped behind PREROUTING when inbound. */
export const DECODE_BAD_IP_OPTIONS = 2048;

/**
 * Plain packets: TCP, UDP and echoes that conntrack can judge from columns alone. Nothing is wrong or incomplete in any
 * header, there are neither fragments nor IP options nor extension headers, and nothing depends on the interface.
 */
export const PLAIN_TCP4 = 1;
export const PLAIN_UDP4 = 2;
export const PLAIN_TCP6 = 3;
export const PLAIN_UDP6 = 4;
/** Echo requests and replies. */
export const PLAIN_ECHO4 = 5;
export const PLAIN_ECHO6 = 6;
/** In the column `quick`: the packet has come to its end already (an echo), and is passed over. */
export const QUICK_PASSED = 255;

/** skb->pkt_type (include/uapi/linux/if_packet.h). */
export const PKT_HOST = 0;
export const PKT_BROADCAST = 1;
export const PKT_MULTICAST = 2;
export const PKT_OTHERHOST = 3;
export const PKT_OUTGOING = 4;
export const PKT_LOOPBACK = 5;
export const PKT_UNKNOWN = 255;
