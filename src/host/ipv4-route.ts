import type { AddressMap } from './address-map.ts';
import {
  isLimitedBroadcast4,
  isLocalMulticast4,
  isLoopback4,
  isMulticast4,
  isZeronet4,
  selectAddress4,
} from './address4.ts';
import type { Device } from './device.ts';
import type { Fib4 } from './fib4.ts';
import { multipathHash, pickByWeight } from './multipath.ts';
import {
  clearResult,
  combineRealms,
  kindOfError,
  refuse,
  take,
  takeGateway,
  takePrefsrc4,
} from './result.ts';
import {
  EINVAL,
  EXDEV,
  type Nexthop,
  type Route,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_UNICAST,
  SCOPE_HOST,
  SCOPE_LINK,
  SCOPE_UNIVERSE,
  TABLE_LOCAL,
} from './route.ts';
import { Flow } from './rule.ts';
import {
  REVERSE_ELSEWHERE,
  REVERSE_LOCAL,
  REVERSE_LOCAL_ELSEWHERE,
  REVERSE_NONE,
  REVERSE_SAME,
  type ReversePath,
  ROUTE_BLACKHOLE,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NONE,
  ROUTE_NOT_FORWARDING,
  ROUTE_UNICAST,
  type RouteKind,
  type RouteResult,
} from './types.ts';

const IPPROTO_IGMP = 2;
const ALL_HOSTS_GROUP = 0xe0000001 | 0;
const LOOPBACK_ADDRESS = 0x7f000001;

/** What IPv4 routing knows of the host. */
export interface Ipv4Setup {
  /** By interface id; index 0 is unused. May grow while packets are replayed. */
  readonly devices: readonly Device[];
  readonly fib: Fib4;
  readonly loopbackId: number;
  /** Each IPv4 address of the host, with the id of its interface. */
  readonly owners: AddressMap;
  /** net.ipv4.fib_multipath_hash_policy. */
  readonly multipathPolicy: number;
  /** Called when an answer rests on something that HOST does not say. */
  readonly assume: (sentence: string) => void;
}

const ZERO = new Int32Array(4);

/** IPv4 routing decisions. Linux: net/ipv4/route.c, net/ipv4/fib_frontend.c. One per Host; not re-entrant. */
export class Ipv4Routing {
  private readonly setup: Ipv4Setup;
  private readonly fib: Fib4;
  private readonly flow = new Flow();
  private readonly scratch = new Int32Array(4);
  private readonly weights = new Int32Array(65536);
  /** Realms that fib_validate_source() found for the source. */
  private itag = 0;

  constructor(setup: Ipv4Setup) {
    this.setup = setup;
    this.fib = setup.fib;
  }

  /** ip_route_input_slow(), with ip_route_input_rcu() before and ip_mkroute_input() behind it. */
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
    const device = this.setup.devices[iif]!;
    const saddr = words[saddrAt]!;
    const daddr = words[daddrAt]!;
    const { flow, fib } = this;
    flow.tos = tos;
    flow.mark = mark;
    flow.iif = iif;
    flow.oif = 0;
    flow.l3mdev = device.l3mdev;
    // The kernel dissects ports and protocol only when some rule asks for them.
    flow.l4proto = l4proto;
    flow.sport = Math.max(sport, 0);
    flow.dport = Math.max(dport, 0);
    flow.hasSaddr = true;
    this.itag = 0;

    if (device.isLoopback) {
      // Packets over lo keep the route of their output (ip_rcv_finish_core() finds skb_valid_dst()).
      const kind = isMulticast4(daddr)
        ? ROUTE_MULTICAST
        : isLimitedBroadcast4(daddr)
          ? ROUTE_BROADCAST
          : ROUTE_LOCAL;
      return take(out, kind, 0, 'a packet over loopback keeps the route of its output');
    }
    if (isMulticast4(daddr)) return this.inputMulticast(device, saddr, daddr, words, saddrAt, l4proto, out);
    if (isMulticast4(saddr) || isLimitedBroadcast4(saddr))
      return refuse(out, ROUTE_MARTIAN, 'martian source: a multicast or broadcast address');
    if (isLimitedBroadcast4(daddr) || (saddr === 0 && daddr === 0))
      return this.inputBroadcast(device, saddr, words, saddrAt, 'limited broadcast', out);
    if (isZeronet4(saddr)) return refuse(out, ROUTE_MARTIAN, 'martian source: 0.0.0.0');
    if (isZeronet4(daddr)) return refuse(out, ROUTE_MARTIAN, 'martian destination: 0.0.0.0');
    if ((isLoopback4(daddr) || isLoopback4(saddr)) && !device.conf4.routeLocalnet)
      return refuse(
        out,
        ROUTE_MARTIAN,
        isLoopback4(daddr)
          ? 'martian destination: 127.0.0.0/8 from outside (route_localnet is 0)'
          : 'martian source: 127.0.0.0/8 from outside (route_localnet is 0)',
      );

    this.aim(words, saddrAt, words, daddrAt);
    const error = fib.lookup(flow, false);
    if (error !== 0) return refuse(out, kindOfError(error), fib.verdictText || 'no route to the destination');
    const route = fib.route!;
    const nexthop = fib.nexthop!;
    const ruleRealm = fib.ruleRealm;
    if (route.type === RTN_BROADCAST && !device.conf4.bcForwarding)
      return this.inputBroadcast(device, saddr, words, saddrAt, route.text, out);
    if (route.type === RTN_LOCAL) {
      const invalid = this.validateSource(device, words, saddrAt, words, daddrAt, 0);
      if (invalid !== 0) return this.refuseSource(invalid, out);
      take(out, ROUTE_LOCAL, 0, route.text);
      out.realm = this.itag;
      return out.kind;
    }
    if (route.type !== RTN_BROADCAST) {
      if (!device.conf4.forwarding) return refuse(out, ROUTE_NOT_FORWARDING, NOT_FORWARDING_4);
      if (route.type !== RTN_UNICAST)
        return refuse(out, ROUTE_MARTIAN, 'martian destination: the route is not of unicast type');
    }
    const chosen = this.choose(route, nexthop, 0);
    const invalid = this.validateSource(device, words, saddrAt, words, daddrAt, chosen.oif);
    if (invalid !== 0) return this.refuseSource(invalid, out);
    take(out, ROUTE_UNICAST, chosen.oif, route.text);
    takeGateway(out, chosen, 4);
    if (route.prefsrc !== undefined) takePrefsrc4(out, route.prefsrc[0]!);
    out.realm = combineRealms(route, ruleRealm, this.itag);
    return out.kind;
  }

  private aim(sWords: Int32Array, saddrAt: number, dWords: Int32Array, daddrAt: number): void {
    this.flow.saddrWords = sWords;
    this.flow.saddrAt = saddrAt;
    this.flow.daddrWords = dWords;
    this.flow.daddrAt = daddrAt;
  }

  /** ip_route_input_mc() and ip_mc_validate_source(). Groups: ip_check_mc_rcu(). */
  private inputMulticast(
    device: Device,
    saddr: number,
    daddr: number,
    words: Int32Array,
    saddrAt: number,
    l4proto: number,
    out: RouteResult,
  ): RouteKind {
    const isOurs = this.hasJoined(device, daddr);
    if (!isOurs && (isLocalMulticast4(daddr) || !device.conf4.mcForwarding)) {
      if (device.groups4 === undefined)
        this.setup.assume(
          'HOST does not say which IPv4 multicast groups are joined: only 224.0.0.1 is taken as joined, packets to other groups are dropped before INPUT, as the kernel drops those of groups that nobody joined.',
        );
      return refuse(out, ROUTE_BLACKHOLE, 'the multicast group is not joined on the interface');
    }
    if (isMulticast4(saddr) || isLimitedBroadcast4(saddr))
      return refuse(out, ROUTE_MARTIAN, 'martian source: a multicast or broadcast address');
    if (isLoopback4(saddr) && !device.conf4.routeLocalnet)
      return refuse(out, ROUTE_MARTIAN, 'martian source: 127.0.0.0/8 from outside (route_localnet is 0)');
    if (isZeronet4(saddr)) {
      if (!isLocalMulticast4(daddr) && l4proto !== IPPROTO_IGMP)
        return refuse(out, ROUTE_MARTIAN, 'martian source: 0.0.0.0');
    } else {
      const invalid = this.validateSource(device, words, saddrAt, ZERO, 0, 0);
      if (invalid !== 0) return this.refuseSource(invalid, out);
    }
    if (!isOurs) {
      this.setup.assume(
        'Multicast routes (ip mroute) are not part of HOST: multicast to groups that are not joined is dropped.',
      );
      return refuse(out, ROUTE_BLACKHOLE, 'multicast routing is on, but its routes are not part of HOST');
    }
    take(out, ROUTE_MULTICAST, 0, 'the multicast group is joined on the interface');
    out.realm = this.itag;
    return out.kind;
  }

  hasJoined(device: Device, group: number): boolean {
    // Every interface is in 224.0.0.1: ip_mc_up().
    if (group === ALL_HOSTS_GROUP) return true;
    const { groups4 } = device;
    if (groups4 === undefined) return false;
    for (let i = 0; i < groups4.length; i++) if (groups4[i]![0] === group) return true;
    return false;
  }

  /** brd_input of ip_route_input_slow(). */
  private inputBroadcast(
    device: Device,
    saddr: number,
    words: Int32Array,
    saddrAt: number,
    reason: string,
    out: RouteResult,
  ): RouteKind {
    if (!isZeronet4(saddr)) {
      const invalid = this.validateSource(device, words, saddrAt, ZERO, 0, 0);
      if (invalid !== 0) return this.refuseSource(invalid, out);
    }
    take(out, ROUTE_BROADCAST, 0, reason);
    out.realm = this.itag;
    return out.kind;
  }

  private refuseSource(error: number, out: RouteResult): RouteKind {
    refuse(
      out,
      ROUTE_MARTIAN,
      error === EXDEV
        ? 'reverse path filter: the route back to the source does not use the interface (rp_filter)'
        : 'martian source: an address of this host, or one whose route is not a unicast one',
    );
    return out.kind;
  }

  /**
   * fib_validate_source(): 0, EINVAL or EXDEV. `oif` is the interface that the packet would leave by, 0 for local
   * delivery. Leaves the realms of the source in `itag`. Writes the flow; the destination's lookup is done by then.
   */
  private validateSource(
    device: Device,
    sWords: Int32Array,
    saddrAt: number,
    dWords: Int32Array,
    daddrAt: number,
    oif: number,
  ): number {
    const { fib } = this;
    const { conf4 } = device;
    this.itag = 0;
    if (conf4.rpFilter === 0 && !fib.hasRealms && (device.id !== oif || !conf4.sendRedirects)) {
      if (conf4.acceptLocal) return 0;
      if (!fib.hasCustomLocalRoutes && !fib.hasCustomRules)
        return this.setup.owners.get(4, sWords, saddrAt) !== 0 ? EINVAL : 0;
    }
    return this.validateSourceFully(device, sWords, saddrAt, dWords, daddrAt, oif);
  }

  /** __fib_validate_source(): a lookup the other way round. */
  private validateSourceFully(
    device: Device,
    sWords: Int32Array,
    saddrAt: number,
    dWords: Int32Array,
    daddrAt: number,
    oif: number,
  ): number {
    const { flow } = this;
    const { conf4 } = device;
    const { sport, dport, mark, iif } = flow;
    this.aim(dWords, daddrAt, sWords, saddrAt);
    flow.oif = 0;
    flow.iif = oif !== 0 ? oif : this.setup.loopbackId;
    flow.mark = conf4.srcValidMark ? mark : 0;
    flow.sport = dport;
    flow.dport = sport;
    const result = this.judgeReverseLookup(device);
    flow.oif = 0;
    flow.iif = iif;
    flow.mark = mark;
    flow.sport = sport;
    flow.dport = dport;
    return result;
  }

  private judgeReverseLookup(device: Device): number {
    const { flow, fib } = this;
    const { conf4 } = device;
    const isStrict = conf4.rpFilter === 1;
    if (fib.lookup(flow, false) !== 0) return conf4.rpFilter !== 0 ? EXDEV : 0;
    const route = fib.route!;
    if (route.type !== RTN_UNICAST && (route.type !== RTN_LOCAL || !conf4.acceptLocal)) return EINVAL;
    this.itag = itagOf(route, fib.ruleRealm);
    if (this.usesDevice(route, device) || (route.type === RTN_LOCAL && device.isLoopback)) return 0;
    if (device.addresses4.length === 0) {
      if (conf4.rpFilter !== 0) return EXDEV;
      this.itag = 0;
      return 0;
    }
    return isStrict ? EXDEV : 0;
  }

  /** fib_info_nh_uses_dev(). */
  private usesDevice(route: Route, device: Device): boolean {
    for (let i = 0; i < route.nexthops.length; i++) {
      const { oif } = route.nexthops[i]!;
      if (oif === device.id) return true;
      const l3mdev = oif === 0 ? 0 : this.setup.devices[oif]!.l3mdev;
      if (l3mdev !== 0 && l3mdev === device.id) return true;
    }
    return false;
  }

  /**
   * ip_route_output_key_hash_rcu() for a packet that has its source address, as ip_route_me_harder() asks: the
   * source need not be an address of this host (FLOWI_FLAG_ANYSRC).
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
    const { devices, loopbackId } = this.setup;
    const { flow, fib, scratch } = this;
    let saddr = words[saddrAt]!;
    let daddr = words[daddrAt]!;
    // ip_route_me_harder() forgets a source that cannot be one.
    if (isMulticast4(saddr) || isLimitedBroadcast4(saddr)) saddr = 0;
    flow.tos = tos;
    flow.mark = mark;
    flow.iif = loopbackId;
    flow.oif = oif;
    flow.l3mdev = oif === 0 ? 0 : devices[oif]!.l3mdev;
    flow.l4proto = l4proto;
    flow.sport = Math.max(sport, 0);
    flow.dport = Math.max(dport, 0);

    if (saddr !== 0 && oif === 0 && (isMulticast4(daddr) || isLimitedBroadcast4(daddr))) {
      const owner = this.findOwner(words, saddrAt);
      if (owner !== 0)
        return this.finishOutput(daddr, saddr, owner, 'the source address names the interface', out);
    }
    if (oif !== 0) {
      const device = devices[oif]!;
      if (!device.isUp) return refuse(out, ROUTE_NONE, 'the interface is down');
      if (isLocalMulticast4(daddr) || isLimitedBroadcast4(daddr) || l4proto === IPPROTO_IGMP) {
        if (saddr === 0) saddr = selectAddress4(devices, device, 0, SCOPE_LINK);
        return this.finishOutput(daddr, saddr, oif, 'the interface was given', out);
      }
      if (saddr === 0) {
        if (isMulticast4(daddr)) saddr = selectAddress4(devices, device, 0, SCOPE_UNIVERSE);
        else if (daddr === 0) saddr = selectAddress4(devices, device, 0, SCOPE_HOST);
      }
    }
    if (daddr === 0) {
      daddr = saddr !== 0 ? saddr : LOOPBACK_ADDRESS;
      take(out, ROUTE_LOCAL, loopbackId, 'no destination: the host itself');
      takePrefsrc4(out, daddr);
      return out.kind;
    }
    scratch[0] = saddr;
    flow.hasSaddr = saddr !== 0;
    this.aim(scratch, 0, words, daddrAt);
    const error = fib.lookup(flow, false);
    if (error !== 0) {
      if (oif === 0 || (flow.l3mdev !== 0 && !isMulticast4(daddr)))
        return refuse(out, kindOfError(error), fib.verdictText || 'no route to the destination');
      // "Apparently, routing tables are wrong": with a given interface the destination is taken to be on its link.
      if (saddr === 0) saddr = selectAddress4(devices, devices[oif], 0, SCOPE_LINK);
      return this.finishOutput(daddr, saddr, oif, 'no route, but the interface was given', out);
    }
    const route = fib.route!;
    if (route.type === RTN_LOCAL) {
      if (saddr === 0) saddr = route.prefsrc !== undefined ? route.prefsrc[0]! : daddr;
      const device = devices[fib.nexthop!.oif];
      const master = device === undefined || fib.nexthop!.oif === 0 ? 0 : device.l3mdev;
      const dev = master !== 0 ? master : loopbackId;
      if (isMulticast4(daddr) || isLimitedBroadcast4(daddr))
        return this.finishOutput(daddr, saddr, dev, route.text, out);
      take(out, ROUTE_LOCAL, dev, route.text);
      takePrefsrc4(out, saddr);
      out.realm = combineRealms(route, fib.ruleRealm, 0);
      return out.kind;
    }
    const ruleRealm = fib.ruleRealm;
    const nexthop = this.choose(route, fib.nexthop!, saddr);
    if (saddr === 0) saddr = this.prefsrcOf(route, nexthop);
    this.finishOutput(daddr, saddr, nexthop.oif, route.text, out, route.type);
    if (out.kind === ROUTE_UNICAST) takeGateway(out, nexthop, 4);
    out.realm = combineRealms(route, ruleRealm, 0);
    return out.kind;
  }

  /**
   * rpfilter_lookup_reverse() of net/ipv4/netfilter/ipt_rpfilter.c: fib_lookup() alone, so that multicast, loopback and
   * broadcast addresses are as any others, and whether any nexthop is by `iif` (fib_info_nh_uses_dev()).
   */
  reversePath(
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
  ): ReversePath {
    const { devices, loopbackId } = this.setup;
    const { flow, fib } = this;
    flow.tos = tos;
    flow.mark = mark;
    flow.iif = loopbackId;
    flow.oif = 0;
    flow.l3mdev = devices[iif]?.l3mdev ?? 0;
    flow.l4proto = 0;
    flow.sport = 0;
    flow.dport = 0;
    flow.hasSaddr = words[saddrAt] !== 0;
    this.aim(words, saddrAt, words, daddrAt);
    if (fib.lookup(flow, true) !== 0) return REVERSE_NONE;
    const { type, nexthops } = fib.route!;
    const isSame = nexthops.some(({ oif }) => oif === iif || devices[oif]?.l3mdev === iif);
    if (type === RTN_UNICAST) return isSame ? REVERSE_SAME : REVERSE_ELSEWHERE;
    if (type !== RTN_LOCAL) return REVERSE_NONE;
    return isSame ? REVERSE_LOCAL : REVERSE_LOCAL_ELSEWHERE;
  }

  /** __mkroute_output(). */
  private finishOutput(
    daddr: number,
    saddr: number,
    oif: number,
    reason: string,
    out: RouteResult,
    type: number = RTN_UNICAST,
  ): RouteKind {
    const device = this.setup.devices[oif]!;
    if (isLoopback4(saddr) && !device.isLoopback && !device.conf4.routeLocalnet && device.kind !== 'vrf')
      return refuse(out, ROUTE_MARTIAN, 'source 127.0.0.0/8 may not leave the host (route_localnet is 0)');
    const kind = isLimitedBroadcast4(daddr)
      ? ROUTE_BROADCAST
      : isMulticast4(daddr)
        ? ROUTE_MULTICAST
        : type === RTN_BROADCAST
          ? ROUTE_BROADCAST
          : ROUTE_UNICAST;
    take(out, kind, oif, reason);
    takePrefsrc4(out, saddr);
    return out.kind;
  }

  /** __ip_dev_find(): the interface of an address of the host, or of one that a local route makes its own. */
  private findOwner(words: Int32Array, at: number): number {
    const owner = this.setup.owners.get(4, words, at);
    if (owner !== 0) return owner;
    const { flow, fib } = this;
    this.aim(words, at, words, at);
    const { tos, oif } = flow;
    flow.tos = 0;
    flow.oif = 0;
    const isFound = fib.lookupTable(TABLE_LOCAL, flow) === 0 && fib.route!.type === RTN_LOCAL;
    flow.tos = tos;
    flow.oif = oif;
    return isFound ? fib.nexthop!.oif : 0;
  }

  /** fib_result_prefsrc(). */
  private prefsrcOf(route: Route, nexthop: Nexthop): number {
    return route.prefsrc !== undefined ? route.prefsrc[0]! : this.ownSource(route, nexthop);
  }

  /** fib_info_update_nhc_saddr(). */
  private ownSource(route: Route, nexthop: Nexthop): number {
    const { devices } = this.setup;
    const gateway = nexthop.gatewayFamily === 4 ? nexthop.gateway![0]! : 0;
    return selectAddress4(devices, devices[nexthop.oif], gateway, route.scope);
  }

  /**
   * fib_select_path(), fib_select_multipath(): `found` unless the route has several nexthops. Since Linux 6.15 a
   * nexthop whose own source address is the packet's goes first (output only).
   */
  private choose(route: Route, found: Nexthop, saddr: number): Nexthop {
    const { nexthops } = route;
    if (nexthops.length === 1 || this.flow.oif !== 0) return found;
    this.setup.assume(
      'Which nexthop of a multipath route a flow takes depends on a secret of the running kernel: an unseeded hash of the same fields chooses here.',
    );
    const { weights } = this;
    let hasOwnSource = false;
    for (let i = 0; i < nexthops.length; i++) {
      const nexthop = nexthops[i]!;
      const isIgnored =
        nexthop.isDead || (nexthop.isLinkdown && this.setup.devices[nexthop.oif]!.conf4.ignoreLinkdown);
      weights[i] = isIgnored ? 0 : nexthop.weight;
      if (saddr !== 0 && weights[i] !== 0 && this.ownSource(route, nexthop) === saddr) hasOwnSource = true;
    }
    if (hasOwnSource)
      for (let i = 0; i < nexthops.length; i++)
        if (this.ownSource(route, nexthops[i]!) !== saddr) weights[i] = 0;
    const hash = multipathHash(this.flow, 1, this.setup.multipathPolicy);
    return nexthops[pickByWeight(hash, weights, nexthops.length)]!;
  }
}

const NOT_FORWARDING_4 = 'forwarding is off for the interface (net.ipv4.ip_forward)';

function itagOf(route: Route, ruleRealm: number): number {
  const realm = (route.realm & 0xffff) << 16;
  return ((realm === 0 ? (ruleRealm & 0xffff) << 16 : realm) | (ruleRealm >>> 16)) >>> 0;
}
