import { mix32 } from '../base/hash.ts';
import { R_CTINFO, R_IIF, R_OIF } from '../packet/registers.ts';
import {
  CELL_SHIFT,
  type ChainIndex,
  HASH_TABLE,
  type IndexedRule,
  type InterfaceNode,
  MIN_INDEXED_RULES,
  NODE_HASH,
  NODE_IFACE,
  NODE_RANGES,
  RANGES_LEVELS,
  UNKNOWN_INTERFACE,
} from './chain-index.ts';
import { type Field, fieldsOf, InterfaceField, type WordField } from './index-fields.ts';
import { Words } from './words.ts';

/** So few candidates are tried one by one rather than told apart by another register. */
const LEAF_RULES = 4;
/** What looking at one more register costs, in rules tried. */
const LOOK_COST = 2;
/**
 * How often a rule may stand in lists: ranges and lists of ports are cut to pieces, and what is cut by several registers
 * one after the other would grow without end. Where it would stand in more, it is told apart by another register, or
 * not at all.
 */
const MOST_COPIES = 64;
/** Leading rules that are tried before the index is asked, at most. */
const MAX_HEAD = 16;

/** Makes the index of a chain; undefined when it would not pay. `isRaw`: of the raw table. */
export function indexChain(rules: readonly IndexedRule[]): ChainIndex | undefined {
  if (rules.length < MIN_INDEXED_RULES) return undefined;
  let head = 0;
  while (head < Math.min(MAX_HEAD, rules.length) && isAboutEveryPacket(rules[head]!)) head++;
  const rest = rules.length - head;
  if (rest < MIN_INDEXED_RULES) return undefined;
  const builder = new IndexBuilder(fieldsOf(rules));
  let depends = 0;
  for (let i = head; i < rules.length; i++) depends |= rules[i]!.depends;
  const index = builder.index(
    Int32Array.from({ length: rest }, (_, i) => head + i),
    head,
    depends,
  );
  return index.root < 0 ? undefined : index;
}

/** It says nothing that would find it: only the state, or the interface, that many packets have. */
function isAboutEveryPacket({ keys }: IndexedRule): boolean {
  return keys.every(({ register }) => register === R_CTINFO || register === R_IIF || register === R_OIF);
}

/**
 * Builds the tree, top down. At each node the field is chosen that leaves the fewest rules: those that a packet has to
 * be told apart from further which is meant for one of the node's rules, and the node's rest.
 */
export class IndexBuilder {
  readonly #fields: readonly Field[];
  readonly #nodes = new Words(1);
  readonly #lists = new Words(1);
  readonly #bounds = new Words();
  readonly #interfaces: InterfaceNode[] = [];
  /** Lists that a search of the node built last gives at most. */
  #listCount = 0;

  constructor(fields: readonly Field[]) {
    this.#fields = fields;
  }

  index(rules: Int32Array, head: number, depends: number): ChainIndex {
    const root = this.#build(rules, 0, MOST_COPIES);
    return {
      builder: this,
      root,
      head,
      interfaces: this.#interfaces,
      nodes: this.#nodes.array(),
      lists: this.#lists.array(),
      bounds: Uint32Array.from(this.#bounds.array()),
      depends,
      maxLists: this.#listCount,
    };
  }

  /** A packet has come by interface `id`: builds what interface node `number` holds for it. */
  addInterface(index: ChainIndex, number: number, id: number): void {
    const node = this.#interfaces[number]!;
    const field = this.#fields[node.field] as InterfaceField;
    const child = this.#build(
      node.rules.filter((rule) => field.tests[rule]!.test(id)),
      node.decided,
      node.room,
    );
    if (id >= node.children.length) {
      const grown = new Int32Array(2 * id + 8).fill(UNKNOWN_INTERFACE);
      grown.set(node.children);
      node.children = grown;
    }
    node.children[id] = child;
    index.nodes = this.#nodes.array();
    index.lists = this.#lists.array();
    index.bounds = Uint32Array.from(this.#bounds.array());
    index.maxLists += this.#listCount;
  }

  /**
   * The node for these rules, where the fields of the bits `decided` need not be looked at any more. `room`: into how many
   * lists a rule may be put, on average.
   */
  #build(given: Int32Array | readonly number[], decided: number, room: number): number {
    if (given.length <= LEAF_RULES) return this.#leaf(given);
    const rules = given instanceof Int32Array ? given : Int32Array.from(given);
    let excluded = decided;
    for (;;) {
      const chosen = this.#choose(rules, excluded);
      if (chosen < 0) return this.#leaf(rules);
      const field = this.#fields[chosen]!;
      const split: Split = {
        constrained: rules.filter((rule) => field.constrains(rule)),
        rest: rules.filter((rule) => !field.constrains(rule)),
        decided: decided | (1 << chosen),
        room,
      };
      if (field instanceof InterfaceField) return this.#interfaceNode(field, chosen, split);
      const mask = field.commonMask(split.constrained);
      const node = mask !== 0 ? this.#hashNode(field, mask, split) : this.#rangesNode(field, split);
      if (node !== TOO_MANY_COPIES) return node;
      excluded |= 1 << chosen;
    }
  }

  #leaf(rules: Int32Array | readonly number[]): number {
    this.#listCount = rules.length === 0 ? 0 : 1;
    if (rules.length === 0) return 0;
    const at = this.#lists.used;
    this.#lists.push(rules.length);
    for (let i = 0; i < rules.length; i++) this.#lists.push(rules[i]!);
    return -at;
  }

  /** Number of the field to look at, or -1 when no look pays. */
  #choose(rules: Int32Array, decided: number): number {
    let least = rules.length - LOOK_COST;
    let chosen = -1;
    for (const [i, field] of this.#fields.entries()) {
      if ((decided & (1 << i)) !== 0) continue;
      const left = field.candidatesLeft(rules);
      if (left >= least) continue;
      least = left;
      chosen = i;
    }
    return chosen;
  }

  #hashNode(field: WordField, mask: number, { constrained, rest, decided, room }: Split): number {
    const groups = new Groups(field, constrained);
    const left = (room * constrained.length) / groups.copies;
    if (left < 1) return TOO_MANY_COPIES;
    let size = 4;
    while (size < 2 * groups.count) size *= 2;
    const nodes = this.#nodes;
    const node = nodes.reserve(HASH_TABLE + 2 * size);
    let most = 0;
    for (let group = 0; group < groups.count; group++) {
      const key = groups.keyOf(group);
      const child = this.#build(groups.rulesOf(group), decided, left);
      most = Math.max(most, this.#listCount);
      let slot = mix32(key) & (size - 1);
      while (nodes.at(node + HASH_TABLE + 2 * slot + 1) !== 0) slot = (slot + 1) & (size - 1);
      nodes.set(node + HASH_TABLE + 2 * slot, key);
      nodes.set(node + HASH_TABLE + 2 * slot + 1, child);
    }
    nodes.set(node, NODE_HASH);
    nodes.set(node + 1, field.register);
    nodes.set(node + 2, mask);
    nodes.set(node + 3, size - 1);
    nodes.set(node + 4, this.#build(rest, decided, room));
    this.#listCount += most;
    return node;
  }

  #interfaceNode(field: InterfaceField, number: number, { constrained, rest, decided, room }: Split): number {
    const nodes = this.#nodes;
    const node = nodes.reserve(4);
    nodes.set(node, NODE_IFACE);
    nodes.set(node + 1, field.register);
    nodes.set(node + 2, this.#interfaces.length);
    const children = new Int32Array(8).fill(UNKNOWN_INTERFACE);
    this.#interfaces.push({ rules: constrained, field: number, decided, room, children });
    nodes.set(node + 3, this.#build(rest, decided, room));
    return node;
  }

  #rangesNode(field: WordField, { constrained, rest, decided, room }: Split): number {
    const { bounds, levels, copies } = new Cells(field, constrained);
    const left = (room * constrained.length) / copies;
    if (left < 1) return TOO_MANY_COPIES;
    const nodes = this.#nodes;
    const node = nodes.reserve(RANGES_LEVELS + levels.length);
    let lists = 0;
    for (const [level, byCell] of levels.entries()) {
      if (byCell.size === 0) continue;
      const at = nodes.reserve(((bounds.length - 1) >> (CELL_SHIFT * level)) + 1);
      let most = 0;
      for (const [cell, list] of byCell) {
        nodes.set(at + cell, this.#build(list, decided, left));
        most = Math.max(most, this.#listCount);
      }
      nodes.set(node + RANGES_LEVELS + level, at);
      lists += most;
    }
    nodes.set(node, NODE_RANGES);
    nodes.set(node + 1, field.register);
    this.#addBuckets(node, bounds);
    nodes.set(node + 6, this.#bounds.used);
    for (const bound of bounds) this.#bounds.push(bound);
    nodes.set(node + 7, levels.length);
    nodes.set(node + 8, this.#build(rest, decided, room));
    this.#listCount += lists;
    return node;
  }

  /** Where to begin the bisection, by the highest bits of the distance from the lowest bound. */
  #addBuckets(node: number, bounds: Uint32Array): void {
    const base = bounds[0]!;
    const last = bounds.length - 1;
    const span = bounds[last]! - base;
    let shift = 0;
    while (span / 2 ** shift > bounds.length) shift++;
    const buckets = Math.floor(span / 2 ** shift) + 1;
    const nodes = this.#nodes;
    const at = nodes.reserve(buckets + 1);
    for (let bucket = 0, cell = 0; bucket < buckets; bucket++) {
      while (cell < last && bounds[cell + 1]! <= base + bucket * 2 ** shift) cell++;
      nodes.set(at + bucket, cell);
    }
    nodes.set(at + buckets, last);
    nodes.set(node + 2, shift);
    nodes.set(node + 3, base | 0);
    nodes.set(node + 4, buckets);
    nodes.set(node + 5, at);
  }
}

/** The rules of a node, parted by the field that it looks at. */
interface Split {
  readonly constrained: Int32Array;
  readonly rest: Int32Array;
  readonly decided: number;
  readonly room: number;
}

/** In place of a node: it would have put its rules into more lists than there is room for. */
const TOO_MANY_COPIES = 0x7fffffff;

function put(map: Map<number, number[]>, key: number, rule: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [rule]);
  else list.push(rule);
}

/** The rules of a hash node by their keys, in the order in which the keys come up first. */
class Groups {
  count = 0;
  /** How often rules stand in them in all. */
  copies = 0;
  /** By group: its key, where its first and last entry is, and how many there are. By entry: its rule, and the next one. */
  readonly #keys = new Words();
  readonly #firsts = new Words();
  readonly #lasts = new Words();
  readonly #lengths = new Words();
  readonly #rules = new Words();
  readonly #nexts = new Words();
  /** Open addressing: number of the group + 1. */
  #slots = new Int32Array(16);

  constructor(field: WordField, rules: Int32Array) {
    for (const rule of rules) {
      const pairs = field.pairs[rule]!;
      for (let k = 0; k < pairs.length; k += 2) this.#add(pairs[k]! | 0, rule);
    }
  }

  keyOf(group: number): number {
    return this.#keys.at(group);
  }

  rulesOf(group: number): Int32Array | readonly number[] {
    const length = this.#lengths.at(group);
    let entry = this.#firsts.at(group);
    if (length === 1) return [this.#rules.at(entry)];
    const rules = new Int32Array(length);
    for (let i = 0; i < length; i++, entry = this.#nexts.at(entry)) rules[i] = this.#rules.at(entry);
    return rules;
  }

  #add(key: number, rule: number): void {
    const mask = this.#slots.length - 1;
    let slot = mix32(key) & mask;
    while (this.#slots[slot] !== 0 && this.#keys.at(this.#slots[slot]! - 1) !== key) slot = (slot + 1) & mask;
    const entry = this.copies++;
    this.#rules.push(rule);
    this.#nexts.push(0);
    if (this.#slots[slot] === 0) {
      this.#slots[slot] = ++this.count;
      this.#keys.push(key);
      this.#firsts.push(entry);
      this.#lasts.push(entry);
      this.#lengths.push(1);
      if (2 * this.count > mask) this.#grow();
      return;
    }
    const group = this.#slots[slot]! - 1;
    this.#nexts.set(this.#lasts.at(group), entry);
    this.#lasts.set(group, entry);
    this.#lengths.set(group, this.#lengths.at(group) + 1);
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let group = 0; group < this.count; group++) {
      let slot = mix32(this.#keys.at(group)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = group + 1;
    }
    this.#slots = slots;
  }
}

/** The cells of a node of ranges: its bounds, and for each level which rules stand in which cells. */
class Cells {
  /** Ascending. Cell i holds the words from bounds[i] on; the last one all others. */
  readonly bounds: Uint32Array;
  readonly levels: Map<number, number[]>[] = [];
  /** How often rules stand in them in all. */
  copies = 0;

  constructor(field: WordField, rules: Int32Array) {
    this.bounds = field.bounds(rules);
    for (let count = this.bounds.length; ; count = (count + 7) >> CELL_SHIFT) {
      this.levels.push(new Map());
      if (count <= 1) break;
    }
    for (const rule of rules) {
      const pairs = field.pairs[rule]!;
      for (let i = 0; i < pairs.length; i += 2)
        this.#cover(rule, this.#cellOf(pairs[i]!), this.#cellBehind(pairs[i + 1]!));
    }
  }

  /** Puts a rule into the largest cells that make up the cells from `begin` up to, but not, `end`. */
  #cover(rule: number, begin: number, end: number): void {
    const size = 1 << CELL_SHIFT;
    let from = begin;
    let to = end;
    for (let level = 0; from < to; level++) {
      const isLast = level === this.levels.length - 1;
      while (from < to && (isLast || (from & (size - 1)) !== 0)) this.#put(level, from++, rule);
      while (from < to && (to & (size - 1)) !== 0) this.#put(level, --to, rule);
      from >>= CELL_SHIFT;
      to >>= CELL_SHIFT;
    }
  }

  #put(level: number, cell: number, rule: number): void {
    put(this.levels[level]!, cell, rule);
    this.copies++;
  }

  /** The cell that begins with a word that is a bound. */
  #cellOf(word: number): number {
    let low = 0;
    let high = this.bounds.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.bounds[middle]! <= word) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The cell behind a word that is the highest of a range. */
  #cellBehind(word: number): number {
    return word === 0xffffffff ? this.bounds.length : this.#cellOf(word + 1);
  }
}
