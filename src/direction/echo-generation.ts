/**
 * One generation of an EchoTable: packets that came in within a window's length, by fingerprint. Records in order of
 * arrival; a hash table with open addressing over them, whose slots are the heads of queues of equal fingerprints.
 */

/** How long after a packet came in its echo may be seen: queues of a second and more exist (bufferbloat). */
export const ECHO_WINDOW_NS = 5e9;
/**
 * And how many packets later: those may wait in the queues of all interfaces together (fq_codel's limit is 10,240, a
 * network card's ring has some thousands). Without this bound, 5 s of a fast link would not fit any cache.
 */
export const ECHO_WINDOW_PACKETS = 1 << 17;

/** Slot of the index: half of the fingerprint, and head of its queue + 1; 0 where unused. */
const SLOT_A = 0;
const SLOT_HEAD = 1;

/** Words of a record: the rest of the fingerprint, the next in the queue, its last (at the head), the packet, the time (2). */
const RECORD_SHIFT = 3;
const B = 0;
const NEXT = 1;
const LAST = 2;
const NUMBER = 3;
const POSITION = 4;
const TIME = 6;

/** Lowest bit of B: it serves any number of echoes. The fingerprint has 63 bits. */
const ANYBODY = 1;

const FEWEST_SLOTS = 1 << 8;

export class EchoGeneration {
  slots = FEWEST_SLOTS;
  index = new Int32Array(2 * this.slots);
  count = 0;
  used = 0;
  beginNs = 0;
  beginNumber = 0;
  words = new Int32Array(64 << RECORD_SHIFT);
  times = new Float64Array(this.words.buffer);
  /** Three words a record, where `note` is used. */
  notes = new Int32Array(0);

  /** Begins anew, with packet `beginNumber`. */
  empty(beginNs: number, beginNumber: number): void {
    this.beginNs = beginNs;
    this.beginNumber = beginNumber;
    this.count = 0;
    if (this.used === 0) return;
    // One that a burst has blown up is cut down again, or emptying it would be all the work that is left.
    if (this.used < this.slots / 16 && this.slots > FEWEST_SLOTS) {
      this.slots /= 2;
      this.index = new Int32Array(2 * this.slots);
    } else this.index.fill(0);
    this.used = 0;
  }

  /** What `add` was given, cut to 32 bits (signed). */
  numberOf(record: number): number {
    return this.words[(record << RECORD_SHIFT) + NUMBER]!;
  }

  positionOf(record: number): number {
    return this.words[(record << RECORD_SHIFT) + POSITION]!;
  }

  /** The slot of a fingerprint, or the free one where it would be; as an index of words. */
  slotOf(a: number, b: number): number {
    const { index, words } = this;
    const mask = 2 * this.slots - 1;
    let at = (2 * a) & mask;
    for (;;) {
      const head = index[at + SLOT_HEAD]!;
      if (head === 0) return at;
      if (index[at + SLOT_A] === a && ((words[((head - 1) << RECORD_SHIFT) + B]! ^ b) & ~ANYBODY) === 0)
        return at;
      at = (at + 2) & mask;
    }
  }

  add(a: number, b: number, timeNs: number, isFragment: boolean, number: number, position: number): void {
    if (this.count << RECORD_SHIFT === this.words.length) this.#growRecords();
    if (2 * this.used >= this.slots) this.#growIndex();
    const { index, words } = this;
    const record = this.count++;
    const r = record << RECORD_SHIFT;
    words[r + B] = (b & ~ANYBODY) | (isFragment ? ANYBODY : 0);
    words[r + NEXT] = -1;
    words[r + LAST] = record;
    words[r + NUMBER] = number | 0;
    words[r + POSITION] = position | 0;
    this.times[(r + TIME) >> 1] = timeNs;
    const at = this.slotOf(a, b);
    const head = index[at + SLOT_HEAD]!;
    if (head !== 0) {
      const h = (head - 1) << RECORD_SHIFT;
      words[(words[h + LAST]! << RECORD_SHIFT) + NEXT] = record;
      words[h + LAST] = record;
      return;
    }
    this.used++;
    index[at + SLOT_A] = a;
    index[at + SLOT_HEAD] = record + 1;
  }

  /**
   * The oldest record of a fingerprint that is not too old for packet `now`, from `oldestNs` on; or -1. It is taken out
   * unless it serves anybody.
   */
  take(a: number, b: number, oldestNs: number, now: number): number {
    const at = this.slotOf(a, b);
    let record = this.index[at + SLOT_HEAD]! - 1;
    if (record < 0) return -1;
    while (this.#isOld(record, oldestNs, now)) {
      record = this.#takeHead(at, record);
      if (record < 0) return -1;
    }
    if ((this.words[(record << RECORD_SHIFT) + B]! & ANYBODY) === 0) this.#takeHead(at, record);
    return record;
  }

  #isOld(record: number, oldestNs: number, now: number): boolean {
    const r = record << RECORD_SHIFT;
    return (
      this.times[(r + TIME) >> 1]! < oldestNs || (now - this.words[r + NUMBER]!) >>> 0 > ECHO_WINDOW_PACKETS
    );
  }

  /** Takes the head of a queue out; the new head, or -1. */
  #takeHead(at: number, record: number): number {
    const { index, words } = this;
    const r = record << RECORD_SHIFT;
    const next = words[r + NEXT]!;
    if (next < 0) this.#free(at);
    else {
      index[at + SLOT_HEAD] = next + 1;
      words[(next << RECORD_SHIFT) + LAST] = words[r + LAST]!;
    }
    return next;
  }

  /** Frees a slot, and closes the gap: what stands behind it, and would have stood there or before, moves up. */
  #free(slot: number): void {
    const { index } = this;
    const mask = index.length - 1;
    let gap = slot;
    for (let at = (gap + 2) & mask; index[at + SLOT_HEAD] !== 0; at = (at + 2) & mask) {
      const home = (2 * index[at + SLOT_A]!) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      index[gap + SLOT_A] = index[at + SLOT_A]!;
      index[gap + SLOT_HEAD] = index[at + SLOT_HEAD]!;
      gap = at;
    }
    index[gap + SLOT_HEAD] = 0;
    this.used--;
  }

  /** Adds to the record that was added last what `takeNear` compares. */
  note(seq: number, ack: number, tuple: number): void {
    if (this.notes.length < 3 * this.count) {
      const grown = new Int32Array(Math.max(192, 2 * this.notes.length));
      grown.set(this.notes);
      this.notes = grown;
    }
    const at = 3 * (this.count - 1);
    this.notes[at] = seq;
    this.notes[at + 1] = ack;
    this.notes[at + 2] = tuple;
  }

  /** As `take`: the oldest record in the queue whose note is near. Those on the way that are too old are taken out. */
  takeNear(
    a: number,
    b: number,
    oldestNs: number,
    now: number,
    seq: number,
    ack: number,
    tuple: number,
    seqLimit: number,
    ackLimit: number,
  ): number {
    const { words, notes } = this;
    const at = this.slotOf(a, b);
    let before = -1;
    for (let record = this.index[at + SLOT_HEAD]! - 1; record >= 0; ) {
      const r = record << RECORD_SHIFT;
      const next = words[r + NEXT]!;
      const isNear =
        notes[3 * record + 2] !== tuple &&
        Math.abs((notes[3 * record]! - seq) | 0) <= seqLimit &&
        Math.abs((notes[3 * record + 1]! - ack) | 0) <= ackLimit;
      const isOld = this.#isOld(record, oldestNs, now);
      if (isNear || isOld) {
        if (before < 0) this.#takeHead(at, record);
        else this.#takeBehind(at, before, next);
        if (!isOld) return record;
      } else before = record;
      record = next;
    }
    return -1;
  }

  /** Takes out what stands between `before` and `next` in a queue. */
  #takeBehind(at: number, before: number, next: number): void {
    const { words } = this;
    words[(before << RECORD_SHIFT) + NEXT] = next;
    if (next < 0) words[((this.index[at + SLOT_HEAD]! - 1) << RECORD_SHIFT) + LAST] = before;
  }

  /** The record of packet `number` serves nobody any more: it counts as too old. */
  forget(number: number): void {
    const { words } = this;
    const first = words[NUMBER]!;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((words[(middle << RECORD_SHIFT) + NUMBER]! - first) >>> 0 < (number - first) >>> 0)
        low = middle + 1;
      else high = middle;
    }
    const r = low << RECORD_SHIFT;
    if (low < this.count && words[r + NUMBER] === (number | 0)) {
      this.times[(r + TIME) >> 1] = Number.NEGATIVE_INFINITY;
    }
  }

  #growRecords(): void {
    const grown = new Int32Array(2 * this.words.length);
    grown.set(this.words);
    this.words = grown;
    this.times = new Float64Array(grown.buffer);
  }

  #growIndex(): void {
    const old = this.index;
    this.slots *= 2;
    const index = new Int32Array(2 * this.slots);
    const mask = index.length - 1;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + SLOT_HEAD] === 0) continue;
      let at = (2 * old[from + SLOT_A]!) & mask;
      while (index[at + SLOT_HEAD] !== 0) at = (at + 2) & mask;
      index[at + SLOT_A] = old[from + SLOT_A]!;
      index[at + SLOT_HEAD] = old[from + SLOT_HEAD]!;
    }
    this.index = index;
  }
}
