import { type Family, formatIpv4, formatIpv6 } from '../base/inet.ts';

/**
 * One route as the kernel holds it (struct fib_alias + fib_info of net/ipv4/fib_semantics.c, struct fib6_info of
 * include/net/ip6_fib.h), made once when HOST is read. Nothing in it changes afterwards.
 */

/** Route types: RTN_* of include/uapi/linux/rtnetlink.h. */
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;
export const RTN_NAT = 10;

/** As `ip route` writes the types; the index is the RTN_* number. */
export const ROUTE_TYPE_NAMES: readonly string[] = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
];

/** Reserved tables: RT_TABLE_* of include/uapi/linux/rtnetlink.h. */
export const TABLE_DEFAULT = 253;
export const TABLE_MAIN = 254;
export const TABLE_LOCAL = 255;

/** Scopes: RT_SCOPE_* of include/uapi/linux/rtnetlink.h. The larger, the narrower. */
export const SCOPE_UNIVERSE = 0;
export const SCOPE_SITE = 200;
export const SCOPE_LINK = 253;
export const SCOPE_HOST = 254;
export const SCOPE_NOWHERE = 255;

/** Errors of a lookup, as the kernel's errno (positive). */
export const EAGAIN = 11;
export const EACCES = 13;
export const EXDEV = 18;
export const EINVAL = 22;
export const ENETUNREACH = 101;
export const EHOSTUNREACH = 113;

/** Errno of a route type that ends the lookup, 0 for those that give a way: fib_props[] of net/ipv4/fib_semantics.c. */
export const ROUTE_TYPE_ERRNO: readonly number[] = [
  0,
  0,
  0,
  0,
  0,
  0,
  EINVAL,
  EHOSTUNREACH,
  EACCES,
  EAGAIN,
  EINVAL,
];

export interface Nexthop {
  /** Interface id, 0 when the route names none (blackhole …). */
  readonly oif: number;
  /** Four words (IPv4 in the first), or undefined when the destination is on the link. */
  readonly gateway: Int32Array | undefined;
  readonly gatewayFamily: Family | 0;
  /** Weight of a multipath nexthop, at least 1. */
  readonly weight: number;
  /** RTNH_F_DEAD and RTNH_F_LINKDOWN when HOST was taken. */
  readonly isDead: boolean;
  readonly isLinkdown: boolean;
}

export interface Route {
  readonly type: number;
  readonly table: number;
  /** Four words (IPv4 in the first), masked. */
  readonly prefix: Int32Array;
  readonly prefixLength: number;
  /** IPv6 `from` prefix (CONFIG_IPV6_SUBTREES); length 0 means any source. */
  readonly srcPrefix: Int32Array | undefined;
  readonly srcPrefixLength: number;
  /** TOS the packet must have, 0 any. IPv4 only. */
  readonly tos: number;
  readonly metric: number;
  readonly scope: number;
  readonly prefsrc: Int32Array | undefined;
  /** tclassid: source realm in the upper 16 bits, destination realm in the lower. */
  readonly realm: number;
  /** Never empty. */
  readonly nexthops: readonly Nexthop[];
  /** IPv6 router preference as the kernel scores it: 1 low, 2 medium, 3 high. */
  readonly preference: number;
  /** `proto kernel`: made by the kernel itself. */
  readonly isKernelMade: boolean;
  /** The route as `ip route` prints it: what `trace` shows. */
  readonly text: string;
}

export function formatAddress(family: Family, words: ArrayLike<number>, at = 0): string {
  return family === 4 ? formatIpv4(words[at]!) : formatIpv6(words, at);
}

/** `10.0.0.0/8`, or `default` as iproute2 writes a prefix of length 0. */
export function formatPrefix(family: Family, prefix: ArrayLike<number>, length: number): string {
  if (length === 0) return 'default';
  const address = formatAddress(family, prefix);
  return length === (family === 4 ? 32 : 128) ? address : `${address}/${length}`;
}
