import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RateEstimator } from '../../src/matches/rate-estimator.ts';
import { packet, type Ready, ready } from './packets.ts';

/** What rateest.py writes. */
interface Head {
  readonly estimators: Readonly<Record<string, string>>;
  readonly rules: readonly string[];
  readonly loaded: readonly [number, number];
}
type Round = readonly [jiffy: number, payloads: readonly number[], said: string];

const JIFFY_SECONDS = 0.004;
/** A moment within a jiffy. */
const WITHIN_SECONDS = 0.001;
const HEADERS_BYTES = 28;
/** Jiffies between points that are on every grid of the kernel's timers. */
const WHEEL_JIFFIES = 4096;

const file = join(import.meta.dirname, 'recorded', 'rateest.jsonl');
const [headLine, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
const head = JSON.parse(headLine!) as Head;
const rounds = lines.map((line) => JSON.parse(line) as Round);

/** Counting rules and comparing ones, made ready as if they had been loaded at a jiffy. */
function loadedAt(jiffy: number): { counting: readonly Ready[]; comparing: readonly Ready[] } {
  class Estimator extends RateEstimator {
    override start(intervalLog: number, ewmaLog: number): void {
      super.start(intervalLog, ewmaLog, jiffy);
    }
  }
  const estimators = new Map<string, unknown>();
  const counting = Object.entries(head.estimators).map(
    ([name, how]) => `-j RATEEST --rateest-name ${name} ${how}`,
  );
  const all = ready(
    [...counting, ...head.rules],
    {},
    {
      shared: <T>(key: string): T => {
        if (!estimators.has(key)) estimators.set(key, new Estimator());
        return estimators.get(key) as T;
      },
    },
  );
  return { counting: all.slice(0, counting.length), comparing: all.slice(counting.length) };
}

/** Answers that are not the kernel's, had the rules been loaded at that jiffy. */
function differences(loaded: number): string[] {
  const base = loaded - (loaded % WHEEL_JIFFIES);
  const { counting, comparing } = loadedAt(loaded - base);
  const wrong: string[] = [];
  for (const [jiffy, payloads, said] of rounds) {
    const seconds = (jiffy - base) * JIFFY_SECONDS + WITHIN_SECONDS;
    for (const payload of payloads) {
      for (const rule of counting) rule.apply(packet({ length: payload + HEADERS_BYTES }, seconds));
    }
    if (said === '') continue;
    for (const [i, rule] of comparing.entries()) {
      if (rule.matches(packet({}, seconds)) !== (said[i] === '1'))
        wrong.push(`${head.rules[i]} at ${jiffy - loaded}`);
    }
  }
  return wrong;
}

test('rateest says of every packet what the kernel said, for one of the jiffies in which the rules were loaded', () => {
  const [first, last] = head.loaded;
  const found = Array.from({ length: last - first + 1 }, (_, i) => differences(first + i));
  const best = found.reduce((a, b) => (b.length < a.length ? b : a));
  expect(rounds.length).toBeGreaterThan(1000);
  expect(best).toEqual([]);
});

test('without packets for a year, rates are zero at once, and counted again after', () => {
  const year = 365 * 86400 * 250;
  const estimator = new RateEstimator();
  estimator.start(0, 1);
  for (let i = 0; i < 1000; i++) estimator.count(1000, i);
  expect(estimator.packetsPerSecond(1000)).toBeGreaterThan(200);
  expect(estimator.packetsPerSecond(year)).toBe(0);
  for (let i = 0; i < 1000; i++) estimator.count(1000, year + i);
  // 62 packets in a period of 62 jiffies, which the kernel takes for a quarter of a second; 16 periods bring all but 2^-16.
  expect(estimator.packetsPerSecond(year + 1000)).toBe(247);
  expect(estimator.bytesPerSecond(year + 1000)).toBe(247_995);
});
