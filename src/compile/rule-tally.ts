import type { RuntimeMatch } from '../evaluate/runtime.ts';
import { defineMatch, type MatchDefinition, type Scope } from '../extension/define.ts';
import type { RegisterName } from '../packet/registers.ts';

/** Something in a rule that must see each packet: what comes to it shares no path. */
export interface Unshared {
  readonly counter: number;
  readonly kind: 'match' | 'target';
  /** Name of the match or target. */
  readonly extension: string;
  readonly why: string;
  /** How often a packet came to it. */
  readonly times: number;
}

/**
 * How often each rule is tried, how often all its tests hold, and how often a packet came to what in it must see each
 * packet: for profiled runs. The loops that run rules know nothing of it. To a compiled rule tests are added, before its
 * own, behind them and where it stops sharing, that count and always hold (compileProgram).
 */
export class RuleTally {
  /** By counter id. */
  readonly checks: Float64Array;
  readonly matches: Float64Array;
  readonly #unshared: Omit<Unshared, 'times'>[] = [];
  /** By number in #unshared; those of targets are told by `matches`. */
  readonly #times: number[] = [];

  /** `counters`: how many there are. */
  constructor(counters: number) {
    this.checks = new Float64Array(counters);
    this.matches = new Float64Array(counters);
  }

  /** The test that stands before those of the rule with this counter. */
  check(counter: number): RuntimeMatch {
    return { definition: TALLY, options: counter, state: this.checks };
  }

  /** The test that stands behind them. */
  match(counter: number): RuntimeMatch {
    return { definition: TALLY, options: counter, state: this.matches };
  }

  /** The test that stands before a match that must see each packet. */
  unsharedMatch(counter: number, extension: string, why: string): RuntimeMatch {
    this.#unshared.push({ counter, kind: 'match', extension, why });
    return { definition: TALLY, options: this.#times.push(0) - 1, state: this.#times };
  }

  /** The rule's target must see each packet: each that matches. */
  unsharedTarget(counter: number, extension: string, why: string): void {
    this.#unshared.push({ counter, kind: 'target', extension, why });
    this.#times.push(0);
  }

  unshared(): Unshared[] {
    return this.#unshared.map((one, i) => ({
      ...one,
      times: one.kind === 'target' ? this.matches[one.counter]! : this.#times[i]!,
    }));
  }
}

/** Counts, and holds. It is written in no ruleset. */
const TALLY = defineMatch<number, Float64Array | number[]>({
  name: 'tally',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  syntax: { options: {} } as never,
  evaluate: (at, p, counts) => {
    if (!p.hotdrop) counts[at]! += 1;
    return true;
  },
}) as MatchDefinition;

/** Why packets that an extension looks at share no path, in words. */
export function whyUnshared(scope: Scope, reads: readonly (RegisterName | 'payload' | 'time')[]): string {
  if (scope === 'global') return 'depends on the packets before';
  if (reads.length === 0) return 'draws for each packet';
  return `looks at ${reads.map((name) => (name === 'time' ? 'the time of day' : name)).join(', ')}`;
}
