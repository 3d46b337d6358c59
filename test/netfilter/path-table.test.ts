import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type PathEnd, PathTable } from '../../src/netfilter/path-table.ts';

const end = fc.record({
  outcome: fc.integer({ min: 0, max: 3 }),
  family: fc.constantFrom(4, 6),
  hook: fc.constantFrom(0, 4, 255),
  reason: fc.constantFrom(0, 133),
  decider: fc.integer({ min: -1, max: 2 }),
  iif: fc.integer({ min: 0, max: 2 }),
  oif: fc.integer({ min: 0, max: 2 }),
});

it('gives equal ways one path and different ways different paths, and counts each hit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(end, fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 }), fc.nat(1500)), {
        maxLength: 300,
      }),
      (ways) => {
        const table = new PathTable();
        const ids = new Map<string, number>();
        const packets = new Float64Array(6);
        const bytes = new Float64Array(6);
        for (const [pathEnd, hits, length] of ways) {
          const id = table.intern(pathEnd as PathEnd, Int32Array.from(hits), hits.length);
          const key = JSON.stringify([pathEnd, hits]);
          expect(ids.get(key) ?? id).toBe(id);
          expect([...ids].some(([other, otherId]) => otherId === id && other !== key)).toBe(false);
          ids.set(key, id);
          expect(table.outcomeOf(id)).toBe(pathEnd.outcome);
          expect(table.deciderOf(id)).toBe(pathEnd.decider);
          expect(table.hookOf(id)).toBe(pathEnd.hook);
          expect(table.reasonOf(id)).toBe(pathEnd.reason);
          expect([table.iifOf(id), table.oifOf(id)]).toEqual([pathEnd.iif, pathEnd.oif]);
          table.add(id, length);
          for (const hit of hits) {
            packets[hit]! += 1;
            bytes[hit]! += length;
          }
        }
        const expandedPackets = new Float64Array(6);
        const expandedBytes = new Float64Array(6);
        table.expand(expandedPackets, expandedBytes);
        expect(expandedPackets).toEqual(packets);
        expect(expandedBytes).toEqual(bytes);
        expect(table.data().outcome).toHaveLength(ids.size);
      },
    ),
    { numRuns: 50 },
  );
});

it('keeps a hundred thousand paths apart', () => {
  const table = new PathTable();
  const pathEnd = { outcome: 1, family: 4, hook: 4, reason: 0, decider: 0, iif: 1, oif: 2 };
  const hits = new Int32Array(3);
  for (let i = 0; i < 100_000; i++) {
    hits[2] = i;
    expect(table.intern(pathEnd, hits, 3)).toBe(i);
  }
  hits[2] = 77;
  expect(table.intern(pathEnd, hits, 3)).toBe(77);
});
