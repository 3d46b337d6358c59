/**
 * Every kernel case that can be replayed in shares gives in shares what it gives as a whole: all of the result, not the
 * counters alone. CASES=all takes all cases, by default one in STEP.
 */
import { describe, expect, it } from 'vitest';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { SUITES } from '../kernel/cases/index.ts';
import { type Case, digest } from '../kernel/judge.ts';
import { GATEWAY } from '../nat/network.ts';
import { randomNatCase } from '../nat/random-traffic.ts';
import { comparable, howShared, replayInShares } from './in-shares.ts';

const STEP = process.env.CASES === 'all' ? 1 : 11;
const RANDOM_CASES = process.env.CASES === 'all' ? 400 : 25;
const SHARES = 3;

/** Compares, and says whether it was shared. */
async function compare(one: Case, host: Readonly<Record<string, string>>, wrong: string[]): Promise<number> {
  let shared = 0;
  let results: [string, unknown][] = [];
  const { output } = await runCase(one, host, {}, {}, async (config) => {
    const how = howShared(config);
    if (!('by' in how)) return;
    // Ports tell connections apart just as well where nothing is translated.
    const ways = how.by === 'addresses' ? (['addresses', 'ports'] as const) : (['ports'] as const);
    for (const by of ways) {
      const result = await replayInShares(config, SHARES, by);
      if (result !== undefined) results = [...results, [by, comparable(result)]];
    }
  });
  for (const [by, result] of results) {
    shared++;
    try {
      expect(result).toEqual(comparable(output.result));
    } catch (error) {
      wrong.push(`${one.id} by ${by}: ${(error as Error).message}`);
    }
  }
  return shared;
}

describe('kernel cases in shares', () => {
  it('give what they give as a whole', async () => {
    const all = Object.values(SUITES)
      .flatMap((cases) => cases())
      .filter((_, i) => i % STEP === 0);
    const hosts = await describeHosts(all.map(({ host }) => host));
    const wrong: string[] = [];
    let shared = 0;
    for (const one of all) {
      try {
        shared += await compare(one, hosts.get(digest(one.host))!, wrong);
      } catch (error) {
        // Rulesets that are not to be loaded: the same with and without shares.
        if ((error as Error).name !== 'FindingsError') throw error;
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(shared).toBeGreaterThan(all.length / 4);
  }, 1_800_000);

  it('so do random translations', async () => {
    const files = (await describeHosts([GATEWAY])).get(digest(GATEWAY))!;
    const wrong: string[] = [];
    let shared = 0;
    for (let seed = 1; seed <= RANDOM_CASES; seed++)
      shared += await compare(randomNatCase(seed, files), files, wrong);
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(shared).toBeGreaterThan(0);
  }, 1_800_000);
});
