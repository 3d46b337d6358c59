import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type HashlimitConfig, HashlimitTable } from '../../src/matches/hashlimit-table.ts';
import { R_DADDR, R_SADDR } from '../../src/packet/registers.ts';
import { packet } from './packets.ts';
import { PlainHashlimit } from './plain-hashlimit.ts';

/** Of the last word of an address. */
const masks = fc.constantFrom(-1, -2, -256, 0).map((mask) => Int32Array.of(-1, -1, 0, mask));

/** Rates from a packet a day to a million a second; bytes as costs of 16. Some credits are beyond 2^53. */
const configs = fc
  .record({
    family: fc.constantFrom(4 as const, 6 as const),
    bytes: fc.boolean(),
    rateMatch: fc.boolean(),
    average: fc.constantFrom(
      1n,
      7n,
      1000n,
      200_000n,
      1_000_000n,
      60_000_000n,
      3_600_000_000n,
      86_400_000_000n,
    ),
    burst: fc.constantFrom(0n, 1n, 3n, 5n, 100n, 10_000n, 1n << 40n),
    interval: fc.constantFrom(1, 3, 60),
    hashSource: fc.boolean(),
    hashDestination: fc.boolean(),
    hashSourcePort: fc.boolean(),
    hashDestinationPort: fc.boolean(),
    sourceMask: masks,
    destinationMask: masks,
    max: fc.constantFrom(2, 5, 1000),
    expireMs: fc.constantFrom(4, 500, 10_000, 86_400_000),
    gcIntervalMs: fc.constantFrom(1, 1000, 7000),
  })
  .map((config): HashlimitConfig => {
    const { family, sourceMask, destinationMask } = config;
    if (family === 6) return config;
    return { ...config, sourceMask: sourceMask.subarray(3), destinationMask: destinationMask.subarray(3) };
  });

const steps = fc.array(
  fc.record({
    saddr: fc.integer({ min: 0, max: 5 }),
    daddr: fc.constantFrom(1, 2, 300),
    sport: fc.constantFrom(0, 1, 0xffff),
    dport: fc.constantFrom(1, 0x8000),
    length: fc.constantFrom(20, 40, 1500, 65_535),
    passesMs: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 4, 9) },
      fc.constantFrom(250, 1000, 20_000, 90_000_000, -3000),
    ),
    asItself: fc.integer({ min: 0, max: 9 }),
  }),
  { minLength: 20, maxLength: 120 },
);

it('says what the plain table says', () => {
  let below = 0;
  let all = 0;
  fc.assert(
    fc.property(configs, steps, (config, packets) => {
      const table = new HashlimitTable(config);
      const plain = new PlainHashlimit(config);
      let timeMs = 0;
      for (const { passesMs, asItself, saddr, daddr, ...registers } of packets) {
        timeMs += passesMs;
        // Rules of one name share a table that is of another kind, maybe.
        const [rateMatch, bytes] =
          asItself > 0 ? [config.rateMatch, config.bytes] : [!config.rateMatch, !config.bytes];
        const p = packet({ ...registers, family: config.family }, timeMs / 1000);
        const last = config.family === 4 ? 0 : 3;
        p.r[R_SADDR + last] = saddr;
        p.r[R_DADDR + last] = daddr;
        const said = table.isBelow(p, rateMatch, bytes);
        expect(said).toBe(plain.isBelow(p, rateMatch, bytes));
        all++;
        if (said === true) below++;
      }
    }),
    { numRuns: 400 },
  );
  // Both answers are given.
  expect(below).toBeGreaterThan(all / 5);
  expect(below).toBeLessThan((4 * all) / 5);
});
