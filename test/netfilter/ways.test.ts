import { expect, test } from 'vitest';
import { Ways } from '../../src/netfilter/ways.ts';

test('gives each combination a number of its own, and keeps it', () => {
  const ways = new Ways();
  const ids = new Map<string, number>();
  for (let round = 0; round < 2; round++) {
    for (let signature = 0; signature < 40; signature++) {
      for (let entrance = 0; entrance < 40; entrance++) {
        for (let mtuClass = 0; mtuClass < 3; mtuClass++) {
          const id = ways.idOf(signature, entrance << 16, mtuClass);
          const key = `${signature} ${entrance} ${mtuClass}`;
          if (round === 0) ids.set(key, id);
          expect(id).toBe(ids.get(key));
        }
      }
    }
  }
  expect(new Set(ids.values()).size).toBe(40 * 40 * 3);
  expect(Math.min(...ids.values())).toBeGreaterThan(0);
});
