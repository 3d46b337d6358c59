import { median } from '../base/numbers.ts';
import type { Basis, Reference, Row, Sample } from './row.ts';

/** Rows that are measured in turn. */
export interface Group {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** No more rounds than that, where figures hardly vary. */
  readonly mostRounds?: number;
  /** What is left out, and why; whether the captures are sound. */
  readonly notes: readonly string[];
}

/** What the rounds gave for one row. */
export interface RowFigures {
  readonly name: string;
  readonly label: string;
  readonly reference?: Reference | undefined;
  /** A round each. */
  readonly samples: readonly Sample[];
}

export interface GroupFigures {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly RowFigures[];
  readonly notes: readonly string[];
}

export interface RoundsOptions {
  readonly rounds: number;
  /** Rows that are run at the same time: more than one only where nobody looks at the times. */
  readonly atOnce: number;
  readonly progress: (text: string) => void;
}

/** Measures all rows of a group in turn, as many times as there are rounds. */
export async function runRounds(group: Group, options: RoundsOptions): Promise<GroupFigures> {
  const { name, title, rows, notes } = group;
  const samples: Sample[][] = rows.map(() => []);
  const rounds = Math.min(options.rounds, group.mostRounds ?? options.rounds);
  for (let round = 0; round < rounds; round++) {
    const waiting = [...rows.entries()];
    const runNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [i, row] = next;
        options.progress(`${name}, round ${round + 1} of ${rounds}: ${row.label}`);
        samples[i]!.push(await row.run());
      }
    };
    await Promise.all(Array.from({ length: options.atOnce }, runNext));
  }
  const figures = rows.map((row, i) => {
    const { name, label, reference } = row;
    return { name, label, reference, samples: samples[i]! };
  });
  return { name, title, rows: figures, notes };
}

/** Shorter times than this cannot be told from none. */
const LEAST_SECONDS = 1e-3;

/** Packets a second. */
function rateOf(sample: Sample, basis: Basis): number {
  const seconds = sample.wallSeconds - (basis === 'whole' ? 0 : sample.startSeconds);
  return sample.packets / Math.max(seconds, LEAST_SECONDS);
}

export function medianRate(row: RowFigures, basis: Basis): number {
  return median(row.samples.map((sample) => rateOf(sample, basis)));
}

/** How many times as fast `row` is as `other`: the median of the ratios within the rounds. */
export function medianRatio(row: RowFigures, other: RowFigures, basis: Basis): number {
  return median(row.samples.map((sample, i) => rateOf(sample, basis) / rateOf(other.samples[i]!, basis)));
}

/** The same by the CPU time of whole processes, which others on the machine disturb less; undefined where it is not known. */
export function medianCpuRatio(row: RowFigures, other: RowFigures): number | undefined {
  const ratios = row.samples.map((sample, i) => cpuRate(sample) / cpuRate(other.samples[i]!));
  return ratios.every(Number.isFinite) ? median(ratios) : undefined;
}

/** Packets a second of CPU time; NaN where that is not known, or too short. */
function cpuRate({ packets, cpuSeconds }: Sample): number {
  return cpuSeconds === undefined || cpuSeconds === 0 ? Number.NaN : packets / cpuSeconds;
}

/** Median of a cost; undefined where the system does not tell it. */
export function medianOf(
  row: RowFigures,
  cost: 'wallSeconds' | 'startSeconds' | 'cpuSeconds' | 'maxRssBytes',
): number | undefined {
  const known = row.samples.map((sample) => sample[cost]).filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}
