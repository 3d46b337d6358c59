import type { Family } from '../base/inet.ts';
import { numberCounters } from '../netfilter/ruleset-index.ts';
import type { TableName } from '../packet/registers.ts';
import { countReferences } from '../ruleset/list.ts';
import type { Chain, Rule, Ruleset } from '../ruleset/model.ts';
import type { ReplayOutput } from '../workers/config.ts';

/** Packets and bytes, exact: counters have 64 bits, and start again at 0 when they overflow, as the kernel's do. */
export interface Count {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export interface RuleHits extends Count {
  readonly rule: Rule;
  /** Number in its chain, from 1. */
  readonly number: number;
}

export interface ChainHits {
  readonly chain: Chain;
  /** Counters of the policy; undefined for a user-defined chain. */
  readonly policy: Count | undefined;
  /** Made anew each time: there may be hundreds of thousands, and a listing needs those of one chain at a time. */
  readonly rules: readonly RuleHits[];
  /** Rules of the table that jump or go to the chain. */
  readonly references: number;
}

export interface TableHits {
  readonly family: Family;
  readonly name: TableName;
  readonly chains: readonly ChainHits[];
}

export interface RulesetHits {
  readonly family: Family;
  readonly file: string;
  readonly ruleset: Ruleset;
  readonly tables: readonly TableHits[];
}

/**
 * The rulesets with what the replay counted; with `keepCounters`, on top of what the dump said. Every listing of
 * rules is made of this.
 */
export function rulesetHits(output: ReplayOutput, keepCounters: boolean): RulesetHits[] {
  const { packets, bytes } = output.result;
  const index = numberCounters(output.rulesets.map(({ ruleset }) => ruleset));
  const count = (id: number, before: Count): Count => ({
    packets: BigInt.asUintN(64, BigInt(packets[id]!) + (keepCounters ? before.packets : 0n)),
    bytes: BigInt.asUintN(64, BigInt(bytes[id]!) + (keepCounters ? before.bytes : 0n)),
  });
  return output.rulesets.map(({ family, file, ruleset }) => ({
    family,
    file,
    ruleset,
    tables: ruleset.tables.map((table) => {
      const first = index.firstOf(table);
      const references = countReferences(table);
      return {
        family,
        name: table.name,
        chains: table.chains.map((chain, i) => ({
          chain,
          policy: chain.builtin === undefined ? undefined : count(first[i]! + chain.rules.length, chain),
          get rules() {
            return chain.rules.map((rule, k) => ({ rule, number: k + 1, ...count(first[i]! + k, rule) }));
          },
          references: references.get(chain.name) ?? 0,
        })),
      };
    }),
  }));
}

/** The word in the target column: a chain, an extension's name, or nothing. */
export function targetName(rule: Rule): string {
  switch (rule.target.kind) {
    case 'none':
      return '';
    case 'extension':
      return rule.target.definition.name;
    default:
      return rule.target.chain;
  }
}
