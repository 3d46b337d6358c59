import { receiveMessageOnPort } from 'node:worker_threads';
import { Arena } from '../base/arena.ts';
import { UserError } from '../base/errors.ts';
import { Batch, type BatchPlace } from '../batch/batch.ts';
import { Ring, SLOT_DECODED, SLOT_DONE, SLOT_FREE } from '../batch/ring.ts';
import type { CaptureSource } from '../capture/source.ts';
import { decodeBatch, decodeOptions } from '../decode/decode.ts';
import { Machine } from '../netfilter/machine.ts';
import { DECODING, LOADING, REST, WAITING } from '../profile/sections.ts';
import { Stopwatch } from '../profile/stopwatch.ts';
import { LookAhead } from './pipeline.ts';
import { waitDecoding } from './ring-decoding.ts';
import { workOnShare } from './share-task.ts';
import { SourceBoard } from './source-board.ts';
import type { RestTask, ShareAnswer, ShareTask, WorkerAnswer, WorkerTask } from './tasks.ts';

/** Slots that are not for batches that wait for their echoes: the one being sorted, and the next, lest the reader wait. */
const SLOTS_NOT_HELD = 2;

/** One worker's long task. */
export default function work(
  task: WorkerTask | ShareTask | RestTask,
): WorkerAnswer | Promise<ShareAnswer> | undefined {
  if (task.role === 'rest') return undefined;
  return task.role === 'share' ? workOnShare(task) : workOnRing(task);
}

/** Takes batches from the ring until there are no more. */
function workOnRing(task: WorkerTask): WorkerAnswer {
  const ring = Ring.from(task.ring);
  const stopwatch = task.profiles ? new Stopwatch() : undefined;
  stopwatch?.watch(ring, 'waitForRead', WAITING);
  stopwatch?.watch(ring, 'waitForDecoded', WAITING);
  try {
    const slots = new Slots(task);
    if (task.role === 'decode') {
      decodeAll(ring, slots, task, stopwatch);
      return { profile: stopwatch?.runProfile('decode') };
    }
    return replayAll(ring, slots, task, stopwatch);
  } catch (error) {
    ring.abort();
    if (error instanceof UserError) {
      const { message, hint, exitStatus } = error;
      return { fault: { message, hint, exitStatus } };
    }
    throw error;
  } finally {
    task.port.close();
  }
}

/** Views of the batch buffers, with the replacements that the reader sends for packets larger than a batch. */
class Slots {
  readonly #batches: Batch[];
  readonly #port: WorkerTask['port'];

  constructor(task: WorkerTask) {
    this.#batches = task.batches.map((place) => Batch.from(place));
    this.#port = task.port;
  }

  /** The batch in a slot that was just handed over. */
  get(slot: number): Batch {
    for (
      let got = receiveMessageOnPort(this.#port);
      got !== undefined;
      got = receiveMessageOnPort(this.#port)
    ) {
      const { slot: replaced, place } = got.message as { slot: number; place: BatchPlace };
      this.#batches[replaced] = Batch.from(place);
    }
    return this.#batches[slot]!;
  }
}

function decodeAll(ring: Ring, slots: Slots, task: WorkerTask, stopwatch: Stopwatch | undefined): void {
  const options = decodeOptions(task.checksum);
  for (;;) {
    const sequence = ring.claim();
    if (!ring.waitForRead(sequence)) return;
    const slot = ring.slotOf(sequence);
    stopwatch?.to(DECODING);
    decodeBatch(slots.get(slot), options);
    stopwatch?.to(REST);
    ring.hand(slot, SLOT_DECODED);
  }
}

function replayAll(
  ring: Ring,
  slots: Slots,
  task: WorkerTask,
  stopwatch: Stopwatch | undefined,
): WorkerAnswer {
  stopwatch?.to(LOADING);
  const arena = task.arena === undefined ? undefined : Arena.from(task.arena);
  const machine = new Machine({ ...task.machine!, arena }, undefined, stopwatch);
  stopwatch?.to(REST);
  const board = SourceBoard.from(task.sources);
  const lookAhead = new LookAhead(machine.direction.linksEchoes, ring.slots - SLOTS_NOT_HELD);
  const options = decodeOptions(task.checksum);
  let sources: CaptureSource[] = [];
  let version = -1;
  const replayReady = (isEnd: boolean): void => {
    for (let ready = lookAhead.next(isEnd); ready !== undefined; ready = lookAhead.next(isEnd)) {
      machine.stage.process(ready, lookAhead.ahead);
      ring.hand(ring.slotOf(ready.sequence), task.returnBatches ? SLOT_DONE : SLOT_FREE);
    }
  };
  const decode = (slot: number): void => {
    stopwatch?.to(DECODING);
    decodeBatch(slots.get(slot), options);
    stopwatch?.to(REST);
  };
  for (let sequence = 0; ; sequence++) {
    // Rather than wait, this worker decodes what nobody does.
    if (!waitDecoding(ring, sequence, decode)) break;
    const batch = slots.get(ring.slotOf(sequence));
    if (ring.sourcesVersion !== version) {
      version = ring.sourcesVersion;
      sources = board.read();
    }
    machine.direction.process(batch, sources);
    lookAhead.push(batch, machine.direction.position);
    replayReady(false);
  }
  replayReady(true);
  const result = machine.result(task.baseNs);
  return { result, profile: stopwatch?.runProfile(task.role, machine.profileData()) };
}
