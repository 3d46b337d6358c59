import type { Family } from '../base/inet.ts';
import type { Prefix } from './routed-prefixes.ts';

/** Result of a routing decision: ROUTE_* kinds. */
export const ROUTE_LOCAL = 0;
export const ROUTE_UNICAST = 1;
export const ROUTE_BROADCAST = 2;
export const ROUTE_MULTICAST = 3;
/** Dropped without an answer. */
export const ROUTE_BLACKHOLE = 4;
export const ROUTE_UNREACHABLE = 5;
export const ROUTE_PROHIBIT = 6;
/** No route matched. */
export const ROUTE_NONE = 7;
/** The source address cannot come in here (martian, rp_filter). */
export const ROUTE_MARTIAN = 8;
/** Routable, but forwarding is off for the interface. */
export const ROUTE_NOT_FORWARDING = 9;

export type RouteKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** What a look-up of the way back to a sender finds (`Host.reversePath`). */
export const REVERSE_NONE = 0;
/** The sender's address is one of this host's own, on another interface. */
export const REVERSE_LOCAL_ELSEWHERE = 1;
/** The sender's address is one of this host's own, on this interface; in IPv6 on any. */
export const REVERSE_LOCAL = 2;
/** By another interface. */
export const REVERSE_ELSEWHERE = 3;
/** By the interface that the packet came in by. */
export const REVERSE_SAME = 4;

export type ReversePath = 0 | 1 | 2 | 3 | 4;

/** Output parameters of a routing decision: the caller makes one and uses it again (no allocation per packet). */
export interface RouteResult {
  kind: RouteKind;
  /** Interface id the packet leaves by (lo for local delivery of own packets); 0 when none. */
  oif: number;
  /** Preferred source address: 4 words, IPv4 in the first; valid when hasPrefsrc. */
  prefsrc: Int32Array;
  hasPrefsrc: boolean;
  /** Next hop: 4 words; valid when hasGateway. */
  gateway: Int32Array;
  hasGateway: boolean;
  /** Routing realm, 0 when none. */
  realm: number;
  /** Why, for `trace` and drop counts: e.g. the route as `ip route` prints it, or the check that failed. */
  reason: string;
}

/** inet_addr_type() / ipv6_addr_type() classes as `-m addrtype` names them: RTN_* of include/uapi/linux/rtnetlink.h. */
export type AddressType =
  | 'UNSPEC'
  | 'UNICAST'
  | 'LOCAL'
  | 'BROADCAST'
  | 'ANYCAST'
  | 'MULTICAST'
  | 'BLACKHOLE'
  | 'UNREACHABLE'
  | 'PROHIBIT'
  | 'THROW'
  | 'NAT'
  | 'XRESOLVE';

/** One network interface. Ids count from 1; 0 means "no interface". */
export interface Interface {
  readonly id: number;
  readonly name: string;
  /** Kernel ifindex where HOST gives it. */
  readonly ifindex: number | undefined;
  /** Six bytes, or undefined. */
  readonly mac: Uint8Array | undefined;
  readonly mtu: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
  /** Id of the bridge or VRF it is a port of, 0 when none. */
  readonly master: number;
  readonly kind: string | undefined;
  /** Port of a bridge: it sends back what came in by it. undefined when HOST does not say. */
  readonly isHairpin: boolean | undefined;
  /** VLAN id and the id of the interface below, for VLAN interfaces. */
  readonly vlanId: number | undefined;
  readonly link: number;
  /** Interface group (`-m devgroup`). */
  readonly group: number;
}

/** An entry of the neighbour table whose hardware address is known. */
export interface Neighbour {
  readonly family: Family;
  /** Four words; IPv4 in the first. */
  readonly address: Int32Array;
  /** 48 bits as a number. */
  readonly mac: number;
}

/** What captures tell of a host that HOST does not describe: see MinimalHost for what follows from it. */
export interface LocalGuess {
  /** An address of the host itself, at its interface: e.g. the source of a packet that it made. */
  learnLocal(family: Family, words: Int32Array, at: number, interfaceId: number): void;
  /** An address seen as the source of a packet that came in by the interface. */
  learnSource(family: Family, words: Int32Array, at: number, interfaceId: number): void;
}

/** Who the replayed machine is. Implemented in src/host/. */
export interface Host {
  /** All interfaces; index = id (index 0 unused). Grows when a capture names one that HOST does not know. */
  readonly interfaces: readonly Interface[];
  /** Id of the interface of that name; made (with nothing known about it) when it does not exist. */
  interfaceId(name: string): number;
  /** Id, or 0 when HOST knows no such name. */
  findInterface(name: string): number;
  findIfindex(ifindex: number): number;
  /** A sysctl as a number, e.g. `net.ipv4.ip_forward`; the kernel's default when HOST does not say. */
  sysctl(name: string): number;
  /** A sysctl as HOST writes it (`net.netfilter.nf_log.2`, ranges, lists); undefined when it does not say. */
  sysctlText(name: string): string | undefined;
  /** Per-interface sysctl with the kernel's own combination of all/default/interface (`rp_filter` max, `accept_local` or …). */
  interfaceSysctl(family: Family, name: string, interfaceId: number): number;
  /**
   * ip_route_input() / ip6_route_input(): which way a packet that came in by `iif` goes. Addresses are words in
   * `addresses` at offsets (registers fit). Writes `out`.
   */
  routeInput(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
    l4proto: number,
    sport: number,
    dport: number,
    out: RouteResult,
  ): void;
  /** ip_route_output() / ip6_route_output() and ip_route_me_harder(): for a packet made by this host. `oif` 0 = any. */
  routeOutput(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    oif: number,
    l4proto: number,
    sport: number,
    dport: number,
    out: RouteResult,
  ): void;
  /**
   * The plain look-up of the way back to `daddr`, who sent a packet that came in by `iif`: fib_lookup(), ip6_route_lookup(),
   * without what a routing decision makes of special addresses. `saddr` all 0 stands for none. `isBound` (IPv6): routes by
   * `iif` go before others; `isStrict`: no others count.
   */
  reversePath(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
    l4proto: number,
    isBound: boolean,
    isStrict: boolean,
  ): ReversePath;
  /** Class of an address; with `interfaceId` not 0 as `--limit-iface-in/out` asks it. */
  addressType(family: Family, words: Int32Array, at: number, interfaceId: number): AddressType;
  /**
   * All classes that hold of an address, as bits `1 << RTN_*` (the XT_ADDRTYPE_* of xt_addrtype.h, in the order of
   * AddressType from UNSPEC = bit 0). IPv4 has exactly one. IPv6 may have several: `--src-type` then holds when each of
   * UNICAST, MULTICAST and UNSPEC that is asked for is set, and, if any of LOCAL, ANYCAST, UNREACHABLE is asked for, at
   * least one of those is (match_type6()).
   */
  addressTypes(family: Family, words: Int32Array, at: number, interfaceId: number): number;
  /**
   * True when a copy of a packet that this host sends by `oif` to the address comes back in: ip_mc_output() and
   * ip6_finish_output2() loop back what goes to a broadcast address or to a group that the interface has joined.
   */
  comesBack(family: Family, words: Int32Array, daddrAt: number, oif: number): boolean;
  /** True when the address is one of this host's own. */
  isLocalAddress(family: Family, words: Int32Array, at: number): boolean;
  /** inet_select_addr() / ipv6_dev_get_saddr(): the source address that the host would use; false when it has none. */
  selectSource(
    family: Family,
    interfaceId: number,
    words: Int32Array,
    daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean;
  /** `selectSource` gives the same for every destination. */
  hasOneSource(family: Family, interfaceId: number): boolean;
  /**
   * First address of the interface, for REDIRECT: nf_nat_redirect_ipv4() takes the first of the in-device,
   * nf_nat_redirect_ipv6() the first usable one of the scope of the packet's destination (`daddrAt`).
   */
  firstAddress(
    family: Family,
    interfaceId: number,
    words: Int32Array,
    daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean;
  /**
   * Netmask of the network whose broadcast address `daddr` is, by the interface's own IPv4 addresses (ifa_broadcast);
   * 0 when it is none of these.
   */
  broadcastMask(interfaceId: number, daddr: number): number;
  /** What HOST says of the hardware addresses of others. */
  readonly neighbours?: readonly Neighbour[];
  /**
   * What routing decisions tell unicast addresses apart by, where they depend on nothing else that packets of one way in
   * differ in: see routedPrefixes(). Absent or undefined where that cannot be said.
   */
  routedPrefixes?(family: Family): readonly Prefix[] | undefined;
  /** Present when the host's addresses are not known: what the captures tell is learned before the replay begins. */
  readonly guess?: LocalGuess;
  /** Sentences for the report: what was assumed because HOST did not say. */
  readonly assumptions: readonly string[];
}
