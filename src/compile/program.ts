import type { RuntimeChain, RuntimeMatch, RuntimeRule, RuntimeRuleset } from '../evaluate/runtime.ts';
import type { RuleEnvironment, Scope, TargetDefinition } from '../extension/define.ts';
import { R_DADDR, R_FRAG_OFFSET, R_IIF, R_L4PROTO, R_OIF, R_SADDR } from '../packet/registers.ts';
import type { AddressMatch } from '../ruleset/model.ts';
import { isStandard } from '../targets/standard.ts';
import { indexChain } from './build-index.ts';
import { type ChainIndex, type IndexedRule, MIN_INDEXED_RULES } from './chain-index.ts';
import {
  DEPENDS_ON_CONDITIONS,
  type Dependence,
  dependsOnMatch,
  dependsOnRegister,
  dependsOnTarget,
} from './dependence.ts';
import { isIndexable, type RuleKey, RuleKeys } from './rule-keys.ts';
import { type RuleTally, whyUnshared } from './rule-tally.ts';
import type { Sharing } from './sharing.ts';
import { CodeEmitter, TestCode, type TestListener } from './test-code.ts';
import { Words } from './words.ts';

/** What a rule does when its tests hold. */
export const DO_COUNT = 0;
export const DO_JUMP = 1;
export const DO_GOTO = 2;
/** A target that has to be called. */
export const DO_TARGET = 3;
/** One of the targets that are a verdict and nothing else. */
export const DO_VERDICT = 4;

/**
 * Words of a rule in Program.rules: where its tests begin; its counter; what it does, and on what: number of the chain
 * of a jump or goto, number of a target, verdict; what it depends on. Its tests end where those of the next rule begin: behind the last
 * rule of a chain stands one word more.
 */
export const RULE_TESTS = 0;
export const RULE_COUNTER = 1;
export const RULE_DOES = 2;
export const RULE_OPERAND = 3;
/** DEPENDS_*: what the rule's tests make a packet's way depend on (but for those that are called). */
export const RULE_DEPENDS = 4;
export const RULE_WORDS = 5;

/** A chain of the compiled program. */
export interface ProgramChain {
  /** Its rule i begins at word first + i * RULE_WORDS of Program.rules. */
  readonly first: number;
  readonly length: number;
  readonly policyCounter: number;
  readonly policyAccepts: boolean;
  readonly index: ChainIndex | undefined;
}

export interface ProgramTarget {
  readonly apply: (options: unknown, p: never, state: unknown) => number;
  readonly options: unknown;
  readonly state: unknown;
  /** Packets that come to this target may share a path. */
  readonly sharable: boolean;
  /** But for those that this holds for. */
  readonly isAlone: ((options: unknown, p: never) => boolean) | undefined;
  /** DEPENDS_*. */
  readonly depends: number;
}

/** A family's ruleset, compiled. */
export interface Program {
  readonly tests: TestCode;
  readonly rules: Int32Array;
  readonly chains: readonly ProgramChain[];
  readonly targets: readonly ProgramTarget[];
  /** builtin[table][hook]: chain number, -1 where there is none. */
  readonly builtin: readonly Int32Array[];
}

/**
 * Compiles a ruleset; what its rules look at is noted in `sharing` (not sealed yet) and `dependence`. With `tally` the
 * program counts how often its rules are tried and match.
 */
export function compileProgram(
  runtime: RuntimeRuleset,
  sharing: Sharing,
  dependence: Dependence,
  tally?: RuleTally,
): Program {
  const tests = new TestCode();
  const targets: ProgramTarget[] = [];
  const rules = new Words();
  const compiler = new RuleCompiler(tests, sharing, dependence, tally);
  const moving = new MovingChains(runtime);
  const chains = runtime.chains.map((chain) => {
    const first = rules.used;
    const { length } = chain.rules;
    const mayIndex = length >= MIN_INDEXED_RULES && !moving.has(chain);
    const indexed: IndexedRule[] = [];
    for (const rule of chain.rules) {
      rules.push(tests.used);
      const { inInterface, outInterface } = rule;
      const keys = compiler.compile(rule);
      pushAction(rule, rules, targets, sharing, tally);
      rules.push(compiler.depends);
      if (mayIndex) indexed.push({ keys, inInterface, outInterface, depends: compiler.keyDepends });
    }
    rules.push(tests.used);
    const { policyCounter, policyAccepts } = chain;
    const index = mayIndex ? indexChain(indexed) : undefined;
    return { first, length, policyCounter, policyAccepts, index };
  });
  tests.seal();
  const builtin = runtime.builtin.map((row) => Int32Array.from(row, (chain) => chain?.number ?? -1));
  return { tests, rules: rules.array(), chains, targets, builtin };
}

/**
 * Chains in which a packet's addresses may change on the way (SNPT, DNPT): an index that was asked at the beginning
 * would not find the rules for the new ones, so there is none.
 */
class MovingChains {
  readonly #known = new Map<RuntimeChain, boolean>();
  /** Some rule does that at all. */
  readonly #isSome: boolean;

  constructor({ chains }: RuntimeRuleset) {
    this.#isSome = chains.some(({ rules }) =>
      rules.some(({ target }) => target.kind === 'extension' && movesOn(target.definition)),
    );
  }

  has(chain: RuntimeChain): boolean {
    return this.#isSome && this.#has(chain);
  }

  #has(chain: RuntimeChain): boolean {
    const known = this.#known.get(chain);
    if (known !== undefined) return known;
    this.#known.set(chain, false);
    const moves = chain.rules.some(({ target }) => {
      if (target.kind === 'jump' || target.kind === 'goto') return this.#has(target.chain);
      return target.kind === 'extension' && movesOn(target.definition);
    });
    this.#known.set(chain, moves);
    return moves;
  }
}

/** Translates, and goes on with the next rule: not so the targets of nat. */
function movesOn({ writes, tables }: TargetDefinition): boolean {
  return (writes.includes('saddr') || writes.includes('daddr')) && tables?.includes('nat') !== true;
}

function pushAction(
  rule: RuntimeRule,
  rules: Words,
  targets: ProgramTarget[],
  sharing: Sharing,
  tally: RuleTally | undefined,
): void {
  const { target, counter } = rule;
  rules.push(counter);
  if (target.kind === 'none') {
    rules.push(DO_COUNT);
    rules.push(0);
  } else if (target.kind !== 'extension') {
    rules.push(target.kind === 'jump' ? DO_JUMP : DO_GOTO);
    rules.push(target.chain.number);
  } else if (isStandard(target.definition)) {
    rules.push(DO_VERDICT);
    rules.push(target.definition.apply(null, NO_PACKET, undefined));
  } else {
    rules.push(DO_TARGET);
    rules.push(targets.length);
    const { definition, options, state } = target;
    const scope = scopeOf(definition.scope, options);
    const reads = typeof definition.reads === 'function' ? definition.reads(options) : definition.reads;
    const sharable = !rule.dead && isSharable(scope, reads, sharing);
    if (!sharable && !rule.dead) tally?.unsharedTarget(counter, definition.name, whyUnshared(scope, reads));
    const apply = definition.apply as ProgramTarget['apply'];
    const isAlone = definition.isAlone as ProgramTarget['isAlone'];
    targets.push({ apply, options, state, sharable, isAlone, depends: dependsOnTarget(definition) });
  }
}

/** The standard targets ask for none. */
const NO_PACKET = undefined as never;

/** True when packets of one signature get the same answer from an extension of this scope that reads these. */
function isSharable(scope: Scope, reads: Parameters<Sharing['reads']>[0], sharing: Sharing): boolean {
  const readsShared = sharing.reads(reads);
  if (scope === 'global') return false;
  // What depends on the packet but on nothing that it holds depends on its number: a draw.
  return scope === 'connection' || (reads.length > 0 && readsShared);
}

function scopeOf<O>(scope: Scope | ((options: O) => Scope), options: O): Scope {
  return typeof scope === 'function' ? scope(options) : scope;
}

/** Turns one rule at a time into tests. It is the listener of its own emitter: notes what can be indexed and shared. */
class RuleCompiler implements TestListener {
  readonly tests: TestCode;
  readonly #sharing: Sharing;
  readonly #emitter: CodeEmitter;
  readonly #nowhere: CodeEmitter;
  readonly #scratch = new TestCode();
  #keys = new RuleKeys();
  #isRaw = false;
  #sharable = true;
  /** What is emitted goes nowhere. */
  #isTrial = false;
  readonly #dependence: Dependence;
  readonly #tally: RuleTally | undefined;
  /** DEPENDS_* of the tests of the rule compiled last, but for those that are called; and of its keys alone. */
  depends = 0;
  keyDepends = 0;

  constructor(tests: TestCode, sharing: Sharing, dependence: Dependence, tally: RuleTally | undefined) {
    this.tests = tests;
    this.#sharing = sharing;
    this.#dependence = dependence;
    this.#tally = tally;
    this.#emitter = new CodeEmitter(tests, this);
    this.#nowhere = new CodeEmitter(this.#scratch, this);
  }

  masked(register: number, mask: number, value: number, top: boolean): void {
    if (!this.#sharing.masked(register, mask, value)) this.#sharable = false;
    if (!this.#isTrial) this.#dependence.masked(register, mask, value, top);
    if (top && isIndexable(register, this.#isRaw)) this.#keys.addMasked(register, mask, value);
  }

  ranges(register: number, pairs: readonly number[], top: boolean): void {
    for (let i = 0; i < pairs.length; i += 2) {
      if (!this.#sharing.range(register, pairs[i]!, pairs[i + 1]!)) this.#sharable = false;
    }
    if (!this.#isTrial) this.#dependence.ranges(register, pairs, top);
    if (top && isIndexable(register, this.#isRaw)) this.#keys.add(register, pairs);
  }

  /** Emits the tests of `rule` and gives what an index may know of it. */
  compile(rule: RuntimeRule): readonly RuleKey[] {
    this.#keys = new RuleKeys();
    this.depends = 0;
    this.keyDepends = 0;
    this.#isRaw = rule.environment.table === 'raw';
    const e = this.#emitter;
    if (this.#tally !== undefined) e.call(this.#tally.check(rule.counter), 0);
    if (rule.dead) {
      e.never();
      return NEVER;
    }
    const { source, destination, protocol, protocolInverted, fragment } = rule.rule;
    if (source !== undefined) this.#address(source, R_SADDR);
    if (destination !== undefined) this.#address(destination, R_DADDR);
    if (rule.inInterface !== undefined) e.iface(R_IIF, rule.inInterface);
    if (rule.outInterface !== undefined) e.iface(R_OIF, rule.outInterface);
    if (protocol !== 0 && protocolInverted) e.not((not) => not.masked(R_L4PROTO, -1, protocol));
    else if (protocol !== 0) e.masked(R_L4PROTO, -1, protocol);
    if (fragment === 'later') e.range(R_FRAG_OFFSET, 1, 0xffff);
    else if (fragment === 'not-later') e.masked(R_FRAG_OFFSET, -1, 0);
    for (const match of rule.matches) this.#match(match, rule);
    if (this.#tally !== undefined) e.call(this.#tally.match(rule.counter), 0);
    const { keys } = this.#keys;
    this.depends = this.#dependence.rule(keys);
    this.keyDepends = this.depends & DEPENDS_ON_CONDITIONS;
    if (this.keyDepends === 0)
      for (const { register } of keys) this.keyDepends |= dependsOnRegister(register);
    return keys;
  }

  #address(match: AddressMatch, at: number): void {
    const words = (e: { masked(register: number, mask: number, value: number): void }): void => {
      for (let i = 0; i < 4; i++) {
        if (match.mask[i] !== 0) e.masked(at + i, match.mask[i]!, match.address[i]!);
      }
    };
    if (match.inverted) this.#emitter.not(words);
    else words(this.#emitter);
  }

  #match(match: RuntimeMatch, { counter, environment }: RuntimeRule): void {
    const { definition, options } = match;
    const scope = scopeOf(definition.scope, options);
    const reads = typeof definition.reads === 'function' ? definition.reads(options) : definition.reads;
    const tell = (): void => {
      const why = whyUnshared(scope, reads);
      if (this.#tally !== undefined)
        this.#emitter.call(this.#tally.unsharedMatch(counter, definition.name, why), 0);
    };
    const unshare = (): void => {
      this.#emitter.unshare();
      tell();
    };
    if (
      scope !== 'global' &&
      definition.compile !== undefined &&
      this.#tryCompile(match, environment, unshare)
    )
      return;
    if (isSharable(scope, reads, this.#sharing)) {
      this.#emitter.call(match, dependsOnMatch(definition.name));
      return;
    }
    tell();
    this.#emitter.fork(match);
  }

  /**
   * Emits the match as tests when it can be said so. It is emitted twice, first to nowhere: whether it can be shared
   * is known only when all its tests have been seen, and the marker stands before them.
   */
  #tryCompile(
    { definition, options }: RuntimeMatch,
    environment: RuleEnvironment,
    unshare: () => void,
  ): boolean {
    const keysBefore = this.#keys;
    this.#keys = new RuleKeys();
    this.#sharable = true;
    this.#scratch.clear();
    this.#isTrial = true;
    const sayable = definition.compile!(options, this.#nowhere, environment);
    this.#isTrial = false;
    this.#keys = keysBefore;
    if (!sayable) return false;
    if (!this.#sharable) unshare();
    definition.compile!(options, this.#emitter, environment);
    return true;
  }
}

/** Of a rule that matches no packet. */
const NEVER: readonly RuleKey[] = [{ register: R_L4PROTO, pairs: [] }];
