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
import type { ChainIndex } from './chain-index.ts';
import { DEPENDS_ON_MORE } from './dependence.ts';
import { isOdd } from './odd.ts';
import {
  DO_COUNT,
  DO_GOTO,
  DO_JUMP,
  DO_VERDICT,
  type Program,
  type ProgramChain,
  RULE_COUNTER,
  RULE_DEPENDS,
  RULE_DOES,
  RULE_OPERAND,
  RULE_TESTS,
  RULE_WORDS,
} from './program.ts';
import { INDEX_GREW, searchIndex } from './search-index.loop.ts';
import { testsHold } from './tests.loop.ts';

/** Second word of a frame that stands in the rules themselves. */
const RULE_BY_RULE = -1;

/**
 * Walks a compiled program: as LinearRunner does, but in a chain that has an index only the rules that could match
 * are tried. Where the walk stands in a chain is a *frame* on one stack of words:
 *
 *   rule by rule:    [chain, RULE_BY_RULE, next rule, end]     where there is no index, or before it is asked
 *   by the index:    [chain, n, position 1, end 1, … position n, end n]   cursors into the index's lists
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
    const { r } = p;
    if (isOdd(r)) {
      trail.unsharable = true;
      trail.depends |= DEPENDS_ON_MORE;
      return this.#linear.run(table, hook, p, trail);
    }
    const { chains, rules, tests, targets, builtin } = this.#program;
    const number = builtin[table]![hook]!;
    const base = chains[number]!;
    r[R_HOOK] = hook;
    if (base.length === 0) return policy(base, p, trail);
    this.#top = 0;
    this.#depth = 0;
    this.enter(number, base);
    let chain = base;
    for (;;) {
      const i = this.#next(chain, r, trail);
      if (i < 0) {
        if (!this.#leave()) return policy(base, p, trail);
        chain = chains[this.#stack[this.#frame]!]!;
        continue;
      }
      const rule = chain.first + i * RULE_WORDS;
      const pc = rules[rule + RULE_TESTS]!;
      const end = rules[rule + RULE_WORDS + RULE_TESTS]!;
      trail.depends |= rules[rule + RULE_DEPENDS]!;
      if (pc !== end && !testsHold(tests, pc, end, p, trail)) {
        if (!p.hotdrop) continue;
        trail.decider = rules[rule + RULE_COUNTER]!;
        return VERDICT_DROP;
      }
      if (p.hotdrop) {
        trail.decider = rules[rule + RULE_COUNTER]!;
        return VERDICT_DROP;
      }
      trail.hit(rules[rule + RULE_COUNTER]!, r[R_LENGTH]!);
      const does = rules[rule + RULE_DOES]!;
      const operand = rules[rule + RULE_OPERAND]!;
      if (does === DO_COUNT) continue;
      if (does === DO_JUMP || does === DO_GOTO) {
        if (does === DO_GOTO) this.#top = this.#frame;
        else this.#pushFrame();
        chain = chains[operand]!;
        this.enter(operand, chain);
        continue;
      }
      let verdict = operand as Verdict;
      if (does !== DO_VERDICT) {
        const target = targets[operand]!;
        if (!target.sharable || target.isAlone?.(target.options, p as never) === true)
          trail.unsharable = true;
        trail.depends |= target.depends;
        verdict = target.apply(target.options, p as never, target.state) as Verdict;
        if (verdict === VERDICT_CONTINUE) continue;
      }
      if (verdict !== VERDICT_RETURN) {
        trail.decider = rules[rule + RULE_COUNTER]!;
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
  protected enter(number: number, chain: ProgramChain): void {
    const frame = this.#top;
    this.#frame = frame;
    this.#top = frame + 4;
    if (this.#top > this.#stack.length) this.#stack = grow(this.#stack);
    const stack = this.#stack;
    stack[frame] = number;
    stack[frame + 1] = RULE_BY_RULE;
    stack[frame + 2] = 0;
    stack[frame + 3] = chain.index === undefined ? chain.length : chain.index.head;
  }

  /** Number of the next rule to try in the running frame, -1 at the end of the chain. */
  #next(chain: ProgramChain, r: Int32Array, trail: Trail): number {
    const stack = this.#stack;
    const frame = this.#frame;
    const position = stack[frame + 2]!;
    switch (stack[frame + 1]) {
      case RULE_BY_RULE:
        if (position === stack[frame + 3]) {
          if (chain.index === undefined) return -1;
          trail.depends |= chain.index.depends;
          return this.search(chain.index, r);
        }
        stack[frame + 2] = position + 1;
        return position;
      case 0:
        return -1;
      case 1:
        if (position === stack[frame + 3]) return -1;
        stack[frame + 2] = position + 1;
        return chain.index!.lists[position]!;
      default:
        return this.#least(chain.index!.lists);
    }
  }

  /** Asks the index; the running frame is the topmost, and holds cursors from now on. Gives the first candidate. */
  protected search(index: ChainIndex, r: Int32Array): number {
    const frame = this.#frame;
    let end: number;
    do {
      while (frame + 2 + 2 * index.maxLists > this.#stack.length) this.#stack = grow(this.#stack);
      end = searchIndex(index, r, this.#stack, frame + 2);
    } while (end === INDEX_GREW);
    this.#stack[frame + 1] = (end - frame - 2) >> 1;
    this.#top = end;
    return this.#least(index.lists);
  }

  /** The smallest rule under a cursor, which moves on. */
  #least(lists: Int32Array): number {
    const stack = this.#stack;
    const begin = this.#frame + 2;
    const end = begin + 2 * stack[begin - 1]!;
    let least = 0x7fffffff;
    let which = -1;
    for (let at = begin; at < end; at += 2) {
      const position = stack[at]!;
      if (position === stack[at + 1]) continue;
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
