import { hashKey } from '../base/hash.ts';

/**
 * The lists of tuples of connlimit's keys: one array of words for keys and tuples, and an index over the keys. A packet
 * of a known key reads a slot of the index and the lines of its list, and allocates nothing.
 *
 * The index is open addressing with linear probing over pairs of words, the full 32-bit hash and the place of the list
 * (0: the slot is empty), at most half full; no key is ever taken out, so nothing has to be closed up behind one.
 *
 *   list: `stride` words, then INLINE_TUPLES tuples
 *        +-------+--------+-------------+--------+----------+------------------+---------+---------+---------+
 *        | count | lastGc | lastGcCount | tuples | capacity | key (IPv4: 2, 5) | tuple 0 | tuple 1 | tuple 2 |
 *        +-------+--------+-------------+--------+----------+------------------+---------+---------+---------+
 *   tuple: `stride` words
 *        +-----------+---------------+-----------------------+-------+-------+-------+-----------------+--------------+
 *        | reference | zone of reply | zone of the original  | proto | sport | dport | saddr (IPv4: 1, | daddr (1, 4) |
 *        |           | direction     | direction             |       |       |       | 4)              |              |
 *        +-----------+---------------+-----------------------+-------+-------+-------+-----------------+--------------+
 *
 * Most keys have a tuple or two; those lie behind the key. More go to a block of their own (`tuples` says where they are
 * now), which doubles when it is full. A block that is left, because a larger one takes its place or because the list has
 * been emptied, is kept for the next list that wants one of its size.
 *
 * An emptied list keeps its key, its place and lastGc: what is told to the next packet depends on them
 * (Conncount.count). So what is held is bounded by the keys that were ever seen and by the most tuples that lists
 * have had at once.
 */
export class ConncountLists {
  /** Of an address: 1 of IPv4, 4 of IPv6. */
  readonly addressWords: 1 | 4;
  /** From one tuple of a list to the next, in words. */
  readonly stride: number;
  /** Lists and blocks; another array after insert() and append(). */
  words = new Int32Array(FIRST_WORDS);
  private used: number;
  private index = new Int32Array(2 * FIRST_SLOTS);
  private keys = 0;
  /** First free block of 2 ** i tuples, 0 for none; its first word leads to the next. */
  private readonly freeBlocks = new Int32Array(32);

  constructor(addressWords: 1 | 4) {
    this.addressWords = addressWords;
    this.stride = addressWords === 1 ? 8 : 16;
    this.used = this.stride; // 0 is no place
  }

  /** The place of a key's list, or 0. */
  find(key: Int32Array, keyWords: number): number {
    const { index, words } = this;
    const hash = hashKey(key, keyWords);
    const mask = index.length / 2 - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const list = index[2 * slot + 1]!;
      if (list === 0) return 0;
      if (index[2 * slot] !== hash) continue;
      let i = 0;
      while (i < keyWords && words[list + L_KEY + i] === key[i]) i++;
      if (i === keyWords) return list;
    }
  }

  /** Enters a key that has no list yet; gives the place of its list, which is empty. */
  insert(key: Int32Array, keyWords: number): number {
    if (4 * ++this.keys > this.index.length) this.doubleIndex();
    const list = this.take(this.stride * (1 + INLINE_TUPLES));
    const { words } = this;
    for (let i = 0; i < keyWords; i++) words[list + L_KEY + i] = key[i]!;
    words[list + L_TUPLES] = list + this.stride;
    words[list + L_CAPACITY] = INLINE_TUPLES;
    place(this.index, hashKey(key, keyWords), list);
    return list;
  }

  /** Makes room for one more tuple at the end of a list; gives its place. */
  append(list: number): number {
    const count = this.words[list + L_COUNT]!;
    if (count === this.words[list + L_CAPACITY]) this.enlarge(list);
    this.words[list + L_COUNT] = count + 1;
    return this.words[list + L_TUPLES]! + count * this.stride;
  }

  /** Copies `tuples` tuples of a list towards its beginning, from the tuple `from` on. */
  move(list: number, from: number, to: number, tuples: number): void {
    const begin = this.words[list + L_TUPLES]!;
    const at = begin + from * this.stride;
    this.words.copyWithin(begin + to * this.stride, at, at + tuples * this.stride);
  }

  /** The list has `count` tuples now, no more than before. */
  shorten(list: number, count: number): void {
    const { words } = this;
    words[list + L_COUNT] = count;
    if (count > 0 || words[list + L_CAPACITY] === INLINE_TUPLES) return;
    this.giveBack(words[list + L_TUPLES]!, words[list + L_CAPACITY]!);
    words[list + L_TUPLES] = list + this.stride;
    words[list + L_CAPACITY] = INLINE_TUPLES;
  }

  private enlarge(list: number): void {
    const before = this.words[list + L_CAPACITY]!;
    const capacity = before === INLINE_TUPLES ? FIRST_BLOCK : 2 * before;
    const free = this.freeBlocks[sizeClass(capacity)]!;
    if (free !== 0) this.freeBlocks[sizeClass(capacity)] = this.words[free]!;
    const block = free !== 0 ? free : this.take(capacity * this.stride);
    const { words } = this;
    const tuples = words[list + L_TUPLES]!;
    words.copyWithin(block, tuples, tuples + before * this.stride);
    if (before !== INLINE_TUPLES) this.giveBack(tuples, before);
    words[list + L_TUPLES] = block;
    words[list + L_CAPACITY] = capacity;
  }

  private giveBack(block: number, capacity: number): void {
    this.words[block] = this.freeBlocks[sizeClass(capacity)]!;
    this.freeBlocks[sizeClass(capacity)] = block;
  }

  private take(words: number): number {
    const place = this.used;
    this.used += words;
    let length = this.words.length;
    while (length < this.used) length *= 2;
    if (length > this.words.length) {
      const grown = new Int32Array(length);
      grown.set(this.words);
      this.words = grown;
    }
    return place;
  }

  private doubleIndex(): void {
    const before = this.index;
    this.index = new Int32Array(2 * before.length);
    for (let i = 0; i < before.length; i += 2) {
      if (before[i + 1] !== 0) place(this.index, before[i]!, before[i + 1]!);
    }
  }
}

/** A list: how many tuples it has. */
export const L_COUNT = 0;
/** Jiffy, its lower 32 bits, in which dead tuples were taken off the list last; how many tuples were left then. */
export const L_GC = 1;
export const L_GC_COUNT = 2;
/** Place of the first tuple; the others follow. */
export const L_TUPLES = 3;
/** Tuples there is room for. */
const L_CAPACITY = 4;
const L_KEY = 5;

/** A tuple: record << 1 | direction of where it was found last, or -1. */
export const T_REFERENCE = 0;
export const T_ZONE_REPLY = 1;
export const T_ZONE = 2;
/** As TUPLE_PROTO, TUPLE_SPORT, TUPLE_DPORT of packet/conntrack-access.ts. */
export const T_PROTO = 3;
export const T_SPORT = 4;
export const T_DPORT = 5;
/** Both addresses, `addressWords` each. */
export const T_SADDR = 6;

const INLINE_TUPLES = 3;
/** Tuples of the smallest block; a power of two, as of all. */
const FIRST_BLOCK = 8;
const FIRST_WORDS = 1024;
const FIRST_SLOTS = 64;

function sizeClass(capacity: number): number {
  return 31 - Math.clz32(capacity);
}

function place(index: Int32Array, hash: number, list: number): void {
  const mask = index.length / 2 - 1;
  let slot = hash & mask;
  while (index[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  index[2 * slot] = hash;
  index[2 * slot + 1] = list;
}
