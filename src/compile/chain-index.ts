import { mix32 } from '../base/hash.ts';
import {
  R_DADDR,
  R_DPORT,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';

/**
 * The index of a chain: which of its rules could match a packet at all, in order, without trying the others.
 *
 * Tuple space search (Srinivasan, Suri, Varghese 1999): rules are put into *groups* by which registers they test
 * for a value under which mask ("destination /32, protocol, destination port" is one group); in a group, the
 * rules that could match are found by one hash look-up. What a rule asks beyond that is tested on the candidates
 * alone. Rules that ask nothing of the kind are candidates for every packet.
 *
 * The candidates of all groups are merged in rule order as the walk needs them, so that a rule that ends the walk
 * ends the merge. Non-terminating rules, jumps and returns need nothing special: a walk goes on behind them.
 *
 * Cost: one probe a group; groups are kept to MAX_GROUPS by moving the rules of the smallest ones to the group of
 * all. Indexed registers are those that no target changes while a table is walked, so a probe stays valid.
 */
export const MAX_GROUPS = 48;
/** Shorter chains are walked as they stand: a probe costs as much as a few rules. */
export const MIN_INDEXED_RULES = 8;

const INDEXED = new Set([
  R_SADDR,
  R_SADDR + 1,
  R_SADDR + 2,
  R_SADDR + 3,
  R_DADDR,
  R_DADDR + 1,
  R_DADDR + 2,
  R_DADDR + 3,
  R_L4PROTO,
  R_SPORT,
  R_DPORT,
  R_ICMP_TYPE,
  R_ICMP_CODE,
]);

/** One test of a rule that an index can use. */
export interface KeyTest {
  readonly register: number;
  readonly mask: number;
  readonly value: number;
}

export function isIndexable(register: number): boolean {
  return INDEXED.has(register);
}

/**
 * One group: keys of `width` words in a hash table with linear probing. `entries[slot]` is the key number or -1;
 * the rules of key k are lists[starts[k]] … lists[starts[k + 1] - 1], ascending.
 */
export interface Group {
  readonly width: number;
  readonly registers: Int32Array;
  readonly masks: Int32Array;
  readonly entries: Int32Array;
  readonly keys: Int32Array;
  readonly starts: Int32Array;
}

export interface ChainIndex {
  readonly groups: readonly Group[];
  /** Rule numbers, of all groups one behind the other; ascending within a key. */
  readonly lists: Int32Array;
  /** Rules that every packet must try: lists[0] … lists[allCount - 1]. */
  readonly allCount: number;
}

/** Makes the index of a chain; `rules[i]` are the usable tests of rule i. Undefined when it would not pay. */
export function indexChain(rules: readonly (readonly KeyTest[])[]): ChainIndex | undefined {
  if (rules.length < MIN_INDEXED_RULES) return undefined;
  const bySignature = new Map<string, { tests: readonly KeyTest[]; rules: number[] }>();
  const all: number[] = [];
  const keyed: KeyTest[][] = [];
  for (const [i, tests] of rules.entries()) {
    const usable = mergeTests(tests);
    keyed.push(usable);
    if (usable.length === 0) {
      all.push(i);
      continue;
    }
    const signature = usable.map(({ register, mask }) => `${register}/${mask}`).join(' ');
    const group = bySignature.get(signature);
    if (group === undefined) bySignature.set(signature, { tests: usable, rules: [i] });
    else group.rules.push(i);
  }
  const byWorth = [...bySignature.values()].sort((a, b) => b.rules.length - a.rules.length);
  for (const group of byWorth.splice(MAX_GROUPS)) all.push(...group.rules);
  all.sort((a, b) => a - b);
  if (all.length > rules.length - MIN_INDEXED_RULES / 2) return undefined;
  const lists: number[] = [...all];
  const groups = byWorth.map((group) => makeGroup(group.tests, group.rules, keyed, lists));
  return { groups, lists: Int32Array.from(lists), allCount: all.length };
}

/** Tests on the same register are joined; those that contradict make a rule that never matches, left to the tests. */
function mergeTests(tests: readonly KeyTest[]): KeyTest[] {
  const byRegister = new Map<number, KeyTest>();
  for (const test of tests) {
    const before = byRegister.get(test.register);
    if (before === undefined) byRegister.set(test.register, test);
    else if (((before.value ^ test.value) & before.mask & test.mask) === 0) {
      byRegister.set(test.register, {
        register: test.register,
        mask: before.mask | test.mask,
        value: before.value | test.value,
      });
    }
  }
  return [...byRegister.values()].filter((test) => test.mask !== 0).sort((a, b) => a.register - b.register);
}

function makeGroup(
  shape: readonly KeyTest[],
  rules: readonly number[],
  keyed: readonly KeyTest[][],
  lists: number[],
): Group {
  const width = shape.length;
  const byKey = new Map<string, number[]>();
  for (const rule of rules) {
    const key = keyed[rule]!.map(({ value }) => value).join(' ');
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [rule]);
    else list.push(rule);
  }
  let size = 4;
  while (size < 2 * byKey.size) size *= 2;
  const entries = new Int32Array(size).fill(-1);
  const keys = new Int32Array(byKey.size * width);
  const starts = new Int32Array(byKey.size + 1);
  let k = 0;
  for (const list of byKey.values()) {
    const tests = keyed[list[0]!]!;
    for (let i = 0; i < width; i++) keys[k * width + i] = tests[i]!.value;
    starts[k] = lists.length;
    for (const rule of list) lists.push(rule);
    let slot = hashKey(keys, k * width, width) & (size - 1);
    while (entries[slot]! >= 0) slot = (slot + 1) & (size - 1);
    entries[slot] = k++;
  }
  starts[k] = lists.length;
  return {
    width,
    registers: Int32Array.from(shape, ({ register }) => register),
    masks: Int32Array.from(shape, ({ mask }) => mask),
    entries,
    keys,
    starts,
  };
}

function hashKey(keys: Int32Array, at: number, width: number): number {
  let hash = 0;
  for (let i = 0; i < width; i++) hash = Math.imul((hash << 5) | (hash >>> 27), 0x85ebca77) ^ keys[at + i]!;
  return mix32(hash);
}

/** Number of the group's key that the packet has, or -1. */
export function probeGroup(group: Group, r: Int32Array): number {
  const { width, registers, masks, entries, keys } = group;
  let hash = 0;
  for (let i = 0; i < width; i++) {
    hash = Math.imul((hash << 5) | (hash >>> 27), 0x85ebca77) ^ (r[registers[i]!]! & masks[i]!);
  }
  const mask = entries.length - 1;
  for (let slot = mix32(hash) & mask; ; slot = (slot + 1) & mask) {
    const k = entries[slot]!;
    if (k < 0) return -1;
    let i = 0;
    while (i < width && keys[k * width + i] === (r[registers[i]!]! & masks[i]!)) i++;
    if (i === width) return k;
  }
}
