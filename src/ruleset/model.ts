import type { SourcePosition } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { MatchDefinition, TargetDefinition } from '../extension/define.ts';
import type { HookName, TableName } from '../packet/registers.ts';

/**
 * A ruleset as data. Everything here is plain and frozen in meaning once parsed: the walker, the compiler, the
 * reports and `check` read it, none of them changes it.
 */
export interface Ruleset {
  readonly family: Family;
  /** In the order in which the text first names them. */
  readonly tables: readonly Table[];
}

export interface Table {
  readonly name: TableName;
  /** The built-in chains in the order of their hooks, then the user's in the order of their names, as the kernel has them. */
  readonly chains: readonly Chain[];
}

export interface Chain {
  readonly name: string;
  /** The hook it hangs on, or undefined for a user-defined chain. */
  readonly builtin: HookName | undefined;
  /** What becomes of a packet at the end of a built-in chain; undefined for a user-defined one, which returns. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  /** Counters of the policy. 64 bits in the kernel: more than a double holds exactly. */
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly rules: readonly Rule[];
}

/** `[!] -s address/mask`: matches when (packet & mask) === address, or not when inverted. */
export interface AddressMatch {
  /** Four words, IPv4 in the first and 0 in the others. Already masked, as iptables does. */
  readonly address: readonly number[];
  readonly mask: Int32Array;
  readonly inverted: boolean;
}

/** `[!] -i name`: the whole name, or its beginning when it ended in `+`. */
export interface InterfaceMatch {
  /** Without the `+`. Empty for a lone `+`, which every interface matches (and no interface as well). */
  readonly name: string;
  readonly wildcard: boolean;
  readonly inverted: boolean;
}

export interface RuleMatch {
  readonly definition: MatchDefinition;
  /** What the definition's syntax has built: its own type, known to it alone. */
  readonly options: unknown;
}

export type RuleTarget =
  /** No -j: counts, and goes on with the next rule. */
  | { readonly kind: 'none' }
  /** To a user-defined chain; `goto` does not come back to the rule behind this one. */
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'extension'; readonly definition: TargetDefinition; readonly options: unknown };

export interface Rule {
  readonly source: AddressMatch | undefined;
  readonly destination: AddressMatch | undefined;
  readonly inInterface: InterfaceMatch | undefined;
  readonly outInterface: InterfaceMatch | undefined;
  /** Protocol number, 0 for any. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
  /** `-f` (IPv4): second and further fragments; `! -f`: all but those. Undefined when not said. */
  readonly fragment: 'later' | 'not-later' | undefined;
  readonly matches: readonly RuleMatch[];
  readonly target: RuleTarget;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Where it stands. The rules that a list in -s or -d gives share one position. */
  readonly position: SourcePosition;
  /**
   * Names of the extensions of the rule that are not supported: with `--on-unsupported never-match` the rule is
   * kept for printing, never matches, and is shown as such.
   */
  readonly unsupported: readonly UnsupportedExtension[];
  /** Where there are such: the rule as it stood, behind its chain (verbatim.ts). */
  readonly verbatim?: string;
}

export interface UnsupportedExtension {
  readonly kind: 'match' | 'target';
  readonly name: string;
}

/** The chains that the tables are made with, in the order of their hooks. */
export const BUILTIN_CHAINS: Readonly<Record<TableName, readonly HookName[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

export function isTableName(name: string): name is TableName {
  return Object.hasOwn(BUILTIN_CHAINS, name);
}
