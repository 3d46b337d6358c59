import { ECHO_WINDOW_NS, ECHO_WINDOW_PACKETS, EchoGeneration } from './echo-generation.ts';

/**
 * Tells the echo of a forwarded packet: the second time it is captured, on its way out. Packets that came in
 * leave their fingerprint here; an outbound packet with the fingerprint of one that came in shortly before is its
 * echo, that of the oldest such, and each fingerprint serves one echo (a fragment's serves any number).
 *
 * Design: two generations, each a hash table with open addressing over records in order of arrival. Packets are added
 * to the younger; when that has lasted a window's length (in time or in packets), all of the older is too old, and it is emptied
 * and becomes the younger. So nothing is taken out one by one, and a packet costs one cache miss to be added (two to be looked
 * for), which `touch` can take ahead. Records of one fingerprint form a queue behind one slot: a flood of equal
 * packets costs what other packets cost. Memory is bounded by the window. One thread owns it.
 */

export class EchoTable {
  #younger = new EchoGeneration();
  #older = new EchoGeneration();
  /** Of the last match: what `add` was given, cut to 32 bits (signed). */
  matchedNumber = 0;
  matchedPosition = 0;

  /** Remembers packet `number`, that came in at `timeNs`; `position` is how many bytes were captured before it. */
  add(a: number, b: number, timeNs: number, isFragment: boolean, number: number, position: number): void {
    this.#turn(timeNs, number);
    this.#younger.add(a, b, timeNs, isFragment, number, position);
  }

  /** True when a packet of this fingerprint came in shortly before packet `number`; the oldest such is used up. */
  match(a: number, b: number, timeNs: number, number: number): boolean {
    this.#turn(timeNs, number);
    const oldestNs = timeNs - ECHO_WINDOW_NS;
    const old = this.#older.count === 0 ? -1 : this.#older.take(a, b, oldestNs, number);
    if (old >= 0) return this.#found(this.#older, old);
    return this.#found(this.#younger, this.#younger.take(a, b, oldestNs, number));
  }

  /** Adds to the packet that was added last what `matchNear` compares: see there. */
  note(seq: number, ack: number, tuple: number): void {
    this.#younger.note(seq, ack, tuple);
  }

  /**
   * As `match`, of packets whose numbers `seq` and `ack` differ from the given ones by no more than `seqLimit` and
   * `ackLimit`, and whose `tuple` is another.
   */
  matchNear(
    a: number,
    b: number,
    timeNs: number,
    number: number,
    seq: number,
    ack: number,
    tuple: number,
    seqLimit: number,
    ackLimit: number,
  ): boolean {
    this.#turn(timeNs, number);
    const oldestNs = timeNs - ECHO_WINDOW_NS;
    const old = this.#older.takeNear(a, b, oldestNs, number, seq, ack, tuple, seqLimit, ackLimit);
    if (old >= 0) return this.#found(this.#older, old);
    const young = this.#younger.takeNear(a, b, oldestNs, number, seq, ack, tuple, seqLimit, ackLimit);
    return this.#found(this.#younger, young);
  }

  #found(generation: EchoGeneration, record: number): boolean {
    if (record < 0) return false;
    this.matchedNumber = generation.numberOf(record);
    this.matchedPosition = generation.positionOf(record);
    return true;
  }

  /** Packet `number` serves nobody any more. */
  forget(number: number): void {
    this.#older.forget(number);
    this.#younger.forget(number);
  }

  /**
   * Loads what `add` and `match` of these fingerprints will need, all at once, since their misses then overlap. The sum
   * means nothing; it keeps the loads from being left out.
   */
  touch(a: Int32Array, count: number): number {
    const { index } = this.#younger;
    const older = this.#older.index;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const at = 2 * a[k]!;
      sum = (sum + index[at & (index.length - 1)]! + older[at & (older.length - 1)]!) | 0;
    }
    return sum;
  }

  #turn(timeNs: number, number: number): void {
    const { beginNs, beginNumber } = this.#younger;
    if (timeNs - beginNs <= ECHO_WINDOW_NS && number - beginNumber <= ECHO_WINDOW_PACKETS) return;
    const emptied = this.#older;
    emptied.empty(timeNs, number);
    this.#older = this.#younger;
    this.#younger = emptied;
  }
}
