import type { Family } from '../base/inet.ts';
import { parseIpv6 } from '../base/inet.ts';
import { defineMatch } from '../extension/define.ts';
import type { Emitter } from '../extension/emitter.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, formatAddress, numericIpv4 } from '../extension/values.ts';
import { R_DADDR, R_FAMILY, R_SADDR } from '../packet/registers.ts';
import { rangeOf } from './ports.ts';

interface AddressRange {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly inverted: boolean;
}

interface IprangeOptions {
  readonly source: AddressRange | undefined;
  readonly destination: AddressRange | undefined;
}

function parseAddress(text: string, call: OptionCall): Int32Array {
  const bad = () => call.fail(`iprange: Bad value for "--${call.option}" option: "${text}"`);
  if (call.family === 6) return parseIpv6(text) ?? bad();
  return Int32Array.of(numericIpv4(text) ?? bad(), 0, 0, 0);
}

function parseRange(text: string, call: OptionCall): readonly [Int32Array, Int32Array] {
  const dash = text.indexOf('-');
  if (dash < 0) {
    const only = parseAddress(text, call);
    return [only, only];
  }
  const low = parseAddress(text.slice(0, dash), call);
  const high = parseAddress(text.slice(dash + 1), call);
  if (compare(low, 0, high) > 0) {
    call.warn(
      `xt_iprange: range ${formatAddress(low, call.family)}-${formatAddress(high, call.family)} is reversed and will never match`,
      'Write the lower address first.',
    );
  }
  return [low, high];
}

/** Compares four words at `at` with an address, as unsigned numbers. */
function compare(words: ArrayLike<number>, at: number, address: Int32Array): number {
  for (let i = 0; i < 4; i++) {
    const difference = (words[at + i]! >>> 0) - (address[i]! >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `-m iprange`. Linux: net/netfilter/xt_iprange.c, iprange_mt4(), iprange_mt6(). */
export const iprange = defineMatch<IprangeOptions>({
  name: 'iprange',
  families: [4, 6],
  scope: 'connection',
  reads: (o) => [
    ...(o.source === undefined ? [] : (['saddr'] as const)),
    ...(o.destination === undefined ? [] : (['daddr'] as const)),
  ],
  syntax: defineSyntax({
    options: {
      '--src-range': custom(parseRange, { invertible: true }),
      '--dst-range': custom(parseRange, { invertible: true }),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) {
        rule.fail("iprange match: You must specify `--src-range' or `--dst-range'");
      }
    },
    build: (v): IprangeOptions => ({
      source: rangeOf(v['--src-range']),
      destination: rangeOf(v['--dst-range']),
    }),
    save: (o, rule) =>
      save('--src-range', o.source, rule.family) + save('--dst-range', o.destination, rule.family),
    list: (o, rule) =>
      [list('source', o.source, rule.family), list('destination', o.destination, rule.family)]
        .filter((text) => text !== '')
        .join(' '),
  }),
  evaluate: (o, p) => holds(o.source, p.r, R_SADDR) && holds(o.destination, p.r, R_DADDR),
  compile: (o, e, environment) => {
    // Words of IPv6 addresses cannot be compared one by one.
    if (environment.family === 6) return false;
    e.range(R_FAMILY, 4, 4);
    emit(e, o.source, R_SADDR);
    emit(e, o.destination, R_DADDR);
    return true;
  },
});

function holds(o: AddressRange | undefined, r: Int32Array, at: number): boolean {
  if (o === undefined) return true;
  return (compare(r, at, o.low) >= 0 && compare(r, at, o.high) <= 0) !== o.inverted;
}

function emit(e: Emitter, o: AddressRange | undefined, register: number): void {
  if (o === undefined) return;
  const low = o.low[0]! >>> 0;
  const high = o.high[0]! >>> 0;
  const body = (b: Emitter) => (low > high ? b.never() : b.range(register, low, high));
  if (o.inverted) e.not(body);
  else body(e);
}

function save(option: string, o: AddressRange | undefined, family: Family): string {
  if (o === undefined) return '';
  return `${o.inverted ? ' !' : ''} ${option} ${formatAddress(o.low, family)}-${formatAddress(o.high, family)}`;
}

function list(side: string, o: AddressRange | undefined, family: Family): string {
  if (o === undefined) return '';
  return `${side} IP range${o.inverted ? ' !' : ''} ${formatAddress(o.low, family)}-${formatAddress(o.high, family)}`;
}
