const NS_PER_SECOND = 1_000_000_000;

/**
 * Splits time stamps into whole seconds since the epoch and nanoseconds, exactly and without a BigInt a packet: a
 * column value counts nanoseconds from the run's base and is exact below 2^53.
 */
export class TimeSplitter {
  /** Of the last `split`. */
  seconds = 0;
  nanoseconds = 0;
  private readonly baseSeconds: number;
  private readonly baseNanoseconds: number;

  constructor(baseNs: bigint) {
    const ns = BigInt(NS_PER_SECOND);
    const rest = ((baseNs % ns) + ns) % ns;
    this.baseNanoseconds = Number(rest);
    this.baseSeconds = Number((baseNs - rest) / ns);
  }

  split(timeNs: number): void {
    const seconds = Math.floor(timeNs / NS_PER_SECOND);
    let nanoseconds = timeNs - seconds * NS_PER_SECOND + this.baseNanoseconds;
    let carry = 0;
    if (nanoseconds >= NS_PER_SECOND) {
      nanoseconds -= NS_PER_SECOND;
      carry = 1;
    }
    this.seconds = this.baseSeconds + seconds + carry;
    this.nanoseconds = nanoseconds;
  }
}

/**
 * seconds * unitsPerSecond + units as two 32-bit halves, exact where a double is not (1.7e9 s in nanoseconds need 61
 * bits): the seconds are split at 2^16, so that every product stays below 2^53. `out[0]` is the high half.
 */
export function timestampHalves(
  seconds: number,
  unitsPerSecond: number,
  units: number,
  out: Uint32Array,
): void {
  const upper = Math.floor(seconds / 65536) * unitsPerSecond;
  const lower = (seconds % 65536) * unitsPerSecond + units;
  const low48 = (upper % 65536) * 65536 + lower;
  out[0] = Math.floor(upper / 65536) + Math.floor(low48 / 4294967296);
  out[1] = low48 % 4294967296;
}
