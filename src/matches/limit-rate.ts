/** Rates as the limit and hashlimit matches write them: `5/sec`. An average is scale * seconds / count. */

const UNITS: readonly (readonly [string, number])[] = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86400],
];

const SHOWN: readonly (readonly [string, number])[] = [
  ['day', 86400],
  ['hour', 3600],
  ['min', 60],
  ['sec', 1],
];

/** A rate split at its slash: the seconds of its unit, or undefined when there is no such unit. */
export function rateUnit(text: string): { readonly count: string; readonly seconds: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return { count: text, seconds: 1 };
  const name = text.slice(slash + 1).toLowerCase();
  const unit = name === '' ? undefined : UNITS.find(([one]) => one.startsWith(name));
  return unit === undefined ? undefined : { count: text.slice(0, slash), seconds: unit[1] };
}

/** atoi(): a decimal number at the start, 0 when there is none. */
export function leadingInteger(text: string): bigint {
  const found = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text);
  return found === null ? 0n : BigInt(found[1]!);
}

/** The largest unit in which an average comes out as a whole number, more or less: print_rate(). */
export function formatRate(
  average: bigint,
  scale: bigint,
): { readonly text: string; readonly seconds: number } {
  let at = 1;
  for (; at < SHOWN.length; at++) {
    const whole = scale * BigInt(SHOWN[at]![1]);
    if (average > whole || whole / average < whole % average) break;
  }
  const [name, seconds] = SHOWN[at - 1]!;
  return { text: `${(scale * BigInt(seconds)) / average}/${name}`, seconds };
}
