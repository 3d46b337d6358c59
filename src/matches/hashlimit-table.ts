import { KeyTable } from '../base/key-table.ts';
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
 * --hashlimit-rate-match, which compares the rate of windows. Credits have 64 bits: two halves of 32, as numbers.
 *
 * A bucket whose packets have ceased is collected by a timer that runs every gcinterval from the making of the
 * table on; we let it run from the first packet of the run on, and look only when a bucket is asked for, or room is.
 */
export interface HashlimitConfig {
  readonly family: 4 | 6;
  readonly bytes: boolean;
  readonly rateMatch: boolean;
  readonly average: bigint;
  readonly burst: bigint;
  /** Seconds of the window of --hashlimit-rate-match. */
  readonly interval: number;
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

/**
 * A bucket: jiffies when it was last filled, and when it runs out; its credit; the credit at most (of bytes: how many bursts are left);
 * for --hashlimit-rate-match, what has come in this window, and whether the one before was over the limit.
 */
const PREVIOUS = 0;
const EXPIRES = 1;
const CREDIT_HIGH = 2;
const CREDIT_LOW = 3;
const CAP_HIGH = 4;
const CAP_LOW = 5;
const CURRENT = 6;
const OVER = 7;
const BUCKET_SHIFT = 3;

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
/** The same as a number: it is below 2^32. */
const BYTES_CAP_NUMBER = Number(BYTES_CAP);
const HALF = 2 ** 32;
const BYTES_PER_JIFFY = Number(CREDITS_PER_JIFFY_BYTES);
/** Credits of packets for a jiffy, which are a power of two above 2^32, as what they add to the upper half. */
const HIGH_PER_JIFFY = Number(CREDITS_PER_JIFFY) / HALF;

const high = (credits: bigint): number => Number(BigInt.asUintN(64, credits) >> 32n);
const low = (credits: bigint): number => Number(BigInt.asUintN(32, credits));

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
  readonly #keys: KeyTable;
  readonly #key: Int32Array;
  /** By number of the key, 1 << BUCKET_SHIFT each. */
  #buckets: Float64Array;
  readonly #expireJiffies: number;
  readonly #gcJiffies: number;
  /** Runs of the timer until all buckets were looked at last. */
  #collectedRuns = -1;
  /** What a packet costs, in halves; and as a number, to be multiplied: right as far as BYTES_CAP. */
  readonly #costHigh: number = 0;
  readonly #costLow: number = 0;
  readonly #cost: number = 0;
  /** A new bucket, but for the time. */
  readonly #fresh = new Float64Array(1 << BUCKET_SHIFT);
  /** Of --hashlimit-rate-match: packets or bytes in a window, and those of a burst; the window in jiffies. */
  readonly #rate: bigint = 0n;
  readonly #burst: number = 0;
  readonly #windowJiffies: number;

  constructor(config: HashlimitConfig) {
    this.#config = config;
    this.#expireJiffies = jiffiesOfMs(config.expireMs);
    this.#gcJiffies = jiffiesOfMs(config.gcIntervalMs);
    const addressWords = config.family === 4 ? 1 : 4;
    const addresses = (config.hashSource ? 1 : 0) + (config.hashDestination ? 1 : 0);
    const keyWords = addresses * addressWords + 1;
    this.#keys = new KeyTable(keyWords);
    this.#key = new Int32Array(keyWords);
    this.#buckets = new Float64Array(this.#keys.capacity << BUCKET_SHIFT);
    this.#windowJiffies = config.interval * HZ;
    const { average, burst, bytes } = config;
    // rateinfo_init()
    if (config.rateMatch) {
      if (bytes) {
        // user2rate_bytes(): the cost is undone, a burst counts in multiples of the rate.
        this.#rate = (MAX_U32 / BigInt.asUintN(32, average) - 1n) << 4n;
        this.#burst = Number(burst === 0n ? this.#rate : burst * this.#rate);
      } else {
        this.#rate = SCALE / average;
        this.#burst = Number(burst + this.#rate);
      }
      return;
    }
    const cost = bytes ? creditsOfByte(average) : creditsOf(average);
    this.#costHigh = high(cost);
    this.#costLow = low(cost);
    this.#cost = Number(cost);
    const credit = bytes ? BYTES_CAP : creditsOf(average * burst);
    const cap = bytes ? burst : credit;
    this.#fresh[CREDIT_HIGH] = high(credit);
    this.#fresh[CREDIT_LOW] = low(credit);
    this.#fresh[CAP_HIGH] = high(cap);
    this.#fresh[CAP_LOW] = low(cap);
  }

  /** True below the limit, undefined when the packet must be dropped. hashlimit_mt_common(). */
  isBelow(p: Packet, rateMatch: boolean, bytes: boolean): boolean | undefined {
    if (!this.#takeKey(p)) return undefined;
    const now = Math.max(0, jiffiesAt(p.timeNs));
    const number = this.#bucketAt(now);
    if (number < 0) return undefined;
    const at = number << BUCKET_SHIFT;
    const buckets = this.#buckets;
    buckets[at + EXPIRES] = now + this.#expireJiffies;
    if (rateMatch) {
      buckets[at + CURRENT]! += bytes ? p.r[R_LENGTH]! : 1;
      return buckets[at + OVER] === 0 && buckets[at + CURRENT]! <= this.#burst;
    }
    return bytes
      ? this.#pay(at, 0, this.#costOfBytes(at, p.r[R_LENGTH]!))
      : this.#pay(at, this.#costHigh, this.#costLow);
  }

  /** The bucket of the key, as it is `now`; -1 when there is no room for a new one. */
  #bucketAt(now: number): number {
    const known = this.#keys.find(this.#key);
    if (known >= 0) {
      if (this.#isCollected(known, now)) this.#fill(known, now);
      else this.#recalculate(known << BUCKET_SHIFT, now);
      return known;
    }
    if (this.#isFull(now)) return -1;
    const number = this.#keys.add(this.#key);
    if (this.#keys.capacity << BUCKET_SHIFT > this.#buckets.length) {
      const grown = new Float64Array(this.#keys.capacity << BUCKET_SHIFT);
      grown.set(this.#buckets);
      this.#buckets = grown;
    }
    this.#fill(number, now);
    return number;
  }

  /** hashlimit_init_dst(): false when ports are asked for and not to be seen. */
  #takeKey(p: Packet): boolean {
    const c = this.#config;
    const { r } = p;
    const key = this.#key;
    const words = c.family === 4 ? 1 : 4;
    let at = 0;
    if (c.hashSource) for (let i = 0; i < words; i++) key[at++] = r[R_SADDR + i]! & c.sourceMask[i]!;
    if (c.hashDestination)
      for (let i = 0; i < words; i++) key[at++] = r[R_DADDR + i]! & c.destinationMask[i]!;
    key[at] = 0;
    if (!c.hashSourcePort && !c.hashDestinationPort) return true;
    const ports = portsOf(p);
    if (ports === NO_PORTS) return false;
    if (c.hashSourcePort) key[at]! |= ports & 0xffff0000;
    if (c.hashDestinationPort) key[at]! |= ports & 0xffff;
    return true;
  }

  /** Whether the timer has come by since the bucket ran out: htable_gc(). */
  #isCollected(number: number, now: number): boolean {
    const expires = this.#buckets[(number << BUCKET_SHIFT) + EXPIRES]!;
    return Math.ceil(expires / this.#gcJiffies) * this.#gcJiffies <= now;
  }

  #isFull(now: number): boolean {
    const { max } = this.#config;
    const keys = this.#keys;
    if (max === 0 || keys.count < max) return false;
    // Before the timer comes by again nothing more is collected.
    const runs = Math.floor(now / this.#gcJiffies);
    if (runs === this.#collectedRuns) return true;
    this.#collectedRuns = runs;
    for (let number = 0; number < keys.high; number++)
      if (keys.isTaken(number) && this.#isCollected(number, now)) keys.remove(number);
    return keys.count >= max;
  }

  /** rateinfo_init(). */
  #fill(number: number, now: number): void {
    const at = number << BUCKET_SHIFT;
    this.#buckets.set(this.#fresh, at);
    this.#buckets[at + PREVIOUS] = now;
  }

  /** rateinfo_recalc(). */
  #recalculate(at: number, now: number): void {
    const c = this.#config;
    const buckets = this.#buckets;
    const elapsed = now - buckets[at + PREVIOUS]!;
    // Time stamps may go back, jiffies do not.
    if (elapsed <= 0) return;
    if (c.rateMatch) {
      if (elapsed < this.#windowJiffies) return;
      buckets[at + PREVIOUS] = now;
      const came = BigInt(buckets[at + CURRENT]!) * BigInt(this.#windowJiffies);
      buckets[at + OVER] = came > BigInt(elapsed) * this.#rate ? 1 : 0;
      buckets[at + CURRENT] = 0;
      return;
    }
    buckets[at + PREVIOUS] = now;
    if (c.bytes) {
      // Credits of bytes are below 2^32.
      buckets[at + CREDIT_LOW] = Math.min(
        buckets[at + CREDIT_LOW]! + elapsed * BYTES_PER_JIFFY,
        BYTES_CAP_NUMBER,
      );
      return;
    }
    const capHigh = buckets[at + CAP_HIGH]!;
    const capLow = buckets[at + CAP_LOW]!;
    const creditHigh = (buckets[at + CREDIT_HIGH]! + elapsed * HIGH_PER_JIFFY) % HALF;
    buckets[at + CREDIT_HIGH] = creditHigh;
    if (creditHigh < capHigh || (creditHigh === capHigh && buckets[at + CREDIT_LOW]! <= capLow)) return;
    buckets[at + CREDIT_HIGH] = capHigh;
    buckets[at + CREDIT_LOW] = capLow;
  }

  /** hashlimit_byte_cost(): what a packet costs; an empty bucket is filled up as long as bursts are left. */
  #costOfBytes(at: number, lengthBytes: number): number {
    const buckets = this.#buckets;
    const cost = Math.min(((lengthBytes >>> 4) + 1) * this.#cost, BYTES_CAP_NUMBER);
    const isShort = buckets[at + CREDIT_HIGH] === 0 && buckets[at + CREDIT_LOW]! < cost;
    if (isShort && (buckets[at + CAP_HIGH] !== 0 || buckets[at + CAP_LOW] !== 0)) {
      if (--buckets[at + CAP_LOW]! < 0) {
        buckets[at + CAP_LOW]! += HALF;
        buckets[at + CAP_HIGH]!--;
      }
      buckets[at + CREDIT_HIGH] = 0;
      buckets[at + CREDIT_LOW] = BYTES_CAP_NUMBER;
    }
    return cost;
  }

  /** Takes the cost out of the bucket; false when there is not so much in it. */
  #pay(at: number, costHigh: number, costLow: number): boolean {
    const buckets = this.#buckets;
    let creditHigh = buckets[at + CREDIT_HIGH]! - costHigh;
    let creditLow = buckets[at + CREDIT_LOW]! - costLow;
    if (creditLow < 0) {
      creditLow += HALF;
      creditHigh--;
    }
    if (creditHigh < 0) return false;
    buckets[at + CREDIT_HIGH] = creditHigh;
    buckets[at + CREDIT_LOW] = creditLow;
    return true;
  }
}

/** In place of ports. */
const NO_PORTS = -1;

/**
 * The first four bytes of the transport header of a protocol that proto_ports_offset() knows, 0 for another one; NO_PORTS where
 * they are not to be seen. Of a later fragment of IPv4 these are bytes of the payload: the kernel does not look whether it is one.
 */
function portsOf(p: Packet): number {
  const { r } = p;
  const isShort = (r[R_DECODE_FLAGS]! & DECODE_L4_SHORT) !== 0;
  if (r[R_SPORT]! >= 0 && !isShort) return ((r[R_SPORT]! << 16) | r[R_DPORT]!) >>> 0;
  const bytes = currentBytes(p);
  const isLater = r[R_FRAG_OFFSET] !== 0;
  // ipv6_skip_exthdr() stops at the fragment header of a later fragment, which has no ports, whatever is behind it.
  if (isLater && r[R_FAMILY] === 6) return 0;
  // It finds nothing behind a chain that breaks off, or that says so.
  if (r[R_FAMILY] === 6 && (r[R_L4PROTO] === NEXTHDR_NONE || (r[R_DECODE_FLAGS]! & DECODE_BAD_CHAIN) !== 0))
    return NO_PORTS;
  const skip = PORTS_OFFSET.get(r[R_L4PROTO]!);
  if (skip === undefined) return 0;
  const l4 = isLater ? p.l3Offset + 4 * (bytes[p.l3Offset]! & 15) : p.l4Offset;
  if (l4 < 0 || l4 + skip + 4 > p.l3End) return NO_PORTS;
  const at = l4 + skip;
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
