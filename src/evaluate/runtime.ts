import type { MatchDefinition, RuleEnvironment, TargetDefinition } from '../extension/define.ts';
import type { Host } from '../host/types.ts';
import type { SetRegistry } from '../ipset/registry.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { HOOK_NAMES } from '../packet/registers.ts';
import type { Chain, InterfaceMatch, Rule, Ruleset, Table } from '../ruleset/model.ts';
import { TABLE_NAMES } from './table-runner.ts';

/**
 * A ruleset made ready to run: every rule has its counter id, the state of its extensions, and its jumps are
 * resolved. Both evaluators start from this, so that they share the state of limit, recent and their like and can
 * be exchanged.
 */
export interface RuntimeRule {
  readonly rule: Rule;
  readonly counter: number;
  readonly matches: readonly RuntimeMatch[];
  readonly target: RuntimeTarget;
  /** Never matches: it has an extension that is not supported, and the user wants it so. */
  readonly dead: boolean;
  readonly inInterface: InterfaceTest | undefined;
  readonly outInterface: InterfaceTest | undefined;
  readonly environment: RuleEnvironment;
}

export interface RuntimeMatch {
  readonly definition: MatchDefinition;
  readonly options: unknown;
  readonly state: unknown;
}

export type RuntimeTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: RuntimeChain }
  | {
      readonly kind: 'extension';
      readonly definition: TargetDefinition;
      readonly options: unknown;
      readonly state: unknown;
    };

export interface RuntimeChain {
  readonly name: string;
  readonly rules: readonly RuntimeRule[];
  /** Counter of the policy, -1 for a user-defined chain. */
  readonly policyCounter: number;
  readonly policyAccepts: boolean;
}

/** chains[table][hook]: the built-in chains, undefined where there is none. */
export interface RuntimeRuleset {
  readonly ruleset: Ruleset;
  readonly builtin: readonly (readonly (RuntimeChain | undefined)[])[];
  /** All chains of all tables. */
  readonly chains: readonly RuntimeChain[];
}

/** What a ruleset needs to be made ready. */
export interface RuntimeContext {
  readonly host: Host;
  readonly conntrack: ConntrackAccess;
  readonly sets?: SetRegistry | undefined;
  readonly seed: number;
  readonly baseNs?: bigint | undefined;
  readonly counterOfRule: (rule: Rule) => number;
  readonly counterOfPolicy: (chain: Chain) => number;
  readonly assume: (sentence: string) => void;
}

export function makeRuntime(ruleset: Ruleset, context: RuntimeContext): RuntimeRuleset {
  const sharedObjects = new Map<string, unknown>();
  const shared = <T>(key: string, make: () => T): T => {
    if (!sharedObjects.has(key)) sharedObjects.set(key, make());
    return sharedObjects.get(key) as T;
  };
  const builtin: (RuntimeChain | undefined)[][] = TABLE_NAMES.map(() => HOOK_NAMES.map(() => undefined));
  const all: RuntimeChain[] = [];
  for (const table of ruleset.tables) {
    const byName = new Map<string, RuntimeChain>();
    // Chains first, rules after: a jump needs the chain object, whose rules may not be there yet.
    for (const chain of table.chains) byName.set(chain.name, emptyChain(chain, context));
    for (const chain of table.chains) {
      const runtime = byName.get(chain.name)!;
      const rules = runtime.rules as RuntimeRule[];
      for (const rule of chain.rules)
        rules.push(makeRule(rule, chain, table, ruleset, byName, shared, context));
      if (chain.builtin !== undefined) {
        builtin[TABLE_NAMES.indexOf(table.name)]![HOOK_NAMES.indexOf(chain.builtin)] = runtime;
      }
      all.push(runtime);
    }
  }
  return { ruleset, builtin, chains: all };
}

function emptyChain(chain: Chain, context: RuntimeContext): RuntimeChain {
  return {
    name: chain.name,
    rules: [],
    policyCounter: context.counterOfPolicy(chain),
    policyAccepts: chain.policy !== 'DROP',
  };
}

function makeRule(
  rule: Rule,
  chain: Chain,
  table: Table,
  ruleset: Ruleset,
  chains: ReadonlyMap<string, RuntimeChain>,
  shared: RuleEnvironment['shared'],
  context: RuntimeContext,
): RuntimeRule {
  const counter = context.counterOfRule(rule);
  const environment: RuleEnvironment = {
    family: ruleset.family,
    table: table.name,
    chain: chain.name,
    ruleId: counter,
    seed: context.seed,
    baseNs: context.baseNs,
    host: context.host,
    conntrack: context.conntrack,
    sets: context.sets,
    shared,
    assume: context.assume,
  };
  const dead = rule.unsupported.length > 0;
  const { target } = rule;
  let runtimeTarget: RuntimeTarget;
  if (target.kind === 'none') runtimeTarget = target;
  else if (target.kind === 'extension') {
    const { definition, options } = target;
    const state = dead ? undefined : definition.prepare?.(options, environment);
    runtimeTarget = { kind: 'extension', definition, options, state };
  } else runtimeTarget = { kind: target.kind, chain: chains.get(target.chain)! };
  const matches = dead
    ? []
    : rule.matches.map(({ definition, options }) => ({
        definition,
        options,
        state: definition.prepare?.(options, environment),
      }));
  return {
    rule,
    counter,
    matches,
    target: runtimeTarget,
    dead,
    inInterface: interfaceTest(rule.inInterface, shared, context.host),
    outInterface: interfaceTest(rule.outInterface, shared, context.host),
    environment,
  };
}

/** The test for a name, one for all rules that ask for it. */
function interfaceTest(
  match: InterfaceMatch | undefined,
  shared: RuleEnvironment['shared'],
  host: Host,
): InterfaceTest | undefined {
  if (match === undefined) return undefined;
  const { name, wildcard, inverted } = match;
  return shared(
    `interface ${inverted ? '!' : ''}${name}${wildcard ? '+' : ''}`,
    () => new InterfaceTest(match, host),
  );
}

/**
 * `-i`, `-o`: compares names, as ifname_compare_aligned() does. Interfaces may turn up during a run, so the answer
 * for an id is worked out when it is first asked for.
 */
export class InterfaceTest {
  readonly #match: InterfaceMatch;
  readonly #host: Host;
  /** By interface id: 0 not asked yet, 1 no, 2 yes. */
  #answers = new Uint8Array(64);

  get isInverted(): boolean {
    return this.#match.inverted;
  }

  constructor(match: InterfaceMatch, host: Host) {
    this.#match = match;
    this.#host = host;
  }

  test(id: number): boolean {
    const answer = this.#answers[id];
    if (answer === 2) return true;
    if (answer === 1) return false;
    return this.#ask(id);
  }

  #ask(id: number): boolean {
    const { name, wildcard, inverted } = this.#match;
    // A packet without the interface (id 0) has an empty name there, which only an empty pattern equals.
    const actual = id === 0 ? '' : this.#host.interfaces[id]!.name;
    const matches = (wildcard ? actual.startsWith(name) : actual === name) !== inverted;
    if (id >= this.#answers.length) {
      const grown = new Uint8Array(2 * id);
      grown.set(this.#answers);
      this.#answers = grown;
    }
    this.#answers[id] = matches ? 2 : 1;
    return matches;
  }
}
