import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ECHO_WINDOW_NS, EchoTable } from '../../src/direction/echo.ts';

/** The same, as plainly as it can be said: a list that is searched from its oldest end. */
class PlainEchoes {
  readonly #seen: { a: number; b: number; timeNs: number; any: boolean; number: number }[] = [];
  matched = 0;

  add(a: number, b: number, timeNs: number, any: boolean, number: number): void {
    this.#seen.push({ a, b, timeNs, any, number });
  }

  match(a: number, b: number, timeNs: number): boolean {
    const at = this.#seen.findIndex(
      (one) => one.a === a && one.b === b && one.timeNs >= timeNs - ECHO_WINDOW_NS,
    );
    if (at < 0) return false;
    this.matched = this.#seen[at]!.number;
    if (!this.#seen[at]!.any) this.#seen.splice(at, 1);
    return true;
  }
}

describe('echoes', () => {
  it('each packet serves one echo, the oldest first; a fragment serves any number', () => {
    const table = new EchoTable();
    table.add(1, 2, 0, false, 10);
    table.add(1, 2, 1, false, 11);
    table.add(3, 4, 2, true, 12);
    expect(table.match(1, 2, 3)).toBe(true);
    expect(table.matched).toBe(10);
    expect(table.match(1, 2, 3)).toBe(true);
    expect(table.matched).toBe(11);
    expect(table.match(1, 2, 3)).toBe(false);
    expect(table.match(3, 4, 3) && table.match(3, 4, 3)).toBe(true);
  });

  it('forgets what came in too long before', () => {
    const table = new EchoTable();
    table.add(1, 2, 0, false, 0);
    expect(table.match(1, 2, ECHO_WINDOW_NS)).toBe(true);
    table.add(1, 2, 0, false, 1);
    expect(table.match(1, 2, ECHO_WINDOW_NS + 1)).toBe(false);
  });

  it('says what the plain list says, while it grows and forgets', () => {
    const step = fc.record({
      adds: fc.boolean(),
      a: fc.integer({ min: 0, max: 3 }),
      b: fc.integer({ min: 0, max: 1 }),
      any: fc.boolean(),
      passesNs: fc.constantFrom(0, 1, 1e9, 3e9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new EchoTable();
        const plain = new PlainEchoes();
        let timeNs = 0;
        for (const [number, { adds, a, b, any, passesNs }] of steps.entries()) {
          timeNs += passesNs;
          // Fingerprints that fall into one bucket, and some that do not.
          const hash = a * 4096;
          if (adds) {
            table.add(hash, b, timeNs, any, number);
            plain.add(hash, b, timeNs, any, number);
          } else {
            const found = table.match(hash, b, timeNs);
            expect(found).toBe(plain.match(hash, b, timeNs));
            if (found) expect(table.matched).toBe(plain.matched);
          }
        }
      }),
    );
  });

  it('keeps its pace when all packets are equal', () => {
    const table = new EchoTable();
    // Quadratic work on half a million equal packets would take minutes; the test's own time limit is the judge.
    for (let n = 0; n < 500_000; n++) table.add(7, 7, n * 50_000, false, n);
    expect(table.match(7, 7, 500_000 * 50_000)).toBe(true);
  }, 20_000);
});
