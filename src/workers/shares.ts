import type { CaptureReader } from '../capture/reader.ts';
import type { Share } from '../decode/share.ts';
import type { LoadedRulesets, MachineConfig } from '../netfilter/machine.ts';
import { mergeResults } from '../netfilter/merge-results.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import { mergeProfiles, type RunProfile } from '../profile/profile.ts';
import { REST, WAITING } from '../profile/sections.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayConfig, ReplayObserver } from './config.ts';
import { ShareBoard } from './share-board.ts';
import { takeShare } from './share-task.ts';
import type { ShareAnswer } from './tasks.ts';
import type { Threads } from './threads.ts';

/** Threads that load, and wait to be told whether there will be shares. */
export interface ShareStart {
  readonly board: ShareBoard;
  readonly count: number;
  readonly others: readonly Promise<ShareAnswer>[];
}

/** Sets the threads of all shares but the first to load rules, while this one does. */
export function startShares(
  config: ReplayConfig,
  machine: MachineConfig,
  threads: Threads,
  count: number,
  profiles: boolean,
): ShareStart {
  const board = ShareBoard.allocate(count);
  const { captures, clockSkews } = config;
  const others = Array.from({ length: count - 1 }, (_, i) =>
    threads.run({
      role: 'share',
      captures,
      clockSkews,
      machine,
      index: i + 1,
      count,
      board: board.buffer,
      profiles,
    }),
  );
  // When nobody waits for them (rules that are wrong, or cannot be shared), they are ended with their threads.
  for (const other of others) other.catch(() => undefined);
  return { board, count, others };
}

/**
 * Runs a replay on several threads, of which each reads the captures from beginning to end and replays its own share of
 * the connections from the headers to the counters. Nothing passes between them but the results, which are added up. This
 * thread takes share 0. Undefined when the packets tell that connections cannot be replayed apart: then nothing is done.
 *
 *   thread 0   read -> deal -> decode -> replay --+
 *   thread 1   read -> deal -> decode -> replay --+--> sum
 */
export async function runShares(
  reader: CaptureReader,
  machineConfig: MachineConfig,
  loaded: LoadedRulesets,
  { board, count, others }: ShareStart,
  by: Share['by'],
  observer: ReplayObserver,
  stopwatch: Stopwatch | undefined,
): Promise<{ result: ReplayResult; interrupted: boolean; profile: RunProfile | undefined } | undefined> {
  board.go();
  const config = { ...machineConfig, share: { index: 0, count, by } };
  const own = takeShare(reader, config, loaded, board, observer, stopwatch).finally(() =>
    stopwatch?.to(WAITING),
  );
  // A share that fails calls the others off, and all are waited for.
  const ended = await Promise.allSettled([own, ...others]);
  stopwatch?.to(REST);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  const answers = ended.map((one) => (one as PromiseFulfilledResult<ShareAnswer>).value);
  const results = answers.map(({ result }) => result);
  if (!isWhole(results)) return undefined;
  const profiles = answers.flatMap(({ profile }) => profile ?? []);
  // Again, since this thread has waited meanwhile.
  if (stopwatch !== undefined) profiles[0] = stopwatch.runProfile('share', profiles[0]!.replay);
  return {
    result: mergeResults(results),
    interrupted: answers.some(({ interrupted }) => interrupted),
    profile: stopwatch === undefined ? undefined : mergeProfiles(profiles),
  };
}

/** Every share was replayed, and all of them have seen the same packets: no file has grown meanwhile. */
function isWhole(results: readonly (ReplayResult | undefined)[]): results is ReplayResult[] {
  return results.every(
    (result) => result !== undefined && result.totals.packets === results[0]?.totals.packets,
  );
}
