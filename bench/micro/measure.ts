/** Rounds of each measurement; the middle one is reported. Variants are alternated, so that a slow spell hits all. */
export const ROUNDS = 5;

export interface Variant {
  readonly name: string;
  /** Does the work once and returns how many packets it was. */
  run(): number | Promise<number>;
}

/** Runs the variants in turn and prints the median rate of each, and its ratio to the first. */
export async function compare(title: string, variants: readonly Variant[], rounds: number): Promise<void> {
  const rates = variants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      const begin = process.hrtime.bigint();
      const packets = await variant.run();
      const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
      rates[i]!.push(packets / seconds);
    }
  }
  const medians = rates.map((list) => list.toSorted((a, b) => a - b)[list.length >> 1]!);
  console.log(title);
  for (const [i, variant] of variants.entries()) {
    const millions = (medians[i]! / 1e6).toFixed(2).padStart(9);
    const ratio = (medians[i]! / medians[0]!).toFixed(3).padStart(8);
    console.log(`  ${variant.name.padEnd(34)} ${millions} M packets/s ${ratio} x`);
  }
}
