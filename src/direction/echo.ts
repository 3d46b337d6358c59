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

/** Words of a record: fingerprint (2), next in bucket, the packet's predicted out-interface, outcome, serves. */
const WORDS = 6;
const F_A = 0;
const F_B = 1;
const NEXT = 2;
const PREDICTED_OIF = 3;
const TAG = 4;
const SERVES = 5;

const EVERY = 0x7fffffff;

export class EchoTable {
  private capacity = 1 << 12;
  private records = new Int32Array(this.capacity * WORDS);
  private times = new Float64Array(this.capacity);
  private heads = new Int32Array(this.capacity).fill(-1);
  /** Running numbers of the oldest record and of the next one to write; slot = number & (capacity - 1). */
  private tail = 0;
  private next = 0;
  /** Of the last match: what `add` was given. */
  predictedOif = 0;
  tag = 0;

  /** Remembers a packet that came in at `timeNs`; the answer's slot number is for `predict`. */
  add(a: number, b: number, timeNs: number, isFragment: boolean): number {
    this.expire(timeNs);
    if (this.next - this.tail === this.capacity) this.grow();
    const mask = this.capacity - 1;
    const number = this.next++;
    const slot = number & mask;
    const at = slot * WORDS;
    const head = a & mask;
    this.records[at + F_A] = a;
    this.records[at + F_B] = b;
    this.records[at + NEXT] = this.heads[head]!;
    this.records[at + PREDICTED_OIF] = 0;
    this.records[at + TAG] = -1;
    this.records[at + SERVES] = isFragment ? EVERY : 1;
    this.times[slot] = timeNs;
    this.heads[head] = slot;
    return slot;
  }

  /** Says what the replay made of the packet that `add` gave `slot` for (valid until the next `add`). */
  predict(slot: number, oif: number, tag: number): void {
    this.records[slot * WORDS + PREDICTED_OIF] = oif;
    this.records[slot * WORDS + TAG] = tag;
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
    this.predictedOif = this.records[at + PREDICTED_OIF]!;
    this.tag = this.records[at + TAG]!;
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
    const oldMask = this.capacity - 1;
    this.capacity *= 2;
    const mask = this.capacity - 1;
    this.records = new Int32Array(this.capacity * WORDS);
    this.times = new Float64Array(this.capacity);
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
    }
  }
}
