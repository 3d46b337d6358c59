import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type RuleContext } from '../extension/syntax.ts';
import { custom, flag, plenMask, prefixLength, prefixMask, string, uint32 } from '../extension/values.ts';
import {
  BURST_RANGE,
  BYTE_EXPIRE_BURST_SECONDS,
  bytesOfCost,
  formatBurstBytes,
  formatHashlimitRate,
  type HashlimitRate,
  MAX_BURST,
  parseBurst,
  parseHashlimitRate,
} from './hashlimit-rate.ts';
import { creditsOf, creditsOfByte, HashlimitTable } from './hashlimit-table.ts';
import { JIFFY_SENTENCE } from './jiffies.ts';
import { leadingInteger } from './limit-rate.ts';

/** What tells the buckets apart, in the order in which it is printed. */
const MODES = ['srcip', 'srcport', 'dstip', 'dstport'] as const;
type Mode = (typeof MODES)[number];

interface HashlimitOptions {
  readonly name: string;
  readonly rate: HashlimitRate;
  /** Packets; of bytes: how often a bucket that is empty may be filled up. */
  readonly burst: bigint;
  /** `--hashlimit-above`: matches what is over the limit. */
  readonly above: boolean;
  readonly modes: readonly Mode[];
  readonly sourceBits: number;
  readonly destinationBits: number;
  readonly size: number;
  readonly max: number;
  readonly gcIntervalMs: number;
  readonly expireMs: number;
  readonly rateMatch: boolean;
  /** Seconds of the window of --hashlimit-rate-match, else 1 or what was given. */
  readonly interval: number;
}

const DEFAULT_BURST = 5n;
const DEFAULT_GC_INTERVAL_MS = 1000;
/** HASHLIMIT_MAX_SIZE. */
const MAX_SIZE = 1048576;
/** Buckets of the hash table of a machine with more than 1 GB of memory, when the rule does not say. */
const DEFAULT_SIZE = 8192;
/** sizeof(xt_hashlimit_mtinfo3.name) - 1. */
const NAME_BYTES = 254;

const rate = (option: string) => (text: string, call: Parameters<typeof parseHashlimitRate>[1]) =>
  parseHashlimitRate(text, call, option);

/** `-m hashlimit`: a token bucket for each address. Linux: net/netfilter/xt_hashlimit.c (revision 3). */
export const hashlimit = defineMatch<HashlimitOptions, HashlimitTable>({
  name: 'hashlimit',
  families: [4, 6],
  scope: 'global',
  reads: ['saddr', 'daddr', 'sport', 'dport', 'length', 'time'],
  syntax: defineSyntax({
    options: {
      '--hashlimit-upto': custom(rate('--hashlimit-upto'), {
        invertible: true,
        aliases: ['--hashlimit'],
        excludes: ['--hashlimit-above'],
      }),
      '--hashlimit-above': custom(rate('--hashlimit-above'), {
        invertible: true,
        excludes: ['--hashlimit-upto'],
      }),
      '--hashlimit-srcmask': plenMask(),
      '--hashlimit-dstmask': plenMask(),
      '--hashlimit-burst': custom(parseBurst),
      '--hashlimit-htable-size': uint32(),
      '--hashlimit-htable-max': uint32(),
      '--hashlimit-htable-gcinterval': uint32(),
      '--hashlimit-htable-expire': uint32(),
      '--hashlimit-mode': custom((text, call): Mode[] =>
        text
          .split(',')
          // strtok() passes over empty parts.
          .filter((part) => part !== '')
          .map((part) => {
            const mode = MODES.find((one) => one === part);
            if (mode !== undefined) return mode;
            return call.fail(
              `hashlimit: Bad value for "--hashlimit-mode" option: "${text}"`,
              `Known: ${MODES.join(', ')}.`,
            );
          }),
      ),
      '--hashlimit-name': string({ mandatory: true, minLength: 1, cut: NAME_BYTES }),
      '--hashlimit-rate-match': flag(),
      '--hashlimit-rate-interval': custom((text, call) => {
        const seconds = Number(BigInt.asIntN(32, leadingInteger(text)));
        if (seconds > 0) return seconds;
        return call.fail(`hashlimit: Bad value for "--hashlimit-rate-interval" option: "${text}"`);
      }),
    },
    finalCheck: (v, rule) => {
      const given =
        v['--hashlimit-upto'] ?? v['--hashlimit-above'] ?? rule.fail('You have to specify --hashlimit');
      const burst = v['--hashlimit-burst']?.value ?? DEFAULT_BURST;
      if (!given.value.bytes) {
        if (burst > MAX_BURST) rule.fail(BURST_RANGE);
      } else if (v['--hashlimit-burst'] !== undefined && burst < bytesOfCost(given.value.average)) {
        rule.fail(`burst cannot be smaller than ${bytesOfCost(given.value.average)}b`);
      }
    },
    build: (v, rule): HashlimitOptions => {
      const upto = v['--hashlimit-upto'];
      const given = (upto ?? v['--hashlimit-above'])!;
      const rateMatch = v['--hashlimit-rate-match'] !== undefined;
      const { bytes, seconds, average } = given.value;
      const wanted = v['--hashlimit-burst']?.value;
      const most = rule.family === 4 ? 32 : 128;
      const bits = (mask: Int32Array | undefined) =>
        mask === undefined ? most : prefixLength(mask, rule.family);
      const expireSeconds = bytes && wanted !== undefined ? BYTE_EXPIRE_BURST_SECONDS : seconds;
      return {
        name: v['--hashlimit-name']!.value,
        // In windows a rate of packets is counted by the second.
        rate: rateMatch && !bytes ? { ...given.value, average: average / BigInt(seconds) } : given.value,
        burst: bytes ? burstTimes(wanted, average) : (wanted ?? DEFAULT_BURST),
        above: (upto === undefined) !== given.inverted,
        modes: MODES.filter((mode) => v['--hashlimit-mode']?.value.includes(mode)),
        sourceBits: bits(v['--hashlimit-srcmask']?.value),
        destinationBits: bits(v['--hashlimit-dstmask']?.value),
        size: Math.min(v['--hashlimit-htable-size']?.value ?? 0, MAX_SIZE),
        max: Math.min(v['--hashlimit-htable-max']?.value ?? 0, MAX_SIZE),
        gcIntervalMs: v['--hashlimit-htable-gcinterval']?.value ?? DEFAULT_GC_INTERVAL_MS,
        expireMs: v['--hashlimit-htable-expire']?.value ?? expireSeconds * 1000,
        rateMatch,
        interval: v['--hashlimit-rate-interval']?.value ?? (rateMatch && !bytes ? seconds : 1),
      };
    },
    save: (o, rule) => {
      const { text, seconds } = formatHashlimitRate(o.rate, o.burst, 1n);
      return (
        ` --hashlimit-${o.above ? 'above' : 'upto'} ${text}${formatBurst(o, ' --hashlimit-burst ')}` +
        (o.modes.length === 0 ? '' : ` --hashlimit-mode ${o.modes.join(',')}`) +
        ` --hashlimit-name ${o.name}` +
        formatTable(o, rule, seconds, ' --hashlimit-') +
        (o.rateMatch ? ' --hashlimit-rate-match' : '') +
        (o.rateMatch && o.interval !== 1 ? ` --hashlimit-rate-interval ${o.interval}` : '')
      );
    },
    list: (o, rule) => {
      const { text, seconds } = formatHashlimitRate(o.rate, o.burst, BigInt(o.interval));
      return (
        `limit: ${o.above ? 'above' : 'up to'} ${text}${formatBurst(o, ' burst ')}` +
        (o.modes.length === 0 ? '' : ` mode ${o.modes.join('-')}`) +
        formatTable(o, rule, seconds, ' ') +
        (o.rateMatch ? ' rate-match' : '') +
        (o.rateMatch && o.interval !== 1 ? ` rate-interval ${o.interval}` : '')
      );
    },
    kernelCheck,
  }),
  prepare: (o, environment): HashlimitTable => {
    environment.assume(JIFFY_SENTENCE);
    const { family } = environment;
    const size = o.size === 0 ? DEFAULT_SIZE : o.size;
    return environment.shared(
      `hashlimit/${family}/${o.name}`,
      () =>
        new HashlimitTable({
          family,
          bytes: o.rate.bytes,
          rateMatch: o.rateMatch,
          average: o.rate.average,
          burst: o.burst,
          interval: o.interval,
          hashSource: o.modes.includes('srcip'),
          hashDestination: o.modes.includes('dstip'),
          hashSourcePort: o.modes.includes('srcport'),
          hashDestinationPort: o.modes.includes('dstport'),
          sourceMask: prefixMask(o.sourceBits, family),
          destinationMask: prefixMask(o.destinationBits, family),
          max: o.max === 0 ? 8 * size : Math.max(o.max, size),
          expireMs: o.expireMs,
          gcIntervalMs: o.gcIntervalMs,
        }),
    );
  },
  evaluate: (o, p, table) => {
    const below = table.isBelow(p, o.rateMatch, o.rate.bytes);
    if (below === undefined) {
      p.hotdrop = true;
      return false;
    }
    return below !== o.above;
  },
});

/** A burst of bytes as iptables hands it over: how many times the rate, rounded up; 0 when none was given. */
function burstTimes(bytes: bigint | undefined, cost: bigint): bigint {
  if (bytes === undefined) return 0n;
  const rateBytes = bytesOfCost(cost);
  const cut = BigInt.asUintN(32, bytes);
  return rateBytes === 0n ? 0n : (cut + rateBytes - 1n) / rateBytes;
}

function formatBurst(o: HashlimitOptions, head: string): string {
  if (!o.rate.bytes) return `${head}${o.burst}`;
  return o.burst === 0n ? '' : `${head}${formatBurstBytes(o.burst * bytesOfCost(o.rate.average))}`;
}

/** What is said of the table, as far as it is not what iptables takes for granted. */
function formatTable(o: HashlimitOptions, rule: RuleContext, seconds: number, head: string): string {
  const most = rule.family === 4 ? 32 : 128;
  return (
    (o.size === 0 ? '' : `${head}htable-size ${o.size}`) +
    (o.max === 0 ? '' : `${head}htable-max ${o.max}`) +
    (o.gcIntervalMs === DEFAULT_GC_INTERVAL_MS ? '' : `${head}htable-gcinterval ${o.gcIntervalMs}`) +
    (o.expireMs === seconds * 1000 ? '' : `${head}htable-expire ${o.expireMs}`) +
    (o.sourceBits === most ? '' : `${head}srcmask ${o.sourceBits}`) +
    (o.destinationBits === most ? '' : `${head}dstmask ${o.destinationBits}`)
  );
}

/** hashlimit_mt_check_common(). */
function kernelCheck(o: HashlimitOptions): string | undefined {
  const { average, bytes } = o.rate;
  if (o.gcIntervalMs === 0 || o.expireMs === 0) return 'xt_hashlimit: gcinterval and expire must not be 0';
  if (o.sourceBits < 0 || o.destinationBits < 0)
    return 'xt_hashlimit: srcmask and dstmask must be lengths of a prefix';
  if (o.rateMatch) {
    if (average === 0n || average > 0xffffffffn) return 'xt_hashlimit: invalid rate';
  } else if (bytes) {
    if (creditsOfByte(average) === 0n) return `xt_hashlimit: overflow, rate too high: ${average}`;
  } else if (o.burst === 0n || creditsOf(average * o.burst) < creditsOf(average)) {
    return `xt_hashlimit: overflow, try lower: ${average}/${o.burst}`;
  }
  // The name becomes a file of /proc/net/ipt_hashlimit.
  if (o.name.includes('/') || o.name === '.' || o.name === '..')
    return `xt_hashlimit: no file can be named '${o.name}'`;
  return undefined;
}
