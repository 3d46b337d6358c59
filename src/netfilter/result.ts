import type { Family } from '../base/inet.ts';
import type { OutcomeCode } from './outcome.ts';

/**
 * What a replay gives, as plain data (it crosses from the worker to the main thread by structured clone).
 *
 * Counters are numbered: see `numberCounters` (ruleset-index.ts). A counter belongs to a rule or to the policy of
 * a built-in chain.
 */
export interface ReplayResult {
  /** By counter id. Doubles are exact below 2^53. */
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  /** Every distinct way that packets took, with how many took it. */
  readonly paths: PathsData;
  readonly totals: Totals;
  /** Packets by family, l4proto and conntrack state (only families where conntrack ran). */
  readonly states: readonly StateRow[];
  /** Connections that entered the table, by family and l4proto, and how they stood at the end. */
  readonly connections: readonly ConnectionRow[];
  /** Why packets were INVALID, by the phrase of nf_conntrack_log_invalid. */
  readonly invalid: readonly { readonly family: Family; readonly reason: string; readonly packets: number }[];
  /** Families for which the rules brought connection tracking in. */
  readonly conntrackFamilies: readonly Family[];
  /** Packets that were not IP, by ethertype. */
  readonly notIp: readonly { readonly etherType: number; readonly packets: number; readonly bytes: number }[];
  readonly echoes: Echoes;
  /** Random decisions (statistic --mode random): read off the echo of the packet, and drawn from the seed. */
  readonly dice: { readonly read: number; readonly drawn: number };
  readonly ports: DrawnPortsResult;
  /** Names of the interfaces by id (index 0 is unused): those of HOST and those that captures brought. */
  readonly interfaces: readonly string[];
  /** What had to be assumed, one sentence each, without doubles: before the first packet, then (by alphabet) for packets. */
  readonly assumptions: readonly string[];
  /** How many of these came up before the first packet. */
  readonly assumptionsBefore: number;
  /** `conntrack -L -o extended` at the end, in the order of the lines' text. */
  readonly conntrackDump: readonly string[];
  /** `conntrack -L expect` at the end. */
  readonly expectationDump: readonly string[];
  /** LOG, NFLOG and TRACE targets do not write during a replay; how often they would have is in their counters. */
  readonly profile: Profile;
}

export interface Totals {
  /** Captured packets of all kinds, and their bytes on the wire. */
  packets: number;
  wireBytes: number;
  /** Time stamps of the first and the last packet, nanoseconds from the clock base; NaN when there is no packet. */
  firstNs: number;
  lastNs: number;
  /** Clock base: nanoseconds since the epoch. */
  baseNs: bigint;
  /** Packets whose time stamp lay before the one of the packet before. */
  timeWentBack: number;
  timeInvalid: number;
}

/** Paths as columns: path i hit counters hits[start[i]] … hits[start[i + 1] - 1], in order. */
export interface PathsData {
  readonly start: Uint32Array;
  readonly hits: Uint32Array;
  readonly packets: Float64Array;
  /** skb->len summed (bytes as the counters see them). */
  readonly bytes: Float64Array;
  /** Number, from 0, of the packet that took it first: paths are in this order. */
  readonly first: Float64Array;
  readonly outcome: Uint8Array;
  /** Family 4 or 6; 0 for packets that are not IP. */
  readonly family: Uint8Array;
  /** Hook at which the way ended: HOOK_*; 255 when it never reached one. */
  readonly hook: Uint8Array;
  /** Counter of the rule or policy that decided, or -1. */
  readonly decider: Int32Array;
  /** Reason code where the outcome is OUTCOME_STACK (decode/drop-reasons.ts, outcome.ts), else 0. */
  readonly reason: Uint8Array;
  /** Interface ids in and out, 0 when none. */
  readonly iif: Uint16Array;
  readonly oif: Uint16Array;
}

/** Ports that translation chooses at random: read off the echo of the packet, and drawn from the seed. */
export interface DrawnPortsResult {
  readonly read: number;
  readonly drawn: number;
  /** Numbers that helpers drew: ports, tags and the like. */
  readonly drawnByHelpers: number;
  /** The first connections for which one was drawn, in words. */
  readonly connections: readonly string[];
}

export interface StateRow {
  readonly family: Family;
  readonly l4proto: number;
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
  readonly packets: number;
  readonly bytes: number;
}

export interface ConnectionRow {
  readonly family: Family;
  readonly l4proto: number;
  /** Connections confirmed during the replay. */
  readonly confirmed: number;
  /** Still in the table at the time of the last packet. */
  readonly standing: number;
}

export interface Echoes {
  /** Outbound packets taken as the echo of an inbound one. */
  packets: number;
  /** Of these: we forwarded the inbound one out of the same interface. */
  agreed: number;
  /** Of these: we predicted another end (dropped, or another interface). */
  disagreed: number;
}

export interface Profile {
  /** Packets that walked rules one by one, those whose way another's walk told, and those whose path was known already. */
  walked: number;
  recalled: number;
  cached: number;
}

/** One row of `--verdicts`, as columns of a batch hold it. */
export interface PacketVerdict {
  readonly outcome: OutcomeCode;
  readonly path: number;
}
