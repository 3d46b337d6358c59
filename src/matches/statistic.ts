import { randomWord } from '../base/prng.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, double, uint32 } from '../extension/values.ts';

interface StatisticOptions {
  readonly mode: 'random' | 'nth';
  readonly inverted: boolean;
  /** Random: of 2^31. */
  readonly probability: number;
  /** Nth: matches once in so many packets. */
  readonly every: number;
  /** Nth: the number, from 0, of the packet that matches first. */
  readonly packet: number;
}

/** What a rule remembers. */
export interface StatisticState {
  /** Nth: packets seen, modulo `every`; the packet that brings it back to 0 matches. */
  count: number;
  /**
   * The fall of the dice for the packets to come, where the capture shows it: 1 the rule matches, 0 it does not,
   * -1 it is drawn as documented. Set and taken back by the engine; only random rules look at it.
   */
  force: -1 | 0 | 1;
  readonly seed: number;
  readonly ruleId: number;
}

const ONE = 0x80000000;
const DIGITS = 11;

/**
 * `-m statistic`. Linux: net/netfilter/xt_statistic.c, statistic_mt(). The kernel draws 31 random bits a packet;
 * we draw them from the run's seed, the number of the packet and the rule, so that a run can be repeated.
 */
export const statistic = defineMatch<StatisticOptions, StatisticState>({
  name: 'statistic',
  families: [4, 6],
  // A draw depends on the number of the packet alone; a count on all packets before.
  scope: (o) => (o.mode === 'nth' ? 'global' : 'packet'),
  reads: [],
  syntax: defineSyntax({
    options: {
      '--mode': custom(
        (text, call): StatisticOptions['mode'] =>
          text === 'random' || text === 'nth' ? text : call.fail(`Bad mode "${text}"`, 'Known: random, nth.'),
        { mandatory: true },
      ),
      '--probability': double({ invertible: true, min: 0, max: 1, excludes: ['--every', '--packet'] }),
      '--every': uint32({ invertible: true, min: 1, requires: ['--packet'], excludes: ['--probability'] }),
      '--packet': uint32({ excludes: ['--probability'] }),
    },
    finalCheck: (v, rule) => {
      // Without --mode the structure in iptables says random.
      if (v['--mode']?.value !== 'nth') {
        if (v['--probability'] === undefined) {
          rule.fail('--probability must be specified when using random mode');
        }
        return;
      }
      if (v['--every'] === undefined && v['--packet'] === undefined) {
        rule.fail('--every and --packet must be specified when using nth mode');
      }
      if ((v['--packet']?.value ?? 0) > (v['--every']?.value ?? 1) - 1) {
        rule.fail('the --packet p must be 0 <= p <= n-1');
      }
    },
    build: (v): StatisticOptions => ({
      mode: v['--mode']!.value,
      inverted: (v['--probability'] ?? v['--every'])?.inverted ?? false,
      probability: Math.round((v['--probability']?.value ?? 0) * ONE),
      every: v['--every']?.value ?? 1,
      packet: v['--packet']?.value ?? 0,
    }),
    save: (o) =>
      o.mode === 'random'
        ? ` --mode random${not(o)} --probability ${formatProbability(o.probability)}`
        : ` --mode nth${not(o)} --every ${o.every} --packet ${o.packet}`,
    list: (o) =>
      o.mode === 'random'
        ? `statistic mode random${not(o)} probability ${formatProbability(o.probability)}`
        : `statistic mode nth${not(o)} every ${o.every}${o.packet === 0 ? '' : ` packet ${o.packet}`}`,
  }),
  prepare: (o, environment): StatisticState => {
    // nth.count of the kernel: so many packets have "passed" already that the first match comes at `packet`.
    const count = o.every - 1 - o.packet;
    return { count, force: -1, seed: environment.seed, ruleId: environment.ruleId };
  },
  evaluate: (o, p, state) => {
    if (o.mode === 'nth') {
      state.count = state.count === o.every - 1 ? 0 : state.count + 1;
      return (state.count === 0) !== o.inverted;
    }
    if (state.force >= 0) return state.force === 1;
    const draw = randomWord(state.seed, p.number, state.ruleId) & 0x7fffffff;
    return draw < o.probability !== o.inverted;
  },
});

function not(o: StatisticOptions): string {
  return o.inverted ? ' !' : '';
}

/** printf("%.11f") of a multiple of 2^-31: exact, and halves go to the even digit. */
function formatProbability(probability: number): string {
  const scaled = BigInt(probability) * 10n ** BigInt(DIGITS);
  let digits = scaled / BigInt(ONE);
  const rest = (scaled % BigInt(ONE)) * 2n;
  if (rest > BigInt(ONE) || (rest === BigInt(ONE) && digits % 2n === 1n)) digits++;
  const text = digits.toString().padStart(DIGITS + 1, '0');
  return `${text.slice(0, -DIGITS)}.${text.slice(-DIGITS)}`;
}
