import { protocolName } from '../extension/protocols.ts';

/** Texts of numbers and times, the same in every report for people. */

/** 4215110 as `4,215,110`. */
export function groupDigits(n: number | bigint): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 packet`, `2 packets`. */
export function plural(n: number | bigint, noun: string): string {
  return `${groupDigits(n)} ${noun}${Number(n) === 1 ? '' : 's'}`;
}

/** Seconds since the epoch with exactly nine decimals, as `tcpdump -tt --nano` has it. */
export function epochText(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
}

/** `2026-11-23 17:23:33.123456 UTC` */
export function utcText(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  const microseconds = String((ns / 1000n) % 1_000_000n).padStart(6, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${microseconds} UTC`;
}

export function familyName(family: number): string {
  return family === 4 ? 'IPv4' : family === 6 ? 'IPv6' : '-';
}

export function protocolText(protocol: number): string {
  return protocolName(protocol) ?? `protocol ${protocol}`;
}

/** `2.61 M` */
export function rateText(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  if (perSecond >= 1e3) return `${(perSecond / 1e3).toFixed(1)} k`;
  return perSecond.toFixed(0);
}

/** Rows as lines of aligned columns; a column whose name begins with `>` is right-aligned. */
export function alignedTable(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const right = headings.map((heading) => heading.startsWith('>'));
  const titles = headings.map((heading) => heading.replace(/^>/, ''));
  const lines = [titles, ...rows];
  const widths = titles.map((_, column) =>
    lines.reduce((most, line) => Math.max(most, line[column]!.length), 0),
  );
  return lines.map((line) =>
    line
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** Rows under a heading, in aligned columns. */
export function section(
  heading: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  return [`${heading}:`, ...alignedTable(columns, rows).map((line) => `  ${line}`)];
}

/** A span of nanoseconds as seconds with nine decimals. */
export function secondsText(ns: bigint): string {
  return ns < 0n ? `-${epochText(-ns)}` : epochText(ns);
}
