import {
  ADDR6_ANY,
  ADDR6_LINKLOCAL,
  ADDR6_LOOPBACK,
  ADDR6_MULTICAST,
  addressType6,
  equals6,
  isMulticast6,
  selectAddress6,
} from './address6.ts';
import type { Device } from './device.ts';
import type { Fib6 } from './fib6.ts';
import { clearResult, kindOfError, refuse, take, takeGateway } from './result.ts';
import { type Nexthop, type Route, RTN_ANYCAST, RTN_LOCAL } from './route.ts';
import { Flow } from './rule.ts';
import {
  REVERSE_ELSEWHERE,
  REVERSE_LOCAL,
  REVERSE_NONE,
  REVERSE_SAME,
  type ReversePath,
  ROUTE_BLACKHOLE,
  ROUTE_LOCAL,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NOT_FORWARDING,
  ROUTE_UNICAST,
  ROUTE_UNREACHABLE,
  type RouteKind,
  type RouteResult,
} from './types.ts';

/** Addresses that only make sense on one link or host: rt6_need_strict(). */
const NEEDS_INTERFACE = ADDR6_MULTICAST | ADDR6_LINKLOCAL | ADDR6_LOOPBACK;

/** First words of interface-local and link-local multicast. */
const FF01 = 0xff010000 | 0;
const FF02 = 0xff020000 | 0;

export interface Ipv6Setup {
  readonly devices: readonly Device[];
  readonly fib: Fib6;
  readonly loopbackId: number;
  /** net.ipv6.conf.all.forwarding. */
  readonly isForwarding: boolean;
  readonly assume: (sentence: string) => void;
}

/** IPv6 routing decisions. Linux: net/ipv6/route.c, net/ipv6/ip6_input.c, net/ipv6/ip6_output.c. Not re-entrant. */
export class Ipv6Routing {
  private readonly setup: Ipv6Setup;
  private readonly flow = new Flow();

  constructor(setup: Ipv6Setup) {
    this.setup = setup;
  }

  private fill(
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    l4proto: number,
    sport: number,
    dport: number,
  ): void {
    const { flow } = this;
    flow.saddrWords = words;
    flow.saddrAt = saddrAt;
    flow.daddrWords = words;
    flow.daddrAt = daddrAt;
    flow.hasSaddr = true;
    flow.tos = tos;
    flow.mark = mark;
    flow.l4proto = l4proto;
    flow.sport = Math.max(sport, 0);
    flow.dport = Math.max(dport, 0);
  }

  /**
   * ip6_route_input(), and what decides behind it whether a hook sees the packet: ip6_mc_input() for multicast and
   * the checks of ip6_forward() before the FORWARD hook, but for hop limit and length, which are the engine's.
   */
  input(
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
  ): RouteKind {
    clearResult(out);
    const { fib, devices } = this.setup;
    const device = devices[iif]!;
    if (device.isLoopback) {
      const kind = isMulticast6(words, daddrAt) ? ROUTE_MULTICAST : ROUTE_LOCAL;
      return take(out, kind, 0, 'a packet over loopback keeps the route of its output');
    }
    this.fill(words, saddrAt, daddrAt, tos, mark, l4proto, sport, dport);
    const { flow } = this;
    flow.iif = iif;
    flow.oif = 0;
    flow.l3mdev = device.l3mdev;
    const isStrict = (addressType6(words, daddrAt) & NEEDS_INTERFACE) !== 0;
    const error = fib.lookup(flow, iif, isStrict);
    if (error !== 0) return refuse(out, kindOfError(error), fib.verdictText || 'no route to the destination');
    const route = fib.route!;
    if (route.type === RTN_LOCAL || route.type === RTN_ANYCAST) return take(out, ROUTE_LOCAL, 0, route.text);
    if ((addressType6(route.prefix, 0) & ADDR6_MULTICAST) !== 0)
      return this.deliverMulticast(device, words, daddrAt, out);
    const nexthop = fib.nexthop!;
    if (!this.setup.isForwarding && !device.conf6.forceForwarding) {
      refuse(out, ROUTE_NOT_FORWARDING, 'forwarding is off (net.ipv6.conf.all.forwarding)');
      // ip6_forward() finds that out, behind the route: a bridge asks for no more than the route.
      out.oif = nexthop.oif;
      takeGateway(out, nexthop, 6);
      return out.kind;
    }
    if (nexthop.oif !== iif && !this.mayForwardFrom(words, saddrAt, out)) return out.kind;
    take(out, ROUTE_UNICAST, nexthop.oif, route.text);
    takeGateway(out, nexthop, 6);
    if (route.prefsrc !== undefined) this.takePrefsrc(route, nexthop, words, daddrAt, out);
    return out.kind;
  }

  /** The checks of the source in ip6_forward(); a packet that goes back where it came from escapes them. */
  private mayForwardFrom(words: Int32Array, saddrAt: number, out: RouteResult): boolean {
    const type = addressType6(words, saddrAt);
    if (type === ADDR6_ANY || (type & (ADDR6_MULTICAST | ADDR6_LOOPBACK)) !== 0) {
      refuse(out, ROUTE_MARTIAN, 'martian source: not one that may be forwarded');
      return false;
    }
    if ((type & ADDR6_LINKLOCAL) !== 0) {
      refuse(out, ROUTE_UNREACHABLE, 'a link-local source is not forwarded (beyond scope of source address)');
      return false;
    }
    return true;
  }

  /** ip6_mc_input(): to INPUT when the group is joined. */
  private deliverMulticast(device: Device, words: Int32Array, daddrAt: number, out: RouteResult): RouteKind {
    if (this.hasJoined(device, words, daddrAt))
      return take(out, ROUTE_MULTICAST, 0, 'the multicast group is joined on the interface');
    if (device.groups6 === undefined)
      this.setup.assume(
        'HOST does not say which IPv6 multicast groups are joined: all-nodes, the solicited-node groups of the addresses and, where forwarding is on, all-routers are taken as joined; packets to other groups are dropped before INPUT, as the kernel drops those of groups that nobody joined.',
      );
    refuse(out, ROUTE_BLACKHOLE, 'the multicast group is not joined on the interface');
    return out.kind;
  }

  /**
   * ipv6_chk_mcast_addr(): the groups of HOST's maddr.json, else those that every interface joins by itself: all-nodes
   * and, where it forwards, link-local all-routers (ipv6_add_dev(); ff01::2 and ff05::2 only where forwarding was switched on
   * after the interface was made), and the solicited-node groups of its addresses (addrconf_join_solict()).
   */
  hasJoined(device: Device, words: Int32Array, at: number): boolean {
    const { groups6, addresses6 } = device;
    if (groups6 !== undefined) {
      for (let i = 0; i < groups6.length; i++) if (equals6(groups6[i]!, 0, words, at)) return true;
      return false;
    }
    const first = words[at]!;
    const last = words[at + 3]!;
    if (words[at + 1] !== 0) return false;
    if (words[at + 2] === 0) {
      if (last === 1) return first === FF01 || first === FF02;
      return last === 2 && first === FF02 && device.conf6.forwarding;
    }
    // ff02::1:ffXX:XXXX.
    if (first !== FF02 || words[at + 2] !== 1 || last >>> 24 !== 0xff || device.isNoarp) return false;
    for (let i = 0; i < addresses6.length; i++)
      if ((addresses6[i]!.address[3]! & 0xffffff) === (last & 0xffffff)) return true;
    return false;
  }

  /**
   * ip6_route_output_flags() for a packet that has its source address. ip6_route_me_harder() gives the interface of
   * the first route as `oif` when the destination is multicast or link-local; the caller does so too.
   */
  output(
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
  ): RouteKind {
    clearResult(out);
    const { fib, devices, loopbackId } = this.setup;
    this.fill(words, saddrAt, daddrAt, tos, mark, l4proto, sport, dport);
    const { flow } = this;
    flow.iif = loopbackId;
    flow.oif = oif;
    flow.l3mdev = oif === 0 ? 0 : devices[oif]!.l3mdev;
    flow.hasSaddr = addressType6(words, saddrAt) !== ADDR6_ANY;
    const isStrict = (addressType6(words, daddrAt) & NEEDS_INTERFACE) !== 0 || (oif !== 0 && !flow.hasSaddr);
    const error = fib.lookup(flow, oif, isStrict);
    if (error !== 0) return refuse(out, kindOfError(error), fib.verdictText || 'no route to the destination');
    const route = fib.route!;
    const nexthop = fib.nexthop!;
    if (route.type === RTN_LOCAL || route.type === RTN_ANYCAST) {
      take(out, ROUTE_LOCAL, this.localDevice(route, nexthop), route.text);
    } else {
      take(out, isMulticast6(words, daddrAt) ? ROUTE_MULTICAST : ROUTE_UNICAST, nexthop.oif, route.text);
      takeGateway(out, nexthop, 6);
    }
    this.takePrefsrc(route, nexthop, words, daddrAt, out);
    return out.kind;
  }

  /** rpfilter_lookup_reverse6() of net/ipv6/netfilter/ip6t_rpfilter.c. */
  reversePath(
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
    l4proto: number,
    isBound: boolean,
    isStrict: boolean,
  ): ReversePath {
    const { fib, devices, loopbackId } = this.setup;
    this.fill(words, saddrAt, daddrAt, tos, mark, l4proto, 0, 0);
    const { flow } = this;
    flow.iif = loopbackId;
    flow.oif = isBound ? iif : 0;
    flow.l3mdev = devices[iif]?.l3mdev ?? 0;
    flow.hasSaddr = addressType6(words, saddrAt) !== ADDR6_ANY;
    if (fib.lookupByDevice(flow, flow.oif, isStrict) !== 0) return REVERSE_NONE;
    const { type } = fib.route!;
    const { oif } = fib.nexthop!;
    if (type === RTN_ANYCAST) return REVERSE_NONE;
    if (type === RTN_LOCAL) return REVERSE_LOCAL;
    return oif === iif || devices[oif]?.l3mdev === iif ? REVERSE_SAME : REVERSE_ELSEWHERE;
  }

  /** ip6_rt_get_dev_rcu(): own packets to own addresses go by lo, link-local ones by their interface. */
  private localDevice(route: Route, nexthop: Nexthop): number {
    const l3mdev = this.setup.devices[nexthop.oif]?.l3mdev ?? 0;
    if (l3mdev === 0) return this.setup.loopbackId;
    const isSlave = l3mdev !== nexthop.oif;
    if (isSlave && (addressType6(route.prefix, 0) & NEEDS_INTERFACE) !== 0) return this.setup.loopbackId;
    return l3mdev;
  }

  /** ip6_route_get_saddr(). */
  private takePrefsrc(
    route: Route,
    nexthop: Nexthop,
    words: Int32Array,
    daddrAt: number,
    out: RouteResult,
  ): void {
    const source = route.prefsrc ?? selectAddress6(this.setup.devices, nexthop.oif, words, daddrAt)?.address;
    if (source === undefined) return;
    for (let i = 0; i < 4; i++) out.prefsrc[i] = source[i]!;
    out.hasPrefsrc = true;
  }
}
