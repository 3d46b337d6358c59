import { HZ } from './jiffies.ts';

/**
 * What `-j RATEEST` counts and `-m rateest` compares: bytes and packets a second, as averages that come nearer to the
 * rate of each period by 2^-ewmaLog of the difference. Linux: net/core/gen_estimator.c, est_timer(), gen_estimator_read().
 *
 * Times are jiffies. A period is a quarter of a second, cut to whole jiffies, times 1, 2, 4 … 32. The timer that ends
 * it is one of the timer wheel, which rounds times that are further ahead up to a coarser grid
 * (kernel/time/timer.c, calc_wheel_index()). The time that the kernel counts from is not in a capture: the
 * estimator is taken to begin with the run, at a point of every grid.
 */
export class RateEstimator {
  #period = 1;
  /** log2 of the jiffies between the points of the timer wheel's grid. */
  #gridLog = 0;
  #intervalLog = 0;
  #weight = 1;
  /** When the next period is over, before it is rounded up. */
  #next = 0;
  #now = 0;
  #bytes = 0;
  #packets = 0;
  /** The averages a second, in 1/256. */
  #byteRate = 0;
  #packetRate = 0;

  /** `intervalLog`: 0 for a quarter of a second, 1 for a half … `jiffy`: when its rule was loaded. */
  start(intervalLog: number, ewmaLog: number, jiffy = 0): void {
    this.#intervalLog = intervalLog;
    this.#weight = 2 ** ewmaLog;
    this.#period = QUARTER * 2 ** intervalLog;
    while (this.#period >= WHEEL_JIFFIES * 2 ** this.#gridLog) this.#gridLog += WHEEL_SHIFT;
    this.#next = jiffy + this.#period;
    this.#now = jiffy;
  }

  count(lengthBytes: number, jiffy: number): void {
    this.#advance(jiffy);
    this.#bytes += lengthBytes;
    this.#packets++;
  }

  /** Bytes a second. */
  bytesPerSecond(jiffy: number): number {
    this.#advance(jiffy);
    return Math.floor(this.#byteRate / SCALE);
  }

  packetsPerSecond(jiffy: number): number {
    this.#advance(jiffy);
    return Math.floor(this.#packetRate / SCALE);
  }

  /** Has the timer fire as often as it has by then. Time stamps may go back, jiffies do not. */
  #advance(jiffy: number): void {
    if (jiffy > this.#now) this.#now = jiffy;
    while (this.#firesAt() <= this.#now) {
      const byteStep = this.#step(this.#bytes, this.#byteRate);
      const packetStep = this.#step(this.#packets, this.#packetRate);
      if (byteStep === 0 && packetStep === 0 && this.#packets === 0) {
        // Nothing changes until there is a packet again: the periods of a long silence need not be gone through.
        this.#next += this.#period * Math.max(1, Math.floor((this.#now - this.#next) / this.#period));
        continue;
      }
      this.#byteRate += byteStep;
      this.#packetRate += packetStep;
      this.#bytes = 0;
      this.#packets = 0;
      this.#next += this.#period;
    }
  }

  #firesAt(): number {
    const grid = 2 ** this.#gridLog;
    return (Math.floor(this.#next / grid) + 1) * grid;
  }

  /** What a period with so many bytes or packets adds to an average. */
  #step(counted: number, average: number): number {
    const rate = Math.floor((counted * 4 * SCALE) / 2 ** this.#intervalLog);
    return Math.floor(rate / this.#weight) - Math.floor(average / this.#weight);
  }
}

/** HZ/4, in whole jiffies. */
const QUARTER = Math.floor(HZ / 4);
const SCALE = 256;
/** LVL_START(1): so far ahead a timer may be to be in the finest level of the wheel; each further one has 8 times the grid. */
const WHEEL_JIFFIES = 63;
const WHEEL_SHIFT = 3;

export const ESTIMATOR_SENTENCE =
  `Rate estimators (RATEEST) measure in periods of ${QUARTER}/${HZ} s, or of 2, 4 … 32 times that; the first period is ` +
  'taken to begin with the first packet of the run, and nothing to have been counted before.';

/** The kernel's estimators are those of a network namespace: one for both families. */
export const estimatorKey = (name: string): string => `rateest/${name}`;

/** sizeof(xt_rateest_target_info.name) - 1. */
export const ESTIMATOR_NAME_BYTES = 15;
