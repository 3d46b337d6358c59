import type { Family } from '../base/inet.ts';
import { TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN } from './route.ts';

/**
 * Policy rules: `ip rule`. Linux: net/core/fib_rules.c (fib_rule_match, fib_rules_lookup), net/ipv4/fib_rules.c
 * (fib4_rule_match), net/ipv6/fib6_rules.c (fib6_rule_match).
 */

export const ACTION_TABLE = 1;
export const ACTION_GOTO = 2;
export const ACTION_NOP = 3;
export const ACTION_BLACKHOLE = 6;
export const ACTION_UNREACHABLE = 7;
export const ACTION_PROHIBIT = 8;

export interface PolicyRule {
  readonly priority: number;
  /** `not`: FIB_RULE_INVERT. */
  readonly invert: boolean;
  /** Prefix words and masks (4 each, IPv4 in the first), undefined for `all`. */
  readonly src: Int32Array | undefined;
  readonly srcMask: Int32Array | undefined;
  readonly dst: Int32Array | undefined;
  readonly dstMask: Int32Array | undefined;
  /** Interface ids: 0 any, -1 one that does not exist (`[detached]`), which never matches. */
  readonly iif: number;
  readonly oif: number;
  readonly mark: number;
  readonly markMask: number;
  /** `tos`/`dsfield`, 0 any: compared with bits 0x1c (IPv4) or 0xfc (IPv6) of the packet's. */
  readonly tos: number;
  /** `dscp` (Linux 6.13): the DSCP with its mask, in place in the TOS byte; the mask is 0 when the rule has none. */
  readonly dscp: number;
  readonly dscpMask: number;
  /** 0 any. */
  readonly ipproto: number;
  /** Port ranges; the mask (Linux 6.16) is 0xffff unless given. -1 as minimum: any. */
  readonly sportMin: number;
  readonly sportMax: number;
  readonly sportMask: number;
  readonly dportMin: number;
  readonly dportMax: number;
  readonly dportMask: number;
  /** User ids; what a capture cannot tell is taken for root, as the kernel takes packets without a socket. */
  readonly uidMin: number;
  readonly uidMax: number;
  /** `tun_id`: a capture does not say it, so such a rule matches only 0. */
  readonly tunId: number;
  /** `lookup [l3mdev-table]`: the table of the VRF that the interface belongs to. */
  readonly l3mdev: boolean;
  readonly action: number;
  readonly table: number;
  /** Index of the rule that ACTION_GOTO continues with, -1 when there is none (then the rule does nothing). */
  readonly gotoIndex: number;
  /** A route with a prefix no longer than this is not taken; -1 none. */
  readonly suppressPrefixLength: number;
  /** A route by an interface of this group is not taken; -1 none. */
  readonly suppressGroup: number;
  /** tclassid, 0 none. */
  readonly realm: number;
  readonly text: string;
}

const ANY = {
  invert: false,
  src: undefined,
  srcMask: undefined,
  dst: undefined,
  dstMask: undefined,
  iif: 0,
  oif: 0,
  mark: 0,
  markMask: 0,
  tos: 0,
  dscp: 0,
  dscpMask: 0,
  ipproto: 0,
  sportMin: -1,
  sportMax: -1,
  sportMask: 0xffff,
  dportMin: -1,
  dportMax: -1,
  dportMask: 0xffff,
  uidMin: 0,
  uidMax: 0xffffffff,
  tunId: 0,
  l3mdev: false,
  action: ACTION_TABLE,
  table: 0,
  gotoIndex: -1,
  suppressPrefixLength: -1,
  suppressGroup: -1,
  realm: 0,
} as const satisfies Omit<PolicyRule, 'priority' | 'text'>;

export function makeRule(fields: Partial<PolicyRule> & { priority: number; text: string }): PolicyRule {
  return { ...ANY, ...fields };
}

/** What every namespace starts with: fib_default_rules_init(), fib6_rules_net_init(). */
export function defaultRules(family: Family): PolicyRule[] {
  const rules = [
    makeRule({ priority: 0, table: TABLE_LOCAL, text: '0: from all lookup local' }),
    makeRule({ priority: 32766, table: TABLE_MAIN, text: '32766: from all lookup main' }),
  ];
  if (family === 4)
    rules.push(makeRule({ priority: 32767, table: TABLE_DEFAULT, text: '32767: from all lookup default' }));
  return rules;
}

/**
 * True when the rules are those of a fresh namespace. The kernel remembers whether they ever were changed
 * (fib_has_custom_rules); HOST only shows what they are now.
 */
export function areDefaultRules(family: Family, rules: readonly PolicyRule[]): boolean {
  const defaults = defaultRules(family);
  return (
    rules.length === defaults.length &&
    rules.every((rule, i) => {
      const other = defaults[i]!;
      if (rule.priority !== other.priority) return false;
      return (Object.keys(ANY) as (keyof typeof ANY)[]).every((key) => rule[key] === other[key]);
    })
  );
}

/** Key of a lookup: struct flowi4 / flowi6. One object per host, filled before each lookup. */
export class Flow {
  saddrWords: Int32Array = new Int32Array(4);
  saddrAt = 0;
  daddrWords: Int32Array = new Int32Array(4);
  daddrAt = 0;
  /** False when the source address is still to be chosen. */
  hasSaddr = false;
  tos = 0;
  mark = 0;
  iif = 0;
  oif = 0;
  /** Id of the VRF that iif or oif belongs to, 0 when none. */
  l3mdev = 0;
  l4proto = 0;
  sport = 0;
  dport = 0;
}

function inPrefix(
  words: Int32Array,
  at: number,
  prefix: Int32Array,
  mask: Int32Array,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) if ((words[at + i]! & mask[i]!) !== prefix[i]) return false;
  return true;
}

/** The kernel compares masked ports exactly, and unmasked ones with a range. */
function portFits(port: number, min: number, max: number, mask: number): boolean {
  return mask === 0xffff ? port >= min && port <= max : (port & mask) === (min & mask);
}

function fits(family: Family, rule: PolicyRule, flow: Flow): boolean {
  if (rule.iif !== 0 && rule.iif !== flow.iif && rule.iif !== flow.l3mdev) return false;
  if (rule.oif !== 0 && rule.oif !== flow.oif && (flow.oif === 0 || rule.oif !== flow.l3mdev)) return false;
  if (((rule.mark ^ flow.mark) & rule.markMask) !== 0) return false;
  if (rule.tunId !== 0) return false;
  if (rule.l3mdev && flow.l3mdev === 0) return false;
  if (rule.uidMin > 0) return false;
  const wordCount = family === 4 ? 1 : 4;
  if (rule.dst !== undefined && !inPrefix(flow.daddrWords, flow.daddrAt, rule.dst, rule.dstMask!, wordCount))
    return false;
  if (rule.src !== undefined) {
    // IPv4 compares an unset source as 0.0.0.0; IPv6 knows whether there is one (RT6_LOOKUP_F_HAS_SADDR).
    if (family === 6 && !flow.hasSaddr) return false;
    if (!inPrefix(flow.saddrWords, flow.saddrAt, rule.src, rule.srcMask!, wordCount)) return false;
  }
  if (rule.tos !== 0 && rule.tos !== (flow.tos & (family === 4 ? 0x1c : 0xfc))) return false;
  if (rule.dscpMask !== 0 && ((rule.dscp ^ flow.tos) & rule.dscpMask) !== 0) return false;
  if (rule.ipproto !== 0 && rule.ipproto !== flow.l4proto) return false;
  if (rule.sportMin >= 0 && !portFits(flow.sport, rule.sportMin, rule.sportMax, rule.sportMask)) return false;
  if (rule.dportMin >= 0 && !portFits(flow.dport, rule.dportMin, rule.dportMax, rule.dportMask)) return false;
  return true;
}

/** fib_rule_match(). */
export function ruleMatches(family: Family, rule: PolicyRule, flow: Flow): boolean {
  return fits(family, rule, flow) !== rule.invert;
}
