/**
 * The clock of a run. Nanoseconds since the epoch do not fit a double, so every time is a double counted from one
 * base: the time stamp of the first packet (of the earliest one when several captures are merged).
 */
export interface RunClock {
  /** Nanoseconds since 1970-01-01T00:00:00Z; 0n when no capture has a packet with a time stamp. */
  readonly baseNs: bigint;
}

/** Nanoseconds since the epoch of a `timeNs` column value; exact as long as the value is (2^53 ns are 104 days). */
export function absoluteNs(clock: RunClock, timeNs: number): bigint {
  return clock.baseNs + BigInt(Math.round(timeNs));
}
