import { defineMatch } from '../extension/define.ts';
import { doubleToUint32, strtod, strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall, type OptionSpec } from '../extension/syntax.ts';
import { flag, string } from '../extension/values.ts';
import { jiffiesAt } from './jiffies.ts';
import { ESTIMATOR_NAME_BYTES, estimatorKey, RateEstimator } from './rate-estimator.ts';

const MODES = ['lt', 'gt', 'eq'] as const;
type Mode = (typeof MODES)[number];

interface RateestOptions {
  readonly name1: string;
  /** The estimator that is compared with; undefined when it is a rate that is. */
  readonly name2: string | undefined;
  /** Rates are what is left of bps1, pps1 and bps2, pps2 when the estimated ones are taken off. */
  readonly delta: boolean;
  /** Whether bytes, and whether packets, are compared. */
  readonly bytes: boolean;
  readonly packets: boolean;
  /** Bytes and packets a second, 32 bits unsigned; 0 when not given. */
  readonly bps1: number;
  readonly bps2: number;
  readonly pps1: number;
  readonly pps2: number;
  /** Undefined when not given, which the kernel refuses. */
  readonly mode: Mode | undefined;
  readonly inverted: boolean;
}

/** Units of rates, in bits a second. */
const UNITS_BITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['bit', 1],
  ['kibit', 2 ** 10],
  ['kbit', 1e3],
  ['mibit', 2 ** 20],
  ['mbit', 1e6],
  ['gibit', 2 ** 30],
  ['gbit', 1e9],
  ['tibit', 2 ** 40],
  ['tbit', 1e12],
  ['bps', 8],
  ['kibps', 8 * 2 ** 10],
  ['kbps', 8e3],
  ['mibps', 8 * 2 ** 20],
  ['mbps', 8e6],
  ['gibps', 8 * 2 ** 30],
  ['gbps', 8e9],
  ['tibps', 8 * 2 ** 40],
  ['tbps', 8e12],
]);

/** Bytes a second in 32 bits: rateest_get_rate(). */
function parseRate(text: string, call: OptionCall): number {
  const number = strtod(text);
  const unit = number === undefined ? '' : text.slice(number.end);
  const scale = UNITS_BITS.get(unit.toLowerCase());
  if (number === undefined || scale === undefined) {
    call.fail(`rateest: could not parse rate \`${text}'`, 'Written as 5mbit, 300kbps … or in bits a second.');
  }
  const bytes = (number.value * scale) / 8;
  const rate = doubleToUint32(bytes);
  if (rate !== Math.trunc(bytes)) {
    call.warn(
      `rate ${text} is taken as ${rate} bytes a second`,
      'iptables cuts it to 32 bits without a word; at most 34359738367bit.',
    );
  }
  return rate;
}

function parsePackets(text: string, call: OptionCall): number {
  return strtoui(text, 0, 0xffffffff) ?? call.fail(`rateest: could not parse pps \`${text}'`);
}

/** An option with a rate behind it, which may be left out. */
function rate(
  name: string,
  kind: string,
  parse: (text: string, call: OptionCall) => number,
  aliases: readonly string[] = [],
): OptionSpec<number> {
  return {
    argument: 'none',
    parse: (_, call) => {
      const word = call.nextWord();
      return word === undefined ? 0 : parse(word, call);
    },
    aliases,
    duplicatePhrase: `rateest: can't specify --${name} twice`,
    invertPhrase: `rateest: rateest-${kind} can't be inverted`,
  };
}

const estimator = (name: string, aliases: readonly string[] = []) =>
  string({
    cut: ESTIMATOR_NAME_BYTES,
    aliases,
    duplicatePhrase: `rateest: can't specify --${name} twice`,
    invertPhrase: "rateest: rateest can't be inverted",
  });

const mode = () => flag({ invertible: true, duplicatePhrase: "rateest: can't specify lt/gt/eq twice" });

/** `-m rateest`: compares the rates of estimators. Linux: net/netfilter/xt_rateest.c, xt_rateest_mt(). */
export const rateest = defineMatch<RateestOptions, readonly [RateEstimator, RateEstimator | undefined]>({
  name: 'rateest',
  families: [4, 6],
  scope: 'global',
  reads: ['time'],
  syntax: defineSyntax({
    options: {
      '--rateest1': estimator('rateest1', ['--rateest']),
      '--rateest2': estimator('rateest2'),
      '--rateest-bps1': rate('rateest-bps1', 'bps', parseRate),
      '--rateest-pps1': rate('rateest-pps1', 'pps', parsePackets),
      '--rateest-bps2': rate('rateest-bps2', 'bps', parseRate, ['--rateest-bps']),
      '--rateest-pps2': rate('rateest-pps2', 'pps', parsePackets, ['--rateest-pps']),
      '--rateest-delta': flag({
        duplicatePhrase: "rateest: can't specify --rateest-delta twice",
        invertPhrase: "rateest: rateest-delta can't be inverted",
      }),
      '--rateest-lt': mode(),
      '--rateest-gt': mode(),
      '--rateest-eq': mode(),
    },
    build: (v): RateestOptions => {
      // Of several the last one holds, and any `!`; what was given is in the order of the rule.
      const modes = Object.keys(v).filter((name) => MODES.some((one) => name === `--rateest-${one}`));
      return {
        name1: v['--rateest1']?.value ?? '',
        name2: v['--rateest2']?.value,
        delta: v['--rateest-delta'] !== undefined,
        bytes: (v['--rateest-bps1'] ?? v['--rateest-bps2']) !== undefined,
        packets: (v['--rateest-pps1'] ?? v['--rateest-pps2']) !== undefined,
        bps1: v['--rateest-bps1']?.value ?? 0,
        bps2: v['--rateest-bps2']?.value ?? 0,
        pps1: v['--rateest-pps1']?.value ?? 0,
        pps2: v['--rateest-pps2']?.value ?? 0,
        mode: MODES.find((one) => modes.at(-1) === `--rateest-${one}`),
        inverted: modes.some((name) => v[name as `--rateest-${Mode}`]!.inverted),
      };
    },
    save,
    list,
    kernelCheck: (o, { objects }) => {
      if (!o.bytes && !o.packets) return 'xt_rateest: neither bytes nor packets are compared';
      if (o.mode === undefined)
        return 'xt_rateest: one of --rateest-lt, --rateest-gt and --rateest-eq is wanted';
      const missing = [o.name1, ...(o.name2 === undefined ? [] : [o.name2])].find(
        (name) => !objects.has(estimatorKey(name)),
      );
      if (missing === undefined) return undefined;
      return `xt_rateest: there is no estimator '${missing}': its RATEEST rule must have been loaded before`;
    },
  }),
  prepare: (o, environment) => {
    const of = (name: string) => environment.shared(estimatorKey(name), () => new RateEstimator());
    return [of(o.name1), o.name2 === undefined ? undefined : of(o.name2)];
  },
  evaluate: (o, p, [first, second]) => {
    const now = jiffiesAt(p.timeNs);
    const left = (given: number, estimated: number) => (o.delta ? Math.max(0, given - estimated) : estimated);
    let matches = true;
    if (o.bytes) {
      const bps2 = second === undefined ? o.bps2 : left(o.bps2, second.bytesPerSecond(now));
      matches &&= compare(left(o.bps1, first.bytesPerSecond(now)), o.mode, bps2);
    }
    if (o.packets) {
      const pps2 = second === undefined ? o.pps2 : left(o.pps2, second.packetsPerSecond(now));
      matches &&= compare(left(o.pps1, first.packetsPerSecond(now)), o.mode, pps2);
    }
    return matches !== o.inverted;
  },
});

function compare(a: number, mode: Mode | undefined, b: number): boolean {
  if (mode === 'lt') return a < b;
  return mode === 'gt' ? a > b : a === b;
}

const not = (o: RateestOptions): string => (o.inverted ? ' !' : '');

function save(o: RateestOptions): string {
  const how = `${not(o)} --rateest-${o.mode}`;
  const rates2 = o.name2 === undefined || o.delta;
  return (
    (o.delta ? ' --rateest-delta' : '') +
    ` --rateest${o.name2 === undefined ? '' : '1'} ${o.name1}` +
    (o.bytes
      ? (o.delta ? ` --rateest-bps1 ${formatBits(o.bps1)}` : '') +
        `${how} --rateest-bps${o.delta ? '2' : ''}${rates2 ? ` ${formatBits(o.bps2)}` : ''}`
      : '') +
    (o.packets
      ? (o.delta ? ` --rateest-pps1 ${o.pps1}` : '') +
        `${how} --rateest-pps${o.delta ? '2' : ''}${rates2 ? ` ${o.pps2}` : ''}`
      : '') +
    (o.name2 === undefined ? '' : ` --rateest2 ${o.name2}`)
  );
}

function list(o: RateestOptions): string {
  const how = `${not(o)} ${o.mode}`;
  const delta = (given: number) => (o.delta ? ` ${given}` : '');
  const head = `rateest match ${o.name1}${o.delta ? ' delta' : ''}`;
  if (o.name2 === undefined) {
    return (
      head +
      (o.bytes ? ` bps${delta(o.bps1)} ${o.bps2}${how}` : '') +
      (o.packets ? ` pps${delta(o.pps1)}${how} ${o.pps2}` : '')
    );
  }
  const rates = (bps: number, pps: number) =>
    (o.bytes ? ` bps${delta(bps)}` : '') + (o.packets ? ` pps${delta(pps)}` : '');
  return `${head}${rates(o.bps1, o.pps1)}${how} ${o.name2}${rates(o.bps2, o.pps2)}`;
}

/** rateest_print_rate(): a large rate in whole thousands or millions of bits. */
function formatBits(bytes: number): string {
  const bits = bytes * 8;
  if (bits >= 1e9) return `${divideToEven(bits, 1e6)}Mbit`;
  return bits >= 1e6 ? `${divideToEven(bits, 1e3)}Kbit` : `${bits}bit`;
}

/** printf("%.0f") of a quotient: a half goes to the even number. */
function divideToEven(bits: number, unit: number): number {
  const whole = Math.floor(bits / unit);
  const rest = (bits % unit) * 2;
  return rest > unit || (rest === unit && whole % 2 === 1) ? whole + 1 : whole;
}
