import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyTable } from '../../src/base/key-table.ts';

it('numbers keys as a map would, while it grows and shrinks', () => {
  const step = fc.record({
    adds: fc.integer({ min: 0, max: 9 }),
    a: fc.nat(400),
    b: fc.constantFrom(0, 1, -1),
  });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 100, maxLength: 2000 }),
      fc.constantFrom(4, 8),
      (steps, share) => {
        const table = new KeyTable(2);
        const plain = new Map<string, number>();
        const key = new Int32Array(2);
        for (const { adds, a, b } of steps) {
          key[0] = a;
          key[1] = b;
          const text = `${a} ${b}`;
          const known = table.find(key);
          expect(known).toBe(plain.get(text) ?? -1);
          if (known >= 0 && adds >= share) {
            table.remove(known);
            plain.delete(text);
            expect(table.isTaken(known)).toBe(false);
          } else if (known < 0) {
            const number = table.add(key);
            // No two keys have the same.
            expect([...plain.values()]).not.toContain(number);
            plain.set(text, number);
            expect(table.isTaken(number)).toBe(true);
          }
          expect(table.count).toBe(plain.size);
          expect(table.high).toBeLessThanOrEqual(table.capacity);
        }
        for (const [text, number] of plain) {
          [key[0], key[1]] = text.split(' ').map(Number) as [number, number];
          expect(table.find(key)).toBe(number);
        }
      },
    ),
    { numRuns: 20 },
  );
});
