import { listHeading, listRule } from '../ruleset/list.ts';
import type { ChainHits, TableHits } from './hits.ts';

/** Which part of the rulesets a listing shows. */
export interface ListView {
  /** Only these tables; all when undefined. */
  readonly tables?: ReadonlySet<string> | undefined;
  /** Only chains of these names, in which `*` stands for any characters; all when undefined. */
  readonly chains?: readonly string[] | undefined;
  /** Only rules that were hit, and chains with such a rule or whose policy was. */
  readonly hitOnly: boolean;
}

/**
 * The chains of a table as `iptables-legacy -t TABLE -L -v -n -x --line-numbers` lists them, line by line, a blank line
 * between two chains. Gives no lines when the view shows none of them.
 */
export function* listTable(table: TableHits, view: ListView): Generator<string> {
  let isFirst = true;
  for (const hits of table.chains) {
    if (!isShown(hits, view)) continue;
    if (!isFirst) yield '';
    isFirst = false;
    yield* listChain(table, hits, view);
  }
}

/** True when a chain has this name, in which `*` stands for any characters. */
export function isNamed(chain: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(chain);
}

function isShown(hits: ChainHits, view: ListView): boolean {
  if (view.chains !== undefined && !view.chains.some((pattern) => isNamed(hits.chain.name, pattern)))
    return false;
  return !view.hitOnly || wasHit(hits);
}

function wasHit({ policy, rules }: ChainHits): boolean {
  return (policy !== undefined && policy.packets > 0n) || rules.some((rule) => rule.packets > 0n);
}

function* listChain(
  table: TableHits,
  { chain, policy, references, rules }: ChainHits,
  view: ListView,
): Generator<string> {
  const where = { name: table.name, family: table.family };
  yield listHeading(chain, policy ?? chain, references);
  for (const hits of rules) {
    if (view.hitOnly && hits.packets === 0n) continue;
    yield listRule(hits.rule, hits.number, chain.name, where, hits);
  }
}
