import type { Family } from '../base/inet.ts';
import { formatAddress, prefixLength } from '../extension/values.ts';
import type { AddressMatch, Chain, InterfaceMatch, Rule, Table } from './model.ts';
import { ruleContext } from './save.ts';

/** Rules as `iptables -L -v -n -x --line-numbers` of iptables 1.8.9 prints them (iptables/iptables.c, print_firewall()). */

const HEADING =
  'num      pkts      bytes target     prot opt in     out     source               destination         ';

export interface Counters {
  readonly packets: bigint | number;
  readonly bytes: bigint | number;
}

/** `Chain INPUT (policy DROP 1 packets, 60 bytes)` or `Chain web (2 references)`, and the heading of the columns. */
export function listHeading(chain: Chain, counters: Counters, references: number): string {
  const what =
    chain.policy === undefined
      ? `${references} references`
      : `policy ${chain.policy} ${counters.packets} packets, ${counters.bytes} bytes`;
  return `Chain ${chain.name} (${what})\n${HEADING}`;
}

/** Number of rules of the table that jump or go to each chain. */
export function countReferences(table: Table): ReadonlyMap<string, number> {
  const references = new Map<string, number>();
  for (const chain of table.chains) {
    for (const { target } of chain.rules) {
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      references.set(target.chain, (references.get(target.chain) ?? 0) + 1);
    }
  }
  return references;
}

/** One rule. `number` counts from 1; `counters` are the rule's own when not given. */
export function listRule(
  rule: Rule,
  number: number,
  chain: string,
  where: { readonly name: string; readonly family: Family },
  counters: Counters = rule,
): string {
  const { family } = where;
  const { target } = rule;
  const targetName =
    target.kind === 'extension' ? target.definition.name : target.kind === 'none' ? '' : target.chain;
  let text = `${String(number).padEnd(4)} ${String(counters.packets).padStart(8)} ${String(counters.bytes).padStart(8)} `;
  text += `${targetName.padEnd(9)} ${rule.protocolInverted ? '!' : ' '}${String(rule.protocol).padEnd(4)} `;
  text += `${rule.fragment === 'not-later' ? '!' : '-'}${rule.fragment === undefined ? '-' : 'f'} `;
  text += ` ${listInterface(rule.inInterface)} ${listInterface(rule.outInterface)} `;
  text += `${listAddress(rule.source, family)} ${listAddress(rule.destination, family)} `;
  if (target.kind === 'goto') text += '[goto] ';
  return text + listDetails(rule, chain, where);
}

/** What the matches and the target print behind the columns; each piece begins with a blank. */
export function listDetails(
  rule: Rule,
  chain: string,
  where: { readonly name: string; readonly family: Family },
): string {
  const context = ruleContext(rule, chain, where);
  let details = '';
  const add = (piece: string): void => {
    if (piece !== '') details += ` ${piece}`;
  };
  for (const { definition, options } of rule.matches) add(definition.syntax.list(options, context));
  const { target } = rule;
  if (target.kind === 'extension') add(target.definition.syntax.list(target.options, context));
  for (const { kind, name } of rule.unsupported) add(`UNSUPPORTED ${kind} ${name}: never matches`);
  return details;
}

/** All rules of a chain under its heading. `countersOf` gives other counters than the rules' own. */
export function listChain(
  chain: Chain,
  table: Table,
  family: Family,
  countersOf: (rule: Rule, index: number) => Counters = (rule) => rule,
  policyCounters: Counters = chain,
): string {
  const references = countReferences(table).get(chain.name) ?? 0;
  const where = { name: table.name, family };
  return [
    listHeading(chain, policyCounters, references),
    ...chain.rules.map((rule, i) => listRule(rule, i + 1, chain.name, where, countersOf(rule, i))),
  ].join('\n');
}

function listInterface(match: InterfaceMatch | undefined): string {
  if (match === undefined) return '*     ';
  return `${match.inverted ? '!' : ''}${match.name}${match.wildcard ? '+' : ''}`.padEnd(6);
}

function listAddress(match: AddressMatch | undefined, family: Family): string {
  if (match === undefined) return ` ${(family === 4 ? '0.0.0.0/0' : '::/0').padEnd(19)}`;
  const length = prefixLength(match.mask, family);
  const address = formatAddress(match.address, family);
  const suffix =
    length === (family === 4 ? 32 : 128) ? '' : `/${length < 0 ? formatAddress(match.mask, family) : length}`;
  return `${match.inverted ? '!' : ' '}${(address + suffix).padEnd(19)}`;
}
