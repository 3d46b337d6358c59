import { creditsOf, creditsOfByte, type HashlimitConfig } from '../../src/matches/hashlimit-table.ts';
import { HZ, jiffiesAt, jiffiesOfMs } from '../../src/matches/jiffies.ts';
import type { Packet } from '../../src/packet/packet.ts';
import { R_DADDR, R_DPORT, R_LENGTH, R_SADDR, R_SPORT } from '../../src/packet/registers.ts';

interface Bucket {
  previous: number;
  expires: number;
  credit: bigint;
  cap: bigint;
  cost: bigint;
  current: bigint;
  isOver: boolean;
}

/** CREDITS_PER_JIFFY and CREDITS_PER_JIFFY_BYTES at HZ=250; and the most credits of bytes. */
const PER_JIFFY = 1n << 39n;
const PER_JIFFY_BYTES = 1n << 24n;
const BYTES_CAP = PER_JIFFY_BYTES * BigInt(HZ);
const MAX_U32 = 0xffffffffn;

/** What HashlimitTable does, as plainly as it can be said: whole numbers of any size, keys as text. Ports are plain. */
export class PlainHashlimit {
  readonly #config: HashlimitConfig;
  readonly #buckets = new Map<string, Bucket>();

  constructor(config: HashlimitConfig) {
    this.#config = config;
  }

  isBelow(p: Packet, rateMatch: boolean, bytes: boolean): boolean | undefined {
    const key = this.#keyOf(p);
    const now = Math.max(0, jiffiesAt(p.timeNs));
    // htable_gc(): by the timer's last run.
    const interval = jiffiesOfMs(this.#config.gcIntervalMs);
    const isGone = ({ expires }: Bucket): boolean => Math.ceil(expires / interval) * interval <= now;
    let bucket = this.#buckets.get(key);
    if (bucket !== undefined && isGone(bucket)) {
      this.#buckets.delete(key);
      bucket = undefined;
    }
    if (bucket === undefined) {
      const { max } = this.#config;
      if (this.#buckets.size >= max)
        for (const [other, one] of this.#buckets) if (isGone(one)) this.#buckets.delete(other);
      if (this.#buckets.size >= max) return undefined;
      bucket = this.#make(now);
      this.#buckets.set(key, bucket);
    } else this.#refill(bucket, now);
    bucket.expires = now + jiffiesOfMs(this.#config.expireMs);
    const length = p.r[R_LENGTH]!;
    if (rateMatch) {
      bucket.current += bytes ? BigInt(length) : 1n;
      return !bucket.isOver && bucket.current <= this.#burst;
    }
    let { cost } = bucket;
    if (bytes) {
      cost *= BigInt((length >>> 4) + 1);
      if (cost > BYTES_CAP) cost = BYTES_CAP;
      if (bucket.credit < cost && bucket.cap !== 0n) {
        bucket.cap--;
        bucket.credit = BYTES_CAP;
      }
    }
    if (bucket.credit < cost) return false;
    bucket.credit -= cost;
    return true;
  }

  #keyOf(p: Packet): string {
    const c = this.#config;
    const masked = (at: number, mask: Int32Array): string =>
      Array.from(mask, (word, i) => p.r[at + i]! & word).join('.');
    return [
      c.hashSource ? masked(R_SADDR, c.sourceMask) : '',
      c.hashDestination ? masked(R_DADDR, c.destinationMask) : '',
      c.hashSourcePort ? p.r[R_SPORT]! : '',
      c.hashDestinationPort ? p.r[R_DPORT]! : '',
    ].join(' ');
  }

  get #rate(): bigint {
    const { average, bytes } = this.#config;
    return bytes ? (MAX_U32 / BigInt.asUintN(32, average) - 1n) << 4n : 1000000n / average;
  }

  get #burst(): bigint {
    const { rateMatch, bytes, burst } = this.#config;
    if (!rateMatch) return 0n;
    if (!bytes) return burst + this.#rate;
    return burst === 0n ? this.#rate : burst * this.#rate;
  }

  #make(now: number): Bucket {
    const { rateMatch, bytes, average, burst } = this.#config;
    const bucket = { previous: now, expires: 0, credit: 0n, cap: 0n, cost: 0n, current: 0n, isOver: false };
    if (rateMatch) return bucket;
    if (bytes) return { ...bucket, credit: BYTES_CAP, cost: creditsOfByte(average), cap: burst };
    const credit = creditsOf(average * burst);
    return { ...bucket, credit, cost: creditsOf(average), cap: credit };
  }

  #refill(bucket: Bucket, now: number): void {
    const { rateMatch, bytes, interval } = this.#config;
    const elapsed = BigInt(now - bucket.previous);
    if (elapsed <= 0n) return;
    if (rateMatch) {
      const window = BigInt(interval * HZ);
      if (elapsed < window) return;
      bucket.previous = now;
      bucket.isOver = bucket.current * window > elapsed * this.#rate;
      bucket.current = 0n;
      return;
    }
    bucket.previous = now;
    const credit = BigInt.asUintN(64, bucket.credit + (bytes ? PER_JIFFY_BYTES : PER_JIFFY) * elapsed);
    const cap = bytes ? BYTES_CAP : bucket.cap;
    bucket.credit = credit > cap ? cap : credit;
  }
}
