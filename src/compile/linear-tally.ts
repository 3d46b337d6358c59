import type { WalkObserver } from '../evaluate/linear.ts';
import type { RuntimeChain } from '../evaluate/runtime.ts';
import type { ChainTally } from './chain-tally.ts';
import type { RuleTally } from './rule-tally.ts';

/** What the linear walker of a profiled run counts by. `chains`: all of its ruleset, in the order of the tally. */
export function linearTally(
  chains: readonly RuntimeChain[],
  { checks, matches }: RuleTally,
  { entered }: ChainTally,
): WalkObserver {
  const numbers = new Map(chains.map((chain, number) => [chain, number]));
  return {
    rule: (chain, rule, matched, p) => {
      checks[rule.counter]! += 1;
      if (matched && !p.hotdrop) matches[rule.counter]! += 1;
      // A walk that comes back to a chain goes on behind the rule that it left by.
      if (rule === chain.rules[0]) entered[numbers.get(chain)!]! += 1;
    },
    policy: () => {},
  };
}
