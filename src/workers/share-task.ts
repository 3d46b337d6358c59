import { UserError } from '../base/errors.ts';
import { openCaptures } from '../capture/open.ts';
import type { CaptureReader } from '../capture/reader.ts';
import { NotSharable } from '../decode/share.ts';
import { type LoadedRulesets, loadRulesets, Machine, type MachineConfig } from '../netfilter/machine.ts';
import { sharable } from '../netfilter/sharable.ts';
import { LOADING, REST, WAITING } from '../profile/sections.ts';
import { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayObserver } from './config.ts';
import { ShareBoard } from './share-board.ts';
import { runShare } from './share-loop.ts';
import type { ShareAnswer, ShareTask } from './tasks.ts';

const UNSHARED: ShareAnswer = { result: undefined, interrupted: false, profile: undefined };

/**
 * Replays the share that `config` names. An error of the user's kind calls all shares off, as NotSharable does: whether it
 * is the first of its run is known only to a replay of the whole. `stopwatch`: this thread's, in a profiled run. `waits`:
 * it is not known yet whether there will be shares (ShareBoard.go).
 */
export async function takeShare(
  reader: CaptureReader,
  config: MachineConfig,
  loaded: LoadedRulesets | undefined,
  board: ShareBoard,
  observer: ReplayObserver,
  stopwatch: Stopwatch | undefined,
  waits = false,
): Promise<ShareAnswer> {
  try {
    stopwatch?.to(LOADING);
    const machine = new Machine({ ...config, arena: 'own' }, loaded ?? loadRulesets(config), stopwatch);
    stopwatch?.to(waits ? WAITING : REST);
    if (waits && !board.waitForGo()) return UNSHARED;
    stopwatch?.to(REST);
    stopwatch?.watch(board, 'meet', WAITING);
    const interrupted = await runShare(
      reader,
      machine,
      config.share!,
      config.checksum,
      board,
      observer,
      stopwatch,
    );
    const result = machine.result(reader.clock.baseNs);
    return { result, interrupted, profile: stopwatch?.runProfile('share', machine.profileData()) };
  } catch (error) {
    board.abort();
    if (error instanceof NotSharable || error instanceof UserError) return UNSHARED;
    throw error;
  }
}

/** The whole of a worker's task: it loads while the main thread does, and finds out by itself how packets are dealt. */
export async function workOnShare(task: ShareTask): Promise<ShareAnswer> {
  const { captures, clockSkews: skews, machine, index, count, profiles } = task;
  const stopwatch = profiles ? new Stopwatch() : undefined;
  const board = ShareBoard.from(task.board);
  let reader: CaptureReader | undefined;
  try {
    stopwatch?.to(LOADING);
    const loaded = loadRulesets(machine);
    const how = sharable(machine, loaded);
    if (!('by' in how)) return UNSHARED;
    const config = { ...machine, share: { index, count, by: how.by } };
    reader = await openCaptures(captures, skews === undefined ? {} : { skews });
    return await takeShare(reader, config, loaded, board, {}, stopwatch, true);
  } catch (error) {
    // Nobody is to wait for this share. What is wrong in rules the main thread finds as well, and says.
    board.abort();
    if (error instanceof UserError) return UNSHARED;
    throw error;
  } finally {
    reader?.close();
  }
}
