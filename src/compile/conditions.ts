import { type Arena, addressIn, wordsIn } from '../base/arena.ts';
import { Combos } from '../base/combos.ts';
import { IndexBuilder } from './build-index.ts';
import type { ChainIndex, IndexedRule } from './chain-index.ts';
import { Boxes, boxesOf, CONDITION_REGISTERS } from './condition-boxes.ts';
import {
  BOX_LOW,
  BOX_MORE,
  BOX_WORDS,
  CONDITIONS_BOUNDS,
  CONDITIONS_BOXES,
  CONDITIONS_BYTES,
  CONDITIONS_COUNT,
  CONDITIONS_LISTS,
  CONDITIONS_NODES,
  CONDITIONS_REGISTER_COUNT,
  CONDITIONS_REGISTERS,
  CONDITIONS_ROOT,
  CONDITIONS_SETS,
} from './condition-layout.ts';
import { fieldsOf } from './index-fields.ts';
import type { RuleKey } from './rule-keys.ts';
import { searchIndex } from './search-index.loop.ts';

/** In place of a number: too many different sets of boxes have come up. */
export const TOO_MANY_SETS = -1;
const MOST_SETS = 1 << 18;
/** Boxes that are looked at to judge how many lie one on top of the other, at most. */
const SAMPLE = 256;

/**
 * Which conditions of rules hold for a packet, as one number: the same for packets for which the same conditions hold.
 *
 * A condition is what a rule asks of several addresses and ports at once, and of the protocol. Classes of each by itself (partition.ts) tell far
 * more packets apart: 10,000 rules `-s NET -d ADDRESS --dport PORT` make thousands of classes of either address, so that
 * nearly every connection is a combination of its own; but nearly all of them match one rule or none.
 *
 * A condition is a box: of each register one range of values. A rule with lists of ports has several. The boxes stand in
 * an index, as rules do (chain-index.ts); those that it finds are looked at one by one.
 *
 *   box k of `boxes`:  (low more)*     from k * stride on, a pair for each of `registers`: low <= word <= low + more
 *   number:            0: no box holds; k + 1: box k alone; count + n: set n of several
 *
 * Moved into an arena (condition-layout.ts), it is asked by wasm/conditions.ts as well.
 */
export class ConditionSet {
  readonly index: ChainIndex;
  /** Those that boxes are about. */
  registers: Int32Array;
  boxes: Int32Array;
  readonly stride: number;
  /** How many boxes there are. */
  readonly count: number;
  /** Sets of several: the number of those before, and the box that is added. */
  #sets = new Combos();
  readonly #found: Int32Array;

  /** `rules`: what each of them asks of registers below CONDITION_REGISTERS. */
  constructor(rules: readonly (readonly RuleKey[])[]) {
    const registers = new Set<number>();
    for (const keys of rules) for (const { register } of keys) registers.add(register);
    this.registers = Int32Array.from(registers).sort();
    this.stride = BOX_WORDS * registers.size;
    const boxes = new Boxes(this.registers);
    const indexed: IndexedRule[] = [];
    for (const rule of rules) {
      for (const keys of boxesOf(rule)) {
        if (boxes.add(keys))
          indexed.push({ keys, inInterface: undefined, outInterface: undefined, depends: 0 });
      }
    }
    this.boxes = boxes.words.array();
    this.count = boxes.count;
    const all = Int32Array.from(indexed, (_, i) => i);
    this.index = new IndexBuilder(fieldsOf(indexed)).index(all, 0, 0);
    this.#found = new Int32Array(2 * this.index.maxLists);
  }

  /** Moves it into an arena before it is first asked. Its address there; 0 when there is no room. */
  moveInto(arena: Arena): number {
    const at = arena.take(CONDITIONS_BYTES);
    if (at < 0) return 0;
    const { index } = this;
    const members = new Int32Array(arena.buffer, at, CONDITIONS_BYTES / 4);
    let isWhole = true;
    const move = <T extends Int32Array | Uint32Array>(member: number, from: T, to: T): T => {
      to.set(from);
      members[member / 4] = addressIn(arena, to);
      isWhole &&= members[member / 4] !== 0;
      return to;
    };
    const moved = (member: number, from: Int32Array): Int32Array =>
      move(member, from, wordsIn(arena, from.length));
    index.nodes = moved(CONDITIONS_NODES, index.nodes);
    index.lists = moved(CONDITIONS_LISTS, index.lists);
    const bounds = wordsIn(arena, index.bounds.length);
    index.bounds = move(
      CONDITIONS_BOUNDS,
      index.bounds,
      new Uint32Array(bounds.buffer, bounds.byteOffset, bounds.length),
    );
    this.boxes = moved(CONDITIONS_BOXES, this.boxes);
    this.registers = moved(CONDITIONS_REGISTERS, this.registers);
    this.#sets = new Combos(arena);
    members[CONDITIONS_ROOT / 4] = index.root;
    members[CONDITIONS_REGISTER_COUNT / 4] = this.registers.length;
    members[CONDITIONS_COUNT / 4] = this.count;
    members[CONDITIONS_SETS / 4] = this.#sets.place;
    return isWhole && this.#sets.place !== 0 ? at : 0;
  }

  /** Number of what holds for a packet with these registers (the first CONDITION_REGISTERS suffice), or TOO_MANY_SETS. */
  numberOf(r: Int32Array): number {
    const { lists } = this.index;
    const found = this.#found;
    const end = searchIndex(this.index, r, found, 0);
    let number = 0;
    for (let at = 0; at < end; at += 2) {
      const listEnd = found[at + 1]!;
      for (let k = found[at]!; k < listEnd; k++) {
        const box = lists[k]!;
        if (!this.#holds(box, r)) continue;
        if (number === 0) number = box + 1;
        else if (this.#sets.count === MOST_SETS) return TOO_MANY_SETS;
        else number = this.count + this.#sets.idOf(number, box, 0, 0);
      }
    }
    return number;
  }

  /** How many boxes hold where a box begins, on average. */
  meanDepth(): number {
    const { registers, count, stride, boxes } = this;
    const { lists } = this.index;
    const r = new Int32Array(CONDITION_REGISTERS);
    const step = Math.ceil(count / SAMPLE);
    let depth = 0;
    for (let one = 0; one < count; one += step) {
      for (const [k, register] of registers.entries())
        r[register] = boxes[one * stride + BOX_WORDS * k + BOX_LOW]!;
      const end = searchIndex(this.index, r, this.#found, 0);
      for (let at = 0; at < end; at += 2) {
        for (const box of lists.subarray(this.#found[at], this.#found[at + 1]))
          if (this.#holds(box, r)) depth++;
      }
    }
    return depth / Math.ceil(count / step);
  }

  #holds(box: number, r: Int32Array): boolean {
    const { registers, boxes } = this;
    let at = box * this.stride;
    for (let k = 0; k < registers.length; k++, at += BOX_WORDS) {
      if ((r[registers[k]!]! - boxes[at + BOX_LOW]!) >>> 0 > boxes[at + BOX_MORE]! >>> 0) return false;
    }
    return true;
  }
}
