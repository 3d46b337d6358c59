import type { Device } from './device.ts';
import { PrefixTable, routesByTable } from './prefix-table.ts';
import {
  EACCES,
  EAGAIN,
  EINVAL,
  ENETUNREACH,
  type Nexthop,
  ROUTE_TYPE_ERRNO,
  type Route,
  RTN_LOCAL,
  TABLE_DEFAULT,
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

/** Nothing found in a table; never leaves this file. */
const ESRCH = 3;

/**
 * Order of routes of one prefix: fib_find_alias() and fib_insert_alias() of net/ipv4/fib_trie.c. Where the tables
 * local and main share one trie, the entries of local (the larger number) stand first.
 */
export function compareRoutes4(a: Route, b: Route): number {
  return b.table - a.table || b.tos - a.tos || a.metric - b.metric;
}

/**
 * The IPv4 forwarding information base: fib_lookup() of include/net/ip_fib.h.
 *
 * As long as nobody has touched the policy rules, the kernel keeps local and main in *one* trie and searches that:
 * a longer prefix in main then goes before a shorter one in local. With any other rule the two are separate tables
 * (fib_unmerge()) and local is asked first. Both ways are kept here.
 *
 * A lookup leaves its result in the fields below; nothing is allocated.
 */
export class Fib4 {
  route: Route | undefined = undefined;
  nexthop: Nexthop | undefined = undefined;
  /** tclassid of the rule that led to the route. */
  ruleRealm = 0;
  /** What decided when there is no route: the text of a rule, or ''. */
  verdictText = '';

  readonly hasCustomRules: boolean;
  /** A `local` route that was not made by the kernel: net->ipv4.fib_has_custom_local_routes. */
  readonly hasCustomLocalRoutes: boolean;
  /** Some route or rule has a realm: net->ipv4.fib_num_tclassid_users. */
  readonly hasRealms: boolean;
  /** Some rule looks at ports or protocol: net->ipv4.fib_rules_require_fldissect. */
  readonly needsPorts: boolean;

  private readonly rules: readonly PolicyRule[];
  private readonly tables = new Map<number, PrefixTable>();
  private readonly merged: PrefixTable;
  private readonly devices: readonly Device[];

  constructor(devices: readonly Device[], routes: readonly Route[], rules: readonly PolicyRule[]) {
    this.devices = devices;
    this.rules = rules;
    this.hasCustomRules = !areDefaultRules(4, rules);
    this.hasCustomLocalRoutes = routes.some((r) => r.type === RTN_LOCAL && !r.isKernelMade);
    this.hasRealms = routes.some((r) => r.realm !== 0) || rules.some((r) => r.realm !== 0);
    this.needsPorts = rules.some((r) => r.ipproto !== 0 || r.sportMin >= 0 || r.dportMin >= 0);
    const byTable = routesByTable(routes);
    for (const [table, list] of byTable) this.tables.set(table, new PrefixTable(4, list, compareRoutes4));
    this.merged = new PrefixTable(
      4,
      [...(byTable.get(TABLE_LOCAL) ?? []), ...(byTable.get(TABLE_MAIN) ?? [])],
      compareRoutes4,
    );
  }

  /** True when the table is known and not empty. */
  hasTable(table: number): boolean {
    return this.tables.has(table);
  }

  /** fib_lookup(): 0 and `route`, `nexthop`, or an errno. `ignoreLinkstate`: FIB_LOOKUP_IGNORE_LINKSTATE. */
  lookup(flow: Flow, ignoreLinkstate: boolean): number {
    this.ruleRealm = 0;
    this.verdictText = '';
    if (this.hasCustomRules) return this.lookupByRules(flow, ignoreLinkstate);
    let error = this.search(this.merged, flow, ignoreLinkstate);
    // Before Linux 6.17 the table default was asked after a rejecting route of main, too.
    if (error === ESRCH || error === EAGAIN) {
      const table = this.tables.get(TABLE_DEFAULT);
      if (table !== undefined) error = this.search(table, flow, ignoreLinkstate);
    }
    if (error === 0) return 0;
    return error === EAGAIN || error === ESRCH ? ENETUNREACH : error;
  }

  /**
   * Search of one table by destination alone, for the address types: fib_get_table() + fib_table_lookup(). The
   * local table means the shared trie while the rules are untouched.
   */
  lookupTable(table: number, flow: Flow): number {
    const found =
      !this.hasCustomRules && (table === TABLE_LOCAL || table === TABLE_MAIN)
        ? this.merged
        : this.tables.get(table);
    return found === undefined ? ESRCH : this.search(found, flow, false);
  }

  /** fib_rules_lookup() with fib4_rule_action() and fib4_rule_suppress(). */
  private lookupByRules(flow: Flow, ignoreLinkstate: boolean): number {
    const { rules } = this;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]!;
      if (!ruleMatches(4, rule, flow)) continue;
      // The search goes on with the target itself.
      if (rule.action === ACTION_GOTO) {
        if (rule.gotoIndex < 0) continue;
        i = rule.gotoIndex - 1;
        continue;
      }
      if (rule.action === ACTION_NOP) continue;
      const error = this.act(rule, flow, ignoreLinkstate);
      if (error === EAGAIN) continue;
      if (error === 0) {
        if (this.isSuppressed(rule)) continue;
        this.ruleRealm = rule.realm;
        return 0;
      }
      this.verdictText = this.verdictText === '' ? rule.text : this.verdictText;
      return error;
    }
    return ENETUNREACH;
  }

  private act(rule: PolicyRule, flow: Flow, ignoreLinkstate: boolean): number {
    switch (rule.action) {
      case ACTION_TABLE: {
        const id = rule.l3mdev ? this.vrfTable(flow) : rule.table;
        const table = this.tables.get(id);
        if (table === undefined) return EAGAIN;
        const error = this.search(table, flow, ignoreLinkstate);
        return error === ESRCH ? EAGAIN : error;
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

  private vrfTable(flow: Flow): number {
    return this.devices[flow.l3mdev]?.vrfTable ?? 0;
  }

  private isSuppressed(rule: PolicyRule): boolean {
    const route = this.route!;
    if (route.prefixLength <= rule.suppressPrefixLength) return true;
    if (rule.suppressGroup < 0) return false;
    const device = this.devices[this.nexthop!.oif];
    return device !== undefined && this.nexthop!.oif !== 0 && device.group === rule.suppressGroup;
  }

  /** fib_table_lookup(). A route of a rejecting type ends the search with its error, whatever its nexthops. */
  private search(table: PrefixTable, flow: Flow, ignoreLinkstate: boolean): number {
    const { levels } = table;
    for (let l = 0; l < levels.length; l++) {
      const routes = levels[l]!.find(flow.daddrWords, flow.daddrAt);
      if (routes === undefined) continue;
      for (let r = 0; r < routes.length; r++) {
        const route = routes[r]!;
        if (route.tos !== 0 && route.tos !== (flow.tos & 0x1c)) continue;
        const error = ROUTE_TYPE_ERRNO[route.type]!;
        if (error !== 0) {
          this.verdictText = route.text;
          return error;
        }
        for (let n = 0; n < route.nexthops.length; n++) {
          const nexthop = route.nexthops[n]!;
          if (!this.isUsable(nexthop, flow, ignoreLinkstate)) continue;
          this.route = route;
          this.nexthop = nexthop;
          return 0;
        }
      }
    }
    return ESRCH;
  }

  /** fib_lookup_good_nhc(). */
  private isUsable(nexthop: Nexthop, flow: Flow, ignoreLinkstate: boolean): boolean {
    const ignoresLinkdown = nexthop.isLinkdown && this.devices[nexthop.oif]?.conf4.ignoreLinkdown === true;
    // The dump also says `dead` of a nexthop that is merely ignored because its link is down (fib_nexthop_info).
    if (nexthop.isDead && !ignoresLinkdown) return false;
    if (ignoresLinkdown && !ignoreLinkstate) return false;
    return flow.oif === 0 || flow.oif === nexthop.oif;
  }
}
