import type { Family } from '../base/inet.ts';
import type { CounterOwner } from '../netfilter/ruleset-index.ts';
import { policyText, ruleText } from './rule-forms.ts';

/** The rule or policy that decided a packet's fate, as rows of packets name it. */
export interface Decider {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** Number in its chain, from 1; 0 for the chain's policy. */
  readonly number: number;
  /** The rule as iptables-save prints it, or `-P CHAIN POLICY`. */
  readonly text: string;
}

export function deciderOf({ ruleset, table, chain, rule, ruleNumber }: CounterOwner): Decider {
  const { family } = ruleset;
  const text =
    rule === undefined ? policyText(chain) : ruleText({ family, table: table.name, chain: chain.name, rule });
  return { family, table: table.name, chain: chain.name, number: ruleNumber, text };
}

/** `filter lan-wan rule 4: -A lan-wan ...`, or `the policy of filter INPUT: -P INPUT DROP`. */
export function describeDecider({ table, chain, number, text }: Decider): string {
  if (number === 0) return `the policy of ${table} ${chain}: ${text}`;
  return `${table} ${chain} rule ${number}: ${text}`;
}
