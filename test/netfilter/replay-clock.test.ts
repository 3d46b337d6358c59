import { describe, expect, test } from 'vitest';
import { ReplayClock } from '../../src/netfilter/replay-clock.ts';

const S = 1e9;

/** The clock's times, in seconds, for stamps in seconds (undefined: no valid time), in batches of `size`. */
function run(stamps: readonly (number | undefined)[], size = stamps.length) {
  const clock = new ReplayClock();
  const times: number[] = [];
  let before = (stamps[0] ?? 0) * S;
  for (let at = 0; at < stamps.length; at += size) {
    const piece = stamps.slice(at, at + size);
    const timeNs = Float64Array.from(piece, (stamp) => (stamp ?? 0) * S);
    const invalid = Uint8Array.from(piece, (stamp) => (stamp === undefined ? 1 : 0));
    let odd = piece.filter((stamp) => stamp === undefined).length;
    let leap = 0;
    let last = before;
    for (const now of timeNs) {
      if (now < last) odd++;
      else leap = Math.max(leap, now - last);
      last = now;
    }
    const follows = clock.follows(before, last, odd, leap);
    const captured = timeNs.slice();
    if (!follows) clock.replace(timeNs, invalid, timeNs.length);
    times.push(...Array.from(timeNs, (ns) => ns / S));
    if (!follows) clock.restore(timeNs);
    expect(timeNs).toEqual(captured);
    before = last;
  }
  return { clock, times };
}

describe('the clock of a replay', () => {
  test('is that of the captures, when they make sense', () => {
    const stamps = [0, 1, 1, 2.5, 100, 86400 * 3, 86400 * 3 + 1];
    expect(run(stamps).times).toEqual(stamps);
    expect(run(stamps, 2).times).toEqual(stamps);
  });

  test('stands still while stamps are a little behind', () => {
    const { clock, times } = run([10, 10.5, 10.2, 10.4, 10.6, 11]);
    expect(times).toEqual([10, 10.5, 10.5, 10.5, 10.6, 11]);
    expect([clock.stoodStill, clock.putBack, clock.alone]).toEqual([2, 0, 0]);
  });

  test('goes on from where it is, when stamps go back further', () => {
    const stamps = [1000, 1010, 3, 4, 5.5, 2000, 2001];
    const wanted = [1000, 1010, 1010, 1011, 1012.5, 3007, 3008];
    for (const size of [7, 3, 2, 1]) expect(run(stamps, size).times).toEqual(wanted);
    expect(run(stamps).clock.putBack).toBe(1);
  });

  test('does not believe one packet alone ahead of its time', () => {
    const { clock, times } = run([5, 6, 1e9, 7, 8]);
    expect(times).toEqual([5, 6, 6, 7, 8]);
    expect(clock.alone).toBe(1);
    // Two are a pause.
    expect(run([5, 6, 10000, 10001]).times).toEqual([5, 6, 10000, 10001]);
  });

  test('does not move for packets without a time', () => {
    expect(run([5, undefined, 6, undefined, undefined, 7]).times).toEqual([5, 5, 6, 6, 6, 7]);
    expect(run([5, undefined, 6, undefined, undefined, 7], 2).times).toEqual([5, 5, 6, 6, 6, 7]);
  });

  test('follows the stamps again without looking at each, once they are in step', () => {
    const clock = new ReplayClock();
    expect(clock.follows(0, 9 * S, 0, S)).toBe(true);
    expect(clock.follows(9 * S, 12 * S, 1, S)).toBe(false);
    clock.replace(Float64Array.of(8.5 * S, 12 * S), new Uint8Array(2), 2);
    expect(clock.follows(12 * S, 13 * S, 0, S)).toBe(true);
    // But not while it is ahead of them.
    clock.replace(Float64Array.of(S), new Uint8Array(1), 1);
    expect(clock.follows(S, 2 * S, 0, S)).toBe(false);
  });
});
