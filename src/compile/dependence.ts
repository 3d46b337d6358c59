import type { TargetDefinition } from '../extension/define.ts';
import {
  R_CTINFO,
  R_DADDR,
  R_DECODE_FLAGS,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_HOOK,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_IIF,
  R_L4PROTO,
  R_LENGTH,
  R_MARK,
  R_OIF,
  R_PHYS_IN,
  R_PKT_TYPE,
  R_PRIORITY,
  R_REALM,
  R_SADDR,
  R_SPORT,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
  REGISTER_COUNT,
} from '../packet/registers.ts';
import { boxCountOf } from './condition-boxes.ts';
import { ConditionSet } from './conditions.ts';
import { Partition } from './partition.ts';
import type { RuleKey } from './rule-keys.ts';

/**
 * What the way of a packet has depended on, as bits: which of its addresses and ports have been looked at by rules (and
 * the index). What a packet's way depends on besides - how it came in, its protocol, state, signature, and where its
 * addresses are routed - is the same for all packets that are compared (netfilter/walk-memo.ts).
 *
 * Bit i: WORD_FIELDS[i]. DEPENDS_ON_CONDITIONS: several of them at once, by rules whose conditions are in a ConditionSet.
 * DEPENDS_ON_MORE: something that no class is known of. DEPENDS_ON_TRANSLATION: of what its connection is translated to.
 */
export const WORD_FIELDS: readonly number[] = [
  ...[0, 1, 2, 3].map((i) => R_SADDR + i),
  ...[0, 1, 2, 3].map((i) => R_DADDR + i),
  R_SPORT,
  R_DPORT,
];
export const FIELD_SPORT = 8;
export const FIELD_DPORT = 9;
export const DEPENDS_ON_MORE = 1 << 10;
export const DEPENDS_ON_CONDITIONS = 1 << 11;
/** What rules have the packet's connection translated to: which rule, and what Nat.apply says of it. */
export const DEPENDS_ON_TRANSLATION = 1 << 12;
const WORD_BITS = (1 << 10) - 1;

/**
 * Registers that are the same for packets which are compared: Sharing.signature and entranceOf hold what they are on
 * arrival; and what hooks and rules make of them follows from the way itself.
 */
const GIVEN: ReadonlySet<number> = new Set([
  R_FAMILY,
  R_L4PROTO,
  R_ICMP_TYPE,
  R_ICMP_CODE,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
  R_LENGTH,
  R_FRAG_OFFSET,
  R_DECODE_FLAGS,
  R_IIF,
  R_OIF,
  R_PHYS_IN,
  R_MARK,
  R_PKT_TYPE,
  R_PRIORITY,
  R_CTINFO,
  R_HOOK,
  R_REALM,
]);

/** Targets that change nothing but the packet itself, and that not by chance: to leave them out changes nothing else. */
const ABOUT_THE_PACKET: ReadonlySet<string> = new Set([
  'LOG',
  'NFLOG',
  'AUDIT',
  'MARK',
  'TOS',
  'DSCP',
  'TTL',
  'HL',
  'CLASSIFY',
]);

/** Targets of the nat table, which Nat.apply can do for a packet that has not walked. */
export const TRANSLATING: ReadonlySet<string> = new Set(['SNAT', 'DNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP']);

/**
 * Matches that are called and look at addresses only to ask how they are routed: packets that are compared have addresses
 * that no route tells apart.
 */
const ABOUT_ROUTES: ReadonlySet<string> = new Set(['addrtype']);

/** Bits of what a match that has to be called depends on. */
export function dependsOnMatch(name: string): number {
  return ABOUT_ROUTES.has(name) ? 0 : DEPENDS_ON_MORE;
}

export function dependsOnTarget({ name }: TargetDefinition): number {
  if (TRANSLATING.has(name)) return DEPENDS_ON_TRANSLATION;
  return ABOUT_THE_PACKET.has(name) ? 0 : DEPENDS_ON_MORE;
}

/** Bit of a register. */
export function dependsOnRegister(register: number): number {
  return BIT_OF_REGISTER[register]!;
}

const BIT_OF_REGISTER = Int32Array.from({ length: REGISTER_COUNT }, (_, register) => {
  const field = WORD_FIELDS.indexOf(register);
  if (field >= 0) return 1 << field;
  return GIVEN.has(register) ? 0 : DEPENDS_ON_MORE;
});

/** Beyond so many ranges of a register nothing is put into classes: what would be found again is too little. */
const MOST_RANGES = 1 << 19;
/** Addresses and ports that a rule allows are so many boxes at most, or each is put into classes by itself. */
const MOST_BOXES = 64;
/** So many conditions may hold for one packet, on average: looking at more of them costs more than it saves. */
const MOST_DEPTH = 16;

/**
 * A condition is about these: addresses and ports, and the protocol with them, since services of one address and port are of
 * one protocol, and packets of another meet no condition there.
 */
function isOfCondition(register: number): boolean {
  return register === R_L4PROTO || (dependsOnRegister(register) & WORD_BITS) !== 0;
}

/** What a family's rules ask of addresses and ports, as classes that no rule tells apart. */
export interface Classes {
  /** Of each of WORD_FIELDS, for what rules ask of one alone. */
  readonly partitions: readonly Partition[];
  /** For what they ask of several at once. */
  readonly conditions: ConditionSet | undefined;
  /** What DEPENDS_ON_CONDITIONS stands for where there would be too many of them to look at; else 0. */
  readonly conditionBits: number;
}

/** Collects what a family's rules ask of addresses and ports; then tells which values no rule can tell apart. */
export class Dependence {
  readonly #ranges: number[][] = WORD_FIELDS.map(() => []);
  #conditions: (readonly RuleKey[])[] = [];
  #classes: Classes | undefined;
  /** Of the rule at hand: its bits, the fields and ranges that it asks for, and whether its keys say all of that. */
  #bits = 0;
  #asked: number[] = [];
  #isInKeys = true;

  /** Notes a masked test of the rule at hand. `top`: as TestListener has it. */
  masked(register: number, mask: number, value: number, top: boolean): void {
    const bits = dependsOnRegister(register);
    this.#bits |= bits;
    if (bits === 0 || bits === DEPENDS_ON_MORE) return;
    const size = ~mask >>> 0;
    if (mask === 0 || (size & (size + 1)) !== 0 || (value & ~mask) !== 0) {
      this.#bits |= DEPENDS_ON_MORE;
      this.#isInKeys = false;
      return;
    }
    if (!top) this.#isInKeys = false;
    const lo = value >>> 0;
    this.#asked.push(WORD_FIELDS.indexOf(register), lo, lo + size);
  }

  /** The same of a test on ranges. */
  ranges(register: number, pairs: readonly number[], top: boolean): void {
    const bits = dependsOnRegister(register);
    this.#bits |= bits;
    if (bits === 0 || bits === DEPENDS_ON_MORE) return;
    if (!top) this.#isInKeys = false;
    const field = WORD_FIELDS.indexOf(register);
    for (let i = 0; i < pairs.length; i += 2) this.#asked.push(field, pairs[i]!, pairs[i + 1]!);
  }

  /** All tests of a rule are noted; `keys`: what an index may know of it. Gives its bits. */
  rule(keys: readonly RuleKey[]): number {
    const asked = this.#asked;
    let bits = this.#bits;
    const fields = bits & WORD_BITS;
    if (this.#isInKeys && (fields & (fields - 1)) !== 0 && this.#addCondition(keys)) {
      bits = (bits & DEPENDS_ON_MORE) | DEPENDS_ON_CONDITIONS;
    } else {
      for (let i = 0; i < asked.length; i += 3) this.#ranges[asked[i]!]!.push(asked[i + 1]!, asked[i + 2]!);
    }
    this.#bits = 0;
    asked.length = 0;
    this.#isInKeys = true;
    return bits;
  }

  #addCondition(keys: readonly RuleKey[]): boolean {
    const condition = keys.filter(({ register }) => isOfCondition(register));
    if (boxCountOf(condition) > MOST_BOXES) return false;
    this.#conditions.push(condition);
    return true;
  }

  /** Undefined when there are too many. Made when it is first asked for, when all rules are in. */
  get classes(): Classes | undefined {
    this.#classes ??= this.#makeClasses();
    return this.#classes;
  }

  #makeClasses(): Classes | undefined {
    const rules = this.#conditions;
    this.#conditions = [];
    if (rules.length > MOST_RANGES) return undefined;
    let conditions = rules.length === 0 ? undefined : new ConditionSet(rules);
    let conditionBits = 0;
    if (conditions !== undefined && conditions.meanDepth() > MOST_DEPTH) {
      conditions = undefined;
      for (const { register, pairs } of rules.flat()) {
        if (register === R_L4PROTO) continue;
        conditionBits |= dependsOnRegister(register);
        for (const bound of pairs) this.#ranges[WORD_FIELDS.indexOf(register)]!.push(bound);
      }
    }
    if (this.#ranges.some(({ length }) => length > 2 * MOST_RANGES)) return undefined;
    return { partitions: this.#ranges.map((ranges) => new Partition(ranges)), conditions, conditionBits };
  }
}
