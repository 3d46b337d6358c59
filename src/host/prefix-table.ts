import { mix32 } from '../base/hash.ts';
import { type Family, maskIpv4, maskIpv6 } from '../base/inet.ts';
import type { Route } from './route.ts';

/**
 * The routes of one table, for longest-prefix search.
 *
 * The kernel walks a trie (net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c). Here each prefix length that occurs has an
 * open-addressing hash of its prefixes, and a search goes through the lengths from the longest to the shortest: a
 * routing table of a host has three to six lengths, a full BGP table some twenty, and each probe is one hash and one
 * compare. It makes the kernel's *backtracking* trivial: when no route of a prefix fits (TOS, dead nexthop, oif), the
 * search simply goes on with the next shorter length, where the kernel climbs its trie.
 *
 *   levels[0]  length 32:  slots [ 0 3 0 1 … ] -> route list + 1      keys [ word … ]
 *   levels[1]  length 24:  …                                          (IPv6: four words a key)
 *
 * Nothing is allocated by a search. A table never changes once it is built.
 */
export class PrefixLevel {
  readonly length: number;
  private readonly mask: Int32Array;
  private readonly wordCount: number;
  private readonly slots: Int32Array;
  private readonly slotMask: number;
  private readonly keys: Int32Array;
  private readonly lists: readonly (readonly Route[])[];

  constructor(family: Family, length: number, lists: readonly (readonly Route[])[]) {
    this.length = length;
    this.wordCount = family === 4 ? 1 : 4;
    this.mask = family === 4 ? Int32Array.of(maskIpv4(length)) : maskIpv6(length);
    let slotCount = 4;
    while (slotCount < lists.length * 2) slotCount *= 2;
    this.slots = new Int32Array(slotCount);
    this.slotMask = slotCount - 1;
    this.keys = new Int32Array(lists.length * this.wordCount);
    this.lists = lists;
    lists.forEach((routes, index) => {
      const prefix = routes[0]!.prefix;
      for (let i = 0; i < this.wordCount; i++) this.keys[index * this.wordCount + i] = prefix[i]!;
      let slot = this.hash(prefix, 0) & this.slotMask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.slotMask;
      this.slots[slot] = index + 1;
    });
  }

  private hash(words: Int32Array, at: number): number {
    if (this.wordCount === 1) return mix32(words[at]! & this.mask[0]!);
    let h = Math.imul(words[at]! & this.mask[0]!, 0x9e3779b1);
    h = Math.imul((h ^ (h >>> 15)) + (words[at + 1]! & this.mask[1]!), 0x85ebca77);
    h = Math.imul((h ^ (h >>> 15)) + (words[at + 2]! & this.mask[2]!), 0xc2b2ae3d);
    return mix32((h ^ (h >>> 15)) + (words[at + 3]! & this.mask[3]!));
  }

  /** The routes whose prefix holds the address, in the kernel's order of trial; undefined when there are none. */
  find(words: Int32Array, at: number): readonly Route[] | undefined {
    const { slots, slotMask, keys, mask, wordCount } = this;
    let slot = this.hash(words, at) & slotMask;
    for (;;) {
      const index = slots[slot]! - 1;
      if (index < 0) return undefined;
      const key = index * wordCount;
      if (
        keys[key] === (words[at]! & mask[0]!) &&
        (wordCount === 1 ||
          (keys[key + 1] === (words[at + 1]! & mask[1]!) &&
            keys[key + 2] === (words[at + 2]! & mask[2]!) &&
            keys[key + 3] === (words[at + 3]! & mask[3]!)))
      )
        return this.lists[index];
      slot = (slot + 1) & slotMask;
    }
  }
}

export class PrefixTable {
  /** Longest prefix length first. */
  readonly levels: readonly PrefixLevel[];

  /** `order` sorts routes of one prefix into the kernel's order of trial; equal ones keep the order given. */
  constructor(family: Family, routes: readonly Route[], order: (a: Route, b: Route) => number) {
    const byLength = new Map<number, Map<string, Route[]>>();
    for (const route of routes) {
      let prefixes = byLength.get(route.prefixLength);
      if (prefixes === undefined) {
        prefixes = new Map();
        byLength.set(route.prefixLength, prefixes);
      }
      const key = route.prefix.join();
      const list = prefixes.get(key);
      if (list === undefined) prefixes.set(key, [route]);
      else list.push(route);
    }
    this.levels = [...byLength.entries()]
      .sort((a, b) => b[0] - a[0])
      .map(
        ([length, prefixes]) =>
          new PrefixLevel(
            family,
            length,
            [...prefixes.values()].map((list) => list.sort(order)),
          ),
      );
  }
}

/** Routes by the table that they stand in. */
export function routesByTable(routes: readonly Route[]): Map<number, Route[]> {
  const byTable = new Map<number, Route[]>();
  for (const route of routes) {
    const list = byTable.get(route.table);
    if (list === undefined) byTable.set(route.table, [route]);
    else list.push(route);
  }
  return byTable;
}
