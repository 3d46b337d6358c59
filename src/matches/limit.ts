import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, uint32 } from '../extension/values.ts';
import { HZ, JIFFY_SENTENCE, jiffiesAt } from './jiffies.ts';
import { formatRate, leadingInteger, rateUnit } from './limit-rate.ts';

interface LimitOptions {
  /** Time between packets in 1/10,000 s: 32 bits, unsigned. */
  readonly average: number;
  readonly burst: number;
}

/** Credits are spent by packets and come back with time. All are 32 bits, unsigned. */
interface LimitState {
  credit: number;
  readonly creditCap: number;
  readonly cost: number;
  /** Jiffies at the last packet; -1 before the first, when the bucket is full. */
  previous: number;
}

/** XT_LIMIT_SCALE. */
const SCALE = 10000;
const DEFAULT_AVERAGE = (SCALE * 3600) / 3;
const DEFAULT_BURST = 5;
const MAX_BURST = 10000;

/** CREDITS_PER_JIFFY: the largest power of two with which one packet a day does not overflow 32 bits. */
const CREDITS_PER_JIFFY = 2 ** Math.floor(Math.log2(Math.floor(0xffffffff / (HZ * 86400))));

/** user2credits(), in 32 bits as there. */
function creditsOf(average: number): number {
  const perSecond = HZ * CREDITS_PER_JIFFY;
  if (average > Math.floor(0xffffffff / perSecond)) {
    return Math.imul(Math.floor(average / SCALE), perSecond) >>> 0;
  }
  return Math.floor((average * perSecond) / SCALE);
}

function capOf(o: LimitOptions): number {
  return creditsOf(Math.imul(o.average, o.burst) >>> 0);
}

function parseRate(text: string, call: OptionCall): number {
  const unit = rateUnit(text);
  const count = unit === undefined ? 0n : leadingInteger(unit.count);
  if (unit === undefined || count === 0n) {
    call.fail(`bad rate "${text}"'`, 'Written as 5/sec, /min, /hour or /day.');
  }
  const average = Number(BigInt(SCALE * unit.seconds) / BigInt.asUintN(32, count));
  if (average === 0) call.fail(`Rate too fast "${text}"`, `At most ${SCALE} a second.`);
  return average;
}

/** `-m limit`: a token bucket. Linux: net/netfilter/xt_limit.c, limit_mt(), limit_mt_check(). */
export const limit = defineMatch<LimitOptions, LimitState>({
  name: 'limit',
  families: [4, 6],
  scope: 'global',
  reads: ['time'],
  syntax: defineSyntax({
    options: {
      '--limit': custom(parseRate),
      '--limit-burst': uint32({ max: MAX_BURST }),
    },
    build: (v): LimitOptions => ({
      average: v['--limit']?.value ?? DEFAULT_AVERAGE,
      burst: v['--limit-burst']?.value ?? DEFAULT_BURST,
    }),
    save: (o) => ` --limit ${rate(o)}${o.burst === DEFAULT_BURST ? '' : ` --limit-burst ${o.burst}`}`,
    list: (o) => `limit: avg ${rate(o)} burst ${o.burst}`,
    kernelCheck: (o) =>
      o.burst === 0 || capOf(o) < creditsOf(o.average)
        ? `xt_limit: Overflow, try lower: ${o.average}/${o.burst}`
        : undefined,
  }),
  prepare: (o, environment): LimitState => {
    environment.assume(JIFFY_SENTENCE);
    return { credit: capOf(o), creditCap: capOf(o), cost: creditsOf(o.average), previous: -1 };
  },
  evaluate: (_, p, state) => {
    const now = jiffiesAt(p.timeNs);
    // Time stamps may go back, jiffies do not.
    const elapsed = state.previous < 0 ? 0 : Math.max(0, now - state.previous);
    state.previous = Math.max(now, state.previous, 0);
    const gained = Math.imul(elapsed, CREDITS_PER_JIFFY) >>> 0;
    const credit = Math.min((state.credit + gained) >>> 0, state.creditCap);
    const matches = credit >= state.cost;
    state.credit = matches ? credit - state.cost : credit;
    return matches;
  },
});

function rate(o: LimitOptions): string {
  return formatRate(BigInt(o.average), BigInt(SCALE)).text;
}
