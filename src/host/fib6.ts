import { equals6 } from './address6.ts';
import type { Device } from './device.ts';
import { multipathHash, pickByWeight } from './multipath.ts';
import { PrefixTable, routesByTable } from './prefix-table.ts';
import {
  EACCES,
  EAGAIN,
  EINVAL,
  ENETUNREACH,
  type Nexthop,
  ROUTE_TYPE_ERRNO,
  type Route,
  TABLE_LOCAL,
  TABLE_MAIN,
} from './route.ts';
import {
  ACTION_BLACKHOLE,
  ACTION_GOTO,
  ACTION_NOP,
  ACTION_PROHIBIT,
  ACTION_TABLE,
  ACTION_UNREACHABLE,
  areDefaultRules,
  type Flow,
  type PolicyRule,
  ruleMatches,
} from './rule.ts';

/** No route in a table (fib6_null_entry); never leaves this file. */
const ESRCH = 3;
/** RT6_NUD_FAIL_HARD: the nexthop is out of the question. */
const UNFIT = -1;

/**
 * Order of routes of one destination prefix: the longest source prefix first (a subtree of its own in the kernel),
 * then by metric (fib6_add_rt2node() of net/ipv6/ip6_fib.c).
 */
export function compareRoutes6(a: Route, b: Route): number {
  if (a.srcPrefixLength !== b.srcPrefixLength) return b.srcPrefixLength - a.srcPrefixLength;
  if (a.srcPrefixLength > 0) {
    for (let i = 0; i < 4; i++)
      if (a.srcPrefix![i] !== b.srcPrefix![i]) return a.srcPrefix![i]! - b.srcPrefix![i]!;
  }
  return a.metric - b.metric;
}

/**
 * The IPv6 forwarding information base: fib6_rule_lookup() of net/ipv6/fib6_rules.c, fib6_table_lookup() and
 * rt6_select() of net/ipv6/route.c.
 *
 * Unlike IPv4, an interface is not a condition but a score: among routes of one prefix and metric, one by the wanted
 * interface goes before one by another, unless the destination is link-local, multicast or loopback (`isStrict`,
 * RT6_LOOKUP_F_IFACE): then only that interface will do. For packets that came in, the wanted interface is theirs.
 * Neighbours are taken as reachable.
 *
 * A lookup leaves its result in the fields below; nothing is allocated.
 */
export class Fib6 {
  route: Route | undefined = undefined;
  nexthop: Nexthop | undefined = undefined;
  /** What decided when there is no route: the text of a rule or route, or ''. */
  verdictText = '';

  readonly hasCustomRules: boolean;
  private readonly devices: readonly Device[];
  private readonly rules: readonly PolicyRule[];
  private readonly tables = new Map<number, PrefixTable>();
  private readonly weights: Int32Array;
  private readonly multipathPolicy: number;
  private readonly onMultipath: () => void;

  constructor(
    devices: readonly Device[],
    routes: readonly Route[],
    rules: readonly PolicyRule[],
    multipathPolicy: number,
    onMultipath: () => void,
  ) {
    this.devices = devices;
    this.rules = rules;
    this.multipathPolicy = multipathPolicy;
    this.onMultipath = onMultipath;
    this.hasCustomRules = !areDefaultRules(6, rules);
    this.weights = new Int32Array(routes.reduce((most, r) => Math.max(most, r.nexthops.length), 1));
    for (const [table, list] of routesByTable(routes))
      this.tables.set(table, new PrefixTable(6, list, compareRoutes6));
  }

  /** fib6_rule_lookup(): 0 and `route`, `nexthop`, or an errno. `oif` is the wanted interface, 0 any. */
  lookup(flow: Flow, oif: number, isStrict: boolean): number {
    this.verdictText = '';
    this.route = undefined;
    if (this.hasCustomRules) return this.lookupByRules(flow, oif, isStrict);
    let error = this.search(TABLE_LOCAL, flow, oif, isStrict);
    if (error === ESRCH || error === EAGAIN) error = this.search(TABLE_MAIN, flow, oif, isStrict);
    return error === ESRCH || error === EAGAIN ? ENETUNREACH : error;
  }

  /**
   * fib6_rule_lookup() for ip6_route_lookup(): of the routes of the longest prefix the first one by the wanted interface, or
   * on an interface that has the source address, is taken; else the first of all, be it one that rejects.
   */
  lookupByDevice(flow: Flow, oif: number, isStrict: boolean): number {
    this.isByDevice = true;
    const error = this.lookup(flow, oif, isStrict);
    this.isByDevice = false;
    return error;
  }

  private isByDevice = false;

  private lookupByRules(flow: Flow, oif: number, isStrict: boolean): number {
    const { rules } = this;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]!;
      if (!ruleMatches(6, rule, flow)) continue;
      if (rule.action === ACTION_GOTO) {
        if (rule.gotoIndex >= 0) i = rule.gotoIndex - 1;
        continue;
      }
      if (rule.action === ACTION_NOP) continue;
      const error = this.act(rule, flow, oif, isStrict);
      if (error === EAGAIN || error === ESRCH) continue;
      if (error === 0 && this.isSuppressed(rule)) continue;
      if (error !== 0 && this.verdictText === '') this.verdictText = rule.text;
      return error;
    }
    return ENETUNREACH;
  }

  private act(rule: PolicyRule, flow: Flow, oif: number, isStrict: boolean): number {
    switch (rule.action) {
      case ACTION_TABLE: {
        const table = rule.l3mdev ? (this.devices[flow.l3mdev]?.vrfTable ?? 0) : rule.table;
        return this.search(table, flow, oif, isStrict);
      }
      case ACTION_UNREACHABLE:
        return ENETUNREACH;
      case ACTION_PROHIBIT:
        return EACCES;
      case ACTION_BLACKHOLE:
        return EINVAL;
      default:
        return EINVAL;
    }
  }

  /** fib6_rule_suppress(). */
  private isSuppressed(rule: PolicyRule): boolean {
    if (this.route!.prefixLength <= rule.suppressPrefixLength) return true;
    if (rule.suppressGroup < 0) return false;
    const { oif } = this.nexthop!;
    return oif !== 0 && this.devices[oif]!.group === rule.suppressGroup;
  }

  /**
   * fib6_table_lookup(): fib6_node_lookup(), rt6_select() and fib6_backtrack().
   *
   * A destination prefix that has routes with a source prefix is passed over at first when none of these fits the
   * source, even if it has a route without one; only backtracking from a longer prefix, or the root, comes to that.
   */
  private search(tableId: number, flow: Flow, oif: number, isStrict: boolean): number {
    const table = this.tables.get(tableId);
    if (table === undefined) return ESRCH;
    const { levels } = table;
    let hasStarted = false;
    for (let l = 0; l < levels.length; l++) {
      const level = levels[l]!;
      const routes = level.find(flow.daddrWords, flow.daddrAt);
      if (routes === undefined) continue;
      const hasSubtree = routes[0]!.srcPrefixLength > 0;
      let start = 0;
      while (start < routes.length) {
        let end = start + 1;
        while (end < routes.length && hasSameSource(routes[start]!, routes[end]!)) end++;
        const isPlain = routes[start]!.srcPrefixLength === 0;
        if (isPlain ? hasStarted || !hasSubtree || level.length === 0 : sourceFits(routes[start]!, flow)) {
          hasStarted = true;
          const isFound = this.isByDevice
            ? this.matchDevice(routes, start, end, flow, oif, isStrict)
            : this.select(routes, start, end, flow, oif, isStrict);
          if (isFound) {
            const error = ROUTE_TYPE_ERRNO[this.route!.type]!;
            if (error !== 0) this.verdictText = this.route!.text;
            return error;
          }
        }
        start = end;
      }
    }
    return ESRCH;
  }

  /** rt6_device_match(). Leaves `route` and `nexthop`; false when the search has to go on with a shorter prefix. */
  private matchDevice(
    routes: readonly Route[],
    start: number,
    end: number,
    flow: Flow,
    oif: number,
    isStrict: boolean,
  ): boolean {
    const first = routes[start]!;
    const isFree = oif === 0 && !flow.hasSaddr;
    for (let r = start; r < end && !isFree; r++) {
      const route = routes[r]!;
      for (const nexthop of route.nexthops) {
        if (nexthop.isDead) continue;
        if (oif !== 0 ? nexthop.oif !== oif : !this.hasSource(nexthop.oif, flow)) continue;
        this.route = route;
        this.nexthop = nexthop;
        return true;
      }
    }
    if (oif !== 0 && isStrict) return false;
    this.route = first;
    this.nexthop = first.nexthops[0];
    return this.nexthop?.isDead !== true;
  }

  /** ipv6_chk_addr(): the interface has the source address. */
  private hasSource(oif: number, flow: Flow): boolean {
    return (
      this.devices[oif]?.addresses6.some(({ address }) =>
        equals6(address, 0, flow.saddrWords, flow.saddrAt),
      ) === true
    );
  }

  /** rt6_select(): the best of the lowest metric that has a usable one. Leaves `route` and `nexthop`. */
  private select(
    routes: readonly Route[],
    start: number,
    end: number,
    flow: Flow,
    oif: number,
    isStrict: boolean,
  ): boolean {
    let best = UNFIT;
    let found: Route | undefined;
    let nexthop: Nexthop | undefined;
    for (let r = start; r < end; r++) {
      const route = routes[r]!;
      if (found !== undefined && route.metric !== found.metric) break;
      for (let n = 0; n < route.nexthops.length; n++) {
        const score = this.score(route, route.nexthops[n]!, oif, isStrict);
        if (score <= best) continue;
        best = score;
        found = route;
        nexthop = route.nexthops[n]!;
      }
    }
    if (found === undefined) return false;
    this.route = found;
    this.nexthop = found.nexthops.length > 1 ? this.choose(found, nexthop!, flow, oif, isStrict) : nexthop;
    return true;
  }

  /** find_match() and rt6_score_route(). */
  private score(route: Route, nexthop: Nexthop, oif: number, isStrict: boolean): number {
    const ignoresLinkdown = nexthop.isLinkdown && this.devices[nexthop.oif]!.conf6.ignoreLinkdown;
    if (nexthop.isDead || ignoresLinkdown) return UNFIT;
    const isWanted = oif === 0 || nexthop.oif === oif;
    if (!isWanted && isStrict) return UNFIT;
    return (isWanted ? 2 : 0) | (route.preference << 2);
  }

  /** fib6_select_path(). */
  private choose(route: Route, found: Nexthop, flow: Flow, oif: number, isStrict: boolean): Nexthop {
    this.onMultipath();
    const { nexthops } = route;
    for (let i = 0; i < nexthops.length; i++)
      this.weights[i] = this.score(route, nexthops[i]!, oif, isStrict) < 0 ? 0 : nexthops[i]!.weight;
    const hash = multipathHash(flow, 4, this.multipathPolicy);
    const chosen = nexthops[pickByWeight(hash, this.weights, nexthops.length)]!;
    return this.score(route, chosen, oif, isStrict) < 0 ? found : chosen;
  }
}

function hasSameSource(a: Route, b: Route): boolean {
  if (a.srcPrefixLength !== b.srcPrefixLength) return false;
  if (a.srcPrefixLength === 0) return true;
  for (let i = 0; i < 4; i++) if (a.srcPrefix![i] !== b.srcPrefix![i]) return false;
  return true;
}

function sourceFits(route: Route, flow: Flow): boolean {
  let bits = route.srcPrefixLength;
  for (let i = 0; bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? -1 : -1 << (32 - bits);
    if ((flow.saddrWords[flow.saddrAt + i]! & mask) !== route.srcPrefix![i]) return false;
  }
  return true;
}
