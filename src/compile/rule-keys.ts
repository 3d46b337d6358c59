import {
  R_CTINFO,
  R_DADDR,
  R_DPORT,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';

/**
 * What an index may know of a rule: for some registers, the values with which it can match at all, as ranges of
 * unsigned words. A rule matches only packets all of whose keyed registers lie in the ranges; whether it does match is
 * for its tests to say.
 */
export interface RuleKey {
  readonly register: number;
  /** Pairs [lowest, highest], unsigned, ascending, neither overlapping nor touching. No pair: the rule never matches. */
  readonly pairs: readonly number[];
}

/**
 * Registers that no target changes while a table is walked, so that what an index says when a chain is entered stays
 * true to its end. R_CTINFO is one of them but in raw, where NOTRACK and CT set it.
 */
const INDEXED: ReadonlySet<number> = new Set([
  ...[0, 1, 2, 3].flatMap((i) => [R_SADDR + i, R_DADDR + i]),
  R_L4PROTO,
  R_SPORT,
  R_DPORT,
  R_ICMP_TYPE,
  R_ICMP_CODE,
  R_CTINFO,
]);

export function isIndexable(register: number, isRaw: boolean): boolean {
  return INDEXED.has(register) && !(isRaw && register === R_CTINFO);
}

/** The keys of one rule, in the making. */
export class RuleKeys {
  keys: RuleKey[] = [];

  /** The rule's register lies in one of the pairs. */
  add(register: number, pairs: readonly number[]): void {
    const known = this.keys.findIndex((key) => key.register === register);
    if (known < 0) this.keys.push({ register, pairs });
    else this.keys[known] = { register, pairs: intersection(this.keys[known]!.pairs, pairs) };
  }

  /** (word & mask) === value, where that is a range: where the mask is a prefix. */
  addMasked(register: number, mask: number, value: number): void {
    const size = ~mask >>> 0;
    if ((size & (size + 1)) !== 0 || mask === 0 || (value & ~mask) !== 0) return;
    const lo = value >>> 0;
    if (size !== 0 || lo > LAST_SHARED || this.keys.some((key) => key.register === register)) {
      this.add(register, [lo, lo + size]);
    } else this.keys.push(sharedKey(register, lo));
  }
}

/** Protocols and ports that rules ask for are few: their keys are shared by all rules. */
const LAST_SHARED = 0xffff;
const sharedKeys: RuleKey[][] = [];

function sharedKey(register: number, word: number): RuleKey {
  sharedKeys[register] ??= [];
  const keys = sharedKeys[register];
  keys[word] ??= { register, pairs: [word, word] };
  return keys[word];
}

/** Values that lie in both lists of pairs. */
function intersection(a: readonly number[], b: readonly number[]): number[] {
  const pairs: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const lo = Math.max(a[i]!, b[j]!);
    const hi = Math.min(a[i + 1]!, b[j + 1]!);
    if (lo <= hi) pairs.push(lo, hi);
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return pairs;
}
