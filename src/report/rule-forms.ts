import type { Family } from '../base/inet.ts';
import type { Chain, Rule } from '../ruleset/model.ts';
import { saveRule } from '../ruleset/save.ts';

/** A rule and where it stands. */
export interface PlacedRule {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly rule: Rule;
}

/** The rule as iptables-save prints it, without counters: `-A INPUT -p tcp -j ACCEPT`. */
export function ruleText({ family, table, chain, rule }: PlacedRule): string {
  return saveRule(rule, chain, { name: table, family });
}

/** The policy of a built-in chain, as `iptables -S` prints it. */
export function policyText(chain: Chain): string {
  return `-P ${chain.name} ${chain.policy}`;
}
