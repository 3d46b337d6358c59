/**
 * Why a packet never reaches a hook. Each reason is declared once, with the kernel's own name for it and the
 * sentence that the user reads. They are found in the order in which ip_rcv_core() (net/ipv4/ip_input.c) and
 * ip6_rcv_core() (net/ipv6/ip6_input.c) check.
 *
 * These checks are made on packets that arrive. What this host sends is not checked, so the reason is recorded for
 * every packet and the engine applies it to inbound ones only. The decoder sets the reasons below
 * FIRST_INTERFACE_REASON; the others depend on the interface: see interface-checks.ts.
 */
export const DROP_NONE = 0;
export const DROP_HEADER_CUT = 1;
export const DROP_IPV4_SHORT = 2;
export const DROP_IPV4_VERSION = 3;
export const DROP_IPV4_HEADER_LENGTH = 4;
export const DROP_IPV4_CHECKSUM = 5;
export const DROP_IPV4_TRUNCATED = 6;
export const DROP_IPV4_TOTAL_LENGTH = 7;
export const DROP_IPV6_SHORT = 8;
export const DROP_IPV6_VERSION = 9;
export const DROP_IPV6_SCOPE_RESERVED = 10;
export const DROP_IPV6_SOURCE_MULTICAST = 11;
export const DROP_IPV6_TRUNCATED = 12;
export const DROP_IPV6_HOP_BY_HOP = 13;
export const DROP_IPV6_HOP_BY_HOP_UNKNOWN = 14;
export const DROP_IPV6_JUMBO = 15;

export const FIRST_INTERFACE_REASON = 32;
export const DROP_OTHERHOST = 32;
export const DROP_IPV6_LOOPBACK = 33;
export const DROP_IPV6_SCOPE_INTERFACE = 34;

export interface DropReason {
  readonly code: number;
  /** Short name for tables and files. */
  readonly name: string;
  /** SKB_DROP_REASON_* of include/net/dropreason-core.h, or undefined where the reason is ours. */
  readonly kernel: string | undefined;
  /** The sentence that the user reads. */
  readonly sentence: string;
}

const reason = (code: number, name: string, kernel: string | undefined, sentence: string): DropReason => ({
  code,
  name,
  kernel,
  sentence,
});

export const DROP_REASONS: readonly DropReason[] = [
  reason(
    DROP_HEADER_CUT,
    'header-cut',
    undefined,
    'The capture holds too little of the packet: not even its IP header.',
  ),
  reason(DROP_IPV4_SHORT, 'ipv4-short', 'IP_INHDR', 'The frame is shorter than an IPv4 header.'),
  reason(DROP_IPV4_VERSION, 'ipv4-version', 'IP_INHDR', 'The version field of an IPv4 packet is not 4.'),
  reason(
    DROP_IPV4_HEADER_LENGTH,
    'ipv4-header-length',
    'IP_INHDR',
    'The IPv4 header length is below 20 bytes or beyond the frame.',
  ),
  reason(DROP_IPV4_CHECKSUM, 'ipv4-checksum', 'IP_CSUM', 'The IPv4 header checksum is wrong.'),
  reason(
    DROP_IPV4_TRUNCATED,
    'ipv4-truncated',
    'PKT_TOO_SMALL',
    'The frame is shorter than the IPv4 total length.',
  ),
  reason(
    DROP_IPV4_TOTAL_LENGTH,
    'ipv4-total-length',
    'IP_INHDR',
    'The IPv4 total length is shorter than the header.',
  ),
  reason(DROP_IPV6_SHORT, 'ipv6-short', 'IP_INHDR', 'The frame is shorter than an IPv6 header.'),
  reason(
    DROP_IPV6_VERSION,
    'ipv6-version',
    'UNHANDLED_PROTO',
    'The version field of an IPv6 packet is not 6.',
  ),
  reason(
    DROP_IPV6_SCOPE_RESERVED,
    'ipv6-scope-reserved',
    'IP_INHDR',
    'The IPv6 destination is a multicast address of the reserved scope 0.',
  ),
  reason(
    DROP_IPV6_SOURCE_MULTICAST,
    'ipv6-source-multicast',
    'IP_INHDR',
    'The IPv6 source is a multicast address.',
  ),
  reason(
    DROP_IPV6_TRUNCATED,
    'ipv6-truncated',
    'PKT_TOO_SMALL',
    'The frame is shorter than the IPv6 payload length.',
  ),
  reason(DROP_IPV6_HOP_BY_HOP, 'ipv6-hop-by-hop', 'IP_INHDR', 'The IPv6 hop-by-hop options are malformed.'),
  reason(
    DROP_IPV6_HOP_BY_HOP_UNKNOWN,
    'ipv6-hop-by-hop-unknown',
    'UNHANDLED_PROTO',
    'An unknown IPv6 hop-by-hop option asks for the packet to be dropped.',
  ),
  reason(
    DROP_IPV6_JUMBO,
    'ipv6-jumbo',
    'IP_INHDR',
    'The IPv6 jumbo payload option is malformed or does not fit the packet.',
  ),
  reason(
    DROP_OTHERHOST,
    'otherhost',
    'OTHERHOST',
    "The frame was for another station (its MAC address is not the interface's).",
  ),
  reason(
    DROP_IPV6_LOOPBACK,
    'ipv6-loopback',
    'IP_INHDR',
    'An IPv6 loopback address came in by an interface that is not lo.',
  ),
  reason(
    DROP_IPV6_SCOPE_INTERFACE,
    'ipv6-scope-interface',
    'IP_INHDR',
    'An interface-local IPv6 multicast packet came in from outside.',
  ),
];

const BY_CODE = new Map(DROP_REASONS.map((entry) => [entry.code, entry]));

/** The declaration of a reason; undefined for DROP_NONE. */
export function dropReason(code: number): DropReason | undefined {
  return BY_CODE.get(code);
}
