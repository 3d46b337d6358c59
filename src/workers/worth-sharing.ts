import type { Sharable } from '../netfilter/sharable.ts';

/**
 * May connections be divided into shares, and is that likely to come to a good end? Where sources are translated, two
 * connections want the same port the sooner the more of them there are, and then all that was replayed until then is lost.
 * `shares`: that many were asked for, whatever may come of it.
 */
export function isWorthSharing(
  how: Sharable,
  captureBytes: number | undefined,
  shares: number | undefined,
): how is Extract<Sharable, { by: unknown }> {
  if (!('by' in how)) return false;
  return !how.drawsPorts || shares !== undefined || (captureBytes ?? 0) <= MOST_BYTES_WITH_DRAWS;
}

/** Some 5 M small packets, which are 100,000 connections: one in a thousand of these has been seen to draw. */
export const MOST_BYTES_WITH_DRAWS = 1 << 29;
