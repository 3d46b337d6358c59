import { defineMatch } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { isU64 } from './u64.ts';

interface QuotaOptions {
  readonly bytes: bigint;
  readonly inverted: boolean;
}

function parseQuota(text: string, call: OptionCall): bigint {
  const number = strtoumax(text);
  if (number === undefined || number.end !== text.length || !isU64(text)) {
    call.fail('quota: bad value for option "--quota", or out of range (0-18446744073709551615).');
  }
  return number.value;
}

/** `-m quota`: matches until so many bytes have passed. Linux: net/netfilter/xt_quota.c, quota_mt(). */
export const quota = defineMatch<QuotaOptions, { left: bigint }>({
  name: 'quota',
  families: [4, 6],
  scope: 'global',
  reads: ['length'],
  syntax: defineSyntax({
    options: { '--quota': custom(parseQuota, { mandatory: true, invertible: true }) },
    build: (v): QuotaOptions => ({ bytes: v['--quota']!.value, inverted: v['--quota']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --quota ${o.bytes}`,
    list: (o) => `quota: ${o.bytes} bytes`,
  }),
  prepare: (o) => ({ left: o.bytes }),
  evaluate: (o, p, state) => {
    const length = BigInt(p.r[R_LENGTH]!);
    if (state.left >= length) {
      state.left -= length;
      return !o.inverted;
    }
    // From the first packet on that is too large, smaller ones do not match either.
    state.left = 0n;
    return o.inverted;
  },
});
