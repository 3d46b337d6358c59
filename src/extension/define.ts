import type { Family } from '../base/inet.ts';
import type { Host } from '../host/types.ts';
import type { SetRegistry } from '../ipset/registry.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import type { HookName, RegisterName, TableName } from '../packet/registers.ts';
import type { Verdict } from '../packet/verdict.ts';
import type { Emitter } from './emitter.ts';
import type { ExtensionSyntax } from './syntax.ts';

/**
 * What the answer of a match, or the effect of a target, depends on:
 * - 'connection': only on what is the same for all packets of one connection, direction, state and interface
 *   pair (addresses, ports, protocol, interfaces, ctinfo, marks): a path may be shared;
 * - 'packet': on more of the packet (`reads` says on what), but not on other packets;
 * - 'global': on packets before this one (limit, recent, nth …): evaluated in capture order.
 */
export type Scope = 'connection' | 'packet' | 'global';

/** What a rule's extension is given when the ruleset is made ready to run: once per rule. */
export interface RuleEnvironment {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  /** Number of the rule in the run: unique over families and tables; seeds the rule's dice. */
  readonly ruleId: number;
  readonly seed: number;
  /** Nanoseconds since the epoch at which `Packet.timeNs` is 0; absent where the time of day is not known. */
  readonly baseNs?: bigint | undefined;
  readonly host: Host;
  readonly conntrack: ConntrackAccess;
  /** The sets of `ipset`; absent where rules are tried without any. */
  readonly sets?: SetRegistry | undefined;
  /** One object per key and run, for state that rules of either family share (recent lists, hashlimit tables by name). */
  shared<T>(key: string, make: () => T): T;
  /** Records a documented rule that had to be used because a capture cannot tell (owner, cgroup …); shown in the report. */
  assume(sentence: string): void;
}

interface ExtensionBase<O, S> {
  readonly name: string;
  readonly families: readonly Family[];
  /** Tables it may stand in; every table when absent. */
  readonly tables?: readonly TableName[];
  /** Hooks from which its chain may be reached; every hook when absent. */
  readonly hooks?: readonly HookName[];
  /** Loading it turns connection tracking on for the family (nf_ct_netns_get() in its checkentry). */
  readonly bringsConntrack?: boolean | ((options: O) => boolean);
  /** Loading it turns defragmentation on for the family without conntrack (socket, TPROXY). */
  readonly bringsDefrag?: boolean;
  readonly scope: Scope | ((options: O) => Scope);
  /** Registers the answer depends on; 'payload' for bytes that no register holds, 'time' for the clock. */
  readonly reads:
    | readonly (RegisterName | 'payload' | 'time')[]
    | ((options: O) => readonly (RegisterName | 'payload' | 'time')[]);
  /** How it is written: options, errors, save form, `-L` form. */
  readonly syntax: ExtensionSyntax<O>;
  /** State of one rule for one run. */
  readonly prepare?: (options: O, environment: RuleEnvironment) => S;
}

export interface MatchDefinition<O = unknown, S = unknown> extends ExtensionBase<O, S> {
  /**
   * The specification: obvious, slow, correct. True when the packet matches; sets `p.hotdrop` where the kernel
   * sets par->hotdrop.
   */
  readonly evaluate: (options: O, p: Packet, state: S) => boolean;
  /** The same as tests on registers, where it can be said so; false when these options cannot. */
  readonly compile?: (options: O, e: Emitter, environment: RuleEnvironment) => boolean;
}

export interface TargetDefinition<O = unknown, S = unknown> extends ExtensionBase<O, S> {
  /** Registers that the target may change. */
  readonly writes: readonly RegisterName[];
  /** Scope 'connection' does not hold for this packet: its path is no other's. */
  readonly isAlone?: (options: O, p: Packet) => boolean;
  /** Does the work, changes registers, and says what becomes of the packet. */
  readonly apply: (options: O, p: Packet, state: S) => Verdict;
}

export function defineMatch<O, S = undefined>(definition: MatchDefinition<O, S>): MatchDefinition<O, S> {
  return definition;
}

export function defineTarget<O, S = undefined>(definition: TargetDefinition<O, S>): TargetDefinition<O, S> {
  return definition;
}
