/** Sums over the packets of a run: by the kernel and by the loop the same, and what they say. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena } from '../../src/base/arena.ts';
import { allocateBatch, allocateBatchIn, arenaBytes, type Batch } from '../../src/batch/batch.ts';
import { kernelsOf } from '../../src/batch/kernels.ts';
import { BATCH_CAPACITY } from '../../src/batch/layout.ts';
import { BatchSums } from '../../src/netfilter/batch-sums.loop.ts';
import { ReplayClock } from '../../src/netfilter/replay-clock.ts';

interface Record {
  readonly timeNs: number;
  readonly invalid: number;
  readonly bytes: number;
}

const record: fc.Arbitrary<Record> = fc.record({
  timeNs: fc.oneof(
    fc.nat(1e9),
    fc.constantFrom(0, -5e9, 5e12, 2 ** 52),
    fc.integer({ min: -1000, max: 1000 }),
  ),
  invalid: fc.constantFrom(0, 0, 0, 1),
  bytes: fc.constantFrom(0, 60, 1514, 0xffffffff),
});

function fill(batch: Batch, records: readonly Record[]): Batch {
  const { timeNs, timeInvalid, origLen } = batch.columns;
  records.forEach((one, i) => {
    timeNs[i] = one.timeNs;
    timeInvalid[i] = one.invalid;
    origLen[i] = one.bytes;
  });
  batch.count = records.length;
  return batch;
}

const withKernels = allocateBatchIn(Arena.allocate(arenaBytes(1)));
// Of another size than the kernels know.
const without = allocateBatch(BATCH_CAPACITY / 2);

test('batches of these two kinds are summed up in two ways', () => {
  expect(kernelsOf(withKernels)).toBeDefined();
  expect(kernelsOf(without)).toBeUndefined();
});

test('any batches: kernel and loop agree, in the sums and in whether the clock follows', () => {
  fc.assert(
    fc.property(fc.array(fc.array(record, { maxLength: 20 }), { maxLength: 4 }), (batches) => {
      const [a, b] = [new BatchSums(), new BatchSums()];
      const [clockA, clockB] = [new ReplayClock(), new ReplayClock()];
      for (const records of batches) {
        const follows = a.add(fill(withKernels, records), clockA);
        expect(b.add(fill(without, records), clockB)).toBe(follows);
        expect(b).toEqual(a);
        expect(clockB.nowNs).toEqual(clockA.nowNs);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['the kernel', withKernels],
  ['the loop', without],
])('what %s says', (_, batch) => {
  const sums = new BatchSums();
  const clock = new ReplayClock();
  const at = (timeNs: number, invalid = 0) => ({ timeNs, invalid, bytes: 100 });
  expect(sums.add(fill(batch, [at(7), at(8), at(8), at(20)]), clock)).toBe(true);
  expect(clock.nowNs).toBe(20);
  expect(sums.add(fill(batch, [at(25), at(24), at(30)]), clock)).toBe(false);
  expect(sums.add(fill(batch, [at(31, 1)]), clock)).toBe(false);
  expect(sums).toEqual({
    packets: 8,
    wireBytes: 800,
    firstNs: 7,
    lastNs: 31,
    timeWentBack: 1,
    timeInvalid: 1,
  });
  // From one batch to the next, as within one.
  expect(sums.add(fill(batch, [at(30)]), clock)).toBe(false);
  expect(sums.timeWentBack).toBe(2);
});

test('a step of more than an hour is not followed at once', () => {
  for (const batch of [withKernels, without]) {
    const sums = new BatchSums();
    const clock = new ReplayClock();
    const at = (timeNs: number) => ({ timeNs, invalid: 0, bytes: 1 });
    expect(sums.add(fill(batch, [at(0), at(3599e9)]), clock)).toBe(true);
    expect(sums.add(fill(batch, [at(3600e9), at(7201e9), at(7202e9)]), clock)).toBe(false);
  }
});
