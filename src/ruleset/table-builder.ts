import type { SourcePosition } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { HookName, TableName } from '../packet/registers.ts';
import type { ParsedAddress } from './addresses.ts';
import {
  type AddressMatch,
  BUILTIN_CHAINS,
  type Chain,
  type Rule,
  type RuleTarget,
  type Table,
} from './model.ts';
import type { RuleParts } from './rule-parser.ts';
import { saveRule } from './save.ts';

/** A table while its text is read: what libiptc (libiptc.c) does to the chains, with its own words for refusals. */

interface BuildingChain {
  name: string;
  readonly builtin: HookName | undefined;
  policy: 'ACCEPT' | 'DROP' | undefined;
  packets: bigint;
  bytes: bigint;
  rules: Rule[];
}

/** What libiptc says when it refuses (iptc_strerror()). iptables-restore itself says "line N failed" only. */
export interface Refusal {
  readonly message: string;
  readonly hint?: string;
}

const NO_CHAIN = 'No chain/target/match by that name';
/** Names of chains that cannot be: they are verdicts. */
const VERDICT_NAMES = ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'];

export class TableBuilder {
  readonly name: TableName;
  readonly family: Family;
  readonly #chains = new Map<string, BuildingChain>();
  /** What `finish` gave, as long as the chains are the same. */
  #finished: Table | undefined;

  constructor(name: TableName, family: Family) {
    this.name = name;
    this.family = family;
    for (const hook of BUILTIN_CHAINS[name]) {
      this.#chains.set(hook, {
        name: hook,
        builtin: hook,
        policy: 'ACCEPT',
        packets: 0n,
        bytes: 0n,
        rules: [],
      });
    }
  }

  /** What `*table` does to a table that was there before: chains are emptied and removed, policies stay. */
  reset(): void {
    this.#finished = undefined;
    for (const chain of [...this.#chains.values()]) {
      chain.rules = [];
      if (chain.builtin === undefined) this.#chains.delete(chain.name);
    }
  }

  hasChain(name: string): boolean {
    return this.#chains.has(name);
  }

  /** The name as the chain has it; undefined when there is none. */
  chainNamed(name: string): string | undefined {
    return this.#chains.get(name)?.name;
  }

  isBuiltin(name: string): boolean {
    return (BUILTIN_CHAINS[this.name] as readonly string[]).includes(name);
  }

  /** The table as plain data. */
  finish(): Table {
    if (this.#finished !== undefined) return this.#finished;
    const chains = [...this.#chains.values()];
    const own = chains.filter((chain) => chain.builtin !== undefined);
    const users = chains.filter((chain) => chain.builtin === undefined);
    users.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#finished = { name: this.name, chains: [...own, ...users] satisfies Chain[] };
    return this.#finished;
  }

  createChain(name: string): Refusal | undefined {
    if (this.#chains.has(name) || VERDICT_NAMES.includes(name)) return { message: 'Chain already exists' };
    this.#finished = undefined;
    this.#chains.set(name, {
      name,
      builtin: undefined,
      policy: undefined,
      packets: 0n,
      bytes: 0n,
      rules: [],
    });
    return undefined;
  }

  setPolicy(name: string, policy: string, packets?: bigint, bytes?: bigint): Refusal | undefined {
    const chain = this.#chains.get(name);
    if (chain?.builtin === undefined) return { message: 'Bad built-in chain name' };
    if (policy !== 'ACCEPT' && policy !== 'DROP') return { message: 'Bad policy name' };
    chain.policy = policy;
    chain.packets = packets ?? 0n;
    chain.bytes = bytes ?? 0n;
    return undefined;
  }

  deleteChain(name: string | undefined): Refusal | undefined {
    if (name === undefined) {
      for (const chain of [...this.#chains.values()]) {
        const refusal = chain.builtin === undefined ? this.deleteChain(chain.name) : undefined;
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    }
    const chain = this.#chains.get(name);
    if (chain?.builtin !== undefined) return { message: "Can't delete built-in chain" };
    if (chain === undefined) return { message: NO_CHAIN };
    if (this.#isReferenced(name)) return { message: "Can't delete chain with references left" };
    if (chain.rules.length > 0) return { message: 'Chain is not empty' };
    this.#finished = undefined;
    this.#chains.delete(name);
    return undefined;
  }

  renameChain(name: string, newName: string): Refusal | undefined {
    const chain = this.#chains.get(name);
    if (this.#chains.has(newName) || VERDICT_NAMES.includes(newName))
      return { message: 'Chain already exists' };
    if (chain === undefined || chain.builtin !== undefined) return { message: NO_CHAIN };
    this.#finished = undefined;
    this.#chains.delete(name);
    chain.name = newName;
    this.#chains.set(newName, chain);
    for (const one of this.#chains.values()) {
      one.rules = one.rules.map((rule) =>
        (rule.target.kind === 'jump' || rule.target.kind === 'goto') && rule.target.chain === name
          ? { ...rule, target: { ...rule.target, chain: newName } }
          : rule,
      );
    }
    return undefined;
  }

  #isReferenced(name: string): boolean {
    for (const chain of this.#chains.values()) {
      for (const { target } of chain.rules) {
        if ((target.kind === 'jump' || target.kind === 'goto') && target.chain === name) return true;
      }
    }
    return false;
  }

  flush(name: string | undefined): Refusal | undefined {
    if (name !== undefined && !this.#chains.has(name)) return { message: NO_CHAIN };
    for (const chain of this.#chains.values()) {
      if (name === undefined || chain.name === name) chain.rules = [];
    }
    return undefined;
  }

  zero(name: string | undefined, ruleNumber: number | undefined): Refusal | undefined {
    const chain = name === undefined ? undefined : this.#chains.get(name);
    if (name !== undefined && chain === undefined) return { message: NO_CHAIN };
    if (chain !== undefined && ruleNumber !== undefined) {
      if (ruleNumber > chain.rules.length) return { message: 'Index of counter too big' };
      chain.rules[ruleNumber - 1] = zeroed(chain.rules[ruleNumber - 1]!);
      return undefined;
    }
    for (const one of this.#chains.values()) {
      if (name !== undefined && one.name !== name) continue;
      one.packets = 0n;
      one.bytes = 0n;
      one.rules = one.rules.map(zeroed);
    }
    return undefined;
  }

  /** -A, and -I when `at` (an index from 0) is given. All addresses of a list in -s and -d, each with each. */
  add(chainName: string, rules: readonly Rule[], at?: number): Refusal | undefined {
    const chain = this.#chains.get(chainName);
    if (chain === undefined) return noChain(chainName);
    const builtin = this.#jumpRefusal(rules);
    if (builtin !== undefined) return builtin;
    if (at === undefined) {
      // Many chains have one rule: an array that grows would make room for sixteen.
      if (chain.rules.length === 0) chain.rules = [...rules];
      else for (const rule of rules) chain.rules.push(rule);
      return undefined;
    }
    if (at > chain.rules.length) return { message: 'Index of insertion too big' };
    // Each one is inserted at the same place: the last comes out first.
    chain.rules.splice(at, 0, ...[...rules].reverse());
    return undefined;
  }

  replace(chainName: string, rule: Rule, at: number): Refusal | undefined {
    const chain = this.#chains.get(chainName);
    if (chain === undefined) return noChain(chainName);
    if (at >= chain.rules.length) return { message: 'Index of replacement too big' };
    const builtin = this.#jumpRefusal([rule]);
    if (builtin !== undefined) return builtin;
    chain.rules[at] = rule;
    return undefined;
  }

  deleteNumber(chainName: string, ruleNumber: number): Refusal | undefined {
    const chain = this.#chains.get(chainName);
    if (chain === undefined) return noChain(chainName);
    if (ruleNumber > chain.rules.length) return { message: 'Index of deletion too big' };
    chain.rules.splice(ruleNumber - 1, 1);
    return undefined;
  }

  /** -D and, when `keep`, -C: the first rule that says the same. */
  deleteRules(chainName: string, rules: readonly Rule[], keep: boolean): Refusal | undefined {
    const chain = this.#chains.get(chainName);
    if (chain === undefined) return noChain(chainName);
    for (const rule of rules) {
      const text = saveRule(rule, chainName, this);
      const at = chain.rules.findIndex((one) => saveRule(one, chainName, this) === text);
      if (at < 0) return { message: 'Bad rule (does a matching rule exist in that chain?)' };
      if (!keep) chain.rules.splice(at, 1);
    }
    return undefined;
  }

  #jumpRefusal(rules: readonly Rule[]): Refusal | undefined {
    for (const { target } of rules) {
      if ((target.kind === 'jump' || target.kind === 'goto') && this.isBuiltin(target.chain)) {
        return {
          message: 'Target problem',
          hint: `${target.chain} is a built-in chain: no rule can jump to it.`,
        };
      }
    }
    return undefined;
  }
}

function noChain(name: string): Refusal {
  return {
    message: NO_CHAIN,
    hint: `There is no chain ${name} here: declare it (:${name} -) before its rules.`,
  };
}

function zeroed(rule: Rule): Rule {
  return { ...rule, packets: 0n, bytes: 0n };
}

/** The rules that one line stands for: one for each pair of a source and a destination. */
export function expandRules(
  parts: RuleParts,
  target: RuleTarget,
  position: SourcePosition,
  packets: bigint,
  bytes: bigint,
): Rule[] {
  const rules: Rule[] = [];
  const sources = parts.sources.length === 0 ? [undefined] : parts.sources;
  const destinations = parts.destinations.length === 0 ? [undefined] : parts.destinations;
  for (const source of sources) {
    for (const destination of destinations) {
      rules.push(makeRule(parts, source, destination, target, position, packets, bytes));
    }
  }
  return rules;
}

/** One of them. */
export function makeRule(
  parts: RuleParts,
  source: ParsedAddress | undefined,
  destination: ParsedAddress | undefined,
  target: RuleTarget,
  position: SourcePosition,
  packets: bigint,
  bytes: bigint,
): Rule {
  const { verbatim } = parts;
  return {
    source: addressMatch(source, parts.sourceInverted),
    destination: addressMatch(destination, parts.destinationInverted),
    inInterface: parts.inInterface,
    outInterface: parts.outInterface,
    protocol: parts.protocol,
    protocolInverted: parts.protocolInverted,
    fragment: parts.fragment,
    matches: parts.matches,
    target,
    packets,
    bytes,
    position,
    unsupported: parts.unsupported,
    ...(verbatim === undefined ? {} : { verbatim: verbatim(source, destination) }),
  };
}

/** Any address, not inverted, is no test at all. */
function addressMatch(parsed: ParsedAddress | undefined, inverted: boolean): AddressMatch | undefined {
  if (parsed === undefined) return undefined;
  if (!inverted && parsed.mask.every((word) => word === 0)) return undefined;
  return { address: parsed.address, mask: parsed.mask, inverted };
}
