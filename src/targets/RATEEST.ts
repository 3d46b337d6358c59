import { defineTarget } from '../extension/define.ts';
import { doubleToUint32, strtod } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, string } from '../extension/values.ts';
import { jiffiesAt } from '../matches/jiffies.ts';
import {
  ESTIMATOR_NAME_BYTES,
  ESTIMATOR_SENTENCE,
  estimatorKey,
  RateEstimator,
} from '../matches/rate-estimator.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface RateestTargetOptions {
  readonly name: string;
  /** 0 for a quarter of a second, 1 for a half … 5 for eight. */
  readonly intervalLog: number;
  /** A period's share of the average is 2^-ewmaLog. */
  readonly ewmaLog: number;
}

const QUARTER_US = 250_000;
const LONGEST_INTERVAL_LOG = 5;

const UNITS_US: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ...['s', 'sec', 'secs'].map((name) => [name, 1_000_000] as const),
  ...['ms', 'msec', 'msecs'].map((name) => [name, 1000] as const),
  ...['us', 'usec', 'usecs'].map((name) => [name, 1] as const),
]);

/** Microseconds in 32 bits: RATEEST_get_time(). */
const time =
  (what: string) =>
  (text: string, call: OptionCall): number => {
    const number = strtod(text);
    const unit = number === undefined ? '' : text.slice(number.end);
    const unitUs = UNITS_US.get(unit.toLowerCase());
    if (number === undefined || unitUs === undefined) {
      call.fail(`RATEEST: bad ${what} value "${text}"`, 'A number with a unit: s, ms or us.');
    }
    if (unit === '' && number.value !== 0) {
      call.warn(`${what} ${text} is taken for ${text} microseconds`, 'Write the unit: s, ms or us.');
    }
    return doubleToUint32(number.value * unitUs);
  };

/** The shortest interval that is no shorter than wanted; above LONGEST_INTERVAL_LOG when there is none. */
function intervalLogOf(intervalUs: number): number {
  let log = 0;
  while (log <= LONGEST_INTERVAL_LOG && intervalUs > QUARTER_US * 2 ** log) log++;
  return log;
}

/** The largest weight whose time constant is no longer than wanted; 0 or 31 when there is none. */
function ewmaLogOf(intervalUs: number, constantUs: number): number {
  for (let log = 1; log < 31; log++) {
    if (intervalUs / -Math.log(1 - 1 / 2 ** log) > constantUs) return log - 1;
  }
  return 31;
}

/**
 * `-j RATEEST`: counts the packet into an estimator of rates, and goes on; -m rateest compares them. Linux:
 * net/netfilter/xt_RATEEST.c, xt_rateest_tg(), xt_rateest_tg_checkentry().
 */
export const rateestTarget = defineTarget<RateestTargetOptions, RateEstimator>({
  name: 'RATEEST',
  families: [4, 6],
  scope: 'global',
  reads: ['length', 'time'],
  writes: [],
  syntax: defineSyntax({
    options: {
      '--rateest-name': string({ mandatory: true, cut: ESTIMATOR_NAME_BYTES }),
      '--rateest-interval': custom(time('interval'), { mandatory: true }),
      '--rateest-ewmalog': custom(time('ewmalog'), { mandatory: true }),
    },
    finalCheck: (v, rule) => {
      const intervalUs = v['--rateest-interval']?.value ?? 0;
      if (intervalLogOf(intervalUs) > LONGEST_INTERVAL_LOG) {
        rule.fail('RATEEST: interval value is too large', 'At most 8s.');
      }
      const ewmaLog = ewmaLogOf(intervalUs, v['--rateest-ewmalog']?.value ?? 0);
      if (ewmaLog === 0 || ewmaLog >= 31) {
        rule.fail(
          'RATEEST: ewmalog value is out of range',
          'It must be longer than 1.45 times the interval.',
        );
      }
    },
    build: (v): RateestTargetOptions => {
      const intervalUs = v['--rateest-interval']!.value;
      return {
        name: v['--rateest-name']!.value,
        intervalLog: intervalLogOf(intervalUs),
        ewmaLog: ewmaLogOf(intervalUs, v['--rateest-ewmalog']!.value),
      };
    },
    save: (o) => format(o, ' --rateest-'),
    list: (o) => format(o, ' ').slice(1),
    kernelCheck: (o, { objects }) => {
      const key = estimatorKey(o.name);
      const known = objects.get(key) as RateestTargetOptions | undefined;
      if (known === undefined) objects.set(key, o);
      else if (known.intervalLog !== o.intervalLog || known.ewmaLog !== o.ewmaLog) {
        return `xt_RATEEST: the estimator '${o.name}' has another interval or ewmalog`;
      }
      return undefined;
    },
  }),
  prepare: (o, environment): RateEstimator => {
    environment.assume(ESTIMATOR_SENTENCE);
    const estimator = environment.shared(estimatorKey(o.name), () => new RateEstimator());
    estimator.start(o.intervalLog, o.ewmaLog);
    return estimator;
  },
  apply: (_, p, estimator) => {
    estimator.count(p.r[R_LENGTH]!, jiffiesAt(p.timeNs));
    return VERDICT_CONTINUE;
  },
});

/** Both times in 32 bits, as iptables reckons them: a long ewmalog comes out as another. */
function format(o: RateestTargetOptions, prefix: string): string {
  const intervalUs = QUARTER_US * 2 ** o.intervalLog;
  const ewmaUs = (intervalUs * 2 ** o.ewmaLog) % 2 ** 32;
  return `${prefix}name ${o.name}${prefix}interval ${formatTime(intervalUs)}${prefix}ewmalog ${formatTime(ewmaUs)}`;
}

function formatTime(timeUs: number): string {
  if (timeUs >= 1_000_000) return `${(timeUs / 1_000_000).toFixed(1)}s`;
  return timeUs >= 1000 ? `${(timeUs / 1000).toFixed(1)}ms` : `${timeUs}us`;
}
