import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeSearch, search } from '../../src/matches/string-search.ts';

it('finds what a plain search finds, and where', () => {
  // Few letters, so that patterns nearly match, and often do.
  const text = (most: number, least = 0) =>
    fc
      .array(fc.constantFrom(0x61, 0x41, 0x62, 0xe4, 0xc4, 0xd7), { minLength: least, maxLength: most })
      .map((list) => Uint8Array.from(list));
  let found = 0;
  fc.assert(
    fc.property(text(60), text(3, 1), fc.boolean(), fc.nat(4), (bytes, pattern, ignoreCase, begin) => {
      const same = (a: number, b: number) =>
        a === b || (ignoreCase && (a | 0x20) === (b | 0x20) && a !== 0xd7 && b !== 0xd7);
      let expected = -1;
      for (let at = begin; expected < 0 && at + pattern.length <= bytes.length; at++) {
        if (pattern.every((byte, i) => same(byte, bytes[at + i]!))) expected = at;
      }
      expect(search(makeSearch(pattern, ignoreCase), bytes, begin, bytes.length)).toBe(expected);
      if (expected >= 0) found++;
    }),
    { numRuns: 5000, seed: 1 },
  );
  expect(found).toBeGreaterThan(300);
});

it('sees nothing behind the end', () => {
  const bytes = Uint8Array.from([1, 2, 3, 4]);
  const one = makeSearch(Uint8Array.of(3, 4), false);
  expect(search(one, bytes, 0, 4)).toBe(2);
  expect(search(one, bytes, 0, 3)).toBe(-1);
  expect(search(makeSearch(new Uint8Array(128), false), bytes, 0, 4)).toBe(-1);
});
