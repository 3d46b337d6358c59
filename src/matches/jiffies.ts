/**
 * The kernel's clock of rate limits: jiffies, of which there are HZ in a second. Debian, Ubuntu and their kin
 * build with HZ=250 (CONFIG_HZ).
 *
 * When within a jiffy a packet came cannot be told from a capture. The rule: a jiffy begins with the first packet
 * of the run (time 0 of the clock). A packet that came just at the edge of a refill may therefore be judged one
 * jiffy (4 ms) off.
 */
export const HZ = 250;

const NS_PER_JIFFY = 1e9 / HZ;

export const JIFFY_SENTENCE =
  `Limits, hash limits and recent lists count time in jiffies of 1/${HZ} s; a jiffy is taken to begin with ` +
  'the first packet of the run.';

/** jiffies at a time of the run. */
export function jiffiesAt(timeNs: number): number {
  return Math.floor(timeNs / NS_PER_JIFFY);
}

/** msecs_to_jiffies(): rounded up (kernel/time/time.c). */
export function jiffiesOfMs(timeMs: number): number {
  return Math.ceil((timeMs * HZ) / 1000);
}
