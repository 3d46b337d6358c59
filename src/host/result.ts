import type { Family } from '../base/inet.ts';
import { EACCES, EHOSTUNREACH, EINVAL, type Nexthop, type Route } from './route.ts';
import {
  ROUTE_BLACKHOLE,
  ROUTE_NONE,
  ROUTE_PROHIBIT,
  ROUTE_UNREACHABLE,
  type RouteKind,
  type RouteResult,
} from './types.ts';

/** A result to be used again and again as the output parameter of routeInput and routeOutput. */
export function makeRouteResult(): RouteResult {
  return {
    kind: ROUTE_NONE,
    oif: 0,
    prefsrc: new Int32Array(4),
    hasPrefsrc: false,
    gateway: new Int32Array(4),
    hasGateway: false,
    realm: 0,
    reason: '',
  };
}

export function clearResult(out: RouteResult): void {
  out.kind = ROUTE_NONE;
  out.oif = 0;
  out.hasPrefsrc = false;
  out.hasGateway = false;
  out.realm = 0;
  out.reason = '';
}

export function refuse(out: RouteResult, kind: RouteKind, reason: string): RouteKind {
  clearResult(out);
  out.kind = kind;
  out.reason = reason;
  return kind;
}

/** The kind that an errno of a lookup stands for: how ip_error() and ip6_pkt_drop() tell them apart. */
export function kindOfError(error: number): RouteKind {
  if (error === EINVAL) return ROUTE_BLACKHOLE;
  if (error === EACCES) return ROUTE_PROHIBIT;
  if (error === EHOSTUNREACH) return ROUTE_UNREACHABLE;
  return ROUTE_NONE;
}

export function take(out: RouteResult, kind: RouteKind, oif: number, reason: string): RouteKind {
  out.kind = kind;
  out.oif = oif;
  out.reason = reason;
  return kind;
}

export function takeGateway(out: RouteResult, nexthop: Nexthop, family: Family): void {
  // An IPv4 route with an IPv6 gateway (RTA_VIA) has no IPv4 next hop: neighbours are asked over IPv6.
  if (nexthop.gateway === undefined || nexthop.gatewayFamily !== family) return;
  for (let i = 0; i < 4; i++) out.gateway[i] = nexthop.gateway[i]!;
  out.hasGateway = true;
}

export function takePrefsrc4(out: RouteResult, word: number): void {
  out.prefsrc.fill(0);
  out.prefsrc[0] = word;
  out.hasPrefsrc = word !== 0;
}

/**
 * tclassid of a route: set_class_tag() of net/ipv4/route.c. The nexthop's realms go before the rule's, and these
 * before those found by the source (`itag`).
 */
export function combineRealms(route: Route | undefined, ruleRealm: number, itag: number): number {
  return addRealm(addRealm(route?.realm ?? 0, ruleRealm), itag) >>> 0;
}

function addRealm(realm: number, tag: number): number {
  if ((realm & 0xffff) === 0) realm |= tag & 0xffff;
  if (realm >>> 16 === 0) realm |= tag & 0xffff0000;
  return realm;
}
