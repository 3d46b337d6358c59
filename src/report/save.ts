import type { Chain, Ruleset, Table } from '../ruleset/model.ts';
import { saveRuleset } from '../ruleset/save.ts';
import type { ChainHits, RulesetHits } from './hits.ts';

/**
 * `--save`, `--save6`: what `iptables-save -c` would print after the run, for `iptables-restore -c` and for `diff`.
 * The comment lines, with which iptables-save dates its output, are left out: the same replay gives the same bytes.
 */
export function savedRuleset(hits: RulesetHits): string {
  return saveRuleset(countedRuleset(hits), { counters: true });
}

/** The ruleset with the replay's counters in place of its own. */
function countedRuleset({ ruleset, tables }: RulesetHits): Ruleset {
  return {
    ...ruleset,
    tables: ruleset.tables.map(
      (table, i): Table => ({ ...table, chains: tables[i]!.chains.map(countedChain) }),
    ),
  };
}

function countedChain({ chain, policy, rules }: ChainHits): Chain {
  return {
    ...chain,
    ...(policy ?? {}),
    rules: rules.map(({ rule, packets, bytes }) => ({ ...rule, packets, bytes })),
  };
}
