import fc from 'fast-check';
import type { TestPacket } from './generate.ts';

export const SECOND = 1_000_000_000n;

/**
 * Random packets within 90 days of a random second, in any order: as far as nanoseconds are exact in a double.
 * Times are whole microseconds.
 */
export const packetsArbitrary = (maxData = 200): fc.Arbitrary<TestPacket[]> =>
  fc
    .record({
      baseSeconds: fc.bigInt({ min: 0n, max: 0xffffffffn - 90n * 86400n }),
      list: fc.array(
        fc.record({
          micros: fc.bigInt({ min: 0n, max: 90n * 86400n * 1_000_000n }),
          data: fc.uint8Array({ maxLength: maxData }),
          more: fc.nat(5000),
        }),
        { maxLength: 40 },
      ),
    })
    .map(({ baseSeconds, list }) =>
      list.map(({ micros, data, more }) => ({
        timeNs: baseSeconds * SECOND + micros * 1000n,
        data,
        origLen: data.length + more,
      })),
    );
