/** What stands in the connection table at the end of a live recording: `conntrack -L -o extended` beside ours. */

import { splitConntrackLine } from '../kernel/judge.ts';

/** How long after the last packet the firewall's table was listed, where the recording does not say. */
const USUALLY_LISTED_SECONDS = [0, 5] as const;
/** Seconds of one listing are rounded, and the listing of a busy machine takes a while. */
const TOLERANCE_SECONDS = 1.5;

/**
 * Entries that differ, in words. The count of references (`use=`) says nothing. Ours are as of the last packet, and
 * theirs were listed `elapsedSeconds` later: ours still hold what expired meanwhile, and have so much more left.
 */
export function compareConnections(
  expectedText: string,
  ours: readonly string[],
  elapsedSeconds?: number,
): string[] {
  const [least, most] =
    elapsedSeconds === undefined
      ? USUALLY_LISTED_SECONDS
      : [elapsedSeconds - TOLERANCE_SECONDS, elapsedSeconds + TOLERANCE_SECONDS];
  const theirs = read(expectedText.split('\n').filter((line) => /^ipv[46] /.test(line)));
  const left = read(ours);
  const differences: string[] = [];
  for (const [entry, timeouts] of theirs) {
    const others = left.get(entry) ?? [];
    for (const timeout of timeouts) {
      const at = others.findIndex((other) => other >= timeout + least - 1 && other <= timeout + most);
      if (at >= 0) others.splice(at, 1);
      else
        differences.push(
          `the firewall has, ${timeout} s: ${entry}; we ${others.length === 0 ? 'do not' : `${others} s`}`,
        );
    }
  }
  for (const [entry, timeouts] of left) {
    for (const timeout of timeouts) {
      if (timeout > most) differences.push(`we have, ${timeout} s: ${entry}`);
    }
  }
  return differences;
}

function read(lines: readonly string[]): Map<string, number[]> {
  const entries = new Map<string, number[]>();
  for (const line of lines) {
    const words = line
      .trim()
      .split(/\s+/)
      .join(' ')
      .replace(/ use=\d+/, '');
    const { timeoutSeconds, rest } = splitConntrackLine(words);
    const timeouts = entries.get(rest) ?? [];
    entries.set(rest, [...timeouts, timeoutSeconds ?? 0]);
  }
  return entries;
}
