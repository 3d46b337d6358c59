/**
 * Tells the echo of a forwarded packet: the second time it is captured, on its way out. Packets that came in
 * leave their fingerprint here; an outbound packet with the fingerprint of one that came in shortly before is its
 * echo, and each fingerprint serves one echo (a fragment's serves any number).
 *
 * Design: a ring of records in order of arrival, a hash table of their heads, and a chain through the records of
 * one bucket. Records older than ECHO_WINDOW_NS fall off the tail, so memory follows the packet rate and not the
 * capture. One thread owns it; a look-up costs one cache line or two.
 */

/** How long after a packet came in its echo may be seen: queues of a second and more exist (bufferbloat). */
export const ECHO_WINDOW_NS = 5e9;

/** Words of a record: the fingerprint, the next record of the bucket, how many echoes it may still serve. */
const WORDS = 4;
const F_A = 0;
const F_B = 1;
const NEXT = 2;
const SERVES = 3;

const EVERY = 0x7fffffff;

export class EchoTable {
  private capacity = 1 << 12;
  private records = new Int32Array(this.capacity * WORDS);
  private times = new Float64Array(this.capacity);
  private numbers = new Float64Array(this.capacity);
  private heads = new Int32Array(this.capacity).fill(-1);
  /** Running numbers of the oldest record and of the next one to write; slot = number & (capacity - 1). */
  private tail = 0;
  private next = 0;
  /** Of the last match: the packet number that `add` was given. */
  matched = 0;

  /** Remembers packet `number`, that came in at `timeNs`. */
  add(a: number, b: number, timeNs: number, isFragment: boolean, number: number): void {
    this.expire(timeNs);
    if (this.next - this.tail === this.capacity) this.grow();
    const mask = this.capacity - 1;
    const slot = this.next++ & mask;
    const at = slot * WORDS;
    const head = a & mask;
    this.records[at + F_A] = a;
    this.records[at + F_B] = b;
    this.records[at + NEXT] = this.heads[head]!;
    this.records[at + SERVES] = isFragment ? EVERY : 1;
    this.times[slot] = timeNs;
    this.numbers[slot] = number;
    this.heads[head] = slot;
  }

  /** True when a packet of this fingerprint came in shortly before; the oldest such is used up. */
  match(a: number, b: number, timeNs: number): boolean {
    this.expire(timeNs);
    let found = -1;
    // Chains run from the newest to the oldest; the oldest that still serves is the one a queue lets out first.
    for (
      let slot = this.heads[a & (this.capacity - 1)]!;
      slot >= 0;
      slot = this.records[slot * WORDS + NEXT]!
    ) {
      const at = slot * WORDS;
      if (this.records[at + F_A] === a && this.records[at + F_B] === b && this.records[at + SERVES]! > 0)
        found = slot;
    }
    if (found < 0) return false;
    const at = found * WORDS;
    if (this.records[at + SERVES] !== EVERY) this.records[at + SERVES] = 0;
    this.matched = this.numbers[found]!;
    return true;
  }

  private expire(timeNs: number): void {
    const mask = this.capacity - 1;
    while (this.tail < this.next) {
      const slot = this.tail & mask;
      if (timeNs - this.times[slot]! <= ECHO_WINDOW_NS) return;
      this.unlink(slot);
      this.tail++;
    }
  }

  private unlink(slot: number): void {
    const head = this.records[slot * WORDS]! & (this.capacity - 1);
    const next = this.records[slot * WORDS + NEXT]!;
    if (this.heads[head] === slot) {
      this.heads[head] = next;
      return;
    }
    for (let at = this.heads[head]!; at >= 0; at = this.records[at * WORDS + NEXT]!) {
      if (this.records[at * WORDS + NEXT] === slot) {
        this.records[at * WORDS + NEXT] = next;
        return;
      }
    }
  }

  private grow(): void {
    const old = this.records;
    const oldTimes = this.times;
    const oldNumbers = this.numbers;
    const oldMask = this.capacity - 1;
    this.capacity *= 2;
    const mask = this.capacity - 1;
    this.records = new Int32Array(this.capacity * WORDS);
    this.times = new Float64Array(this.capacity);
    this.numbers = new Float64Array(this.capacity);
    this.heads = new Int32Array(this.capacity).fill(-1);
    for (let number = this.tail; number < this.next; number++) {
      const from = (number & oldMask) * WORDS;
      const slot = number & mask;
      const to = slot * WORDS;
      for (let k = 0; k < WORDS; k++) this.records[to + k] = old[from + k]!;
      const head = this.records[to]! & mask;
      this.records[to + NEXT] = this.heads[head]!;
      this.heads[head] = slot;
      this.times[slot] = oldTimes[number & oldMask]!;
      this.numbers[slot] = oldNumbers[number & oldMask]!;
    }
  }
}
