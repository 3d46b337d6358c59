/** What stands in the connection table at the end of a live recording: `conntrack -L -o extended` beside ours. */

import { splitConntrackLine } from '../kernel/judge.ts';

/**
 * The firewall's table was listed some time after the last packet: ours, as of the last packet, still holds what
 * expired meanwhile, and its timeouts are that much longer.
 */
const LISTED_WITHIN_SECONDS = 5;

/** Entries that differ, in words. The count of references (`use=`) says nothing. */
export function compareConnections(expectedText: string, ours: readonly string[]): string[] {
  const theirs = read(expectedText.split('\n').filter((line) => /^ipv[46] /.test(line)));
  const left = read(ours);
  const differences: string[] = [];
  for (const [entry, timeouts] of theirs) {
    const others = left.get(entry) ?? [];
    for (const timeout of timeouts) {
      const at = others.findIndex(
        (other) => other >= timeout - 1 && other <= timeout + LISTED_WITHIN_SECONDS,
      );
      if (at >= 0) others.splice(at, 1);
      else
        differences.push(
          `the firewall has, ${timeout} s: ${entry}; we ${others.length === 0 ? 'do not' : `${others} s`}`,
        );
    }
  }
  for (const [entry, timeouts] of left) {
    if (theirs.has(entry)) continue;
    for (const timeout of timeouts) {
      if (timeout > LISTED_WITHIN_SECONDS) differences.push(`we have, ${timeout} s: ${entry}`);
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
