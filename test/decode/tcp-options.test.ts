import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseTcpOptions,
  TCP_OPTION_MSS,
  TCP_OPTION_SACK,
  TCP_OPTION_SACK_PERMITTED,
  TCP_OPTION_TIMESTAMPS,
  TCP_OPTION_WSCALE,
  TCPO_FOUND,
  TCPO_MSS,
  TCPO_SACK,
  TCPO_SACK_BLOCKS,
  TCPO_TSECR,
  TCPO_TSVAL,
  TCPO_WORDS,
  TCPO_WSCALE,
} from '../../src/decode/tcp-options.ts';
import { be16, be32 } from './build.ts';

const out = new Int32Array(TCPO_WORDS + 1);
const parse = (...options: number[]): number => {
  const view = new DataView(Uint8Array.from([9, 9, ...options, 3, 3, 3]).buffer);
  out.fill(-7);
  const found = parseTcpOptions(view, 2, 2 + options.length, out);
  expect(out[TCPO_FOUND]).toBe(found);
  expect(out[TCPO_WORDS]).toBe(-7);
  return found;
};

describe('TCP options', () => {
  test('those of a SYN', () => {
    const found = parse(2, 4, ...be16(1460), 4, 2, 8, 10, ...be32(0xfffffffe), ...be32(7), 1, 3, 3, 9);
    expect(found).toBe(
      TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_TIMESTAMPS | TCP_OPTION_WSCALE,
    );
    expect(out[TCPO_MSS]).toBe(1460);
    expect(out[TCPO_WSCALE]).toBe(9);
    expect(out[TCPO_TSVAL]! >>> 0).toBe(0xfffffffe);
    expect(out[TCPO_TSECR]).toBe(7);
    expect(out[TCPO_SACK_BLOCKS]).toBe(0);
  });

  test('SACK blocks; the first such option counts', () => {
    const blocks = [1, 2, 0xfffffff0, 5].flatMap(be32);
    expect(parse(1, 1, 5, 18, ...blocks, 5, 10, ...be32(8), ...be32(9))).toBe(TCP_OPTION_SACK);
    expect(out[TCPO_SACK_BLOCKS]).toBe(2);
    expect([...out.subarray(TCPO_SACK, TCPO_SACK + 4)].map((word) => word >>> 0)).toEqual([
      1, 2, 0xfffffff0, 5,
    ]);
    expect(parse(5, 2)).toBe(0);
    expect(parse(5, 9, 0, 0, 0, 0, 0, 0, 0)).toBe(0);
  });

  test('a window scale above 14 counts as 14', () => {
    expect(parse(3, 3, 200)).toBe(TCP_OPTION_WSCALE);
    expect(out[TCPO_WSCALE]).toBe(14);
  });

  test('of several the last wins', () => {
    parse(3, 3, 2, 3, 3, 5, 2, 4, 0, 9, 2, 4, 0, 8);
    expect([out[TCPO_WSCALE], out[TCPO_MSS]]).toEqual([5, 8]);
  });

  test.each([
    ['the end', [0, 3, 3, 9]],
    ['length 0', [8, 0, 3, 3, 9]],
    ['length 1', [8, 1, 3, 3, 9]],
    ['length beyond the end', [254, 9, 3, 3, 9]],
    ['a kind without length', [3]],
  ])('%s stops the reading', (_name, options) => expect(parse(...options)).toBe(0));

  test('a known kind with a wrong length, and unknown kinds, are passed over', () => {
    expect(parse(2, 3, 9, 3, 4, 9, 9, 8, 2, 4, 3, 0, 254, 2, 3, 3, 6)).toBe(TCP_OPTION_WSCALE);
  });

  test('any bytes: no read behind the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (options) => {
        const view = new DataView(options.slice().buffer);
        expect(() => parseTcpOptions(view, 0, options.length, out)).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
