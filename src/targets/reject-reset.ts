import { CHECKSUM_BAD } from '../batch/layout.ts';
import type { RuleEnvironment } from '../extension/define.ts';
import { ADDR6_UNICAST, addressType6 } from '../host/address6.ts';
import { makeRouteResult } from '../host/result.ts';
import { ROUTE_MULTICAST, type RouteResult } from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import {
  R_CHECKSUM,
  R_CT,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_L4PROTO,
  R_MARK,
  R_SADDR,
  R_SPORT,
  R_TCP_FLAGS,
} from '../packet/registers.ts';

const TCP_RST = 4;

/** What the answer of one `REJECT --reject-with tcp-reset` needs to be sent. */
export interface ResetState {
  readonly host: RuleEnvironment['host'];
  readonly conntrack: RuleEnvironment['conntrack'];
  readonly route: RouteResult;
  /** Addresses of the reset: source and destination. */
  readonly words: Int32Array;
  /** The reset has the mark of the packet that it answers. */
  readonly reflectsMark: boolean;
}

export function makeResetState({ family, host, conntrack }: RuleEnvironment): ResetState {
  return {
    host,
    conntrack,
    route: makeRouteResult(),
    words: new Int32Array(8),
    reflectsMark: host.sysctl(`net.ipv${family}.fwmark_reflect`) !== 0,
  };
}

/**
 * A reset is sent in answer to packet `p`: its connection, if it stands in the table, is closed, since the two ends will
 * not hear of each other again. Linux: nf_send_reset() (net/ipv4/netfilter/nf_reject_ipv4.c), nf_send_reset6(), and
 * nf_ct_set_closing(), which they call once the reset has a route.
 */
export function closeByReset(p: Packet, state: ResetState): void {
  const ct = p.r[R_CT]!;
  if (ct < 0 || state.conntrack.isUnconfirmed(ct)) return;
  if (isAnswerable(p) && hasRoute(p, state)) state.conntrack.setClosing(ct, p.timeNs);
}

/** nf_reject_ip_tcphdr_get(): whole enough, right, and no reset itself. */
function isAnswerable({ r }: Packet): boolean {
  const flags = r[R_TCP_FLAGS]!;
  return r[R_FRAG_OFFSET] === 0 && flags >= 0 && (flags & TCP_RST) === 0 && r[R_CHECKSUM] !== CHECKSUM_BAD;
}

/** Both ends are single machines, and a way leads back to the sender. */
function hasRoute({ r }: Packet, { host, route, words, reflectsMark }: ResetState): boolean {
  for (let i = 0; i < 4; i++) {
    words[i] = r[R_DADDR + i]!;
    words[4 + i] = r[R_SADDR + i]!;
  }
  const family = r[R_FAMILY] === 4 ? 4 : 6;
  if (family === 4) {
    const type = host.addressType(4, words, 0, 0);
    if (type === 'BROADCAST' || type === 'MULTICAST') return false;
    // ip_route_me_harder(): of a source that is nobody's nothing is said.
    if (type !== 'LOCAL' && type !== 'UNICAST') words[0] = 0;
  } else if ((addressType6(words, 0) & addressType6(words, 4) & ADDR6_UNICAST) === 0) return false;
  const mark = reflectsMark ? r[R_MARK]! : 0;
  host.routeOutput(family, words, 0, 4, 0, mark, 0, r[R_L4PROTO]!, r[R_DPORT]!, r[R_SPORT]!, route);
  return route.kind <= ROUTE_MULTICAST;
}
