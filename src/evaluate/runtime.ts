import type { Family } from '../base/inet.ts';
import type { MatchDefinition, RuleEnvironment, TargetDefinition } from '../extension/define.ts';
import type { Host } from '../host/types.ts';
import type { SetRegistry } from '../ipset/registry.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { HOOK_NAMES, type TableName } from '../packet/registers.ts';
import { chainNumbers } from '../ruleset/chain-numbers.ts';
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
  /** Its place in RuntimeRuleset.chains. */
  readonly number: number;
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
  /** The counter of the first rule of each chain of a table. */
  readonly firstCounters: (table: Table) => Int32Array;
  /** What rules share by name, of both families: one map for all rulesets of a run. */
  readonly shared: Map<string, unknown>;
  readonly assume: (sentence: string) => void;
}

export function makeRuntime(ruleset: Ruleset, context: RuntimeContext): RuntimeRuleset {
  const shared = <T>(key: string, make: () => T): T => {
    if (!context.shared.has(key)) context.shared.set(key, make());
    return context.shared.get(key) as T;
  };
  const builtin: (RuntimeChain | undefined)[][] = TABLE_NAMES.map(() => HOOK_NAMES.map(() => undefined));
  const all: RuntimeChain[] = [];
  for (const table of ruleset.tables) {
    const first = context.firstCounters(table);
    const numbers = chainNumbers(table);
    const place = new Place(ruleset.family, table.name, shared, context);
    // Chains first, rules after: a jump needs the chain object, whose rules may not be there yet.
    const chains = table.chains.map((chain, i) => emptyChain(chain, all.length + i, first[i]!));
    for (const [i, chain] of table.chains.entries()) {
      const runtime = chains[i]!;
      runtime.rules = chain.rules.map((rule, k) => {
        const { target } = rule;
        const isJump = target.kind === 'jump' || target.kind === 'goto';
        const jumpsTo = isJump ? chains[numbers.get(target.chain)!] : undefined;
        return new Made(rule, first[i]! + k, place, chain.name, jumpsTo);
      });
      if (chain.builtin !== undefined) {
        builtin[TABLE_NAMES.indexOf(table.name)]![HOOK_NAMES.indexOf(chain.builtin)] = runtime;
      }
    }
    for (const chain of chains) all.push(chain);
  }
  return { ruleset, builtin, chains: all };
}

function emptyChain({ name, rules, builtin, policy }: Chain, number: number, firstCounter: number) {
  return {
    number,
    name,
    rules: [] as readonly RuntimeRule[],
    policyCounter: builtin === undefined ? -1 : firstCounter + rules.length,
    policyAccepts: policy !== 'DROP',
  };
}

/** Where a table's rules stand. */
class Place {
  readonly family: Family;
  readonly table: TableName;
  readonly shared: RuleEnvironment['shared'];
  readonly context: RuntimeContext;
  readonly #plainTargets = new Map<TargetDefinition, RuntimeTarget>();

  constructor(family: Family, table: TableName, shared: RuleEnvironment['shared'], context: RuntimeContext) {
    this.family = family;
    this.table = table;
    this.shared = shared;
    this.context = context;
  }

  /** A target without options and state: one for all rules that have it. */
  plainTarget(definition: TargetDefinition): RuntimeTarget {
    let target = this.#plainTargets.get(definition);
    if (target === undefined) {
      target = { kind: 'extension', definition, options: null, state: undefined };
      this.#plainTargets.set(definition, target);
    }
    return target;
  }
}

/** Few rules ever ask for it, and there may be very many: it is made for whoever does. */
class Environment implements RuleEnvironment {
  readonly #place: Place;
  readonly chain: string;
  readonly ruleId: number;

  constructor(place: Place, chain: string, ruleId: number) {
    this.#place = place;
    this.chain = chain;
    this.ruleId = ruleId;
  }

  get family() {
    return this.#place.family;
  }
  get table() {
    return this.#place.table;
  }
  get shared() {
    return this.#place.shared;
  }
  get seed() {
    return this.#place.context.seed;
  }
  get baseNs() {
    return this.#place.context.baseNs;
  }
  get host() {
    return this.#place.context.host;
  }
  get conntrack() {
    return this.#place.context.conntrack;
  }
  get sets() {
    return this.#place.context.sets;
  }
  get assume() {
    return this.#place.context.assume;
  }
}

class Made implements RuntimeRule {
  readonly rule: Rule;
  readonly counter: number;
  readonly matches: readonly RuntimeMatch[];
  readonly target: RuntimeTarget;
  readonly dead: boolean;
  readonly inInterface: InterfaceTest | undefined;
  readonly outInterface: InterfaceTest | undefined;
  readonly #place: Place;
  readonly #chain: string;

  /** `jumpsTo`: where a jump or goto leads. */
  constructor(rule: Rule, counter: number, place: Place, chain: string, jumpsTo: RuntimeChain | undefined) {
    this.rule = rule;
    this.counter = counter;
    this.#place = place;
    this.#chain = chain;
    this.dead = rule.unsupported.length > 0;
    const { shared, context } = place;
    const { target } = rule;
    if (target.kind === 'none') this.target = target;
    else if (target.kind === 'extension') {
      const { definition, options } = target;
      this.target =
        options === null && definition.prepare === undefined
          ? place.plainTarget(definition)
          : { kind: 'extension', definition, options, state: this.#prepare(definition, options) };
    } else this.target = { kind: target.kind, chain: jumpsTo! };
    this.matches =
      this.dead || rule.matches.length === 0
        ? NO_MATCHES
        : rule.matches.map(({ definition, options }) => ({
            definition,
            options,
            state: this.#prepare(definition, options),
          }));
    this.inInterface = interfaceTest(rule.inInterface, shared, context.host);
    this.outInterface = interfaceTest(rule.outInterface, shared, context.host);
  }

  #prepare({ prepare }: MatchDefinition | TargetDefinition, options: unknown): unknown {
    return this.dead || prepare === undefined ? undefined : prepare(options as never, this.environment);
  }

  get environment(): RuleEnvironment {
    return new Environment(this.#place, this.#chain, this.counter);
  }
}

const NO_MATCHES: readonly RuntimeMatch[] = [];

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
