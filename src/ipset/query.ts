import type { RuleEnvironment } from '../extension/define.ts';
import { JIFFY_SENTENCE } from '../matches/jiffies.ts';
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

const TIMEOUT_SENTENCE = 'Timeouts in the ipset dump are taken to run from the first packet of the run on.';

/**
 * The set that a rule names, which bindSets has seen to. Notes what had to be assumed.
 */
export function setOf(name: string, environment: RuleEnvironment): IpSet {
  const set = environment.sets?.get(name);
  if (set === undefined) throw new Error(`the set ${name} was not bound`);
  if ([set, ...set.members].some((one) => one.options.timeoutSeconds !== undefined)) {
    environment.assume(TIMEOUT_SENTENCE);
    environment.assume(JIFFY_SENTENCE);
  }
  return set;
}
