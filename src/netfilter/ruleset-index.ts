import type { Chain, Rule, Ruleset, Table } from '../ruleset/model.ts';

/** What a counter id stands for. */
export interface CounterOwner {
  readonly ruleset: Ruleset;
  readonly table: Table;
  readonly chain: Chain;
  /** Undefined for the policy of a built-in chain. */
  readonly rule: Rule | undefined;
  /** Number of the rule in its chain, from 1 as `--line-numbers` counts; 0 for the policy. */
  readonly ruleNumber: number;
}

/**
 * Counter ids of rulesets: families in the order given, tables and chains in the order of the model, in each chain
 * the rules in order and then, for a built-in chain, the policy. The same rulesets give the same ids in every thread.
 */
export interface CounterIndex {
  readonly owners: readonly CounterOwner[];
  ofRule(rule: Rule): number;
  /** Counter of a built-in chain's policy; -1 for a user-defined chain. */
  ofPolicy(chain: Chain): number;
}

export function numberCounters(rulesets: readonly Ruleset[]): CounterIndex {
  const owners: CounterOwner[] = [];
  const rules = new Map<Rule, number>();
  const policies = new Map<Chain, number>();
  for (const ruleset of rulesets) {
    for (const table of ruleset.tables) {
      for (const chain of table.chains) {
        let ruleNumber = 0;
        for (const rule of chain.rules) {
          rules.set(rule, owners.length);
          owners.push({ ruleset, table, chain, rule, ruleNumber: ++ruleNumber });
        }
        if (chain.builtin !== undefined) {
          policies.set(chain, owners.length);
          owners.push({ ruleset, table, chain, rule: undefined, ruleNumber: 0 });
        }
      }
    }
  }
  return { owners, ofRule: (rule) => rules.get(rule)!, ofPolicy: (chain) => policies.get(chain) ?? -1 };
}
