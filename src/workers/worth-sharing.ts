import { allocateBatch } from '../batch/batch.ts';
import { openCaptures } from '../capture/open.ts';
import type { RulesetText } from '../netfilter/machine.ts';
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

/** Where packets are longer, to read all of them in each thread costs more than to replay them. */
const MOST_MEAN_BYTES = 300;
/** Matches that look through the payload of each packet, which costs much more. */
const SEARCHES = /\s-m (string|u32|bpf)\s/;

/**
 * May it pay to read the captures in each thread? Told by the length of the first packets, of about 1 MiB, and by what the rules
 * look for.
 */
export async function isWorthReadingTwice(
  captures: readonly string[],
  rulesets: readonly RulesetText[],
): Promise<boolean> {
  if (rulesets.some(({ text }) => SEARCHES.test(text))) return true;
  const reader = await openCaptures(captures.slice(0, 1));
  try {
    const batch = allocateBatch();
    const count = await reader.fill(batch);
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += batch.columns.capLen[i]!;
    return bytes <= MOST_MEAN_BYTES * count;
  } finally {
    reader.close();
  }
}
