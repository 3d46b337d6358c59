/** Rounds of each measurement; the middle one is reported. Variants are alternated, so that a slow spell hits all. */
export const ROUNDS = 5;

export interface Variant {
  readonly name: string;
  /** Does the work once and returns how many packets it was. */
  run(): number | Promise<number>;
}

/**
 * Runs the variants in turn and prints the median rate of each per second of wall clock and of CPU time (of all
 * threads of the process), and the ratio of the latter to the first. On a busy machine only CPU time means anything.
 */
export async function compare(title: string, variants: readonly Variant[], rounds: number): Promise<void> {
  const wall = variants.map((): number[] => []);
  const cpu = variants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      const begin = process.hrtime.bigint();
      const cpuBegin = process.cpuUsage();
      const packets = await variant.run();
      const { user, system } = process.cpuUsage(cpuBegin);
      wall[i]!.push((packets / Number(process.hrtime.bigint() - begin)) * 1000);
      cpu[i]!.push(packets / (user + system));
    }
  }
  const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
  console.log(`${title}: M packets/s of wall clock, of CPU time, ratio`);
  for (const [i, variant] of variants.entries()) {
    const rate = (list: readonly number[]): string => median(list).toFixed(2).padStart(8);
    const ratio = (median(cpu[i]!) / median(cpu[0]!)).toFixed(3).padStart(8);
    console.log(`  ${variant.name.padEnd(34)} ${rate(wall[i]!)} ${rate(cpu[i]!)} ${ratio}`);
  }
}
