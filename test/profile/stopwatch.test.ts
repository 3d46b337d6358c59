import { expect, test } from 'vitest';
import { DECODING, MEASURING, READING, REST, WAITING } from '../../src/profile/sections.ts';
import { Stopwatch } from '../../src/profile/stopwatch.ts';

/** Keeps the thread busy. */
function work(ms: number): void {
  const begin = performance.now();
  while (performance.now() - begin < ms);
}

test('time belongs to the innermost section', () => {
  const stopwatch = new Stopwatch();
  const object = {
    inner: (ms: number) => work(ms),
    outer(ms: number): number {
      work(ms);
      this.inner(2 * ms);
      work(ms);
      return ms;
    },
  };
  stopwatch.watch(object, 'inner', READING);
  stopwatch.watch(object, 'outer', DECODING);
  for (let i = 0; i < 5; i++) expect(object.outer(4)).toBe(4);
  const { threads, replay } = stopwatch.runProfile('decode');
  const { role, thread, seconds, sectionSeconds, sectionCalls } = threads[0]!;
  expect({ role, thread, replay }).toEqual({ role: 'decode', thread: 0, replay: undefined });
  // Each was worked on for 40 ms, at least: a busy machine adds to that.
  expect(sectionSeconds[READING]).toBeGreaterThan(0.039);
  expect(sectionSeconds[DECODING]).toBeGreaterThan(0.039);
  expect(sectionCalls[READING]).toBe(5);
  expect(sectionCalls[DECODING]).toBe(5);
  expect(sectionSeconds[WAITING]).toBe(0);
  expect(sectionSeconds.reduce((sum, one) => sum + one, 0)).toBeCloseTo(seconds, 9);
});

// A busy machine may take the processor away from what is measured.
test('what measuring costs is a section of its own', { retry: 5 }, () => {
  const stopwatch = new Stopwatch();
  for (let i = 0; i < 200_000; i++) stopwatch.back(stopwatch.to(READING));
  const { sectionSeconds, sectionCalls } = stopwatch.runProfile('decode').threads[0]!;
  expect(sectionCalls[READING]).toBe(200_000);
  // Nothing was done but measuring.
  expect(sectionSeconds[MEASURING]).toBeGreaterThan(sectionSeconds[READING]! + sectionSeconds[REST]!);
});

test('a method that fails leaves the section', () => {
  const stopwatch = new Stopwatch();
  const object = {
    fail: () => {
      throw new Error('no');
    },
  };
  stopwatch.watch(object, 'fail', READING);
  expect(() => object.fail()).toThrow('no');
  expect(stopwatch.to(DECODING)).toBe(REST);
});
