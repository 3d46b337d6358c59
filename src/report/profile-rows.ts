import type { ChainCounts } from '../compile/chain-tally.ts';
import { numberCounters } from '../netfilter/ruleset-index.ts';
import { WALK_REASONS } from '../netfilter/walk-reasons.ts';
import type { Obstacle, RunProfile, ThreadProfile } from '../profile/profile.ts';
import { SECTIONS, STAGES, type StageName } from '../profile/sections.ts';
import type { ReplayOutput } from '../workers/config.ts';
import { type Decider, deciderOf } from './decider.ts';

/** The rows of a profile, for people and for programs: in each table the costliest first, what cost nothing left out. */

export interface StageRow {
  readonly name: StageName;
  readonly title: string;
  readonly does: string;
  /** Of all threads. */
  readonly seconds: number;
}

export function stageRows(profile: RunProfile): StageRow[] {
  return STAGES.map((stage) => ({
    ...stage,
    seconds: profile.threads.reduce((sum, thread) => sum + secondsAt(thread, stage.name), 0),
  }))
    .filter(({ seconds }) => seconds > 0)
    .sort((a, b) => b.seconds - a.seconds);
}

export interface ThreadRow {
  readonly role: ThreadProfile['role'];
  readonly thread: number;
  readonly seconds: number;
  readonly busySeconds: number;
  readonly waitingSeconds: number;
  readonly cpuSeconds: number | undefined;
  /** The costliest first. */
  readonly stages: readonly { readonly name: StageName; readonly title: string; readonly seconds: number }[];
}

/** In the order in which packets come to them: reading, decoding, replaying threads. */
export function threadRows(profile: RunProfile): ThreadRow[] {
  return profile.threads.map((thread) => {
    const waitingSeconds = secondsAt(thread, 'waiting');
    const { role, seconds, cpuSeconds } = thread;
    return {
      role,
      thread: thread.thread,
      seconds,
      busySeconds: seconds - waitingSeconds,
      waitingSeconds,
      cpuSeconds,
      stages: stageRows({ ...profile, threads: [thread] }).map(({ name, title, seconds }) => ({
        name,
        title,
        seconds,
      })),
    };
  });
}

function secondsAt({ sectionSeconds }: ThreadProfile, stage: StageName): number {
  return SECTIONS.reduce((sum, one, i) => (one.stage === stage ? sum + sectionSeconds[i]! : sum), 0);
}

/** A part of the walks: a table of a family, or what stands between the tables. */
export interface WalkPartRow {
  /** 0: of both. */
  readonly family: 0 | 4 | 6;
  readonly part: string;
  readonly seconds: number;
  /** How often it was asked. */
  readonly times: number;
}

export function walkPartRows(profile: RunProfile): WalkPartRow[] {
  const rows = SECTIONS.flatMap(({ part, family }, section): WalkPartRow[] => {
    if (part === undefined) return [];
    const sum = (of: (thread: ThreadProfile) => number) =>
      profile.threads.reduce((total, thread) => total + of(thread), 0);
    const seconds = sum(({ sectionSeconds }) => sectionSeconds[section]!);
    const times = sum(({ sectionCalls }) => sectionCalls[section]!);
    return [{ family: family ?? 0, part, seconds, times }];
  });
  return rows.filter(({ times }) => times > 0).sort((a, b) => b.seconds - a.seconds);
}

export interface ReasonRow {
  readonly name: string;
  readonly sentence: string;
  readonly packets: number;
}

/** Why packets walked. */
export function reasonRows({ replay }: RunProfile): ReasonRow[] {
  if (replay === undefined) return [];
  return WALK_REASONS.map((reason, i) => ({ ...reason, packets: replay.walks[i]! }))
    .filter(({ packets }) => packets > 0)
    .sort((a, b) => b.packets - a.packets);
}

/** What keeps packets from taking known ways. */
export interface ObstacleRow {
  readonly reason: 'rule' | Obstacle['reason'];
  readonly family: 4 | 6;
  readonly why: string;
  /** Packets that came to the match or target that must see each; undefined for what stands in the way of a whole family. */
  readonly packets: number | undefined;
  /** Match or target, for the reason `rule`. */
  readonly extension: string | undefined;
  /** undefined where it is for all rules. */
  readonly rule: Decider | undefined;
}

/** What is about whole families first, then what most packets came to. */
export function obstacleRows(output: ReplayOutput, { replay }: RunProfile): ObstacleRow[] {
  if (replay === undefined) return [];
  const { owners } = numberCounters(output.rulesets.map(({ ruleset }) => ruleset));
  const ofFamilies = replay.obstacles.map(({ reason, family, counter, why }): ObstacleRow => {
    const rule = counter < 0 ? undefined : deciderOf(owners[counter]!);
    return { reason, family, why, packets: undefined, extension: undefined, rule };
  });
  const ofRules = replay.unshared
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times)
    .map(({ counter, extension, why, times }): ObstacleRow => {
      const rule = deciderOf(owners[counter]!);
      return { reason: 'rule', family: rule.family, why, packets: times, extension, rule };
    });
  return [...ofFamilies, ...ofRules];
}

export interface ChainProfileRow extends Omit<ChainCounts, 'counter'> {
  readonly family: 4 | 6;
  readonly table: string;
  readonly chain: string;
  /** Sums over its rules. */
  readonly checks: number;
  readonly matches: number;
}

/** Chains that a packet came to, those whose rules were tried most often first. */
export function chainProfileRows(output: ReplayOutput, { replay }: RunProfile): ChainProfileRow[] {
  if (replay === undefined) return [];
  const { owners } = numberCounters(output.rulesets.map(({ ruleset }) => ruleset));
  const total = (counts: Float64Array, first: number, length: number) =>
    counts.subarray(first, first + length).reduce((sum, n) => sum + n, 0);
  return replay.chains
    .filter(({ entered }) => entered > 0)
    .map(({ counter, ...counts }) => {
      const { ruleset, table, chain } = owners[counter]!;
      return {
        family: ruleset.family,
        table: table.name,
        chain: chain.name,
        ...counts,
        checks: total(replay.checks, counter, counts.rules),
        matches: total(replay.matches, counter, counts.rules),
      };
    })
    .sort((a, b) => b.checks + b.probes - a.checks - a.probes);
}

/** How many different paths packets took. */
export function pathCount({ result }: ReplayOutput): number {
  return result.paths.packets.reduce((count, packets) => (packets > 0 ? count + 1 : count), 0);
}

export interface RuleProfileRow extends Decider {
  /** Counter of packets, as the listing has it: those that took a known way are in it. */
  readonly packets: number;
  /** How often its tests were really tried, and all held. */
  readonly checks: number;
  readonly matches: number;
}

/** Rules that were tried, the most often first; the dump's order among equals. */
export function ruleProfileRows(output: ReplayOutput, profile: RunProfile): RuleProfileRow[] {
  const { replay } = profile;
  if (replay === undefined) return [];
  const { owners } = numberCounters(output.rulesets.map(({ ruleset }) => ruleset));
  const { checks, matches } = replay;
  const tried = [...checks.keys()].filter((counter) => checks[counter]! > 0);
  tried.sort((a, b) => checks[b]! - checks[a]! || a - b);
  return tried.map((counter) => ({
    ...deciderOf(owners[counter]!),
    packets: output.result.packets[counter]!,
    checks: checks[counter]!,
    matches: matches[counter]!,
  }));
}
