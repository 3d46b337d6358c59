import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EchoTable } from '../../src/direction/echo.ts';
import { ECHO_WINDOW_NS, ECHO_WINDOW_PACKETS } from '../../src/direction/echo-generation.ts';

const isYoung = (one: { timeNs: number; number: number }, timeNs: number, number: number): boolean =>
  one.timeNs >= timeNs - ECHO_WINDOW_NS && one.number >= number - ECHO_WINDOW_PACKETS;

/** The same, as plainly as it can be said: a list that is searched from its oldest end. */
class PlainEchoes {
  readonly #seen: { a: number; b: number; timeNs: number; any: boolean; number: number }[] = [];
  matched = 0;

  add(a: number, b: number, timeNs: number, any: boolean, number: number): void {
    this.#seen.push({ a, b, timeNs, any, number });
  }

  match(a: number, b: number, timeNs: number, number: number): boolean {
    const at = this.#seen.findIndex((one) => one.a === a && one.b === b && isYoung(one, timeNs, number));
    if (at < 0) return false;
    this.matched = this.#seen[at]!.number;
    if (!this.#seen[at]!.any) this.#seen.splice(at, 1);
    return true;
  }
}

describe('echoes', () => {
  it('each packet serves one echo, the oldest first; a fragment serves any number', () => {
    const table = new EchoTable();
    table.add(1, 2, 0, false, 10, 0);
    table.add(1, 2, 1, false, 11, 0);
    table.add(3, 4, 2, true, 12, 0);
    expect(table.match(1, 2, 3, 13)).toBe(true);
    expect(table.matchedNumber).toBe(10);
    expect(table.match(1, 2, 3, 13)).toBe(true);
    expect(table.matchedNumber).toBe(11);
    expect(table.match(1, 2, 3, 13)).toBe(false);
    expect(table.match(3, 4, 3, 13) && table.match(3, 4, 3, 13)).toBe(true);
  });

  it('forgets what came in too long before', () => {
    const table = new EchoTable();
    table.add(1, 2, 0, false, 0, 0);
    expect(table.match(1, 2, ECHO_WINDOW_NS, 1)).toBe(true);
    table.add(1, 2, 0, false, 1, 0);
    expect(table.match(1, 2, ECHO_WINDOW_NS + 1, 2)).toBe(false);
    const next = new EchoTable();
    next.add(1, 2, 0, false, 7, 0);
    expect(next.match(1, 2, 0, 7 + ECHO_WINDOW_PACKETS)).toBe(true);
    next.add(1, 2, 0, false, 7, 0);
    expect(next.match(1, 2, 0, 8 + ECHO_WINDOW_PACKETS)).toBe(false);
  });

  it('says what the plain list says, while it grows and forgets', () => {
    const step = fc.record({
      adds: fc.boolean(),
      a: fc.integer({ min: 0, max: 11 }),
      b: fc.constantFrom(4, 6),
      any: fc.boolean(),
      // Seldom so long that all is forgotten: most is to be found.
      passesNs: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, fc.constantFrom(0, 1e9, 3e9)),
      passes: fc.oneof(
        { weight: 20, arbitrary: fc.constant(1) },
        fc.constantFrom(ECHO_WINDOW_PACKETS / 4, ECHO_WINDOW_PACKETS),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 200 }), (steps) => {
        const table = new EchoTable();
        const plain = new PlainEchoes();
        let timeNs = 0;
        let number = 0;
        for (const { adds, a, b, any, passesNs, passes } of steps) {
          timeNs += passesNs;
          number += passes;
          // Fingerprints of one slot, of the one behind, and of the last one in front of it.
          const hash = (a >> 2) * 4096 + [0, 1, 1, 255][a & 3]!;
          if (adds) {
            table.add(hash, b, timeNs, any, number, 0);
            plain.add(hash, b, timeNs, any, number);
          } else {
            const found = table.match(hash, b, timeNs, number);
            expect(found).toBe(plain.match(hash, b, timeNs, number));
            if (found) expect(table.matchedNumber).toBe(plain.matched);
          }
        }
      }),
    );
  });

  it('near ones: says what the plain list says, while some are forgotten', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'add', 'match', 'forget'),
      a: fc.integer({ min: 0, max: 1 }),
      seq: fc.constantFrom(0, 5, 10, -1, -2),
      ack: fc.constantFrom(0, 3),
      tuple: fc.constantFrom(1, 1, 2),
      which: fc.nat(30),
      passesNs: fc.constantFrom(0, 1, 1e9, 3e9),
    });
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(0, 2 ** 31 - 20, 2 ** 32 - 20),
        (steps, first) => {
          const table = new EchoTable();
          let plain: {
            a: number;
            seq: number;
            ack: number;
            tuple: number;
            timeNs: number;
            number: number;
          }[] = [];
          let timeNs = 0;
          for (const [n, { what, a, seq, ack, tuple, which, passesNs }] of steps.entries()) {
            timeNs += passesNs;
            const number = first + n;
            if (what === 'add') {
              table.add(a, 2, timeNs, false, number, 0);
              table.note(seq, ack, tuple);
              plain.push({ a, seq, ack, tuple, timeNs, number });
            } else if (what === 'forget') {
              table.forget(first + which);
              plain = plain.filter((one) => one.number !== first + which);
            } else {
              const near = plain.find(
                (one) =>
                  one.a === a &&
                  one.tuple !== tuple &&
                  Math.abs(one.seq - seq) <= 6 &&
                  Math.abs(one.ack - ack) <= 2 &&
                  isYoung(one, timeNs, number),
              );
              expect(table.matchNear(a, 2, timeNs, number, seq, ack, tuple, 6, 2)).toBe(near !== undefined);
              if (near === undefined) continue;
              found++;
              expect(table.matchedNumber).toBe(near.number | 0);
              plain.splice(plain.indexOf(near), 1);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(found).toBeGreaterThan(100);
  });

  it('keeps its pace when all packets are equal', () => {
    const table = new EchoTable();
    // Quadratic work on half a million equal packets would take minutes; the test's own time limit is the judge.
    for (let n = 0; n < 500_000; n++) table.add(7, 7, n * 50_000, false, n, 0);
    expect(table.match(7, 7, 500_000 * 50_000, 500_000)).toBe(true);
  }, 20_000);
});
