import { type Cost, measure, median, warm } from '../base/measure.ts';

/** One way to read the capture. */
export interface Variant {
  readonly name: string;
  /** The command that reads a file. */
  readonly command: (capture: string) => readonly string[];
}

/** What the rounds gave for one variant. */
export interface Figures {
  readonly name: string;
  /** Medians over the rounds. */
  readonly wallSeconds: number;
  /** Of the same command on a capture without packets. */
  readonly startSeconds: number;
  readonly cpuSeconds: number | undefined;
  readonly maxRssBytes: number | undefined;
  /** Million packets a second: all of it, and without what the start takes. */
  readonly mpps: number;
  readonly mppsAfterStart: number;
  /** Medians of the ratios within a round of each reference's time to this one's, start-up included: above 1 is faster. */
  readonly ratios: Readonly<Record<string, number>>;
  /** And of the CPU time, which others on the machine disturb less. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  readonly rounds: readonly Round[];
}

export interface Round {
  readonly full: Cost;
  readonly start: Cost;
}

export interface RoundsOptions {
  readonly variants: readonly Variant[];
  /** Names of the variants that the others are compared with. */
  readonly references: readonly string[];
  readonly capture: string;
  /** The same with no packets in it. */
  readonly emptyCapture: string;
  readonly packets: number;
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

/** Measures all variants in turn, as many times as there are rounds: a fresh process each, the file in memory. */
export async function runRounds(options: RoundsOptions): Promise<Figures[]> {
  const { variants, capture, emptyCapture, rounds } = options;
  const costs: Round[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [v, variant] of variants.entries()) {
      options.progress(`round ${round + 1} of ${rounds}: ${variant.name}`);
      const start = await measure(variant.command(emptyCapture));
      warm(capture);
      const full = await measure(variant.command(capture));
      costs[v]!.push({ full: costOf(full), start: costOf(start) });
    }
  }
  return variants.map((variant, v) => figures(variant, costs[v]!, costs, options));
}

function costOf({ wallSeconds, cpuSeconds, maxRssBytes }: Cost): Cost {
  return { wallSeconds, cpuSeconds, maxRssBytes };
}

function figures(
  { name }: Variant,
  own: readonly Round[],
  all: readonly Round[][],
  options: RoundsOptions,
): Figures {
  const wallSeconds = median(own.map(({ full }) => full.wallSeconds));
  const startSeconds = median(own.map(({ start }) => start.wallSeconds));
  const afterStart = median(own.map(({ full, start }) => full.wallSeconds - start.wallSeconds));
  const ratios: Record<string, number> = {};
  const cpuRatios: Record<string, number> = {};
  for (const reference of options.references) {
    const other = all[options.variants.findIndex((variant) => variant.name === reference)]!;
    ratios[reference] = median(own.map(({ full }, i) => other[i]!.full.wallSeconds / full.wallSeconds));
    const cpu = own.map(({ full }, i) => quotient(other[i]!.full.cpuSeconds, full.cpuSeconds));
    if (cpu.every((value) => value !== undefined)) cpuRatios[reference] = median(cpu);
  }
  return {
    name,
    wallSeconds,
    startSeconds,
    cpuSeconds: medianOf(own.map(({ full }) => full.cpuSeconds)),
    maxRssBytes: medianOf(own.map(({ full }) => full.maxRssBytes)),
    mpps: options.packets / wallSeconds / 1e6,
    mppsAfterStart: options.packets / afterStart / 1e6,
    ratios,
    cpuRatios,
    rounds: own,
  };
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}
