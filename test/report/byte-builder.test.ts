import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, formatIpv6 } from '../../src/base/inet.ts';
import { ByteBuilder } from '../../src/report/byte-builder.ts';
import { TimeSplitter, timestampHalves } from '../../src/report/time-parts.ts';

function put(write: (builder: ByteBuilder) => void): string {
  const builder = new ByteBuilder();
  write(builder);
  return Buffer.from(builder.view()).toString();
}

test('whole numbers, nanoseconds and addresses as JavaScript prints them', () => {
  for (const n of [0, 9, 10, 0x7fffffff, 0x80000000, 4294967295, 21474836470, Number.MAX_SAFE_INTEGER]) {
    expect(put((b) => b.putWhole(n))).toBe(String(n));
  }
  fc.assert(fc.property(fc.maxSafeNat(), (n) => put((b) => b.putWhole(n)) === String(n)));
  fc.assert(
    fc.property(fc.nat(999_999_999), (n) => put((b) => b.putNanoseconds(n)) === String(n).padStart(9, '0')),
  );
  fc.assert(fc.property(fc.integer(), (word) => put((b) => b.putIpv4(word)) === formatIpv4(word)));
  const words = Int32Array.of(0, 0x20010db8, 0, 0, 1);
  expect(put((b) => b.putIpv6(words, 1))).toBe(formatIpv6(words, 1));
});

test('it grows', () => {
  const text = 'x'.repeat(100_000);
  expect(put((b) => b.put(Buffer.from(text)))).toBe(text);
});

test('times are split and put together exactly', () => {
  const base = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });
  const offset = fc.integer({ min: -1_000_000_000, max: 2 ** 53 - 1 });
  const halves = new Uint32Array(2);
  fc.assert(
    fc.property(base, offset, (baseNs, timeNs) => {
      const time = new TimeSplitter(baseNs);
      time.split(timeNs);
      const exact = baseNs + BigInt(timeNs);
      if (exact < 0n) return;
      expect(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds)).toBe(exact);
      timestampHalves(time.seconds, 1_000_000_000, time.nanoseconds, halves);
      expect((BigInt(halves[0]!) << 32n) | BigInt(halves[1]!)).toBe(exact);
    }),
  );
});
