import type { RuntimeChain } from '../evaluate/runtime.ts';
import { describeIndex, type Probes } from './probe-index.ts';
import type { Program } from './program.ts';

/** What has become of one chain, in a profiled run. */
export interface ChainCounts {
  /** Counter of its first rule. */
  readonly counter: number;
  readonly rules: number;
  /** What its index looks at first, and how; undefined where it has none. */
  readonly index: string | undefined;
  /** How often a packet came to it. */
  readonly entered: number;
  /** How often its index was asked, and how many of these searches found any rule to be tried. */
  readonly searches: number;
  readonly found: number;
  /** Looks at a register that all searches took together, and rules that they found. */
  readonly probes: number;
  readonly candidates: number;
}

/** Counts by chain, for the chains of one family. Chains are numbered as in its RuntimeRuleset. */
export class ChainTally {
  readonly #chains: readonly RuntimeChain[];
  readonly #program: Program | undefined;
  readonly entered: Float64Array;
  readonly #searches: Float64Array;
  readonly #found: Float64Array;
  readonly #probes: Float64Array;
  readonly #candidates: Float64Array;

  constructor(chains: readonly RuntimeChain[], program: Program | undefined) {
    const { length } = chains;
    this.#chains = chains;
    this.#program = program;
    this.entered = new Float64Array(length);
    this.#searches = new Float64Array(length);
    this.#found = new Float64Array(length);
    this.#probes = new Float64Array(length);
    this.#candidates = new Float64Array(length);
  }

  searched(chain: number, { nodes, candidates }: Probes): void {
    this.#searches[chain]! += 1;
    if (candidates > 0) this.#found[chain]! += 1;
    this.#probes[chain]! += nodes;
    this.#candidates[chain]! += candidates;
  }

  /** Of the chains that have rules, in the order of the dump. */
  counts(): ChainCounts[] {
    return this.#chains.flatMap(({ rules }, i) => {
      if (rules.length === 0) return [];
      const index = this.#program?.chains[i]?.index;
      return {
        counter: rules[0]!.counter,
        rules: rules.length,
        index: index === undefined ? undefined : describeIndex(index),
        entered: this.entered[i]!,
        searches: this.#searches[i]!,
        found: this.#found[i]!,
        probes: this.#probes[i]!,
        candidates: this.#candidates[i]!,
      };
    });
  }
}
