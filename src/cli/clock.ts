/**
 * The one place that looks at the wall clock: for throughput, time left and how often progress is drawn. Nothing
 * that it says enters the answer of a replay (JSON keeps it apart, in `timing`).
 */

/** Seconds from some fixed moment, never going back. */
export function monotonicSeconds(): number {
  return performance.now() / 1000;
}
