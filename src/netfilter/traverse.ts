import type { Family } from '../base/inet.ts';
import { DECODE_BAD_IP_OPTIONS, PKT_HOST, PKT_LOOPBACK } from '../batch/layout.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import {
  TABLE_FILTER,
  TABLE_MANGLE,
  TABLE_NAT,
  TABLE_RAW,
  TABLE_SECURITY,
  type TableRunner,
} from '../evaluate/table-runner.ts';
import type { Trail } from '../evaluate/trail.ts';
import { makeRouteResult } from '../host/result.ts';
import {
  type Host,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MULTICAST,
  ROUTE_NOT_FORWARDING,
  ROUTE_UNICAST,
  type RouteResult,
} from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import {
  HOOK_FORWARD,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  R_CT,
  R_CTINFO,
  R_CTMARK,
  R_CTSTATUS,
  R_DADDR,
  R_DECODE_FLAGS,
  R_DPORT,
  R_FAMILY,
  R_HOOK,
  R_IIF,
  R_L4PROTO,
  R_MARK,
  R_OIF,
  R_PHYS_IN,
  R_PHYS_OUT,
  R_PKT_TYPE,
  R_REALM,
  R_SADDR,
  R_SPORT,
  R_TOS,
  R_TTL,
  REGISTER_COUNT,
} from '../packet/registers.ts';
import { putBack, setAside } from '../packet/rewrite.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import { routeReason, stopOutcome } from './endings.ts';
import {
  OUTCOME_DELIVERED,
  OUTCOME_FORWARDED,
  OUTCOME_FRAGMENT,
  OUTCOME_LOOPED,
  OUTCOME_SENT,
  OUTCOME_STACK,
  STACK_CONNTRACK,
  STACK_HOTDROP,
  STACK_IP_OPTIONS,
  STACK_NAT,
  STACK_NO_NEIGHBOUR,
  STACK_NOT_FOR_HOST,
  STACK_TOO_BIG,
  STACK_TTL_EXCEEDED,
} from './outcome.ts';
import type { PathEnd } from './path-table.ts';
import { SourceRoute } from './source-route.ts';
import { isTooBig } from './stack-checks.ts';

/** Where a traversal may be watched: for `trace`. */
export interface TraversalObserver {
  stage(hook: number, stage: string, p: Packet, verdict: Verdict): void;
  route(result: RouteResult, p: Packet): void;
}

/** What a bridge knows. */
export interface BridgeAccess {
  calls(family: number): boolean;
  egressTo(words: Int32Array, at: number, ports: Int32Array): number;
}

/** Ports of a bridge that one frame may be flooded to (BR_MAX_PORTS). */
export const MAX_PORTS = 1024;

/** What runs for one family. */
export interface FamilyRules {
  readonly runner: TableRunner | undefined;
  /** Connection tracking is on: some rule asks for it. */
  readonly tracks: boolean;
  /** The nat table is there. */
  readonly translates: boolean;
}

/**
 * The way of a packet through one machine: hooks, the tables at each hook in the order of their priorities, routing
 * between them. It follows ip_rcv() → ip_rcv_finish() → ip_local_deliver() or ip_forward() → ip_output(), and
 * ip_local_out() (net/ipv4/ip_input.c, ip_forward.c, ip_output.c), and their IPv6 likes.
 *
 * One object for a run; `inbound`, `outbound` and `loop` take one packet to its end, which is left in `end`.
 */
export class Traversal {
  /**
   * ip_local_deliver() puts IPv4 fragments together before INPUT, whether conntrack runs or not. Gives false when the
   * packet waits for its other fragments; else `p` is the whole.
   */
  assembleLocal: (p: Packet) => boolean = () => true;
  /**
   * Set where br_netfilter may have iptables see what comes in by the ports of bridges: whether it does so for a family,
   * and the ports by which a packet leaves that translation sends to the neighbour at `words[at]` of its own bridge.
   */
  bridge: BridgeAccess | undefined;
  readonly #host: Host;
  readonly #tracking: Conntrack;
  readonly #families: readonly (FamilyRules | undefined)[];
  readonly #trail: Trail;
  readonly #observer: TraversalObserver | undefined;
  readonly #route = makeRouteResult();
  readonly #sourceRoute: SourceRoute;
  #rules: FamilyRules | undefined;
  /** How the last packet ended. */
  readonly end: PathEnd = { outcome: 0, family: 0, hook: 0, reason: 0, decider: -1, iif: 0, oif: 0 };

  /** `families[4]` and `families[6]`. */
  constructor(
    host: Host,
    tracking: Conntrack,
    families: readonly (FamilyRules | undefined)[],
    trail: Trail,
    observer?: TraversalObserver,
  ) {
    this.#host = host;
    this.#sourceRoute = new SourceRoute(host, this.#route, (p, iif) => this.#askInbound(p, iif));
    this.#tracking = tracking;
    this.#families = families;
    this.#trail = trail;
    this.#observer = observer;
  }

  /** Conntrack has seen the last packet: it did not die in raw. */
  tracked = false;
  /** The last packet's connection entered the table. */
  confirmed = false;
  /** Number of the packet for which `trackFirst` has done conntrack's part, -1 when its walk has seen to that. */
  #tracked = -1;

  /**
   * Does conntrack's part of PREROUTING or OUTPUT before anything else, for rulesets whose raw table has no say in
   * it: then the packet's connection is known before its way is. False when conntrack drops the packet; `end` says so.
   * `iface`: the interface by which it came in, or leaves.
   */
  trackFirst(p: Packet, isOut: boolean, iface: number): boolean {
    const hook = isOut ? HOOK_OUTPUT : HOOK_PREROUTING;
    this.#start(p, isOut ? 0 : iface);
    if (isOut) this.end.oif = iface;
    this.#tracked = -1;
    const tracked = this.#track(p, hook);
    if (tracked) this.#tracked = p.number;
    return tracked;
  }

  /** In place of `trackFirst`, for a packet that conntrack has judged from its row (track-row.ts). */
  trackedAlready(p: Packet): void {
    this.#start(p, 0);
    this.tracked = true;
    this.#tracked = p.number;
  }

  /** A packet arrives on interface `iif`. Its header checks are done. */
  inbound(p: Packet, iif: number): void {
    this.#start(p, iif);
    const isOfBridge = p.r[R_PHYS_IN] !== 0 && this.bridge?.calls(p.r[R_FAMILY]!) === true;
    if (isOfBridge) this.#noteDestination(p.r);
    if (!this.#prerouting(p)) return;
    if (isOfBridge && this.#hasNewDestination(p.r)) this.#translatedOnBridge(p, iif);
    else this.#routeInbound(p, iif);
  }

  /**
   * A packet as it entered OUTPUT, bound for `oif`. One for this host itself goes by lo, whatever interface has the
   * address.
   */
  output(p: Packet, oif: number): void {
    const route = this.#route;
    this.#askRoute(p, 0);
    const lo = this.#host.findInterface('lo');
    if (route.kind === ROUTE_LOCAL && lo !== 0) this.loop(p, lo);
    else this.outbound(p, oif);
  }

  /**
   * A frame that bridge `bridge` passes on from port to port: PREROUTING, and FORWARD and POSTROUTING once for each of the
   * `count` ports it leaves by (br_nf_pre_routing(), br_nf_forward(), br_nf_post_routing() in
   * net/bridge/br_netfilter_hooks.c). There is no routing and no hop. With `isForAll` (a group address) the host gets
   * a copy of its own.
   */
  bridged(p: Packet, bridge: number, ports: Int32Array, count: number, isForAll: boolean): void {
    this.#start(p, bridge);
    this.#noteDestination(p.r);
    if (!this.#prerouting(p)) return;
    if (!isForAll && this.#hasNewDestination(p.r)) {
      this.#translatedOnBridge(p, bridge);
      return;
    }
    // The route of a bridge has no gateway.
    this.#tracking.nat.hasNextHop = false;
    this.#throughPorts(p, bridge, ports, count, isForAll);
  }

  /** FORWARD and POSTROUTING once for each port. With `isForAll` a copy for the host, too. */
  #throughPorts(p: Packet, bridge: number, ports: Int32Array, count: number, isForAll: boolean): void {
    const { r, end } = this.#original;
    r.set(p.r);
    const aside = setAside(p);
    let passed = false;
    for (let k = 0; k < count; k++) {
      p.r.set(r);
      putBack(p, aside);
      p.r[R_OIF] = bridge;
      p.r[R_PHYS_OUT] = ports[k]!;
      this.end.oif = bridge;
      if (!this.#forwardTables(p) || !this.#postrouting(p)) continue;
      passed = true;
      this.#finish(OUTCOME_FORWARDED, HOOK_POSTROUTING);
      Object.assign(end, this.end);
    }
    if (isForAll) {
      p.r.set(r);
      putBack(p, aside);
      this.end.oif = 0;
      this.#routeInbound(p, bridge);
    }
    if (passed) Object.assign(this.end, end);
  }

  readonly #ports = new Int32Array(MAX_PORTS);

  /**
   * PREROUTING has given a packet that came in by a port another destination (br_nf_pre_routing_finish() in
   * net/bridge/br_netfilter_hooks.c): a neighbour on the same bridge gets it bridged, without a hop, whatever the frame
   * was addressed to; else the packet is for the host, which receives or routes it.
   */
  #translatedOnBridge(p: Packet, bridge: number): void {
    const { r } = p;
    const route = this.#route;
    this.#askInbound(p, bridge);
    // Without forwarding IPv4 gives no interface; IPv6 does.
    if ((route.kind !== ROUTE_UNICAST && route.kind !== ROUTE_NOT_FORWARDING) || route.oif !== bridge) {
      r[R_PKT_TYPE] = PKT_HOST;
      this.#routeInbound(p, bridge);
      return;
    }
    this.#nextHop();
    const ports = this.#ports;
    const count = route.hasGateway
      ? this.bridge!.egressTo(route.gateway, 0, ports)
      : this.bridge!.egressTo(r, R_DADDR, ports);
    if (count === 0) this.#stackDrop(STACK_NO_NEIGHBOUR, HOOK_PREROUTING);
    else this.#throughPorts(p, bridge, ports, count, false);
  }

  /** A packet that this host made; it was captured on its way out by interface `oif`. */
  outbound(p: Packet, oif: number): void {
    this.#start(p, 0);
    if (!this.#output(p, oif)) return;
    if (this.#turnsBack) {
      this.#comeBack(p);
      return;
    }
    if (this.#rules?.translates) this.#routeOutbound(p, this.end.oif);
    if (this.#host.comesBack(p.r[R_FAMILY] as Family, p.r, R_DADDR, this.end.oif)) {
      this.#sendBoth(p);
      return;
    }
    if (this.#postrouting(p)) this.#finish(OUTCOME_SENT, HOOK_POSTROUTING);
  }

  /** A packet on the loopback interface `lo`: sent, and received again with its connection attached. */
  loop(p: Packet, lo: number): void {
    this.#start(p, 0);
    if (!this.#output(p, lo)) return;
    const leaves = this.end.oif !== lo;
    if (leaves) this.#routeOutbound(p, this.end.oif);
    else this.#tracking.nat.hasNextHop = false;
    if (!this.#postrouting(p)) return;
    // OUTPUT may translate what was bound for lo to another machine: nothing comes back in then.
    if (leaves) {
      this.#finish(OUTCOME_SENT, HOOK_POSTROUTING);
      return;
    }
    this.#receiveOwn(p, lo);
  }

  /** A broadcast, or multicast that this host listens to itself: one packet leaves, a copy comes back in. */
  #sendBoth(p: Packet): void {
    const { r, end } = this.#original;
    const oif = this.end.oif;
    r.set(p.r);
    const aside = setAside(p);
    const comesBack = this.#postrouting(p);
    p.r.set(r);
    putBack(p, aside);
    if (this.#postrouting(p)) this.#finish(OUTCOME_SENT, HOOK_POSTROUTING);
    Object.assign(end, this.end);
    if (comesBack) {
      p.r[R_OIF] = 0;
      p.r[R_IIF] = oif;
      p.r[R_PKT_TYPE] = PKT_LOOPBACK;
      // dev_loopback_xmit() keeps the route: no decision follows behind PREROUTING.
      if (this.#prerouting(p)) this.#input(p);
    }
    Object.assign(this.end, end);
  }

  readonly #original = { r: new Int32Array(REGISTER_COUNT), end: {} as PathEnd };

  /** A packet that OUTPUT has sent to this host itself (local DNAT) goes by lo. */
  #comeBack(p: Packet): void {
    const lo = this.#host.findInterface('lo');
    p.r[R_OIF] = lo;
    this.end.oif = lo;
    this.#tracking.nat.hasNextHop = false;
    if (this.#postrouting(p)) this.#receiveOwn(p, lo);
  }

  /** The second half of the way of a packet to this host itself. */
  #receiveOwn(p: Packet, iif: number): void {
    const { r } = p;
    r[R_OIF] = 0;
    r[R_IIF] = iif;
    this.end.iif = iif;
    if (!this.#prerouting(p)) return;
    this.#routeInbound(p, iif);
    if (this.end.outcome === OUTCOME_DELIVERED) this.end.outcome = OUTCOME_LOOPED;
  }

  /** The route behind OUTPUT's translation leads to this host itself. */
  #turnsBack = false;

  #start(p: Packet, iif: number): void {
    const { r } = p;
    const { end } = this;
    this.#rules = this.#families[r[R_FAMILY]!];
    r[R_IIF] = iif;
    r[R_OIF] = 0;
    end.family = r[R_FAMILY]!;
    end.iif = iif;
    end.oif = 0;
    end.decider = -1;
    end.reason = 0;
    this.confirmed = false;
    this.tracked = false;
  }

  #finish(outcome: number, hook: number): void {
    const { end } = this;
    end.outcome = outcome;
    end.hook = hook;
    end.reason = 0;
    end.decider = this.#trail.decider;
  }

  #stackDrop(reason: number, hook: number): void {
    this.#finish(OUTCOME_STACK, hook);
    this.end.reason = reason;
    if (reason !== STACK_HOTDROP) this.end.decider = -1;
  }

  #prerouting(p: Packet): boolean {
    return (
      this.#table(p, TABLE_RAW, HOOK_PREROUTING) &&
      this.#track(p, HOOK_PREROUTING) &&
      this.#table(p, TABLE_MANGLE, HOOK_PREROUTING) &&
      this.#nat(p, HOOK_PREROUTING)
    );
  }

  #routeInbound(p: Packet, iif: number): void {
    const { r } = p;
    const route = this.#route;
    // ip_rcv_options() comes with routing: PREROUTING has seen the packet.
    if ((r[R_DECODE_FLAGS]! & DECODE_BAD_IP_OPTIONS) !== 0) {
      this.#stackDrop(STACK_IP_OPTIONS, HOOK_PREROUTING);
      return;
    }
    this.#askInbound(p, iif);
    if (!this.#sourceRoute.follow(p, iif)) {
      this.#stackDrop(STACK_IP_OPTIONS, HOOK_PREROUTING);
      return;
    }
    r[R_REALM] = route.realm;
    this.#observer?.route(route, p);
    switch (route.kind) {
      case ROUTE_LOCAL:
      case ROUTE_BROADCAST:
      case ROUTE_MULTICAST:
        this.#input(p);
        return;
      case ROUTE_UNICAST:
        this.#forward(p, route.oif);
        return;
      default:
        this.#stackDrop(routeReason(route), HOOK_PREROUTING);
    }
  }

  /** The way of a packet that came in by `iif` goes to `#route`. */
  #askInbound({ r }: Packet, iif: number): void {
    this.#host.routeInput(
      r[R_FAMILY] as Family,
      r,
      R_SADDR,
      R_DADDR,
      r[R_TOS]!,
      r[R_MARK]!,
      iif,
      r[R_L4PROTO]!,
      r[R_SPORT]!,
      r[R_DPORT]!,
      this.#route,
    );
  }

  #input(p: Packet): void {
    const hook = HOOK_INPUT;
    if (p.isFragment && p.r[R_FAMILY] === 4 && !this.assembleLocal(p)) {
      this.#finish(OUTCOME_FRAGMENT, HOOK_PREROUTING);
      this.end.decider = -1;
      return;
    }
    if (
      this.#table(p, TABLE_MANGLE, hook) &&
      this.#table(p, TABLE_FILTER, hook) &&
      this.#table(p, TABLE_SECURITY, hook) &&
      this.#nat(p, hook) &&
      this.#confirm(p, hook)
    ) {
      this.#finish(OUTCOME_DELIVERED, hook);
    }
  }

  #forwardTables(p: Packet): boolean {
    const hook = HOOK_FORWARD;
    return (
      this.#table(p, TABLE_MANGLE, hook) &&
      this.#table(p, TABLE_FILTER, hook) &&
      this.#table(p, TABLE_SECURITY, hook)
    );
  }

  #forward(p: Packet, oif: number): void {
    const { r } = p;
    // ip_forward() and ip6_forward() pass on only what the link layer addressed to this host.
    if (r[R_PKT_TYPE] !== PKT_HOST) {
      this.#stackDrop(STACK_NOT_FOR_HOST, HOOK_PREROUTING);
      return;
    }
    // ip_forward() and ip6_forward() count down before the hook, so the rules of FORWARD see the smaller value.
    if (r[R_TTL]! <= 1) {
      this.#stackDrop(STACK_TTL_EXCEEDED, HOOK_PREROUTING);
      return;
    }
    if (this.#sourceRoute.isBroken()) {
      this.#stackDrop(STACK_IP_OPTIONS, HOOK_PREROUTING);
      return;
    }
    if (isTooBig(this.#host, p, oif)) {
      this.#stackDrop(STACK_TOO_BIG, HOOK_PREROUTING);
      return;
    }
    r[R_TTL]!--;
    p.touch();
    r[R_OIF] = oif;
    this.end.oif = oif;
    this.#nextHop();
    if (this.#forwardTables(p)) {
      this.#sourceRoute.goOn(p, oif);
      // ip_output() hands POSTROUTING the device the packet came in by; only user-defined chains can ask for it.
      if (this.#postrouting(p)) this.#finish(OUTCOME_FORWARDED, HOOK_POSTROUTING);
    }
  }

  /** Tells NAT by which next hop the packet goes: MASQUERADE takes the address that reaches it. */
  #nextHop(): void {
    const { nat } = this.#tracking;
    nat.hasNextHop = this.#route.hasGateway;
    if (nat.hasNextHop) nat.nextHop.set(this.#route.gateway);
  }

  #output(p: Packet, oif: number): boolean {
    const hook = HOOK_OUTPUT;
    const { r } = p;
    r[R_OIF] = oif;
    this.end.oif = oif;
    if (!this.#table(p, TABLE_RAW, hook) || !this.#track(p, hook)) return false;
    // state->out stays what it was when the hook began: a reroute shows from POSTROUTING on only.
    const mark = r[R_MARK]!;
    const tos = r[R_TOS]!;
    this.#noteDestination(r);
    if (!this.#table(p, TABLE_MANGLE, hook)) return false;
    let routed = oif;
    this.#turnsBack = false;
    if (r[R_MARK] !== mark || r[R_TOS] !== tos || this.#hasNewDestination(r)) {
      routed = this.#reroute(p, routed);
      if (routed < 0) return false;
    }
    this.#noteDestination(r);
    if (!this.#nat(p, hook)) return false;
    if (this.#hasNewDestination(r)) {
      routed = this.#reroute(p, routed);
      if (routed < 0) return false;
    }
    if (!this.#table(p, TABLE_FILTER, hook) || !this.#table(p, TABLE_SECURITY, hook)) return false;
    r[R_OIF] = routed;
    this.end.oif = routed;
    return true;
  }

  readonly #destination = new Int32Array(4);

  #noteDestination(r: Int32Array): void {
    for (let i = 0; i < 4; i++) this.#destination[i] = r[R_DADDR + i]!;
  }

  /** The destination is another than the one that was noted. */
  #hasNewDestination(r: Int32Array): boolean {
    for (let i = 0; i < 4; i++) if (r[R_DADDR + i] !== this.#destination[i]) return true;
    return false;
  }

  /** The route of a packet of this host, by `oif` or (0) by any interface, goes to `#route`. */
  #askRoute(p: Packet, oif: number): void {
    const { r } = p;
    this.#host.routeOutput(
      r[R_FAMILY] as Family,
      r,
      R_SADDR,
      R_DADDR,
      r[R_TOS]!,
      r[R_MARK]!,
      oif,
      r[R_L4PROTO]!,
      r[R_SPORT]!,
      r[R_DPORT]!,
      this.#route,
    );
  }

  /** The next hop of a packet that leaves by `oif`. */
  #routeOutbound(p: Packet, oif: number): void {
    this.#askRoute(p, oif);
    this.#nextHop();
  }

  /**
   * ip_route_me_harder(): which way the packet goes now; -1 when no way leads there, and it is dropped. The capture's
   * own interface stands when nothing is known.
   */
  #reroute(p: Packet, oif: number): number {
    const route = this.#route;
    this.#askRoute(p, 0);
    this.#observer?.route(route, p);
    this.#turnsBack = route.kind === ROUTE_LOCAL;
    const leads = route.kind <= ROUTE_MULTICAST;
    if (!leads) {
      this.#stackDrop(routeReason(route), HOOK_OUTPUT);
      return -1;
    }
    return route.oif !== 0 ? route.oif : oif;
  }

  #postrouting(p: Packet): boolean {
    const hook = HOOK_POSTROUTING;
    return this.#table(p, TABLE_MANGLE, hook) && this.#nat(p, hook) && this.#confirm(p, hook);
  }

  #table(p: Packet, table: number, hook: number): boolean {
    const runner = this.#rules?.runner;
    if (runner === undefined || !runner.has(table, hook)) return true;
    const verdict = runner.run(table, hook, p, this.#trail);
    return verdict === VERDICT_ACCEPT || this.#stop(p, verdict, hook);
  }

  #track(p: Packet, hook: number): boolean {
    if (!this.#rules?.tracks) return true;
    if (this.#tracked === p.number) {
      this.#tracked = -1;
      this.tracked = true;
      return true;
    }
    p.r[R_HOOK] = hook;
    this.tracked = true;
    if (this.#tracking.track(p, hook) === VERDICT_ACCEPT) {
      const { r } = p;
      const { judged } = this;
      judged.ct = r[R_CT]!;
      judged.ctinfo = r[R_CTINFO]!;
      judged.status = r[R_CTSTATUS]!;
      judged.mark = r[R_CTMARK]!;
      return true;
    }
    this.#stackDrop(STACK_CONNTRACK, hook);
    return false;
  }

  /** What conntrack said of the packet at hand (where `tracked`), before rules behind it changed anything. */
  readonly judged = { ct: -1, ctinfo: -1, status: 0, mark: 0 };

  #nat(p: Packet, hook: number): boolean {
    const rules = this.#rules;
    if (!rules?.tracks || !rules.translates) return true;
    const { nat } = this.#tracking;
    const { runner } = rules;
    if (runner?.has(TABLE_NAT, hook) && nat.needsRules(p, hook)) {
      const verdict = runner.run(TABLE_NAT, hook, p, this.#trail);
      if (verdict !== VERDICT_ACCEPT) return this.#stop(p, verdict, hook);
    }
    p.r[R_HOOK] = hook;
    if (nat.finish(p, hook) === VERDICT_ACCEPT) return true;
    this.#stackDrop(STACK_NAT, hook);
    return false;
  }

  #confirm(p: Packet, hook: number): boolean {
    if (!this.#rules?.tracks) return true;
    const { r } = p;
    r[R_HOOK] = hook;
    const isNew = r[R_CT]! >= 0 && this.#tracking.isUnconfirmed(r[R_CT]!);
    if (this.#tracking.confirm(p) === VERDICT_ACCEPT) {
      this.confirmed ||= isNew && !this.#tracking.isUnconfirmed(r[R_CT]!);
      return true;
    }
    this.#stackDrop(STACK_CONNTRACK, hook);
    return false;
  }

  #stop(p: Packet, verdict: Verdict, hook: number): false {
    if (p.hotdrop && verdict === VERDICT_DROP) {
      this.#stackDrop(STACK_HOTDROP, hook);
      return false;
    }
    this.#finish(stopOutcome(verdict), hook);
    return false;
  }
}
