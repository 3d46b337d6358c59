import type { TableRunner } from '../evaluate/table-runner.ts';
import type { Trail } from '../evaluate/trail.ts';
import type { Packet } from '../packet/packet.ts';
import { R_HOOK, R_LENGTH } from '../packet/registers.ts';
import {
  VERDICT_ACCEPT,
  VERDICT_CONTINUE,
  VERDICT_DROP,
  VERDICT_RETURN,
  type Verdict,
} from '../packet/verdict.ts';
import { probeGroup } from './chain-index.ts';
import { isOdd } from './odd.ts';
import { DO_COUNT, DO_GOTO, DO_JUMP, type Program, type ProgramChain } from './program.ts';
import { testsHold } from './tests.loop.ts';

/**
 * Walks a compiled program: as LinearRunner does, but in a chain that has an index only the rules that could match
 * are tried. Where the walk stands in a chain is a *frame* on one stack of words:
 *
 *   chain without index:  [chain, -1, next rule]
 *   chain with index:     [chain, n, position 1, end 1, … position n, end n]   cursors into the index's lists
 *
 * The next rule is the smallest one under any cursor.
 */
export class CompiledRunner implements TableRunner {
  readonly #program: Program;
  readonly #linear: TableRunner;
  #stack = new Int32Array(1 << 10);
  /** Start of the running frame, and the word behind it. */
  #frame = 0;
  #top = 0;
  /** Starts of the frames below the running one. */
  #frames = new Int32Array(64);
  #depth = 0;

  /** `linear` runs the same ruleset: it takes the odd packets. */
  constructor(program: Program, linear: TableRunner) {
    this.#program = program;
    this.#linear = linear;
  }

  has(table: number, hook: number): boolean {
    return this.#program.builtin[table]![hook]! >= 0;
  }

  run(table: number, hook: number, p: Packet, trail: Trail): Verdict {
    const { chains, tests, targets } = this.#program;
    const { r } = p;
    if (isOdd(r)) {
      trail.unsharable = true;
      return this.#linear.run(table, hook, p, trail);
    }
    const baseNumber = this.#program.builtin[table]![hook]!;
    const base = chains[baseNumber]!;
    r[R_HOOK] = hook;
    this.#top = 0;
    this.#depth = 0;
    this.#enter(baseNumber, p);
    let chain = base;
    for (;;) {
      const i = this.#next(chain);
      if (i < 0) {
        if (!this.#leave()) return policy(base, p, trail);
        chain = chains[this.#stack[this.#frame]!]!;
        continue;
      }
      if (!testsHold(tests, chain.from[i]!, chain.to[i]!, p, trail)) {
        if (!p.hotdrop) continue;
        trail.decider = chain.counters[i]!;
        return VERDICT_DROP;
      }
      if (p.hotdrop) {
        trail.decider = chain.counters[i]!;
        return VERDICT_DROP;
      }
      trail.hit(chain.counters[i]!, r[R_LENGTH]!);
      const does = chain.does[i]!;
      if (does === DO_COUNT) continue;
      if (does === DO_JUMP || does === DO_GOTO) {
        if (does === DO_GOTO) this.#top = this.#frame;
        else this.#pushFrame();
        const number = chain.operands[i]!;
        this.#enter(number, p);
        chain = chains[number]!;
        continue;
      }
      const target = targets[chain.operands[i]!]!;
      if (!target.sharable) trail.unsharable = true;
      const verdict = target.apply(target.options, p as never, target.state) as Verdict;
      if (verdict === VERDICT_CONTINUE) continue;
      if (verdict !== VERDICT_RETURN) {
        trail.decider = chain.counters[i]!;
        return verdict;
      }
      if (!this.#leave()) return policy(base, p, trail);
      chain = chains[this.#stack[this.#frame]!]!;
    }
  }

  #pushFrame(): void {
    if (this.#depth === this.#frames.length) this.#frames = grow(this.#frames);
    this.#frames[this.#depth++] = this.#frame;
  }

  /** Back to the frame below; false when there is none. */
  #leave(): boolean {
    if (this.#depth === 0) return false;
    this.#top = this.#frame;
    this.#frame = this.#frames[--this.#depth]!;
    return true;
  }

  /** Makes the frame of a chain on top of the stack. */
  #enter(number: number, p: Packet): void {
    const chain = this.#program.chains[number]!;
    const { index } = chain;
    const start = this.#top;
    this.#frame = start;
    const need = start + 4 + 2 * ((index?.groups.length ?? 0) + 1);
    while (need > this.#stack.length) this.#stack = grow(this.#stack);
    const stack = this.#stack;
    stack[start] = number;
    if (index === undefined) {
      stack[start + 1] = -1;
      stack[start + 2] = 0;
      this.#top = start + 3;
      return;
    }
    let at = start + 2;
    if (index.allCount > 0) {
      stack[at++] = 0;
      stack[at++] = index.allCount;
    }
    const { groups } = index;
    for (let g = 0; g < groups.length; g++) {
      const group = groups[g]!;
      const key = probeGroup(group, p.r);
      if (key < 0) continue;
      stack[at++] = group.starts[key]!;
      stack[at++] = group.starts[key + 1]!;
    }
    stack[start + 1] = (at - start - 2) >> 1;
    this.#top = at;
  }

  /** Number of the next rule to try in the running frame, -1 at the end of the chain. */
  #next(chain: ProgramChain): number {
    const stack = this.#stack;
    const frame = this.#frame;
    const cursors = stack[frame + 1]!;
    if (cursors < 0) {
      const i = stack[frame + 2]!;
      if (i === chain.length) return -1;
      stack[frame + 2] = i + 1;
      return i;
    }
    const { lists } = chain.index!;
    let least = 0x7fffffff;
    let which = -1;
    for (let k = 0; k < cursors; k++) {
      const at = frame + 2 + 2 * k;
      const position = stack[at]!;
      if (position === stack[at + 1]!) continue;
      const rule = lists[position]!;
      if (rule < least) {
        least = rule;
        which = at;
      }
    }
    if (which < 0) return -1;
    stack[which]!++;
    return least;
  }
}

function policy(base: ProgramChain, p: Packet, trail: Trail): Verdict {
  trail.hit(base.policyCounter, p.r[R_LENGTH]!);
  trail.decider = base.policyCounter;
  return base.policyAccepts ? VERDICT_ACCEPT : VERDICT_DROP;
}

function grow(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}
