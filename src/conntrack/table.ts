import type { Arena } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import {
  ACCOUNT_ELEMENTS,
  C_FREE_NEXT,
  C_HOLD,
  C_REPLY,
  C_STATUS,
  HEADER_BYTES,
  HEADER_CAPACITY,
  HEADER_COUNT,
  HEADER_FREE,
  HEADER_HIGH,
  HEADER_INDEX_COUNT,
  HEADER_INDEX_SLOTS,
  HEADER_INDEX_USED,
  HEADER_MAGIC,
  HEADER_NEXT_ROUND_NS,
  HEADER_NEXT_SWEEP_NS,
  HEADER_SOONEST_NS,
  HEADER_SOURCE_BUCKETS,
  HEADER_VERSION,
  RECORD_BYTES,
  RECORD_SHIFT,
  RECORD_WORDS,
  RECORDS_OFFSET,
  TABLE_MAGIC,
  TABLE_VERSION,
  TUPLE_ZONE,
} from './layout.ts';
import { tupleHash } from './tuple.ts';

/**
 * The connection table: records, and an index that finds them by either of their tuples.
 *
 * The index is open addressing with linear probing over pairs of words: the full 32-bit hash, and a reference
 * that is (record << 1 | direction) + 1, or 0 for an empty slot. A probe reads one cache line of the index for
 * up to eight slots, and touches a record only when all 32 bits of the hash agree: practically only the right
 * one. Chains through the records, as the kernel has them, would cost a cache miss per link.
 * A deletion closes the gap (backward shift), so there are no tombstones and a table that has seen a billion
 * connections probes as fast as a new one.
 *
 * Invariants: a record is in the index under both tuples exactly while IPS_CONFIRMED is set and IPS_DYING is
 * not. The zone of a direction is part of its key. Two entries may still have one tuple in one zone: confirm asks in the
 * zones of both directions (CT --zone-orig, --zone-reply), a look-up may know one. As in a kernel's chain, which grows at
 * its head (__nf_conntrack_hash_insert()), the later one is found then: equal hashes stand in the index latest first.
 *
 * Concurrency: one writer, the ordered stage. Others may read entries of which they were told (the hand-over
 * publishes them), never probe.
 *
 * Cost: one miss for the index slot and three for an established TCP packet's record.
 */
export class ConntrackTable {
  readonly buffer: SharedArrayBuffer;
  /** Where in the buffer it begins. */
  readonly offset: number;
  readonly header: Int32Array;
  /** The same bytes as Float64. */
  readonly headerFloats: Float64Array;
  /** All records as words; record n begins at n << RECORD_SHIFT. */
  readonly words: Int32Array;
  /** The same bytes as Float64: word w of a record is element w / 2. */
  readonly floats: Float64Array;
  readonly index: Int32Array;
  readonly sourceBuckets: Int32Array;
  /** Packets and bytes of each direction of each record: touched only where accounting is on. */
  readonly accounts: Float64Array;
  /** Some record has been accounted for. */
  hasAccounts = false;
  /** Some connection has been entered whose directions are in different zones: a tuple may be there twice. */
  hasSplitZones = false;
  readonly capacity: number;
  /** Slots of the index in use - 1. */
  indexMask: number;

  private constructor(buffer: SharedArrayBuffer, begin: number) {
    this.buffer = buffer;
    this.offset = begin;
    this.header = new Int32Array(buffer, begin, HEADER_BYTES / 4);
    this.headerFloats = new Float64Array(buffer, begin, HEADER_BYTES / 8);
    assert(this.header[HEADER_MAGIC] === TABLE_MAGIC, 'not a connection table');
    assert(this.header[HEADER_VERSION] === TABLE_VERSION, 'connection table of another layout version');
    this.capacity = this.header[HEADER_CAPACITY]!;
    const slots = this.header[HEADER_INDEX_SLOTS]!;
    let offset = begin + RECORDS_OFFSET;
    this.words = new Int32Array(buffer, offset, this.capacity * RECORD_WORDS);
    this.floats = new Float64Array(buffer, offset, (this.capacity * RECORD_WORDS) / 2);
    offset += this.capacity * RECORD_BYTES;
    this.index = new Int32Array(buffer, offset, 2 * slots);
    this.indexMask = this.header[HEADER_INDEX_USED]! - 1;
    offset += 8 * slots;
    this.sourceBuckets = new Int32Array(buffer, offset, this.header[HEADER_SOURCE_BUCKETS]!);
    offset += 4 * this.header[HEADER_SOURCE_BUCKETS]!;
    this.accounts = new Float64Array(buffer, offset, ACCOUNT_ELEMENTS * this.capacity);
  }

  /** A new, empty table; in an arena where there is one, and room. */
  static allocate(capacity: number, arena?: Arena): ConntrackTable {
    const slots = powerOfTwo(4 * capacity);
    const buckets = powerOfTwo(capacity);
    const place = arena?.take(tableBytes(capacity)) ?? -1;
    const buffer = place < 0 ? new SharedArrayBuffer(tableBytes(capacity)) : arena!.buffer;
    const begin = Math.max(0, place);
    const header = new Int32Array(buffer, begin, HEADER_BYTES / 4);
    header[HEADER_MAGIC] = TABLE_MAGIC;
    header[HEADER_VERSION] = TABLE_VERSION;
    header[HEADER_CAPACITY] = capacity;
    header[HEADER_INDEX_SLOTS] = slots;
    header[HEADER_INDEX_USED] = Math.min(slots, FIRST_INDEX_SLOTS);
    header[HEADER_SOURCE_BUCKETS] = buckets;
    const floats = new Float64Array(buffer, begin, HEADER_BYTES / 8);
    floats[HEADER_NEXT_SWEEP_NS] = Number.NEGATIVE_INFINITY;
    floats[HEADER_NEXT_ROUND_NS] = Number.NEGATIVE_INFINITY;
    floats[HEADER_SOONEST_NS] = Number.POSITIVE_INFINITY;
    return new ConntrackTable(buffer, begin);
  }

  /** Views of a table that `allocate` made, in whichever thread. */
  static from(buffer: SharedArrayBuffer, offset = 0): ConntrackTable {
    return new ConntrackTable(buffer, offset);
  }

  /** Records in use, confirmed or not. */
  get count(): number {
    return this.header[HEADER_COUNT]!;
  }

  /** Records numbered from here on were never used. */
  get high(): number {
    return this.header[HEADER_HIGH]!;
  }

  /** A cleared record, or -1 when there is room for no more. */
  allocateRecord(): number {
    const header = this.header;
    let ct = header[HEADER_FREE]! - 1;
    if (ct >= 0) {
      header[HEADER_FREE] = this.words[(ct << RECORD_SHIFT) + C_FREE_NEXT]!;
    } else {
      ct = header[HEADER_HIGH]!;
      if (ct >= this.capacity) return -1;
      header[HEADER_HIGH] = ct + 1;
    }
    const { words } = this;
    const end = (ct + 1) << RECORD_SHIFT;
    for (let at = ct << RECORD_SHIFT; at < end; at++) words[at] = 0;
    if (this.hasAccounts) this.accounts.fill(0, ct * ACCOUNT_ELEMENTS, (ct + 1) * ACCOUNT_ELEMENTS);
    header[HEADER_COUNT]!++;
    return ct;
  }

  /** Gives a record back that is in no index and no chain. */
  freeRecord(ct: number): void {
    const at = ct << RECORD_SHIFT;
    assert(this.words[at + C_HOLD] === 0, 'a record is freed that somebody holds');
    this.words[at + C_STATUS] = 0;
    this.words[at + C_FREE_NEXT] = this.header[HEADER_FREE]!;
    this.header[HEADER_FREE] = ct + 1;
    this.header[HEADER_COUNT]!--;
  }

  /**
   * Finds the entry with a tuple: (record << 1 | direction), or -1. The tuple's addresses lie at `at` of `words`
   * (registers will do); `zone` is that of the direction looked for, as `hash` takes it.
   */
  find(
    words: Int32Array,
    at: number,
    sport: number,
    dport: number,
    proto: number,
    zone: number,
    hash: number,
  ): number {
    const index = this.index;
    const mask = this.indexMask;
    const records = this.words;
    const saddr = words[at]!;
    const daddr = words[at + 4]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const reference = index[2 * slot + 1]!;
      if (reference === 0) return -1;
      if (index[2 * slot] !== hash) continue;
      const found = reference - 1;
      const t = ((found >> 1) << RECORD_SHIFT) + ((found & 1) << 4);
      if (
        records[t] === saddr &&
        records[t + 4] === daddr &&
        records[t + TUPLE_SPORT] === sport &&
        records[t + TUPLE_DPORT] === dport &&
        records[t + TUPLE_PROTO] === proto &&
        records[t + TUPLE_ZONE] === zone &&
        (proto >> 8 === 4 || sameAddressTails(records, t, words, at))
      ) {
        return found;
      }
    }
  }

  /**
   * The same, but only as the tuple of direction `dir`: where a connection has a zone for each direction, one may have a
   * tuple in a zone as its original, another as its reply, and only one of them is meant.
   */
  findDirected(
    words: Int32Array,
    at: number,
    sport: number,
    dport: number,
    proto: number,
    zone: number,
    hash: number,
    dir: number,
  ): number {
    const { index, indexMask: mask, words: records } = this;
    for (let slot = hash & mask; index[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const found = index[2 * slot + 1]! - 1;
      if (index[2 * slot] !== hash || (found & 1) !== dir) continue;
      const t = ((found >> 1) << RECORD_SHIFT) + ((found & 1) << 4);
      if (
        records[t] === words[at] &&
        records[t + 4] === words[at + 4] &&
        records[t + TUPLE_SPORT] === sport &&
        records[t + TUPLE_DPORT] === dport &&
        records[t + TUPLE_PROTO] === proto &&
        records[t + TUPLE_ZONE] === zone &&
        sameAddressTails(records, t, words, at)
      ) {
        return found;
      }
    }
    return -1;
  }

  /** The same for an IPv4 tuple in the default zone, from numbers alone. */
  find4(saddr: number, daddr: number, sport: number, dport: number, proto: number, hash: number): number {
    const { index, indexMask: mask, words } = this;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const reference = index[2 * slot + 1]!;
      if (reference === 0) return -1;
      if (index[2 * slot] !== hash) continue;
      const found = reference - 1;
      const t = ((found >> 1) << RECORD_SHIFT) + ((found & 1) << 4);
      if (
        words[t] === saddr &&
        words[t + 4] === daddr &&
        words[t + TUPLE_SPORT] === sport &&
        words[t + TUPLE_DPORT] === dport &&
        words[t + TUPLE_PROTO] === proto &&
        words[t + TUPLE_ZONE] === 0
      ) {
        return found;
      }
    }
  }

  /** Loads the slot where a hash is looked for first. */
  touch(hash: number): number {
    return this.index[2 * (hash & this.indexMask) + 1]!;
  }

  /**
   * Enters a record under both of its tuples, whose hashes (`hashOf`) may be given. Where they are the same (127.0.0.1 to
   * itself, without ports or between equal ones) the one of the answers is found, which is entered last, as in the
   * kernel (__nf_conntrack_hash_insert()).
   */
  insert(ct: number, originalHash = this.hashOf(ct, 0), replyHash = this.hashOf(ct, 1)): void {
    const at = ct << RECORD_SHIFT;
    if (this.words[at + TUPLE_ZONE] !== this.words[at + C_REPLY + TUPLE_ZONE]) this.hasSplitZones = true;
    this.header[HEADER_INDEX_COUNT]! += 2;
    if (2 * this.header[HEADER_INDEX_COUNT]! > this.indexMask) this.doubleIndex();
    this.place(originalHash, (ct << 1) + 1);
    this.place(replyHash, (ct << 1) + 2);
  }

  /** Takes a record out of the index. */
  remove(ct: number): void {
    this.removeTuple(ct, 0);
    this.removeTuple(ct, 1);
  }

  /** Hash of a record's tuple, as the index has it. */
  hashOf(ct: number, dir: number): number {
    const t = (ct << RECORD_SHIFT) + dir * C_REPLY;
    const w = this.words;
    return tupleHash(w, t, w[t + TUPLE_SPORT]!, w[t + TUPLE_DPORT]!, w[t + TUPLE_PROTO]!, w[t + TUPLE_ZONE]!);
  }

  /** Enters a reference in front of those with the same hash: each of them moves on to the slot of the next. */
  private place(hash: number, reference: number): void {
    const { index, indexMask: mask } = this;
    let slot = hash & mask;
    let carried = reference;
    for (; index[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      if (index[2 * slot] !== hash) continue;
      const next = index[2 * slot + 1]!;
      index[2 * slot + 1] = carried;
      carried = next;
    }
    index[2 * slot] = hash;
    index[2 * slot + 1] = carried;
  }

  /**
   * Uses twice as many slots. Each reference is moved a constant number of times over a table's life, on average.
   *
   * The half that is new is empty, and what stood in a row of slots between two gaps goes to the same row and to that as far
   * behind in the new half, where nothing else goes: so it is done row by row, without a copy of the index.
   */
  private doubleIndex(): void {
    const { header, index } = this;
    const used = header[HEADER_INDEX_USED]!;
    if (2 * used > header[HEADER_INDEX_SLOTS]!) return;
    header[HEADER_INDEX_USED] = 2 * used;
    this.indexMask = 2 * used - 1;
    // Half of the slots are free. The last row may go on at the beginning.
    let gap = 0;
    while (index[2 * gap + 1] !== 0) gap++;
    let row = new Int32Array(2 * 64);
    let length = 0;
    for (let i = gap + 1; i <= gap + used; i++) {
      const slot = 2 * (i & (used - 1));
      if (index[slot + 1] !== 0) {
        if (length === row.length) row = grow(row);
        row[length] = index[slot]!;
        row[length + 1] = index[slot + 1]!;
        length += 2;
        index[slot + 1] = 0;
        index[slot] = 0;
        continue;
      }
      // From behind, so that the latest of equal hashes comes last.
      for (let k = length - 2; k >= 0; k -= 2) this.place(row[k]!, row[k + 1]!);
      length = 0;
    }
  }

  private removeTuple(ct: number, dir: number): void {
    const { index, indexMask: mask } = this;
    this.header[HEADER_INDEX_COUNT]!--;
    const reference = ((ct << 1) | dir) + 1;
    let slot = this.hashOf(ct, dir) & mask;
    while (index[2 * slot + 1] !== reference) {
      assert(index[2 * slot + 1] !== 0, 'a record is not in the index');
      slot = (slot + 1) & mask;
    }
    // Close the gap: every entry behind it that may move there (its home is not behind the gap) does.
    for (let next = (slot + 1) & mask; index[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const home = index[2 * next]! & mask;
      if (((next - home) & mask) >= ((next - slot) & mask)) {
        index[2 * slot] = index[2 * next]!;
        index[2 * slot + 1] = index[2 * next + 1]!;
        slot = next;
      }
    }
    index[2 * slot] = 0;
    index[2 * slot + 1] = 0;
  }

  /**
   * Records in the order of the index from the home of `hash` on, at most `limit` of them, handed to `visit`
   * until it gives true. Used where the kernel walks neighbouring buckets (early_drop()).
   */
  walkFrom<T>(hash: number, limit: number, visit: (context: T, ct: number) => boolean, context: T): boolean {
    const mask = this.indexMask;
    let seen = 0;
    for (let i = 0, slot = hash & mask; i <= mask && seen < limit; i++, slot = (slot + 1) & mask) {
      const reference = this.index[2 * slot + 1]!;
      if (reference === 0) continue;
      seen++;
      if (visit(context, (reference - 1) >> 1)) return true;
    }
    return false;
  }
}

function grow(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}

/** 32 KiB of index to begin with: for a thousand connections. */
const FIRST_INDEX_SLOTS = 4096;

/** Words 1..3 of both addresses. */
function sameAddressTails(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  return (
    a[i + 1] === b[j + 1] &&
    a[i + 2] === b[j + 2] &&
    a[i + 3] === b[j + 3] &&
    a[i + 5] === b[j + 5] &&
    a[i + 6] === b[j + 6] &&
    a[i + 7] === b[j + 7]
  );
}

function powerOfTwo(atLeast: number): number {
  let n = 64;
  while (n < atLeast) n *= 2;
  return n;
}

/** Bytes of address space that a table for `capacity` connections takes. */
export function tableBytes(capacity: number): number {
  return (
    RECORDS_OFFSET +
    capacity * (RECORD_BYTES + 8 * ACCOUNT_ELEMENTS) +
    8 * powerOfTwo(4 * capacity) +
    4 * powerOfTwo(capacity)
  );
}
