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
  /** How many there are. */
  readonly count: number;
  readonly owners: readonly CounterOwner[];
  /** Of a table: the counter of the first rule of each of its chains. */
  firstOf(table: Table): Int32Array;
  ofRule(rule: Rule): number;
  /** Counter of a built-in chain's policy; -1 for a user-defined chain. */
  ofPolicy(chain: Chain): number;
}

/** Who asks for many counters goes by `firstOf`: all else is made when it is first asked for, and is large. */
export function numberCounters(rulesets: readonly Ruleset[]): CounterIndex {
  const firsts = new Map<Table, Int32Array>();
  let count = 0;
  for (const { tables } of rulesets) {
    for (const table of tables) {
      const first = new Int32Array(table.chains.length);
      for (const [i, { rules, builtin }] of table.chains.entries()) {
        first[i] = count;
        count += rules.length + (builtin === undefined ? 0 : 1);
      }
      firsts.set(table, first);
    }
  }
  let all: { owners: CounterOwner[]; rules: Map<Rule, number>; policies: Map<Chain, number> } | undefined;
  const each = () => {
    all ??= ownersOf(rulesets);
    return all;
  };
  return {
    count,
    get owners() {
      return each().owners;
    },
    firstOf: (table) => firsts.get(table)!,
    ofRule: (rule) => each().rules.get(rule)!,
    ofPolicy: (chain) => each().policies.get(chain) ?? -1,
  };
}

function ownersOf(rulesets: readonly Ruleset[]) {
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
  return { owners, rules, policies };
}
