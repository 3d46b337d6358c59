import type { Packet } from '../packet/packet.ts';
import { type IpSet, NOMATCH, type SetQuery, type SkbInfo } from './types.ts';

/**
 * Asks, adds to and deletes from a set: ip_set_test(), ip_set_add() and ip_set_del() of
 * net/netfilter/ipset/ip_set_core.c. A rule with too few `src`/`dst` words, or of the other family, is in no set.
 */
export function askSet(set: IpSet, p: Packet, query: SetQuery, found: SkbInfo | undefined): number {
  if (!fits(set, query)) return 0;
  const answer = set.test(p, query, found);
  // --return-nomatch turns round what was found, and leaves alone what was not.
  const turned = query.returnNomatch && set.knowsNomatch ? -answer : answer;
  return turned === NOMATCH ? 0 : turned;
}

export function addToSet(set: IpSet, p: Packet, query: SetQuery): boolean {
  return fits(set, query) && set.add(p, query);
}

export function deleteFromSet(set: IpSet, p: Packet, query: SetQuery): boolean {
  return fits(set, query) && set.del(p, query);
}

function fits(set: IpSet, query: SetQuery): boolean {
  const { family } = set.options;
  return query.dimensions >= set.dimension && (family === 0 || family === query.family);
}
