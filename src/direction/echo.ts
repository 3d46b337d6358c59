/**
 * Tells the echo of a forwarded packet: the second time it is captured, on its way out. Packets that came in
 * leave their fingerprint here; an outbound packet with the fingerprint of one that came in shortly before is its
 * echo, and each fingerprint serves one echo (a fragment's serves any number).
 *
 * Design: a ring of records in order of arrival, and a hash table of chains through them. A chain runs from its oldest
 * record to its newest and is linked both ways, so that the oldest of equal fingerprints is found first, and a
 * record is taken out at once when it has served or is too old. Nothing is ever looked for: a flood of equal packets
 * costs what other packets cost. Memory follows the packet rate, not the capture. One thread owns it.
 */

/** How long after a packet came in its echo may be seen: queues of a second and more exist (bufferbloat). */
export const ECHO_WINDOW_NS = 5e9;

/** Words of a record: the fingerprint, its neighbours in the chain (slots, -1 at the ends), and whom it may serve. */
const WORDS = 8;
const F_A = 0;
const F_B = 1;
const OLDER = 2;
const NEWER = 3;
const SERVES = 4;
/** What `note` adds: see matchNear. */
const SEQ = 5;
const ACK = 6;
const TUPLE = 7;

/** Served already, and out of its chain. */
const NOBODY = 0;
const ONE = 1;
const ANYBODY = 2;

export class EchoTable {
  private capacity = 1 << 12;
  private records = new Int32Array(this.capacity * WORDS);
  private times = new Float64Array(this.capacity);
  private numbers = new Float64Array(this.capacity);
  /** By bucket: the oldest and the newest record's slot, -1 where there is none. */
  private oldest = new Int32Array(this.capacity).fill(-1);
  private newest = new Int32Array(this.capacity).fill(-1);
  /** Running numbers of the oldest record and of the next one to write; slot = number mod capacity. */
  private tail = 0;
  private next = 0;
  /** Of the last match: the packet number that `add` was given. */
  matched = 0;

  /** Remembers packet `number`, that came in at `timeNs`. */
  add(a: number, b: number, timeNs: number, isFragment: boolean, number: number): void {
    this.expire(timeNs);
    if (this.next - this.tail === this.capacity) this.grow();
    const slot = this.next++ % this.capacity;
    const at = slot * WORDS;
    this.records[at + F_A] = a;
    this.records[at + F_B] = b;
    this.records[at + SERVES] = isFragment ? ANYBODY : ONE;
    this.times[slot] = timeNs;
    this.numbers[slot] = number;
    this.append(slot);
  }

  /** True when a packet of this fingerprint came in shortly before; the oldest such is used up. */
  match(a: number, b: number, timeNs: number): boolean {
    this.expire(timeNs);
    const { records } = this;
    for (let slot = this.oldest[a & (this.capacity - 1)]!; slot >= 0; slot = records[slot * WORDS + NEWER]!) {
      const at = slot * WORDS;
      if (records[at + F_A] !== a || records[at + F_B] !== b) continue;
      if (records[at + SERVES] === ONE) {
        this.takeOut(slot);
        records[at + SERVES] = NOBODY;
      }
      this.matched = this.numbers[slot]!;
      return true;
    }
    return false;
  }

  /** Adds to the record that was added last what `matchNear` compares: see there. */
  note(seq: number, ack: number, tuple: number): void {
    const at = ((this.next - 1) % this.capacity) * WORDS;
    this.records[at + SEQ] = seq;
    this.records[at + ACK] = ack;
    this.records[at + TUPLE] = tuple;
  }

  /**
   * As `match`, of records whose numbers `seq` and `ack` differ from the given ones by no more than `seqLimit` and
   * `ackLimit`, and whose `tuple` is another.
   */
  matchNear(
    a: number,
    b: number,
    timeNs: number,
    seq: number,
    ack: number,
    tuple: number,
    seqLimit: number,
    ackLimit: number,
  ): boolean {
    this.expire(timeNs);
    const { records } = this;
    for (let slot = this.oldest[a & (this.capacity - 1)]!; slot >= 0; slot = records[slot * WORDS + NEWER]!) {
      const at = slot * WORDS;
      if (records[at + F_A] !== a || records[at + F_B] !== b || records[at + TUPLE] === tuple) continue;
      if (Math.abs((records[at + SEQ]! - seq) | 0) > seqLimit) continue;
      if (Math.abs((records[at + ACK]! - ack) | 0) > ackLimit) continue;
      this.takeOut(slot);
      records[at + SERVES] = NOBODY;
      this.matched = this.numbers[slot]!;
      return true;
    }
    return false;
  }

  /** The record of packet `number` serves nobody any more. */
  forget(number: number): void {
    let low = this.tail;
    let high = this.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.numbers[middle % this.capacity]! < number) low = middle + 1;
      else high = middle;
    }
    const slot = low % this.capacity;
    if (low >= this.next || this.numbers[slot] !== number || this.records[slot * WORDS + SERVES] !== ONE)
      return;
    this.takeOut(slot);
    this.records[slot * WORDS + SERVES] = NOBODY;
  }

  private expire(timeNs: number): void {
    const oldest = timeNs - ECHO_WINDOW_NS;
    while (this.tail < this.next) {
      const slot = this.tail % this.capacity;
      if (this.times[slot]! >= oldest) return;
      if (this.records[slot * WORDS + SERVES] !== NOBODY) this.takeOut(slot);
      this.tail++;
    }
  }

  /** Puts a record at the new end of its chain. */
  private append(slot: number): void {
    const { records } = this;
    const bucket = records[slot * WORDS + F_A]! & (this.capacity - 1);
    const before = this.newest[bucket]!;
    records[slot * WORDS + OLDER] = before;
    records[slot * WORDS + NEWER] = -1;
    if (before >= 0) records[before * WORDS + NEWER] = slot;
    else this.oldest[bucket] = slot;
    this.newest[bucket] = slot;
  }

  private takeOut(slot: number): void {
    const { records } = this;
    const bucket = records[slot * WORDS + F_A]! & (this.capacity - 1);
    const older = records[slot * WORDS + OLDER]!;
    const newer = records[slot * WORDS + NEWER]!;
    if (older >= 0) records[older * WORDS + NEWER] = newer;
    else this.oldest[bucket] = newer;
    if (newer >= 0) records[newer * WORDS + OLDER] = older;
    else this.newest[bucket] = older;
  }

  private grow(): void {
    const { records: old, times: oldTimes, numbers: oldNumbers, capacity: oldCapacity } = this;
    this.capacity *= 2;
    this.records = new Int32Array(this.capacity * WORDS);
    this.times = new Float64Array(this.capacity);
    this.numbers = new Float64Array(this.capacity);
    this.oldest = new Int32Array(this.capacity).fill(-1);
    this.newest = new Int32Array(this.capacity).fill(-1);
    for (let number = this.tail; number < this.next; number++) {
      const from = number % oldCapacity;
      const slot = number % this.capacity;
      for (let k = 0; k < WORDS; k++) this.records[slot * WORDS + k] = old[from * WORDS + k]!;
      this.times[slot] = oldTimes[from]!;
      this.numbers[slot] = oldNumbers[from]!;
      if (this.records[slot * WORDS + SERVES] !== NOBODY) this.append(slot);
    }
  }
}
