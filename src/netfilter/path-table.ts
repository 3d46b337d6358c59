import { type Arena, countersIn } from '../base/arena.ts';
import { mix32 } from '../base/hash.ts';
import type { PathsData } from './result.ts';

/**
 * The table of paths. A path is all that a packet's way leaves behind: the counters it hit, in order, and how it
 * ended. Two packets with the same way share a path, so that counting a packet whose path is known is two
 * additions whatever the number of rules; counters are worked out from the paths once, at the end.
 *
 * Paths are interned: `intern` finds the path with exactly this content, or makes it. The look-up is a hash over
 * the content with linear probing; contents are compared word by word, so that two paths are never mixed up.
 *
 *   words of a path in `pool`:  [start] outcome | family<<8 | hook<<16 | reason<<24
 *                               [+1] decider   [+2] iif<<16 | oif   [+3 …] counter ids
 *
 * One thread owns the table.
 */
const FIXED_WORDS = 3;

export interface PathEnd {
  outcome: number;
  family: number;
  hook: number;
  reason: number;
  decider: number;
  iif: number;
  oif: number;
}

export class PathTable {
  private pool = new Int32Array(1 << 14);
  private poolUsed = 0;
  private starts = new Int32Array(1 << 10);
  private slots = new Int32Array(1 << 11).fill(-1);
  private hashes = new Int32Array(1 << 10);
  /** Packets and bytes, a pair a path: the hot counters. In the arena, if there is one, while it has room. */
  counts: Float64Array;
  private readonly arena: Arena | undefined;
  count = 0;
  /** Number of the packet at hand; and, by path id, of the first that took it. */
  current = 0;
  private firsts = new Float64Array(1 << 10);

  constructor(arena?: Arena) {
    this.arena = arena;
    this.counts = countersIn(arena, 2 << 10);
  }

  /** Id of the path with this end and these hits (`hits[0]` to `hits[hitCount - 1]`). */
  intern(end: PathEnd, hits: Int32Array, hitCount: number): number {
    const word0 = end.outcome | (end.family << 8) | (end.hook << 16) | (end.reason << 24);
    const word2 = (end.iif << 16) | end.oif;
    let hash = mix32(word0 ^ Math.imul(end.decider, 0x9e3779b1)) ^ word2;
    for (let i = 0; i < hitCount; i++) hash = Math.imul((hash << 5) | (hash >>> 27), 0x85ebca77) ^ hits[i]!;
    hash = mix32(hash);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.slots[slot]!;
      if (id < 0) return this.enter(slot, hash, word0, end.decider, word2, hits, hitCount);
      if (this.hashes[id] === hash && this.same(id, word0, end.decider, word2, hits, hitCount)) return id;
    }
  }

  private same(
    id: number,
    word0: number,
    decider: number,
    word2: number,
    hits: Int32Array,
    hitCount: number,
  ): boolean {
    const { pool } = this;
    const start = this.starts[id]!;
    const end = id + 1 < this.count ? this.starts[id + 1]! : this.poolUsed;
    if (end - start !== FIXED_WORDS + hitCount) return false;
    if (pool[start] !== word0 || pool[start + 1] !== decider || pool[start + 2] !== word2) return false;
    for (let i = 0; i < hitCount; i++) if (pool[start + FIXED_WORDS + i] !== hits[i]) return false;
    return true;
  }

  private enter(
    slot: number,
    hash: number,
    word0: number,
    decider: number,
    word2: number,
    hits: Int32Array,
    hitCount: number,
  ): number {
    const id = this.count++;
    if (id === this.starts.length) this.growPaths();
    const start = this.poolUsed;
    this.poolUsed += FIXED_WORDS + hitCount;
    while (this.poolUsed > this.pool.length)
      this.pool = grow(this.pool, new Int32Array(this.pool.length * 2));
    const { pool } = this;
    pool[start] = word0;
    pool[start + 1] = decider;
    pool[start + 2] = word2;
    for (let i = 0; i < hitCount; i++) pool[start + FIXED_WORDS + i] = hits[i]!;
    this.starts[id] = start;
    this.hashes[id] = hash;
    this.firsts[id] = this.current;
    this.slots[slot] = id;
    if (2 * this.count > this.slots.length) this.rehash();
    return id;
  }

  private growPaths(): void {
    const length = this.starts.length * 2;
    this.starts = grow(this.starts, new Int32Array(length));
    this.hashes = grow(this.hashes, new Int32Array(length));
    this.counts = grow(this.counts, countersIn(this.arena, 2 * length));
    this.firsts = grow(this.firsts, new Float64Array(length));
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < this.count; id++) {
      let slot = this.hashes[id]! & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
  }

  /** One more packet, of so many bytes, has taken the path. */
  add(id: number, bytes: number): void {
    this.counts[2 * id]! += 1;
    this.counts[2 * id + 1]! += bytes;
  }

  /** Packets that have taken a path so far. */
  get packets(): number {
    let packets = 0;
    for (let id = 0; id < this.count; id++) packets += this.counts[2 * id]!;
    return packets;
  }

  /** Outcome code of a path. */
  outcomeOf(id: number): number {
    return this.pool[this.starts[id]!]! & 255;
  }

  /** Counter of the rule or policy that decided, or -1. */
  deciderOf(id: number): number {
    return this.pool[this.starts[id]! + 1]!;
  }

  hookOf(id: number): number {
    return (this.pool[this.starts[id]!]! >>> 16) & 255;
  }

  reasonOf(id: number): number {
    return this.pool[this.starts[id]!]! >>> 24;
  }

  iifOf(id: number): number {
    return this.pool[this.starts[id]! + 2]! >>> 16;
  }

  oifOf(id: number): number {
    return this.pool[this.starts[id]! + 2]! & 0xffff;
  }

  /** Adds the packets and bytes of every path to the counters it hit. */
  expand(packets: Float64Array, bytes: Float64Array): void {
    for (let id = 0; id < this.count; id++) {
      const n = this.counts[2 * id]!;
      if (n === 0) continue;
      const total = this.counts[2 * id + 1]!;
      const end = id + 1 < this.count ? this.starts[id + 1]! : this.poolUsed;
      for (let i = this.starts[id]! + FIXED_WORDS; i < end; i++) {
        packets[this.pool[i]!]! += n;
        bytes[this.pool[i]!]! += total;
      }
    }
  }

  /** The table as plain columns. */
  data(): PathsData {
    const { count, pool } = this;
    const start = new Uint32Array(count + 1);
    const hits = new Uint32Array(this.poolUsed - FIXED_WORDS * count);
    const outcome = new Uint8Array(count);
    const family = new Uint8Array(count);
    const hook = new Uint8Array(count);
    const reason = new Uint8Array(count);
    const decider = new Int32Array(count);
    const iif = new Uint16Array(count);
    const oif = new Uint16Array(count);
    let used = 0;
    for (let id = 0; id < count; id++) {
      const at = this.starts[id]!;
      const end = id + 1 < count ? this.starts[id + 1]! : this.poolUsed;
      outcome[id] = pool[at]!;
      family[id] = pool[at]! >>> 8;
      hook[id] = pool[at]! >>> 16;
      reason[id] = pool[at]! >>> 24;
      decider[id] = pool[at + 1]!;
      iif[id] = pool[at + 2]! >>> 16;
      oif[id] = pool[at + 2]!;
      start[id] = used;
      for (let i = at + FIXED_WORDS; i < end; i++) hits[used++] = pool[i]!;
    }
    start[count] = used;
    const packets = Float64Array.from({ length: count }, (_, id) => this.counts[2 * id]!);
    const bytes = Float64Array.from({ length: count }, (_, id) => this.counts[2 * id + 1]!);
    const first = this.firsts.slice(0, count);
    return { start, hits, packets, bytes, first, outcome, family, hook, decider, reason, iif, oif };
  }
}

function grow<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
