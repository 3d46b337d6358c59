/** Replays in shares one after the other in this thread: what runShares does with a thread for each. */
import { openCaptures } from '../../src/capture/open.ts';
import type { Share } from '../../src/decode/share.ts';
import { loadRulesets } from '../../src/netfilter/machine.ts';
import { mergeResults } from '../../src/netfilter/merge-results.ts';
import type { ReplayResult } from '../../src/netfilter/result.ts';
import { sharable } from '../../src/netfilter/sharable.ts';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { loadMachineConfig } from '../../src/workers/load-config.ts';
import { ShareBoard } from '../../src/workers/share-board.ts';
import { takeShare } from '../../src/workers/share-task.ts';
import { surveySources } from '../../src/workers/survey.ts';

/** How packets are dealt, by what the rules are; or why they are not. */
export function howShared(config: ReplayConfig): ReturnType<typeof sharable> {
  const files = loadMachineConfig(config);
  return sharable(files, loadRulesets(files));
}

/** The result, or undefined when the packets cannot be shared. */
export async function replayInShares(
  config: ReplayConfig,
  count: number,
  by: Share['by'],
): Promise<ReplayResult | undefined> {
  const files = loadMachineConfig(config);
  const seenSources = await surveySources(config.captures, config.host, files.captureInterfaces);
  const board = ShareBoard.allocate(count);
  const results: ReplayResult[] = [];
  for (let index = 0; index < count; index++) {
    const reader = await openCaptures(config.captures);
    const machine = { ...files, seenSources, baseNs: reader.clock.baseNs, share: { index, count, by } };
    const { result } = await takeShare(reader, machine, undefined, board, {}, undefined);
    reader.close();
    if (result === undefined) return undefined;
    results.push(result);
  }
  return mergeResults(results);
}

/** A result without what depends on how it was come by. */
export function comparable({ profile: _, ...result }: ReplayResult): Omit<ReplayResult, 'profile'> {
  return result;
}
