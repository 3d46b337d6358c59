import type { TableRunner } from '../evaluate/table-runner.ts';
import type { ChainIndex } from './chain-index.ts';
import type { ChainTally } from './chain-tally.ts';
import { CompiledRunner } from './compiled-runner.ts';
import { probeIndex } from './probe-index.ts';
import type { Program, ProgramChain } from './program.ts';

/** The compiled evaluator of a profiled run: counts what becomes of its chains. Its answer is CompiledRunner's own. */
export class ProfiledRunner extends CompiledRunner {
  readonly #tally: ChainTally;
  readonly #numbers = new Map<ChainIndex, number>();
  readonly #probes = { nodes: 0, candidates: 0 };
  /** Called before and after what is done for the tally alone. */
  readonly #aside: (work: () => void) => void;

  constructor(program: Program, linear: TableRunner, tally: ChainTally, aside: (work: () => void) => void) {
    super(program, linear);
    this.#tally = tally;
    this.#aside = aside;
    for (const [number, { index }] of program.chains.entries())
      if (index !== undefined) this.#numbers.set(index, number);
  }

  protected override enter(number: number, chain: ProgramChain): void {
    this.#tally.entered[number]! += 1;
    super.enter(number, chain);
  }

  protected override search(index: ChainIndex, r: Int32Array): number {
    const first = super.search(index, r);
    this.#aside(() => {
      const probes = this.#probes;
      probes.nodes = 0;
      probes.candidates = 0;
      probeIndex(index, r, probes);
      this.#tally.searched(this.#numbers.get(index)!, probes);
    });
    return first;
  }
}
