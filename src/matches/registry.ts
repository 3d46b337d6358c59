import type { Family } from '../base/inet.ts';
import type { MatchDefinition } from '../extension/define.ts';
import { comment } from './comment.ts';
import { connlimit } from './connlimit.ts';
import { conntrack, state } from './conntrack.ts';
import { hashlimit } from './hashlimit.ts';
import { icmp } from './icmp.ts';
import { limit } from './limit.ts';
import { mark } from './mark.ts';
import { multiport } from './multiport.ts';
import { recent } from './recent.ts';
import { statistic } from './statistic.ts';
import { tcp } from './tcp.ts';
import { udp } from './udp.ts';

/** Every match: one line each, in alphabetical order. */
// biome-ignore lint/suspicious/noExplicitAny: each definition has options and a state of its own.
export const MATCHES: readonly MatchDefinition<any, any>[] = [
  comment,
  connlimit,
  conntrack,
  hashlimit,
  icmp,
  limit,
  mark,
  multiport,
  recent,
  state,
  statistic,
  tcp,
  udp,
];

/** Other names that -m takes (xtables_find_match()). */
export const MATCH_ALIASES: Readonly<Record<string, string>> = { icmpv6: 'icmp6', 'ipv6-icmp': 'icmp6' };

const byName: Readonly<Record<Family, ReadonlyMap<string, MatchDefinition>>> = {
  4: new Map(MATCHES.filter((one) => one.families.includes(4)).map((one) => [one.name, one])),
  6: new Map(MATCHES.filter((one) => one.families.includes(6)).map((one) => [one.name, one])),
};

export function findMatch(name: string, family: Family): MatchDefinition | undefined {
  return byName[family].get(name);
}
