import { type RulesetHits, targetName } from './hits.ts';
import { policyText, ruleText } from './rule-forms.ts';

/**
 * The table of rules, for CSV, Arrow, JSON and HTML: a row for each rule, and one for the policy of each built-in
 * chain behind its rules.
 */
export interface RuleRow {
  readonly family: 4 | 6;
  readonly table: string;
  readonly chain: string;
  /** Number in the chain from 1; 0 for the policy. */
  readonly number: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Name of the target or of the chain jumped to; empty for a rule without -j; the policy for a policy. */
  readonly target: string;
  /** As iptables-save prints it, or `-P CHAIN POLICY`. */
  readonly rule: string;
  /** Line in the dump; 0 for a policy. */
  readonly line: number;
}

export const RULE_COLUMNS = [
  'family',
  'table',
  'chain',
  'number',
  'packets',
  'bytes',
  'target',
  'rule',
  'line',
] as const satisfies readonly (keyof RuleRow)[];

export function ruleRows(rulesets: readonly RulesetHits[]): RuleRow[] {
  const rows: RuleRow[] = [];
  for (const { family, ruleset, tables } of rulesets) {
    for (const { name: table, chains } of tables) {
      for (const { chain, policy, rules } of chains) {
        for (const { rule, number, packets, bytes } of rules) {
          rows.push({
            family,
            table,
            chain: chain.name,
            number,
            packets,
            bytes,
            target: targetName(rule),
            rule: ruleText({ family: ruleset.family, table, chain: chain.name, rule }),
            line: rule.position.line,
          });
        }
        if (policy === undefined) continue;
        const text = policyText(chain);
        const { packets, bytes } = policy;
        rows.push({
          family,
          table,
          chain: chain.name,
          number: 0,
          packets,
          bytes,
          target: chain.policy!,
          rule: text,
          line: 0,
        });
      }
    }
  }
  return rows;
}
