/**
 * The clock by which a replayed machine lives: timeouts, limits, reassembly. Linux's own (jiffies) never goes back; the
 * time stamps of captures do, and worse. The clock follows the stamps as long as they make sense:
 *
 *  - A stamp that is a little before the latest (BEHIND_NS at most): several queues or captures, out of step. The clock
 *    stands still until the stamps have caught up.
 *  - One that is further back: the capturing machine's clock was put back, or captures stand in a file one behind the
 *    other in the wrong order. The replayed machine went on meanwhile: the clock goes on from where it is, and from here
 *    on as the stamps do.
 *  - A leap ahead is believed: nobody was capturing. But one packet alone, behind which the stamps are where they were
 *    before, has a wrong stamp, and comes at the time of the packet before it.
 *  - A packet without a time comes at the time of the packet before it.
 *
 *      stamps    1 2 3 9 4 5 … 100 101 … 2 3 …        clock   1 2 3 3 4 5 … 100 101 … 101 102 …
 *                      ^ alone           ^ put back
 *
 * Nothing is changed in the columns for good: outputs show the stamps as they were captured.
 */
export class ReplayClock {
  /** Time of the packet before. */
  nowNs = Number.NaN;
  /** Packets that came a little before the latest, or further back: how often the clock was put back. */
  stoodStill = 0;
  putBack = 0;
  /** Packets alone ahead of their time. */
  alone = 0;
  /** What the clock is ahead of the stamps since it was put back. */
  #aheadNs = 0;
  readonly #stamps: { timeNs: Float64Array; count: number } = { timeNs: new Float64Array(0), count: 0 };

  /**
   * True when the stamps of a batch are the clock's times as they are, and then it moves on to `lastNs`, the last of
   * them. `beforeNs` is the stamp before the batch; `odd` how many go back or are none, `leapNs` the longest step ahead.
   */
  follows(beforeNs: number, lastNs: number, odd: number, leapNs: number): boolean {
    const inStep = this.#aheadNs === 0 && (this.nowNs === beforeNs || Number.isNaN(this.nowNs));
    if (!inStep || odd !== 0 || leapNs > AHEAD_NS) return false;
    this.nowNs = lastNs;
    return true;
  }

  /** Puts the clock's times in the place of stamps that it does not follow, until `restore`. */
  replace(timeNs: Float64Array, timeInvalid: Uint8Array, count: number): void {
    this.#keep(timeNs, count);
    const stamps = this.#stamps.timeNs;
    if (Number.isNaN(this.nowNs)) this.nowNs = stamps[0]!;
    for (let i = 0; i < count; i++) {
      // Of the last packet of a batch nobody knows whether it is alone: it is believed.
      const next = i + 1 < count ? stamps[i + 1]! : stamps[i]!;
      if (timeInvalid[i] === 0) this.#move(stamps[i]! + this.#aheadNs, next + this.#aheadNs);
      timeNs[i] = this.nowNs;
    }
  }

  /** Undoes `replace`. */
  restore(timeNs: Float64Array): void {
    const { timeNs: kept, count } = this.#stamps;
    timeNs.set(kept.subarray(0, count));
  }

  #move(stampNs: number, nextNs: number): void {
    const step = stampNs - this.nowNs;
    if (step < -BEHIND_NS) {
      this.#aheadNs -= step;
      this.putBack++;
    } else if (step < 0) {
      this.stoodStill++;
    } else if (step > AHEAD_NS && nextNs - this.nowNs < AHEAD_NS && nextNs - this.nowNs >= -BEHIND_NS) {
      this.alone++;
    } else {
      this.nowNs = stampNs;
    }
  }

  #keep(timeNs: Float64Array, count: number): void {
    if (this.#stamps.timeNs.length < count) this.#stamps.timeNs = new Float64Array(count);
    this.#stamps.timeNs.set(timeNs.subarray(0, count));
    this.#stamps.count = count;
  }
}

/** Queues of a network card and captures on one machine are out of step by less. */
const BEHIND_NS = 1e9;
/** Less than this is a pause like others, whatever follows. */
const AHEAD_NS = 3600e9;
