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
} from '../packet/registers.ts';
import { Partition } from './partition.ts';

/**
 * What the way of a packet has depended on, as bits: which of its addresses and ports have been looked at by rules (and
 * the index). What a packet's way depends on besides - how it came in, its protocol, state, signature, and where its
 * addresses are routed - is the same for all packets that are compared (netfilter/walk-memo.ts).
 *
 * Bit i: WORD_FIELDS[i]. DEPENDS_ON_MORE: something that no class is known of.
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
  return ABOUT_THE_PACKET.has(name) ? 0 : DEPENDS_ON_MORE;
}

/** Bit of a register. */
export function dependsOnRegister(register: number): number {
  const field = WORD_FIELDS.indexOf(register);
  if (field >= 0) return 1 << field;
  return GIVEN.has(register) ? 0 : DEPENDS_ON_MORE;
}

/** Beyond so many ranges of a register nothing is put into classes: what would be found again is too little. */
const MOST_RANGES = 1 << 19;

/** Collects what a family's rules ask of addresses and ports; then tells which values no rule can tell apart. */
export class Dependence {
  readonly #ranges: number[][] = WORD_FIELDS.map(() => []);
  #partitions: readonly Partition[] | undefined;

  /** Notes a masked test, and gives its bits. */
  masked(register: number, mask: number, value: number): number {
    const bits = dependsOnRegister(register);
    if (bits === 0 || bits === DEPENDS_ON_MORE || mask === 0) return bits;
    const size = ~mask >>> 0;
    if ((size & (size + 1)) !== 0 || (value & ~mask) !== 0) return DEPENDS_ON_MORE;
    const lo = value >>> 0;
    this.#ranges[WORD_FIELDS.indexOf(register)]!.push(lo, lo + size);
    return bits;
  }

  /** The same of a test on ranges. */
  ranges(register: number, pairs: readonly number[]): number {
    const bits = dependsOnRegister(register);
    if (bits === 0 || bits === DEPENDS_ON_MORE) return bits;
    const ranges = this.#ranges[WORD_FIELDS.indexOf(register)]!;
    for (const bound of pairs) ranges.push(bound);
    return bits;
  }

  /** Classes of the words of WORD_FIELDS; undefined when there are too many. Made when it is first asked for. */
  get partitions(): readonly Partition[] | undefined {
    if (this.#ranges.some(({ length }) => length > 2 * MOST_RANGES)) return undefined;
    this.#partitions ??= this.#ranges.map((ranges) => new Partition(ranges));
    return this.#partitions;
  }
}
