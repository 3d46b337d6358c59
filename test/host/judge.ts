import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import { makeRouteResult } from '../../src/host/result.ts';
import { formatAddress } from '../../src/host/route.ts';
import {
  type Host,
  ROUTE_BLACKHOLE,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NONE,
  ROUTE_NOT_FORWARDING,
  ROUTE_PROHIBIT,
  ROUTE_UNICAST,
  ROUTE_UNREACHABLE,
  type RouteResult,
} from '../../src/host/types.ts';
import type { Query } from './random-network.ts';

export type Answer = Record<string, unknown> | string;

const out = makeRouteResult();
const words = new Int32Array(8);

function setAddress(family: 4 | 6, at: number, text: string | undefined): void {
  words.fill(0, at, at + 4);
  if (text === undefined) return;
  if (family === 4) words[at] = parseIpv4(text)!;
  else words.set(parseIpv6(text)!, at);
}

export function ask(host: Host, family: 4 | 6, q: Query): RouteResult {
  setAddress(family, 0, q.src);
  setAddress(family, 4, q.dst);
  // The kernel takes an IPv4 question without a protocol for one about UDP (inet_rtm_getroute()).
  const [l4proto, sport, dport] = q.ports ?? [family === 4 ? 17 : 0, -1, -1];
  if (q.iif !== undefined)
    host.routeInput(
      family,
      words,
      0,
      4,
      q.tos,
      q.mark,
      host.findInterface(q.iif),
      l4proto,
      sport,
      dport,
      out,
    );
  else {
    const oif = q.oif === undefined ? 0 : host.findInterface(q.oif);
    host.routeOutput(family, words, 0, 4, q.tos, q.mark, oif, l4proto, sport, dport, out);
  }
  return out;
}

const TYPE_OF_KIND: Readonly<Record<number, string>> = {
  [ROUTE_LOCAL]: 'local',
  [ROUTE_UNICAST]: 'unicast',
  [ROUTE_BROADCAST]: 'broadcast',
  [ROUTE_MULTICAST]: 'multicast',
};

/** What is wrong with our answer, or undefined when the kernel agrees. */
export function compare(host: Host, family: 4 | 6, q: Query, answer: Answer): string | undefined {
  const ours = ask(host, family, q);
  const problem = family === 4 ? compare4(host, q, ours, answer) : compare6(host, q, ours, answer);
  if (problem === undefined) return undefined;
  const { kind, oif, hasGateway, gateway, hasPrefsrc, prefsrc, reason } = ours;
  return `${problem}; ours: kind ${kind} dev ${host.interfaces[oif]?.name} ${hasGateway ? `via ${formatAddress(family, gateway)}` : ''} ${hasPrefsrc ? `src ${formatAddress(family, prefsrc)}` : ''} (${reason}); kernel: ${JSON.stringify(answer)}`;
}

/** Errors of the kernel and the kinds that may stand for them. */
function errorFits(host: Host, q: Query, ours: RouteResult, error: string): boolean {
  const { kind } = ours;
  const isReversePath = ours.reason.includes('rp_filter)');
  switch (error) {
    case 'Invalid argument':
      // Since Linux 6.14 `ip route get` says this of a packet that rp_filter drops, too.
      return kind === ROUTE_MARTIAN || kind === ROUTE_BLACKHOLE;
    case 'Invalid cross-device link':
      return kind === ROUTE_MARTIAN && isReversePath;
    case 'Network is unreachable':
      return kind === ROUTE_NONE;
    case 'Permission denied':
      return kind === ROUTE_PROHIBIT;
    case 'No route to host': {
      if (kind === ROUTE_NOT_FORWARDING || kind === ROUTE_UNREACHABLE) return true;
      // With forwarding off the kernel says so whatever the lookup failed of.
      const isOff =
        q.iif !== undefined && host.interfaceSysctl(4, 'forwarding', host.findInterface(q.iif)) === 0;
      return isOff && (kind === ROUTE_NONE || kind === ROUTE_BLACKHOLE || kind === ROUTE_PROHIBIT);
    }
    default:
      return false;
  }
}

function compare4(host: Host, q: Query, ours: RouteResult, answer: Answer): string | undefined {
  if (typeof answer === 'string') return errorFits(host, q, ours, answer) ? undefined : 'another error';
  const type = answer.type ?? 'unicast';
  // A directed broadcast that is forwarded (bc_forwarding) keeps its type in the kernel.
  const isForwarded =
    q.iif !== undefined && ours.kind === ROUTE_UNICAST && ours.reason.startsWith('broadcast ');
  if (TYPE_OF_KIND[ours.kind] !== type && !(isForwarded && type === 'broadcast')) return 'another type';
  if (q.iif !== undefined && type !== 'unicast' && !isForwarded) return undefined;
  return compareWay(host, 4, q, ours, answer);
}

function compareWay(
  host: Host,
  family: 4 | 6,
  q: Query,
  ours: RouteResult,
  answer: Record<string, unknown>,
): string | undefined {
  // Which nexthop a multipath route gives is the kernel's secret.
  if (ours.reason.includes(' nexthops ')) return undefined;
  if (host.interfaces[ours.oif]!.name !== answer.dev) return 'another interface';
  const gateway = ours.hasGateway ? formatAddress(family, ours.gateway) : undefined;
  if (ours.kind === ROUTE_UNICAST && gateway !== answer.gateway) return 'another gateway';
  if (q.iif !== undefined || (family === 4 && q.src !== undefined)) return undefined;
  const prefsrc = ours.hasPrefsrc ? formatAddress(family, ours.prefsrc) : undefined;
  return prefsrc === answer.prefsrc ? undefined : 'another source address';
}

function compare6(host: Host, q: Query, ours: RouteResult, answer: Answer): string | undefined {
  if (typeof answer === 'string') {
    // The kernel finds a way for multicast that came in, but cannot tell it (ip6mr_get_route()).
    if (answer === 'Message too long')
      return ours.kind === ROUTE_MULTICAST || ours.reason.includes('group is not joined')
        ? undefined
        : 'another type';
    return errorFits(host, q, ours, answer) ? undefined : 'another error';
  }
  const type = answer.type ?? 'unicast';
  switch (type) {
    case 'blackhole':
      return ours.kind === ROUTE_BLACKHOLE ? undefined : 'another type';
    case 'prohibit':
      return ours.kind === ROUTE_PROHIBIT ? undefined : 'another type';
    case 'unreachable':
      return ours.kind === ROUTE_UNREACHABLE || ours.kind === ROUTE_NONE ? undefined : 'another type';
    case 'anycast':
      return ours.kind === ROUTE_LOCAL ? undefined : 'another type';
  }
  // `ip route get` does not come to ip6_forward() and ip6_mc_input().
  if (q.iif !== undefined) {
    if (type === 'multicast')
      return ours.kind === ROUTE_MULTICAST || ours.reason.includes('group is not joined')
        ? undefined
        : 'another type';
    if (type === 'unicast' && (ours.kind === ROUTE_NOT_FORWARDING || ours.reason.includes('source')))
      return undefined;
  }
  if (TYPE_OF_KIND[ours.kind] !== type && !(ours.kind === ROUTE_MULTICAST && type === 'unicast'))
    return 'another type';
  if (q.iif !== undefined && type !== 'unicast') return undefined;
  return compareWay(host, 6, q, ours, answer);
}
