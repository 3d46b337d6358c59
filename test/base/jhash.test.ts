import { expect, test } from 'vitest';
import { jhash2, reciprocalScale, swapBytes } from '../../src/base/jhash.ts';

test('jhash2 is Bob Jenkins’ hashword() with the length times four in the initial value', () => {
  // hashword() of lookup3.c, written down plainly.
  const reference = (k: number[], initval: number): number => {
    const rot = (x: number, n: number) => ((x << n) | (x >>> (32 - n))) >>> 0;
    let [a, b, c] = [0, 0, 0].map(() => (0xdeadbeef + k.length * 4 + initval) >>> 0) as [
      number,
      number,
      number,
    ];
    const words = [...k];
    while (words.length > 3) {
      a = (a + words.shift()!) >>> 0;
      b = (b + words.shift()!) >>> 0;
      c = (c + words.shift()!) >>> 0;
      const steps: ['a' | 'b' | 'c', number][] = [
        ['a', 4],
        ['b', 6],
        ['c', 8],
        ['a', 16],
        ['b', 19],
        ['c', 4],
      ];
      for (const [which, n] of steps) {
        if (which === 'a') {
          a = ((a - c) ^ rot(c, n)) >>> 0;
          c = (c + b) >>> 0;
        } else if (which === 'b') {
          b = ((b - a) ^ rot(a, n)) >>> 0;
          a = (a + c) >>> 0;
        } else {
          c = ((c - b) ^ rot(b, n)) >>> 0;
          b = (b + a) >>> 0;
        }
      }
    }
    if (words.length === 0) return c;
    if (words.length === 3) c = (c + words[2]!) >>> 0;
    if (words.length >= 2) b = (b + words[1]!) >>> 0;
    a = (a + words[0]!) >>> 0;
    c = ((c ^ b) - rot(b, 14)) >>> 0;
    a = ((a ^ c) - rot(c, 11)) >>> 0;
    b = ((b ^ a) - rot(a, 25)) >>> 0;
    c = ((c ^ b) - rot(b, 16)) >>> 0;
    a = ((a ^ c) - rot(c, 4)) >>> 0;
    b = ((b ^ a) - rot(a, 14)) >>> 0;
    return ((c ^ b) - rot(b, 24)) >>> 0;
  };
  for (let count = 1; count <= 8; count++) {
    const words = Array.from({ length: count }, (_, i) => (0x9e3779b1 * (i + count)) >>> 0);
    expect(jhash2(Int32Array.from(words), 0, count, 0x1234) >>> 0).toBe(reference(words, 0x1234));
  }
});

test('reciprocal scale is the upper half of the product', () => {
  for (const [word, range] of [
    [0xffffffff, 77],
    [0x80000000, 2],
    [12345, 0xffffffff],
    [0xdeadbeef, 0xfffffffe],
    [-1, 1],
  ] as const) {
    expect(reciprocalScale(word, range)).toBe(Number((BigInt(word >>> 0) * BigInt(range)) >> 32n));
  }
});

test('bytes are swapped', () => {
  expect(swapBytes(0x0a0b0c0d)).toBe(0x0d0c0b0a);
  expect(swapBytes(0x01020380) >>> 0).toBe(0x80030201);
});
