import { DECODE_BAD_CHAIN, DECODE_L4_SHORT } from '../batch/layout.ts';
import {
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  type Packet,
} from '../packet/packet.ts';
import {
  R_DADDR,
  R_DECODE_FLAGS,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_L4PROTO,
  R_LENGTH,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { NEXTHDR_NONE } from './ipv6-headers.ts';
import { HZ, jiffiesAt, jiffiesOfMs } from './jiffies.ts';

/**
 * The table behind a name of the hashlimit match: one bucket for each address and port that it tells apart.
 * Rules of one name share the table and all of its settings, which are those of the first rule
 * (net/netfilter/xt_hashlimit.c, htable_create(), hashlimit_mt_check_common()).
 *
 * Buckets are in one of three modes, as dsthash_ent.rateinfo is: credits for packets, credits for bytes, and
 * --hashlimit-rate-match, which compares the rate of windows. 64-bit credits are BigInts: the match is evaluated
 * packet by packet anyway.
 *
 * A bucket whose packets have ceased is collected by a timer that runs every gcinterval from the making of the
 * table on; we let it run from the first packet of the run on, and look only when a bucket is asked for.
 */
export interface HashlimitConfig {
  readonly family: 4 | 6;
  readonly bytes: boolean;
  readonly rateMatch: boolean;
  readonly average: bigint;
  readonly burst: bigint;
  readonly interval: bigint;
  readonly hashSource: boolean;
  readonly hashDestination: boolean;
  readonly hashSourcePort: boolean;
  readonly hashDestinationPort: boolean;
  readonly sourceMask: Int32Array;
  readonly destinationMask: Int32Array;
  /** Entries at most, 0 for no limit. */
  readonly max: number;
  readonly expireMs: number;
  readonly gcIntervalMs: number;
}

interface Bucket {
  previous: number;
  expires: number;
  credit: bigint;
  /** Credits at most; of bytes: how many bursts are left. */
  cap: bigint;
  cost: bigint;
  // --hashlimit-rate-match:
  currentRate: bigint;
  rate: bigint;
  burst: bigint;
  previousWindowOver: boolean;
}

/** proto_ports_offset() (include/linux/ip.h): where in its header a protocol has four bytes that tell flows apart. */
const PORTS_OFFSET: ReadonlyMap<number, number> = new Map([
  [IPPROTO_TCP, 0],
  [IPPROTO_UDP, 0],
  [IPPROTO_DCCP, 0],
  [IPPROTO_ESP, 0],
  [IPPROTO_SCTP, 0],
  [IPPROTO_UDPLITE, 0],
  [IPPROTO_AH, 4],
]);

const MAX_U32 = 0xffffffffn;
const MAX_U64 = 0xffffffffffffffffn;
const BIG_HZ = BigInt(HZ);
const SCALE = 1000000n;

function powerOfTwoBelow(value: bigint): bigint {
  return 1n << BigInt(value.toString(2).length - 1);
}

/** CREDITS_PER_JIFFY, CREDITS_PER_JIFFY_BYTES. */
const CREDITS_PER_JIFFY = powerOfTwoBelow(MAX_U64 / (BIG_HZ * 86400n));
const CREDITS_PER_JIFFY_BYTES = powerOfTwoBelow(MAX_U32 / BIG_HZ);
const BYTES_CAP = CREDITS_PER_JIFFY_BYTES * BIG_HZ;

/** user2credits(). */
export function creditsOf(average: bigint): bigint {
  return BigInt.asUintN(64, average * ((BIG_HZ * CREDITS_PER_JIFFY) / SCALE));
}

/** user2credits_byte(). */
export function creditsOfByte(average: bigint): bigint {
  return (BigInt.asUintN(32, average) * BYTES_CAP) >> 32n;
}

export class HashlimitTable {
  readonly #config: HashlimitConfig;
  readonly #buckets = new Map<string, Bucket>();
  readonly #expireJiffies: number;
  readonly #gcJiffies: number;

  constructor(config: HashlimitConfig) {
    this.#config = config;
    this.#expireJiffies = jiffiesOfMs(config.expireMs);
    this.#gcJiffies = jiffiesOfMs(config.gcIntervalMs);
  }

  /** True below the limit, undefined when the packet must be dropped. hashlimit_mt_common(). */
  isBelow(p: Packet, rateMatch: boolean, bytes: boolean): boolean | undefined {
    const key = this.#keyOf(p);
    if (key === undefined) return undefined;
    const now = Math.max(0, jiffiesAt(p.timeNs));
    let bucket = this.#buckets.get(key);
    if (bucket !== undefined && this.#isCollected(bucket, now)) {
      this.#buckets.delete(key);
      bucket = undefined;
    }
    if (bucket === undefined) {
      if (this.#isFull(now)) return undefined;
      bucket = this.#makeBucket(now);
      this.#buckets.set(key, bucket);
    } else this.#recalculate(bucket, now);
    bucket.expires = now + this.#expireJiffies;
    if (rateMatch) {
      bucket.currentRate += bytes ? BigInt(p.r[R_LENGTH]!) : 1n;
      return !bucket.previousWindowOver && bucket.currentRate <= bucket.burst;
    }
    const cost = bytes ? byteCost(p.r[R_LENGTH]!, bucket) : bucket.cost;
    if (bucket.credit < cost) return false;
    bucket.credit -= cost;
    return true;
  }

  /** hashlimit_init_dst(): undefined when ports are asked for and not to be seen. */
  #keyOf(p: Packet): string | undefined {
    const c = this.#config;
    const { r } = p;
    const words = c.family === 4 ? 1 : 4;
    let key = '';
    for (let i = 0; i < words; i++) {
      if (c.hashSource) key += `${r[R_SADDR + i]! & c.sourceMask[i]!},`;
      if (c.hashDestination) key += `${r[R_DADDR + i]! & c.destinationMask[i]!},`;
    }
    if (!c.hashSourcePort && !c.hashDestinationPort) return key;
    const ports = portsOf(p);
    if (ports === undefined) return undefined;
    if (c.hashSourcePort) key += `${ports[0]},`;
    if (c.hashDestinationPort) key += `${ports[1]}`;
    return key;
  }

  /** Whether the timer has come by since the bucket ran out: htable_gc(). */
  #isCollected(bucket: Bucket, now: number): boolean {
    return Math.ceil(bucket.expires / this.#gcJiffies) * this.#gcJiffies <= now;
  }

  #isFull(now: number): boolean {
    const { max } = this.#config;
    if (max === 0 || this.#buckets.size < max) return false;
    for (const [key, bucket] of this.#buckets) if (this.#isCollected(bucket, now)) this.#buckets.delete(key);
    return this.#buckets.size >= max;
  }

  /** rateinfo_init(). */
  #makeBucket(now: number): Bucket {
    const c = this.#config;
    const bucket: Bucket = {
      previous: now,
      expires: 0,
      credit: 0n,
      cap: 0n,
      cost: 0n,
      currentRate: 0n,
      rate: 0n,
      burst: 0n,
      previousWindowOver: false,
    };
    if (c.rateMatch) {
      if (c.bytes) {
        // user2rate_bytes(): the cost is undone, a burst counts in multiples of the rate.
        bucket.rate = (MAX_U32 / BigInt.asUintN(32, c.average) - 1n) << 4n;
        bucket.burst = c.burst === 0n ? bucket.rate : c.burst * bucket.rate;
      } else {
        bucket.rate = SCALE / c.average;
        bucket.burst = c.burst + bucket.rate;
      }
    } else if (c.bytes) {
      bucket.credit = BYTES_CAP;
      bucket.cost = creditsOfByte(c.average);
      bucket.cap = c.burst;
    } else {
      bucket.credit = creditsOf(c.average * c.burst);
      bucket.cost = creditsOf(c.average);
      bucket.cap = bucket.credit;
    }
    return bucket;
  }

  /** rateinfo_recalc(). */
  #recalculate(bucket: Bucket, now: number): void {
    const c = this.#config;
    const elapsed = now - bucket.previous;
    // Time stamps may go back, jiffies do not.
    if (elapsed <= 0) return;
    if (c.rateMatch) {
      const interval = c.interval * BIG_HZ;
      if (BigInt(elapsed) < interval) return;
      bucket.previous = now;
      bucket.previousWindowOver = bucket.currentRate * interval > BigInt(elapsed) * bucket.rate;
      bucket.currentRate = 0n;
      return;
    }
    bucket.previous = now;
    const perJiffy = c.bytes ? CREDITS_PER_JIFFY_BYTES : CREDITS_PER_JIFFY;
    const credit = BigInt.asUintN(64, bucket.credit + perJiffy * BigInt(elapsed));
    const cap = c.bytes ? BYTES_CAP : bucket.cap;
    bucket.credit = credit > cap || (c.bytes && credit <= bucket.credit) ? cap : credit;
  }
}

/** hashlimit_byte_cost(): what a packet costs; an empty bucket is filled up as long as bursts are left. */
function byteCost(lengthBytes: number, bucket: Bucket): bigint {
  const cost = BigInt((lengthBytes >>> 4) + 1) * bucket.cost;
  const capped = cost > BYTES_CAP ? BYTES_CAP : cost;
  if (bucket.credit < capped && bucket.cap !== 0n) {
    bucket.cap--;
    bucket.credit = BYTES_CAP;
  }
  return capped;
}

/**
 * The first four bytes of the transport header of a protocol that proto_ports_offset() knows, 0 for another one.
 * Of a later fragment of IPv4 these are bytes of the payload: the kernel does not look whether it is one.
 */
function portsOf(p: Packet): readonly [number, number] | undefined {
  const { r } = p;
  const isShort = (r[R_DECODE_FLAGS]! & DECODE_L4_SHORT) !== 0;
  if (r[R_SPORT]! >= 0 && !isShort) return [r[R_SPORT]!, r[R_DPORT]!];
  const bytes = currentBytes(p);
  const isLater = r[R_FRAG_OFFSET] !== 0;
  // ipv6_skip_exthdr() stops at the fragment header of a later fragment, which has no ports, whatever is behind it.
  if (isLater && r[R_FAMILY] === 6) return [0, 0];
  // It finds nothing behind a chain that breaks off, or that says so.
  if (r[R_FAMILY] === 6 && (r[R_L4PROTO] === NEXTHDR_NONE || (r[R_DECODE_FLAGS]! & DECODE_BAD_CHAIN) !== 0))
    return undefined;
  const skip = PORTS_OFFSET.get(r[R_L4PROTO]!);
  if (skip === undefined) return [0, 0];
  const l4 = isLater ? p.l3Offset + 4 * (bytes[p.l3Offset]! & 15) : p.l4Offset;
  if (l4 < 0 || l4 + skip + 4 > p.l3End) return undefined;
  const at = l4 + skip;
  return [(bytes[at]! << 8) | bytes[at + 1]!, (bytes[at + 2]! << 8) | bytes[at + 3]!];
}
