import type { ChainCounts } from '../compile/chain-tally.ts';
import type { Unshared } from '../compile/rule-tally.ts';

/**
 * What a profiled run (`run --profile`) says of itself, as plain data: it crosses between threads, and profiles of
 * several threads, or of several machines that shared a replay, can be merged.
 */
export interface RunProfile {
  /** A row for each thread: these are listed side by side, never added up. */
  readonly threads: readonly ThreadProfile[];
  /** Of the threads that replay, summed; undefined when none of those in here does. */
  readonly replay: ReplayProfile | undefined;
}

/** 'all': reads, decodes and replays. 'share': the same for a share of the connections. 'replay': decodes, too, what nobody does. */
export type ThreadRole = 'all' | 'share' | 'read' | 'decode' | 'replay';

export interface ThreadProfile {
  readonly role: ThreadRole;
  /** Node's thread id, 0 for the main thread. */
  readonly thread: number;
  /** Wall-clock time that it was measured for. */
  readonly seconds: number;
  /** Processor time in this span; undefined where the system does not tell. */
  readonly cpuSeconds: number | undefined;
  /** By section (sections.ts): time, and how often the thread turned to it (back from another does not count). */
  readonly sectionSeconds: Float64Array;
  readonly sectionCalls: Float64Array;
}

/** What the ordered stage did with its packets. */
export interface ReplayProfile {
  readonly paths: PathCounts;
  /** Packets that walked, by reason (WALK_REASONS). */
  readonly walks: Float64Array;
  /** By counter id, of rules: how often their tests were tried, and how often all of them held. */
  readonly checks: Float64Array;
  readonly matches: Float64Array;
  /** Chains that have rules, in the order of the dump. */
  readonly chains: readonly ChainCounts[];
  /** What in rules must see each packet, in the order of the dump. */
  readonly unshared: readonly Unshared[];
  /** What keeps packets of a whole family from known ways: all of them, or (raw-first) until their connection knows it. */
  readonly obstacles: readonly Obstacle[];
}

export interface Obstacle {
  readonly reason: 'too-many-classes' | 'raw-first';
  readonly family: 4 | 6;
  /** Of the rule or policy that it is for; -1: of all rules. */
  readonly counter: number;
  readonly why: string;
}

/** Packets by how their way was found. The rest (echoes, what is not IP or drops before its first hook) need none. */
export interface PathCounts {
  readonly packets: number;
  /** Straight from the columns to a path that their connection knows. */
  readonly quick: number;
  /** On the long way, to a path that is known. */
  readonly known: number;
  /** By the walk of another connection. */
  readonly recalled: number;
  /** Through the rules. */
  readonly walked: number;
}

/** Several profiles as one. All that replay must have the same rulesets. */
export function mergeProfiles(profiles: readonly RunProfile[]): RunProfile {
  const replays = profiles.flatMap(({ replay }) => (replay === undefined ? [] : [replay]));
  return {
    threads: profiles.flatMap(({ threads }) => threads),
    replay: replays.length === 0 ? undefined : replays.reduce(mergeReplays),
  };
}

function mergeReplays(a: ReplayProfile, b: ReplayProfile): ReplayProfile {
  return {
    paths: {
      packets: a.paths.packets + b.paths.packets,
      quick: a.paths.quick + b.paths.quick,
      known: a.paths.known + b.paths.known,
      recalled: a.paths.recalled + b.paths.recalled,
      walked: a.paths.walked + b.paths.walked,
    },
    walks: added(a.walks, b.walks),
    checks: added(a.checks, b.checks),
    matches: added(a.matches, b.matches),
    chains: a.chains.map((one, i) => mergeChains(one, b.chains[i]!)),
    unshared: a.unshared.map((one, i) => ({ ...one, times: one.times + b.unshared[i]!.times })),
    obstacles: a.obstacles,
  };
}

function mergeChains(a: ChainCounts, b: ChainCounts): ChainCounts {
  return {
    ...a,
    entered: a.entered + b.entered,
    searches: a.searches + b.searches,
    found: a.found + b.found,
    probes: a.probes + b.probes,
    candidates: a.candidates + b.candidates,
  };
}

function added(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((one, i) => one + b[i]!);
}
