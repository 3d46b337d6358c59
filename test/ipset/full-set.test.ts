import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSets } from '../../src/ipset/parse.ts';
import type { SetQuery } from '../../src/ipset/types.ts';
import { jiffiesAt } from '../../src/matches/jiffies.ts';
import { packet } from '../matches/packets.ts';

const MOST = 4;
const TIMEOUT_SECONDS = 3;

const query: SetQuery = {
  family: 4,
  dimensions: 1,
  sources: 1,
  exist: false,
  timeoutSeconds: undefined,
  returnNomatch: false,
  updateCounters: true,
  updateSubcounters: true,
  packets: undefined,
  bytes: undefined,
};

it('a full set makes room of what has run out, as soon as it has', () => {
  const step = fc.record({
    saddr: fc.integer({ min: 1, max: 9 }),
    passesMs: fc.constantFrom(0, 1, 4, 500, 999, 1000, 3001, -700),
    exist: fc.boolean(),
    timeoutSeconds: fc.constantFrom(undefined, undefined, 1, 20, 0),
    deletes: fc.integer({ min: 0, max: 9 }),
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 100 }), (steps) => {
      const text = `create one hash:ip timeout ${TIMEOUT_SECONDS} maxelem ${MOST}\n`;
      const set = parseSets(text, 'sets').sets.get('one')!;
      // Jiffy at which each element runs out.
      const plain = new Map<number, number>();
      let timeMs = 0;
      for (const { saddr, passesMs, exist, timeoutSeconds, deletes } of steps) {
        timeMs += passesMs;
        const p = packet({ saddr }, timeMs / 1000);
        const now = jiffiesAt(p.timeNs);
        const isGone = (element: number): boolean => now > plain.get(element)!;
        if (deletes === 0) {
          const isThere = plain.has(saddr) && !isGone(saddr);
          expect(set.del(p, query)).toBe(isThere);
          if (isThere) plain.delete(saddr);
          continue;
        }
        const isIn = plain.has(saddr);
        if (!isIn && plain.size >= MOST)
          for (const one of [...plain.keys()]) if (isGone(one)) plain.delete(one);
        const isAdded = isIn ? exist || isGone(saddr) : plain.size < MOST;
        expect(set.add(p, { ...query, exist, timeoutSeconds })).toBe(isAdded);
        if (!isAdded) {
          refused++;
          continue;
        }
        const seconds = timeoutSeconds ?? TIMEOUT_SECONDS;
        plain.set(saddr, seconds === 0 ? Number.POSITIVE_INFINITY : now + 250 * seconds);
      }
    }),
  );
  expect(refused).toBeGreaterThan(100);
});
