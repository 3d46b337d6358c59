import type { RuntimeChain, RuntimeMatch, RuntimeRule, RuntimeRuleset } from '../evaluate/runtime.ts';
import type { RuleEnvironment, Scope } from '../extension/define.ts';
import { R_DADDR, R_FRAG_OFFSET, R_IIF, R_L4PROTO, R_OIF, R_SADDR } from '../packet/registers.ts';
import type { AddressMatch } from '../ruleset/model.ts';
import { type ChainIndex, indexChain, isIndexable, type KeyTest } from './chain-index.ts';
import type { Sharing } from './sharing.ts';
import { CodeEmitter, TestCode, type TestListener } from './test-code.ts';

/** What a rule does when its tests hold. */
export const DO_COUNT = 0;
export const DO_JUMP = 1;
export const DO_GOTO = 2;
export const DO_TARGET = 3;

/** A chain of the compiled program. Rule i: tests from[i] … to[i] - 1, action does[i], its operand in operands[i]. */
export interface ProgramChain {
  readonly length: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly counters: Int32Array;
  readonly does: Uint8Array;
  /** Chain number of a jump or goto, target number of a target. */
  readonly operands: Int32Array;
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
}

/** A family's ruleset, compiled. */
export interface Program {
  readonly tests: TestCode;
  readonly chains: readonly ProgramChain[];
  readonly targets: readonly ProgramTarget[];
  /** builtin[table][hook]: chain number, -1 where there is none. */
  readonly builtin: readonly Int32Array[];
}

/** Compiles a ruleset; what its rules look at is noted in `sharing` (not sealed yet). */
export function compileProgram(runtime: RuntimeRuleset, sharing: Sharing): Program {
  const tests = new TestCode();
  const numbers = new Map<RuntimeChain, number>();
  for (const chain of runtime.chains) numbers.set(chain, numbers.size);
  const targets: ProgramTarget[] = [];
  const compiler = new RuleCompiler(tests, sharing);
  const chains = runtime.chains.map((chain) => compileChain(chain, numbers, targets, compiler, sharing));
  tests.seal();
  const builtin = runtime.builtin.map((row) =>
    Int32Array.from(row, (chain) => (chain === undefined ? -1 : numbers.get(chain)!)),
  );
  return { tests, chains, targets, builtin };
}

function compileChain(
  chain: RuntimeChain,
  numbers: ReadonlyMap<RuntimeChain, number>,
  targets: ProgramTarget[],
  compiler: RuleCompiler,
  sharing: Sharing,
): ProgramChain {
  const length = chain.rules.length;
  const from = new Int32Array(length);
  const to = new Int32Array(length);
  const counters = new Int32Array(length);
  const does = new Uint8Array(length);
  const operands = new Int32Array(length);
  const keys: KeyTest[][] = [];
  for (const [i, rule] of chain.rules.entries()) {
    from[i] = compiler.tests.used;
    keys.push(compiler.compile(rule));
    to[i] = compiler.tests.used;
    counters[i] = rule.counter;
    const { target } = rule;
    if (target.kind === 'none') does[i] = DO_COUNT;
    else if (target.kind === 'extension') {
      does[i] = DO_TARGET;
      operands[i] = targets.length;
      const { definition, options, state } = target;
      const scope = scopeOf(definition.scope, options);
      const reads = typeof definition.reads === 'function' ? definition.reads(options) : definition.reads;
      const sharable = !rule.dead && isSharable(scope, reads, sharing);
      targets.push({ apply: definition.apply as ProgramTarget['apply'], options, state, sharable });
    } else {
      does[i] = target.kind === 'jump' ? DO_JUMP : DO_GOTO;
      operands[i] = numbers.get(target.chain)!;
    }
  }
  const { policyCounter, policyAccepts } = chain;
  const index = indexChain(keys);
  return { length, from, to, counters, does, operands, policyCounter, policyAccepts, index };
}

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
  #keys: KeyTest[] = [];
  #sharable = true;

  constructor(tests: TestCode, sharing: Sharing) {
    this.tests = tests;
    this.#sharing = sharing;
    this.#emitter = new CodeEmitter(tests, this);
  }

  masked(register: number, mask: number, value: number, top: boolean): void {
    if (!this.#sharing.masked(register, mask, value)) this.#sharable = false;
    if (top && isIndexable(register)) this.#keys.push({ register, mask, value });
  }

  range(register: number, lo: number, hi: number): void {
    if (!this.#sharing.range(register, lo, hi)) this.#sharable = false;
  }

  /** Emits the tests of `rule` and gives those that an index may use. */
  compile(rule: RuntimeRule): KeyTest[] {
    this.#keys = [];
    const e = this.#emitter;
    if (rule.dead) {
      e.never();
      return [];
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
    for (const match of rule.matches) this.#match(match, rule.environment);
    return this.#keys;
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

  #match(match: RuntimeMatch, environment: RuleEnvironment): void {
    const { definition, options } = match;
    const scope = scopeOf(definition.scope, options);
    const reads = typeof definition.reads === 'function' ? definition.reads(options) : definition.reads;
    if (scope !== 'global' && definition.compile !== undefined && this.#tryCompile(match, environment))
      return;
    if (!isSharable(scope, reads, this.#sharing)) this.#emitter.unshare();
    this.#emitter.call(match);
  }

  /**
   * Emits the match as tests when it can be said so. It is emitted twice, first to nowhere: whether it can be shared
   * is known only when all its tests have been seen, and the marker stands before them.
   */
  #tryCompile({ definition, options }: RuntimeMatch, environment: RuleEnvironment): boolean {
    const keysBefore = this.#keys.length;
    this.#sharable = true;
    const sayable = definition.compile!(options, new CodeEmitter(new TestCode(), this), environment);
    this.#keys.length = keysBefore;
    if (!sayable) return false;
    if (!this.#sharable) this.#emitter.unshare();
    definition.compile!(options, this.#emitter, environment);
    return true;
  }
}
