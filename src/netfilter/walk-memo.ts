import { type Arena, addressIn, wordsIn } from '../base/arena.ts';
import { Combos } from '../base/combos.ts';
import { mix32 } from '../base/hash.ts';
import type { Family } from '../base/inet.ts';
import type { Columns } from '../batch/batch.ts';
import { CONDITION_REGISTERS } from '../compile/condition-boxes.ts';
import { type ConditionSet, TOO_MANY_SETS } from '../compile/conditions.ts';
import {
  type Classes,
  DEPENDS_ON_CONDITIONS,
  DEPENDS_ON_MORE,
  DEPENDS_ON_TRANSLATION,
  type Dependence,
  FIELD_DPORT,
  FIELD_SPORT,
} from '../compile/dependence.ts';
import { Partition } from '../compile/partition.ts';
import { C_MASQ_OIF, RECORD_WORDS, REPLY_STRIDE } from '../conntrack/layout.ts';
import type { Host } from '../host/types.ts';
import { TUPLE_DADDR, TUPLE_DPORT, TUPLE_SADDR, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../packet/packet.ts';
import { R_DADDR, R_DPORT, R_L4PROTO, R_SADDR, R_SPORT } from '../packet/registers.ts';
import {
  ENTRY_BITS,
  ENTRY_DROPPED,
  ENTRY_FORKS,
  ENTRY_PATH,
  ENTRY_TRANSLATED,
  ENTRY_WORDS,
  FAMILY_BYTES,
  FAMILY_COMBOS,
  FAMILY_CONDITIONS,
  FAMILY_ROUTES,
  FAMILY_RULES,
  FAMILY_TRANSLATED,
  KEY_MORE,
  KEY_WORDS,
  MEMO_BYTES,
  MEMO_ENTRIES,
  MEMO_FAMILY4,
  MEMO_FAMILY6,
  MEMO_KNOWN,
  MEMO_MASK_COUNT,
  MEMO_MASKS,
  MEMO_STEPS,
  MOST_CLASSES,
  WALK_FIRST,
} from './memo-layout.ts';

/**
 * Walks that stand for others: the paths of packets of *other* connections whose way depends on the same. Each
 * connection needs a walk or two of its own before its path is known (path-cache.ts); where there are many short
 * connections, these walks are most of the work, and nearly all of them are like another before.
 *
 * A packet's way depends on how it came in (Ways: interface, TOS, signature …), its protocol, its state, where its
 * addresses are routed, and what rules ask of its addresses and ports. Of each walk it is known which of these last
 * were looked at at all (Trail.depends); so for each way in and state there is a mask of the fields that the walks so far
 * have looked at. Packets that agree in those - not in the values, but in the classes that no rule tells apart
 * (compile/partition.ts), and in the conditions on several of them that hold (compile/conditions.ts) - take the same path: the
 * walk comes to the same questions with the same answers.
 *
 *   an entry, direct-mapped:   way in, state | protocol, ICMP type and code, family | classes of the addresses for
 *                              routing | for rules: class of source | of destination | of both ports | conditions that
 *                              hold | path + 1, and whether it drops
 *
 * Packets of a translated connection show rules other addresses and ports behind the translation: first the destination is
 * exchanged, later the source. Each of them is what it was or what it becomes, so such packets take the same path when
 * they agree in both; the key then has, in the place of the conditions, -1 - the number of
 *
 *   classes of what it becomes, as above: for routing | of source | of destination | of both ports
 *   conditions that hold before | with the destination exchanged | with both exchanged | interface of MASQUERADE
 *
 * A first packet whose connection the nat table translates is known in two steps (recall-translated.ts): as it arrives, by
 * its translation's number instead of a path; and with its destination exchanged, as the packets above.
 *
 * Classes are from 1 on; a field that is not in the mask is 0, so that entries from before a mask grew are not found
 * any more. What the memo does not know is walked. Walks that depend on anything else, change anything but the packet, or
 * share their path with nobody are not entered.
 *
 * It lies in the arena, where there is one, so that wasm/memo.ts finds in it what `find` does (memo-layout.ts).
 *
 * Measured: bench/micro/walk.ts.
 */
export class WalkMemo {
  readonly #families: readonly (FamilyClasses | undefined)[];
  /** By way in and state: bits of WORD_FIELDS that have been looked at. */
  #masks: Uint16Array;
  readonly #entries: Int32Array;
  readonly #key = new Int32Array(KEY_WORDS);
  /** As the key, of what a packet is translated to. */
  readonly #becomes = new Int32Array(KEY_WORDS);
  /** Records of connections. */
  readonly #words: Int32Array;
  readonly #registers = new Int32Array(CONDITION_REGISTERS);
  readonly #arena: Arena | undefined;
  /** MEMO_* in the arena. */
  readonly #members: Int32Array;
  /** Address of that structure; 0 where not all lies in an arena. */
  get place(): number {
    return this.#isWhole ? this.#members.byteOffset : 0;
  }
  #isWhole: boolean;

  /**
   * `dependences`: [4] and [6], undefined for families whose packets share no paths. `words`: the records of the connection
   * table.
   */
  constructor(
    host: Host,
    dependences: readonly (Dependence | undefined)[],
    words: Int32Array,
    arena?: Arena,
  ) {
    this.#arena = arena;
    this.#words = words;
    this.#isWhole = arena !== undefined;
    this.#families = dependences.map((dependence, family) =>
      dependence === undefined ? undefined : FamilyClasses.of(family as Family, host, dependence, arena),
    );
    this.#members = wordsIn(arena, MEMO_BYTES / 4);
    this.#masks = masksIn(arena, FIRST_MASKS);
    this.#entries = wordsIn(arena, ENTRY_WORDS << ENTRY_BITS);
    this.#locate();
  }

  /** The steps of translation, of which entries have the numbers, lie at this address now. */
  moveSteps(place: number): void {
    this.#members[MEMO_STEPS / 4] = place;
  }

  /** Writes down where everything lies. */
  #locate(): void {
    const arena = this.#arena;
    if (arena === undefined || !this.#isWhole) return;
    const members = this.#members;
    this.#locateMasks(arena);
    members[MEMO_ENTRIES / 4] = addressIn(arena, this.#entries);
    const [four, six] = [this.#families[4], this.#families[6]];
    for (const classes of [four, six]) if (classes?.locate(arena) === false) this.#isWhole = false;
    members[MEMO_FAMILY4 / 4] = four?.place ?? 0;
    members[MEMO_FAMILY6 / 4] = six?.place ?? 0;
    for (const array of [members, this.#masks, this.#entries])
      if (addressIn(arena, array) === 0) this.#isWhole = false;
  }

  #locateMasks(arena: Arena): void {
    const at = addressIn(arena, this.#masks);
    this.#members[MEMO_MASKS / 4] = at;
    this.#members[MEMO_MASK_COUNT / 4] = at === 0 ? 0 : this.#masks.length;
  }

  /** Packets of the family may be asked about. */
  isOpen(family: number): boolean {
    return this.#families[family] !== undefined;
  }

  /**
   * What is entered for row `i`, which is quick (QuickColumns), in state WALK_*: path + 1, with ENTRY_* bits; 0 where it has to be
   * walked. `other`: where in the records the tuple of the other direction lies, when the packet's connection is translated;
   * NOT_TRANSLATED else.
   */
  entry(c: Columns, i: number, state: number, other: number): number {
    const classes = this.#families[c.family[i]!];
    if (classes === undefined) return 0;
    const way = (c.way[i]! << 2) | state;
    const mask = this.#masks[way]!;
    if ((mask & MEMO_KNOWN) === 0 || !this.#makeKey(classes, c, i, way, mask, this.#words, other)) return 0;
    const key = this.#key;
    const entries = this.#entries;
    const at = slotOf(key);
    for (let k = 0; k < KEY_WORDS; k++) if (entries[at + k] !== key[k]) return 0;
    return entries[at + ENTRY_PATH]!;
  }

  /**
   * Row `i` in state WALK_* was walked, which depended on `depends` (DEPENDS_*), and took `path`, which ends in a drop or
   * does not. `other`: as `entry` has it.
   */
  set(
    c: Columns,
    i: number,
    state: number,
    other: number,
    path: number,
    depends: number,
    isDropped: boolean,
  ): void {
    if ((depends & DEPENDS_ON_TRANSLATION) !== 0) return;
    const value = (path + 1) | (isDropped ? ENTRY_DROPPED : 0);
    this.#set(c, i, state, this.#words, other, value, depends);
  }

  /**
   * As `set`, where the way splits: what is entered for row `i` now that the walk has depended on `depends`, as `entry` has it; -1
   * where nothing can be. `setFork` may follow.
   */
  entryBehind(c: Columns, i: number, state: number, depends: number): number {
    if ((depends & DEPENDS_ON_TRANSLATION) !== 0) return -1;
    const at = this.#prepare(c, i, state, this.#words, NOT_TRANSLATED, depends);
    if (at < 0) return -1;
    for (let k = 0; k < KEY_WORDS; k++) if (this.#entries[at + k] !== this.#key[k]) return 0;
    return this.#entries[at + ENTRY_PATH]!;
  }

  /** The way of row `i`, of which entryBehind has just spoken, splits first at fork `number`. */
  setFork(number: number): void {
    const at = slotOf(this.#key);
    this.#entries.set(this.#key, at);
    this.#entries[at + ENTRY_PATH] = (number + 1) | ENTRY_FORKS;
  }

  /** Row `i` was walked as a first packet whose connection is translated: by translation `number`. */
  setTranslated(c: Columns, i: number, number: number, depends: number): void {
    const value = (number + 1) | ENTRY_TRANSLATED;
    this.#set(c, i, WALK_FIRST, this.#words, NOT_TRANSLATED, value, depends);
  }

  /**
   * The same, once its destination is exchanged: `record` has the tuple of the other direction as it is then, at
   * REPLY_STRIDE.
   */
  setBehind(c: Columns, i: number, record: Int32Array, number: number, depends: number): void {
    this.#set(c, i, WALK_FIRST, record, REPLY_STRIDE, (number + 1) | ENTRY_TRANSLATED, depends);
  }

  #set(
    c: Columns,
    i: number,
    state: number,
    words: Int32Array,
    other: number,
    value: number,
    depends: number,
  ): void {
    const at = this.#prepare(c, i, state, words, other, depends);
    if (at < 0) return;
    this.#entries.set(this.#key, at);
    this.#entries[at + ENTRY_PATH] = value;
  }

  /** Makes the key of a row whose walk depended on `depends`; where its entry has its place, -1 when it has none. */
  #prepare(c: Columns, i: number, state: number, words: Int32Array, other: number, depends: number): number {
    const classes = this.#families[c.family[i]!];
    if (classes === undefined || (depends & DEPENDS_ON_MORE) !== 0) return -1;
    const way = (c.way[i]! << 2) | state;
    if (way >= this.#masks.length) this.#growMasks(way);
    let mask = this.#masks[way]! | (depends & ~DEPENDS_ON_TRANSLATION) | MEMO_KNOWN;
    if ((mask & DEPENDS_ON_CONDITIONS) !== 0) mask |= classes.conditionBits;
    this.#masks[way] = mask;
    return this.#makeKey(classes, c, i, way, mask, words, other) ? slotOf(this.#key) : -1;
  }

  #growMasks(way: number): void {
    let { length } = this.#masks;
    while (way >= length) length *= 2;
    const masks = masksIn(this.#arena, length);
    masks.set(this.#masks);
    this.#masks = masks;
    if (this.#arena !== undefined) this.#locateMasks(this.#arena);
  }

  /** Writes the key; false for what has none. The tuple at `other` is in `words`. */
  #makeKey(
    classes: FamilyClasses,
    c: Columns,
    i: number,
    way: number,
    mask: number,
    words: Int32Array,
    other: number,
  ): boolean {
    const key = this.#key;
    const a = 4 * i;
    const l4proto = c.l4proto[i]!;
    const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
    key[0] = way;
    key[1] = l4proto | (isIcmp ? c.dport[i]! << 8 : 0) | (classes.family << 24);
    if (!classes.write(key, mask, c.saddr, a, c.daddr, a, c.sport[i]!, c.dport[i]!)) return false;
    const r = this.#registers;
    const asks = (mask & DEPENDS_ON_CONDITIONS) !== 0;
    if (asks) {
      r[R_L4PROTO] = l4proto;
      this.#setSource(c.saddr, a, isIcmp ? -1 : c.sport[i]!);
      this.#setDestination(c.daddr, a, isIcmp ? -1 : c.dport[i]!);
    }
    const before = asks ? classes.conditionsOf(r) : 0;
    key[KEY_MORE] = before;
    if (other === NOT_TRANSLATED || before === TOO_MANY_SETS) return before !== TOO_MANY_SETS;

    // What it becomes is what the other direction answers.
    const becomes = this.#becomes;
    const [saddr, daddr] = [other + TUPLE_DADDR, other + TUPLE_SADDR];
    const sport = isIcmp ? c.sport[i]! : words[other + TUPLE_DPORT]!;
    const dport = isIcmp ? c.dport[i]! : words[other + TUPLE_SPORT]!;
    if (!classes.write(becomes, mask, words, saddr, words, daddr, sport, dport)) return false;
    if (asks) this.#setDestination(words, daddr, isIcmp ? -1 : dport);
    const between = asks ? classes.conditionsOf(r) : 0;
    if (asks) this.#setSource(words, saddr, isIcmp ? -1 : sport);
    const behind = asks ? classes.conditionsOf(r) : 0;
    if (between === TOO_MANY_SETS || behind === TOO_MANY_SETS) return false;
    const { translated } = classes;
    const masqueraded = words[(other & -RECORD_WORDS) + C_MASQ_OIF]!;
    const first = translated.idOf(becomes[2]!, becomes[3]!, becomes[4]!, becomes[5]!);
    const second = translated.idOf(before, between, behind, masqueraded);
    key[KEY_MORE] = -1 - translated.idOf(first, second, -1, -1);
    return true;
  }

  /** Those registers that conditions are about, from words of an address at `at`. */
  #setSource(words: Int32Array, at: number, port: number): void {
    const r = this.#registers;
    for (let k = 0; k < 4; k++) r[R_SADDR + k] = words[at + k]!;
    r[R_SPORT] = port;
  }

  #setDestination(words: Int32Array, at: number, port: number): void {
    const r = this.#registers;
    for (let k = 0; k < 4; k++) r[R_DADDR + k] = words[at + k]!;
    r[R_DPORT] = port;
  }
}

/** In place of a tuple: the packet's addresses and ports stay as they are. */
export const NOT_TRANSLATED = -1;

const FIRST_MASKS = 64;

function slotOf(key: Int32Array): number {
  let hash = Math.imul(key[0]!, 0x9e3779b1) ^ Math.imul(key[1]!, 0x85ebca77);
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[2]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[3]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[4]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[5]!;
  hash = Math.imul((hash << 13) | (hash >>> 19), 0xc2b2ae3d) ^ key[6]!;
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

/** The classes of one family's addresses and ports. */
class FamilyClasses {
  readonly family: Family;
  /** Of the words of both addresses, for routing. */
  readonly routes: readonly Partition[];
  /** Of WORD_FIELDS, for rules. */
  readonly rules: readonly Partition[];
  readonly conditions: ConditionSet | undefined;
  readonly conditionBits: number;
  readonly #routeCombos: readonly [Combos, Combos];
  readonly #ruleCombos: readonly [Combos, Combos];
  readonly translated: Combos;
  /** FAMILY_* in the arena. */
  readonly #members: Int32Array;

  private constructor(
    family: Family,
    routes: readonly Partition[],
    classes: Classes,
    arena: Arena | undefined,
  ) {
    this.family = family;
    this.routes = routes;
    this.rules = classes.partitions;
    this.conditions = classes.conditions;
    this.conditionBits = classes.conditionBits;
    // Only IPv6 addresses are more than one word.
    const own = family === 6 ? arena : undefined;
    this.#routeCombos = [new Combos(own), new Combos(own)];
    this.#ruleCombos = [new Combos(own), new Combos(own)];
    this.translated = new Combos(arena);
    this.#members = wordsIn(arena, FAMILY_BYTES / 4);
  }

  get place(): number {
    return this.#members.byteOffset;
  }

  /** Writes down where everything lies; false when something lies elsewhere than in the arena. */
  locate(arena: Arena): boolean {
    const members = this.#members;
    let isWhole = addressIn(arena, members) !== 0;
    const note = (at: number, address: number): void => {
      members[at / 4] = address;
      if (address <= 0) isWhole = false;
    };
    for (const [i, one] of this.routes.entries()) note(FAMILY_ROUTES + 4 * i, one.moveInto(arena));
    for (const [i, one] of this.rules.entries()) note(FAMILY_RULES + 4 * i, one.moveInto(arena));
    if (this.conditions !== undefined) note(FAMILY_CONDITIONS, this.conditions.moveInto(arena));
    note(FAMILY_TRANSLATED, this.translated.place);
    if (this.family === 4) return isWhole;
    for (const [i, one] of [...this.#routeCombos, ...this.#ruleCombos].entries())
      note(FAMILY_COMBOS + 4 * i, one.place);
    return isWhole;
  }

  /** Undefined where too little is known, or there is too much of it. */
  static of(
    family: Family,
    host: Host,
    dependence: Dependence,
    arena: Arena | undefined,
  ): FamilyClasses | undefined {
    const prefixes = host.routedPrefixes?.(family);
    const { classes } = dependence;
    if (prefixes === undefined || classes === undefined) return undefined;
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
      classes.partitions.slice(FIELD_SPORT).some(({ count }) => count > MOST_CLASSES);
    return isTooMuch ? undefined : new FamilyClasses(family, [...words, ...words], classes, arena);
  }

  /**
   * Writes KEY_ROUTES and the three words behind it: the classes of addresses, which lie in `from` and `to`, and of ports.
   * False for addresses of kinds that routing treats in ways of their own.
   */
  write(
    key: Int32Array,
    mask: number,
    from: Int32Array,
    saddr: number,
    to: Int32Array,
    daddr: number,
    sport: number,
    dport: number,
  ): boolean {
    const { routes, rules } = this;
    if (this.family === 4) {
      const [source, destination] = [from[saddr]!, to[daddr]!];
      if (!isPlain4(source) || !isPlain4(destination)) return false;
      key[2] = routes[0]!.classOf(source) | (routes[4]!.classOf(destination) << 16);
      key[3] = (mask & 1) !== 0 ? rules[0]!.classOf(source) : 0;
      key[4] = (mask & 16) !== 0 ? rules[4]!.classOf(destination) : 0;
    } else {
      if (!isPlain6(from[saddr]!) || !isPlain6(to[daddr]!)) return false;
      const source = this.routeOf(from, saddr, 0);
      const destination = this.routeOf(to, daddr, 4);
      if (source > MOST_CLASSES || destination > MOST_CLASSES) return false;
      key[2] = source | (destination << 16);
      key[3] = (mask & 15) !== 0 ? this.ruleOf(from, saddr, 0, mask) : 0;
      key[4] = (mask & 240) !== 0 ? this.ruleOf(to, daddr, 4, mask >> 4) : 0;
    }
    key[5] =
      ((mask & (1 << FIELD_SPORT)) !== 0 ? rules[FIELD_SPORT]!.classOf(sport) : 0) |
      ((mask & (1 << FIELD_DPORT)) !== 0 ? rules[FIELD_DPORT]!.classOf(dport) << 16 : 0);
    return true;
  }

  /** Number of the conditions that hold for a packet with these registers, or TOO_MANY_SETS. */
  conditionsOf(r: Int32Array): number {
    return this.conditions === undefined ? 0 : this.conditions.numberOf(r);
  }

  /** Class of an IPv6 address for routing; `first`: 0 for the source, 4 for the destination. */
  private routeOf(words: Int32Array, at: number, first: 0 | 4): number {
    const { routes } = this;
    return this.#routeCombos[first >> 2]!.idOf(
      routes[first]!.classOf(words[at]!),
      routes[first + 1]!.classOf(words[at + 1]!),
      routes[first + 2]!.classOf(words[at + 2]!),
      routes[first + 3]!.classOf(words[at + 3]!),
    );
  }

  /** Class for rules of those words of an IPv6 address that are in `mask` (bits 0 to 3). */
  private ruleOf(words: Int32Array, at: number, first: 0 | 4, mask: number): number {
    const { rules } = this;
    return this.#ruleCombos[first >> 2]!.idOf(
      (mask & 1) !== 0 ? rules[first]!.classOf(words[at]!) : 0,
      (mask & 2) !== 0 ? rules[first + 1]!.classOf(words[at + 1]!) : 0,
      (mask & 4) !== 0 ? rules[first + 2]!.classOf(words[at + 2]!) : 0,
      (mask & 8) !== 0 ? rules[first + 3]!.classOf(words[at + 3]!) : 0,
    );
  }
}

function masksIn(arena: Arena | undefined, length: number): Uint16Array {
  const words = wordsIn(arena, length / 2);
  return new Uint16Array(words.buffer, words.byteOffset, length);
}
