import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CaptureReader } from '../capture/reader.ts';
import { decodeOptions, decodeShare } from '../decode/decode.ts';
import { NotSharable, type Share } from '../decode/share.ts';
import { FragmentBudget } from '../defrag/fragment-budget.ts';
import type { Machine } from '../netfilter/machine.ts';
import { DECODING, READING, REST } from '../profile/sections.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayObserver } from './config.ts';
import { fillNext } from './fill.ts';
import { progressOf } from './inline.ts';
import type { ShareBoard } from './share-board.ts';

/** A table of connections that is so full of them is not divided: what has expired counts, too. */
const MOST_OF_TABLE = 0.75;

/**
 * Replays one share in the calling thread: reads the whole capture, and takes from it what is the share's. True when it
 * was ended early.
 * @throws NotSharable when it turns out that the share cannot be replayed apart; or some other share cannot.
 */
export async function runShare(
  reader: CaptureReader,
  machine: Machine,
  share: Share,
  checksum: 'auto' | 'verify' | 'trust',
  board: ShareBoard,
  observer: ReplayObserver,
  stopwatch: Stopwatch | undefined,
): Promise<boolean> {
  const options = decodeOptions(checksum);
  const budget = new FragmentBudget(machine.host);
  const most = MOST_OF_TABLE * machine.roomForConnections;
  const interfaces = machine.host.interfaces.length;
  let batch = machine.allocateBatch();
  let packets = 0;
  let stopAt = Number.POSITIVE_INFINITY;
  for (let sequence = 0; ; sequence++) {
    if (observer.signal?.aborted === true) board.stop();
    if (board.isStopping && stopAt === Number.POSITIVE_INFINITY) stopAt = board.meet(share.index, sequence);
    if (board.isAborted) throw new NotSharable('another share cannot be replayed apart');
    if (sequence >= stopAt) return true;
    stopwatch?.to(READING);
    batch = await fillNext(reader, batch);
    stopwatch?.to(REST);
    if (batch.count === 0) break;
    batch.firstPacket = packets;
    batch.sequence = sequence;
    packets += batch.count;
    machine.stage.observe(batch);
    stopwatch?.to(DECODING);
    decodeShare(batch, options, share);
    stopwatch?.to(REST);
    budget.note(batch);
    machine.direction.process(batch, reader.sources);
    if (batch.hasOwnFragments) throw new NotSharable("fragments of this host's own packets");
    if (machine.host.interfaces.length !== interfaces)
      throw new NotSharable('interfaces that are not known before');
    machine.stage.process(batch, []);
    machine.assertSharable(share);
    if (board.noteConnections(share.index, machine.mostConnections) > most)
      throw new NotSharable('a table of connections that is nearly full');
    observer.onProgress?.(progressOf(reader));
    // Signals and timers are heard between batches only.
    await nextTurn();
  }
  board.end(share.index);
  return false;
}
