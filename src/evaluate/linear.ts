import type { Packet } from '../packet/packet.ts';
import { R_HOOK, R_LENGTH } from '../packet/registers.ts';
import {
  VERDICT_ACCEPT,
  VERDICT_CONTINUE,
  VERDICT_DROP,
  VERDICT_RETURN,
  type Verdict,
} from '../packet/verdict.ts';
import { baseMatches } from './base-match.ts';
import type { RuntimeChain, RuntimeRule, RuntimeRuleset } from './runtime.ts';
import type { TableRunner } from './table-runner.ts';
import type { Trail } from './trail.ts';

/** Sees every rule that the walker comes to: for `trace`. */
export interface WalkObserver {
  /** The rule was tried; `matched` says whether all its matches held. */
  rule(chain: RuntimeChain, rule: RuntimeRule, matched: boolean, p: Packet): void;
  /** The end of a built-in chain was reached. */
  policy(chain: RuntimeChain, p: Packet): void;
}

/**
 * The reference evaluator: walks the rules one by one as they stand, with no index, no cache and no shortcut. It
 * is slow, and it is meant to be read beside ipt_do_table() (net/ipv4/netfilter/ip_tables.c), which it follows:
 * the compiled evaluator is held against it, and `trace` runs on it.
 */
export class LinearRunner implements TableRunner {
  readonly #runtime: RuntimeRuleset;
  readonly #observer: WalkObserver | undefined;
  /** Where to go on after a user-defined chain: the chain and the index behind the jump. */
  readonly #stackChains: RuntimeChain[] = [];
  readonly #stackIndexes: number[] = [];

  constructor(runtime: RuntimeRuleset, observer?: WalkObserver) {
    this.#runtime = runtime;
    this.#observer = observer;
  }

  has(table: number, hook: number): boolean {
    return this.#runtime.builtin[table]![hook] !== undefined;
  }

  run(table: number, hook: number, p: Packet, trail: Trail): Verdict {
    const base = this.#runtime.builtin[table]![hook]!;
    const { r } = p;
    r[R_HOOK] = hook;
    this.#stackChains.length = 0;
    this.#stackIndexes.length = 0;
    let chain = base;
    let index = 0;
    for (;;) {
      if (index === chain.rules.length) {
        const caller = this.#stackChains.pop();
        if (caller === undefined) return this.#policy(base, p, trail);
        chain = caller;
        index = this.#stackIndexes.pop()!;
        continue;
      }
      const rule = chain.rules[index++]!;
      const matched = !rule.dead && baseMatches(rule, p) && extensionsMatch(rule, p);
      this.#observer?.rule(chain, rule, matched, p);
      if (p.hotdrop) {
        trail.decider = rule.counter;
        return VERDICT_DROP;
      }
      if (!matched) continue;
      trail.hit(rule.counter, r[R_LENGTH]!);
      const { target } = rule;
      if (target.kind === 'none') continue;
      if (target.kind === 'extension') {
        const verdict = target.definition.apply(target.options, p, target.state);
        if (verdict === VERDICT_CONTINUE) continue;
        if (verdict !== VERDICT_RETURN) {
          trail.decider = rule.counter;
          return verdict;
        }
        const caller = this.#stackChains.pop();
        if (caller === undefined) return this.#policy(base, p, trail);
        chain = caller;
        index = this.#stackIndexes.pop()!;
        continue;
      }
      if (target.kind === 'jump') {
        this.#stackChains.push(chain);
        this.#stackIndexes.push(index);
      }
      chain = target.chain;
      index = 0;
    }
  }

  #policy(base: RuntimeChain, p: Packet, trail: Trail): Verdict {
    this.#observer?.policy(base, p);
    trail.hit(base.policyCounter, p.r[R_LENGTH]!);
    trail.decider = base.policyCounter;
    return base.policyAccepts ? VERDICT_ACCEPT : VERDICT_DROP;
  }
}

function extensionsMatch(rule: RuntimeRule, p: Packet): boolean {
  for (const { definition, options, state } of rule.matches) {
    if (!definition.evaluate(options, p, state)) return false;
  }
  return true;
}
