import { mix32 } from '../base/hash.ts';
import type { Family } from '../base/inet.ts';
import type { Columns } from '../batch/batch.ts';
import { DEPENDS_ON_MORE, type Dependence, FIELD_DPORT, FIELD_SPORT } from '../compile/dependence.ts';
import { Partition } from '../compile/partition.ts';
import type { Host } from '../host/types.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../packet/packet.ts';
import { Combos } from './combos.ts';

/** State of a packet for its walk: of a connection that began before, or the very first of one that does not stand yet. */
export const WALK_ESTABLISHED = 0;
export const WALK_NEW = 1;
export const WALK_REPLY = 2;
export const WALK_FIRST = 3;

/**
 * Walks that stand for others: the paths of packets of *other* connections whose way depends on the same. Each
 * connection needs a walk or two of its own before its path is known (path-cache.ts); where there are many short
 * connections, these walks are most of the work, and nearly all of them are like another before.
 *
 * A packet's way depends on how it came in (Ways: interface, TOS, signature …), its protocol, its state, where its
 * addresses are routed, and what rules ask of its addresses and ports. Of each walk it is known which of these last
 * were looked at at all (Trail.depends); so for each way in and state there is a mask of the fields that the walks so far
 * have looked at. Packets that agree in those - not in the values, but in the classes that no rule tells apart
 * (compile/partition.ts) - take the same path: the walk comes to the same questions with the same answers.
 *
 *   an entry, direct-mapped:   way in, state | protocol, ICMP type and code, family | classes of the addresses for
 *                              routing | for rules: class of source | of destination | of both ports | path + 1
 *
 * Classes are from 1 on; a field that is not in the mask is 0, so that entries from before a mask grew are not found
 * any more. What the memo does not know is walked. Walks that depend on anything else, change anything but the packet, or
 * share their path with nobody are not entered.
 *
 * Measured: bench/micro/walk.ts.
 */
export class WalkMemo {
  readonly #families: readonly (FamilyClasses | undefined)[];
  /** By way in and state: bits of WORD_FIELDS that have been looked at. */
  #masks = new Uint16Array(64);
  readonly #entries = new Int32Array(ENTRY_WORDS << ENTRY_BITS);
  readonly #key = new Int32Array(KEY_WORDS);

  /** `dependences`: [4] and [6], undefined for families whose packets share no paths. */
  constructor(host: Host, dependences: readonly (Dependence | undefined)[]) {
    this.#families = dependences.map((dependence, family) =>
      dependence === undefined ? undefined : FamilyClasses.of(family as Family, host, dependence),
    );
  }

  /** Packets of the family may be asked about. */
  isOpen(family: number): boolean {
    return this.#families[family] !== undefined;
  }

  /** Path of row `i`, which is quick (QuickColumns), in state WALK_*; -1 where it has to be walked. */
  find(c: Columns, i: number, state: number): number {
    const classes = this.#families[c.family[i]!];
    if (classes === undefined) return -1;
    const way = (c.way[i]! << 2) | state;
    const mask = this.#masks[way]!;
    if ((mask & KNOWN) === 0 || !this.#makeKey(classes, c, i, way, mask)) return -1;
    const key = this.#key;
    const entries = this.#entries;
    const at = slotOf(key);
    for (let k = 0; k < KEY_WORDS; k++) if (entries[at + k] !== key[k]) return -1;
    return entries[at + KEY_WORDS]! - 1;
  }

  /** Row `i` in state WALK_* was walked, which depended on `depends` (DEPENDS_*), and took `path`. */
  set(c: Columns, i: number, state: number, path: number, depends: number): void {
    const classes = this.#families[c.family[i]!];
    if (classes === undefined || (depends & DEPENDS_ON_MORE) !== 0) return;
    const way = (c.way[i]! << 2) | state;
    while (way >= this.#masks.length) this.#masks = grow(this.#masks);
    const mask = this.#masks[way]! | depends | KNOWN;
    this.#masks[way] = mask;
    if (!this.#makeKey(classes, c, i, way, mask)) return;
    const at = slotOf(this.#key);
    this.#entries.set(this.#key, at);
    this.#entries[at + KEY_WORDS] = path + 1;
  }

  /** Writes the key; false for addresses of kinds that routing treats in ways of their own. */
  #makeKey(classes: FamilyClasses, c: Columns, i: number, way: number, mask: number): boolean {
    const key = this.#key;
    const { saddr, daddr } = c;
    const a = 4 * i;
    const l4proto = c.l4proto[i]!;
    const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
    key[0] = way;
    key[1] = l4proto | (isIcmp ? c.dport[i]! << 8 : 0) | (classes.family << 24);
    if (classes.family === 4) {
      if (!isPlain4(saddr[a]!) || !isPlain4(daddr[a]!)) return false;
      const { routes, rules } = classes;
      key[2] = routes[0]!.classOf(saddr[a]!) | (routes[4]!.classOf(daddr[a]!) << 16);
      key[3] = (mask & 1) !== 0 ? rules[0]!.classOf(saddr[a]!) : 0;
      key[4] = (mask & 16) !== 0 ? rules[4]!.classOf(daddr[a]!) : 0;
    } else {
      if (!isPlain6(saddr[a]!) || !isPlain6(daddr[a]!)) return false;
      const source = classes.routeOf(saddr, a, 0);
      const destination = classes.routeOf(daddr, a, 4);
      if (source > MOST_CLASSES || destination > MOST_CLASSES) return false;
      key[2] = source | (destination << 16);
      key[3] = (mask & 15) !== 0 ? classes.ruleOf(saddr, a, 0, mask) : 0;
      key[4] = (mask & 240) !== 0 ? classes.ruleOf(daddr, a, 4, mask >> 4) : 0;
    }
    const { rules } = classes;
    key[5] =
      ((mask & (1 << FIELD_SPORT)) !== 0 ? rules[FIELD_SPORT]!.classOf(c.sport[i]!) : 0) |
      ((mask & (1 << FIELD_DPORT)) !== 0 ? rules[FIELD_DPORT]!.classOf(c.dport[i]!) << 16 : 0);
    return true;
  }
}

const ENTRY_BITS = 15;
const ENTRY_WORDS = 8;
const KEY_WORDS = 6;
/** In a mask: a walk has been entered under it. */
const KNOWN = 1 << 15;

function slotOf(key: Int32Array): number {
  let hash = Math.imul(key[0]!, 0x9e3779b1) ^ Math.imul(key[1]!, 0x85ebca77);
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[2]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[3]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[4]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[5]!;
  return (mix32(hash) >>> (32 - ENTRY_BITS)) * ENTRY_WORDS;
}

/** Neither 0.0.0.0/8, loopback, multicast, nor beyond. */
function isPlain4(word: number): boolean {
  const first = word >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/** 2000::/3 or fc00::/7: global or unique local unicast. */
function isPlain6(word: number): boolean {
  return word >>> 29 === 1 || word >>> 25 === 0x7e;
}

/** Most classes that there may be of what is packed into half a word. */
const MOST_CLASSES = 0xffff;

/** The classes of one family's addresses and ports. */
class FamilyClasses {
  readonly family: Family;
  /** Of the words of both addresses, for routing. */
  readonly routes: readonly Partition[];
  /** Of WORD_FIELDS, for rules. */
  readonly rules: readonly Partition[];
  readonly #routeCombos = [new Combos(), new Combos()] as const;
  readonly #ruleCombos = [new Combos(), new Combos()] as const;

  private constructor(family: Family, routes: readonly Partition[], rules: readonly Partition[]) {
    this.family = family;
    this.routes = routes;
    this.rules = rules;
  }

  /** Undefined where too little is known, or there is too much of it. */
  static of(family: Family, host: Host, dependence: Dependence): FamilyClasses | undefined {
    const prefixes = host.routedPrefixes?.(family);
    const rules = dependence.partitions;
    if (prefixes === undefined || rules === undefined) return undefined;
    const ranges: number[][] = [[], [], [], []];
    for (const { words, length } of prefixes) {
      for (let k = 0, bits = length; bits > 0; k++, bits -= 32) {
        const size = bits >= 32 ? 0 : 0xffffffff >>> bits;
        const lo = (words[k]! & ~size) >>> 0;
        ranges[k]!.push(lo, lo + size);
      }
    }
    const words = ranges.map((pairs) => new Partition(pairs));
    const isTooMuch =
      words.some(({ count }) => count > MOST_CLASSES) ||
      rules.slice(FIELD_SPORT).some(({ count }) => count > MOST_CLASSES);
    return isTooMuch ? undefined : new FamilyClasses(family, [...words, ...words], rules);
  }

  /** Class of an IPv6 address for routing; `first`: 0 for the source, 4 for the destination. */
  routeOf(words: Int32Array, at: number, first: 0 | 4): number {
    const { routes } = this;
    return this.#routeCombos[first >> 2]!.idOf(
      routes[first]!.classOf(words[at]!),
      routes[first + 1]!.classOf(words[at + 1]!),
      routes[first + 2]!.classOf(words[at + 2]!),
      routes[first + 3]!.classOf(words[at + 3]!),
    );
  }

  /** Class for rules of those words of an IPv6 address that are in `mask` (bits 0 to 3). */
  ruleOf(words: Int32Array, at: number, first: 0 | 4, mask: number): number {
    const { rules } = this;
    return this.#ruleCombos[first >> 2]!.idOf(
      (mask & 1) !== 0 ? rules[first]!.classOf(words[at]!) : 0,
      (mask & 2) !== 0 ? rules[first + 1]!.classOf(words[at + 1]!) : 0,
      (mask & 4) !== 0 ? rules[first + 2]!.classOf(words[at + 2]!) : 0,
      (mask & 8) !== 0 ? rules[first + 3]!.classOf(words[at + 3]!) : 0,
    );
  }
}

function grow(from: Uint16Array): Uint16Array<ArrayBuffer> {
  const to = new Uint16Array(2 * from.length);
  to.set(from);
  return to;
}
