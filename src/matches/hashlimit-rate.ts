import type { OptionCall } from '../extension/syntax.ts';
import { formatRate, leadingInteger, rateUnit } from './limit-rate.ts';

/**
 * Rates of the hashlimit match, third revision: packets (`5/sec`, an average in 1/1,000,000 s) or bytes
 * (`512kb/s`, kept as the cost of 16 bytes). extensions/libxt_hashlimit.c, parse_rate(), parse_bytes().
 */
export interface HashlimitRate {
  readonly bytes: boolean;
  /** hashlimit_cfg3.avg. */
  readonly average: bigint;
  /** Seconds of the unit it was written in; for bytes, of the expiry. */
  readonly seconds: number;
}

/** XT_HASHLIMIT_SCALE_v2. */
export const SCALE = 1000000n;
/** XT_HASHLIMIT_BYTE_EXPIRE and _BURST: seconds after which a limit on bytes forgets an idle address. */
export const BYTE_EXPIRE_SECONDS = 15;
export const BYTE_EXPIRE_BURST_SECONDS = 60;

/** XT_HASHLIMIT_BURST_MAX: of packets. */
export const MAX_BURST = 1000000n;
export const BURST_RANGE = 'bad value for option "--hashlimit-burst", or out of range (1-1000000).';

const MAX_U32 = 0xffffffffn;
const MAX_U64 = 0xffffffffffffffffn;
const KILO = 1024n;
const MEGA = 1048576n;

/** bytes_to_cost(), with a 32-bit argument. */
function costOfBytes(bytes: bigint): bigint {
  return MAX_U32 / ((BigInt.asUintN(32, bytes) >> 4n) + 1n);
}

/** cost_to_bytes(). */
export function bytesOfCost(cost: bigint): bigint {
  const chunks = cost === 0n ? MAX_U32 : MAX_U32 / cost;
  return (chunks - 1n) << 4n;
}

function factor(letter: string | undefined): bigint {
  return letter === 'm' ? MEGA : letter === 'k' ? KILO : 1n;
}

export function parseHashlimitRate(text: string, call: OptionCall, option: string): HashlimitRate {
  const bad = () =>
    call.fail(
      `hashlimit: Bad value for "${option}" option: "${text}"`,
      'Written as 5/sec, /min, /hour, /day or 512kb/s.',
    );
  const mark = text.indexOf('b/s');
  const count = leadingInteger(text);
  if (mark > 0 && count !== 0n) {
    const chunks = BigInt.asUintN(32, (BigInt.asUintN(64, count * factor(text[mark - 1])) >> 4n) + 1n);
    // iptables itself dies of a division by zero here (a negative rate).
    if (chunks === 0n) return bad();
    return { bytes: true, average: MAX_U32 / chunks, seconds: BYTE_EXPIRE_SECONDS };
  }
  const unit = rateUnit(text);
  const packets = unit === undefined ? 0n : BigInt.asUintN(64, leadingInteger(unit.count));
  if (unit === undefined || packets === 0n) return bad();
  const average = (SCALE * BigInt(unit.seconds)) / packets;
  // Twice as many could not be told from one another.
  if (average === 0n) call.fail(`Rate too fast "${text}"`, `At most ${SCALE} a second.`);
  return { bytes: false, average, seconds: unit.seconds };
}

/** A number, and `k` or `m` behind it: parse_burst(). */
export function parseBurst(text: string, call: OptionCall): bigint {
  const found = /^[ \t\n\v\f\r]*\+?(0[xX][0-9a-fA-F]+|\d+)(.?)/s.exec(text);
  const value = found === null ? 0n : BigInt(/^0\d/.test(found[1]!) ? `0o${found[1]!.slice(1)}` : found[1]!);
  if (value < 1n || value > MAX_U64 || (found![2] === '' && value > MAX_BURST)) {
    call.fail(BURST_RANGE);
  }
  return BigInt.asUintN(64, value * factor(found![2]));
}

/** The rate as iptables prints it, and the expiry in seconds that it takes for granted. */
export function formatHashlimitRate(
  rate: Pick<HashlimitRate, 'bytes' | 'average'>,
  burst: bigint,
  interval: bigint,
): { readonly text: string; readonly seconds: number } {
  if (!rate.bytes) return formatRate(rate.average * interval, SCALE);
  const seconds = burst === 0n ? BYTE_EXPIRE_SECONDS : BYTE_EXPIRE_BURST_SECONDS;
  const bytes = bytesOfCost(rate.average);
  for (const [unit, size] of [
    ['mb', MEGA],
    ['kb', KILO],
  ] as const) {
    // The largest unit that stands for the same cost.
    const whole = bytes / size;
    if (whole > 0n && costOfBytes(whole * size) === rate.average)
      return { text: `${whole}${unit}/s`, seconds };
  }
  return { text: `${bytes}b/s`, seconds };
}

/** A burst of bytes: whole megabytes or kilobytes where there are any. */
export function formatBurstBytes(bytes: bigint): string {
  if (bytes >= MEGA) return `${bytes / MEGA}mb`;
  if (bytes >= KILO) return `${bytes / KILO}kb`;
  return `${bytes}b`;
}
