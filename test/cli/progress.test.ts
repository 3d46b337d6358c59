import { expect, test } from 'vitest';
import { ProgressBar, progressLine } from '../../src/cli/progress.ts';
import { FakeStream } from './fake-streams.ts';

test('the line', () => {
  const half = progressLine({ packets: 4_215_110, bytesRead: 380, bytesTotal: 1000 }, 1.6);
  expect(half).toBe('[=========>              ]  38 %  4,215,110 packets  2.63 M/s  3 s left');
  const all = progressLine({ packets: 10, bytesRead: 1000, bytesTotal: 1000 }, 2);
  expect(all).toBe('[========================] 100 %  10 packets  5/s  0 s left');
  const unknown = progressLine({ packets: 12_000, bytesRead: 3_000_000, bytesTotal: undefined }, 2);
  expect(unknown).toBe('3.0 MB read  12,000 packets  6.0 k/s');
  expect(progressLine({ packets: 1, bytesRead: 1, bytesTotal: 10_000 }, 2)).toMatch(/ 5 h 33 min left$/);
});

test('it appears late, is not drawn too often, fits the terminal and goes away', () => {
  const stream = new FakeStream(true);
  stream.columns = 40;
  let now = 0;
  const bar = new ProgressBar(stream, () => now);
  const at = (seconds: number) => {
    now = seconds;
    bar.update({ packets: 1000, bytesRead: 1, bytesTotal: 2 });
  };
  at(0.1);
  expect(stream.writes).toBe(0);
  at(0.5);
  at(0.55);
  expect(stream.writes).toBe(1);
  at(0.61);
  expect(stream.writes).toBe(2);
  for (const line of stream.text.split('\r\x1b[2K')) expect(line.length).toBeLessThan(40);
  bar.clear();
  bar.clear();
  expect(stream.writes).toBe(3);
  expect(stream.text.endsWith('\r\x1b[2K')).toBe(true);
});
