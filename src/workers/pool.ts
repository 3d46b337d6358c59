import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { UserError } from '../base/errors.ts';
import { allocateBatch, allocateBatchIn, arenaBytes, type Batch } from '../batch/batch.ts';
import { BATCH_CAPACITY } from '../batch/layout.ts';
import { Ring, SLOT_DONE, SLOT_FREE } from '../batch/ring.ts';
import type { CaptureReader } from '../capture/reader.ts';
import { arenaFor } from '../conntrack/conntrack.ts';
import { type DecodeOptions, decodeBatch, decodeOptions } from '../decode/decode.ts';
import { loadHost } from '../host/load.ts';
import type { MachineConfig } from '../netfilter/machine.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import { mergeProfiles, type RunProfile } from '../profile/profile.ts';
import { DECODING, READING, REST, WAITING, WRITING } from '../profile/sections.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayObserver } from './config.ts';
import { progressOf } from './inline.ts';
import { decodeAhead } from './ring-decoding.ts';
import { SourceBoard } from './source-board.ts';
import type { WorkerAnswer, WorkerTask } from './tasks.ts';
import type { Threads } from './threads.ts';

/**
 * The ordered stage holds back batches of ECHO_LINK_PACKETS packets or ECHO_LINK_BYTES bytes, of which some of a batch's
 * data are: 16,384 packets of 1 KiB are 16 batches, half of which count. The others are for the reader to be ahead.
 */
const SLOTS_FOR_ECHOES = 16;
/**
 * Where all packets are told to come in, nothing is held back. The fewer batches there are, the less of the caches they take;
 * and connections that a decoding worker has looked up ahead are still there when their batch is replayed.
 */
const SLOTS_TOLD = 2;

export interface PoolRun {
  readonly result: ReplayResult;
  readonly interrupted: boolean;
  /** Of all threads, this one first. */
  readonly profile: RunProfile | undefined;
}

/**
 * Runs a replay on worker threads: this thread reads, the first worker replays in order, the others decode. Each worker runs one
 * task for the whole run; batches pass through the ring. `decodes`: this thread stands for one of those that decode, and does so
 * with what it has read unless it is being waited for. `stopwatch`: this thread's, in a profiled run.
 */
export async function runOnPool(
  reader: CaptureReader,
  machine: MachineConfig,
  threads: Threads,
  decodes: boolean,
  observer: ReplayObserver,
  stopwatch?: Stopwatch,
): Promise<PoolRun> {
  const workers = threads.count;
  // Fragments of this host's own packets wait for the others of their packet, which may lie as far ahead as echoes.
  const mayHoldBack = machine.mayHoldEchoes || reader.sources.some(({ direction }) => direction === 'out');
  const slots = (mayHoldBack ? SLOTS_FOR_ECHOES : SLOTS_TOLD) + 2 * workers;
  const ring = Ring.allocate(slots);
  // Batches and the replaying worker's table of connections lie in one arena, for kernels to work on.
  const host = loadHost(machine.host, { captureInterfaces: machine.captureInterfaces });
  const arena = arenaFor(host, arenaBytes(slots));
  const batches = Array.from({ length: slots }, () => allocateBatchIn(arena));
  const board = SourceBoard.allocate();
  const ports: MessagePort[] = [];
  const start = (role: WorkerTask['role']): Promise<WorkerAnswer> => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    const task: WorkerTask = {
      role,
      ring: ring.buffer,
      batches: batches.map(({ place }) => place),
      arena: role === 'decode' ? undefined : arena?.place,
      port: port2,
      sources: board.buffer,
      checksum: machine.checksum,
      machine: role === 'decode' ? undefined : machine,
      baseNs: reader.clock.baseNs,
      returnBatches: observer.onBatch !== undefined,
      profiles: stopwatch !== undefined,
    };
    return threads.run(task);
  };
  try {
    const replaying = start('replay');
    const decoding = Array.from({ length: workers - 1 }, () => start('decode'));
    const all = Promise.all([replaying, ...decoding]);
    // A worker that fails stops the ring; the reader must not wait for it for ever.
    all.catch(() => ring.abort());
    const options = decodes ? decodeOptions(machine.checksum) : undefined;
    const feeder = new Feeder(reader, ring, batches, ports, board, options, observer, stopwatch);
    const interrupted = await feeder.feed().catch((error: unknown) => {
      ring.abort();
      throw error;
    });
    stopwatch?.to(WAITING);
    const answers = await all;
    stopwatch?.to(REST);
    feeder.takeFinished();
    for (const { fault } of answers) {
      if (fault !== undefined) throw new UserError(fault.message, fault);
    }
    const profile =
      stopwatch === undefined
        ? undefined
        : mergeProfiles([stopwatch.runProfile('read'), ...answers.flatMap(({ profile }) => profile ?? [])]);
    return { result: answers[0]!.result!, interrupted, profile };
  } finally {
    ring.abort();
    for (const port of ports) port.close();
  }
}

/** The main thread's part: reads batches into free slots, and takes finished ones back in order. */
class Feeder {
  readonly #reader: CaptureReader;
  readonly #ring: Ring;
  readonly #batches: Batch[];
  readonly #ports: readonly MessagePort[];
  readonly #board: SourceBoard;
  /** Undefined when this thread decodes nothing. */
  readonly #options: DecodeOptions | undefined;
  readonly #observer: ReplayObserver;
  readonly #stopwatch: Stopwatch | undefined;
  #sourcesKnown = -1;
  /** Number of the next batch to take back. */
  #taken = 0;

  constructor(
    reader: CaptureReader,
    ring: Ring,
    batches: Batch[],
    ports: readonly MessagePort[],
    board: SourceBoard,
    options: DecodeOptions | undefined,
    observer: ReplayObserver,
    stopwatch: Stopwatch | undefined,
  ) {
    this.#reader = reader;
    this.#ring = ring;
    this.#batches = batches;
    this.#ports = ports;
    this.#board = board;
    this.#options = options;
    this.#observer = observer;
    this.#stopwatch = stopwatch;
  }

  /** Reads to the end; true when it was ended early. */
  async feed(): Promise<boolean> {
    const ring = this.#ring;
    let packets = 0;
    let sequence = 0;
    let interrupted = false;
    for (; ; sequence++) {
      const slot = ring.slotOf(sequence);
      while (ring.state(slot) !== SLOT_FREE && !ring.isAborted) {
        this.takeFinished();
        const state = ring.state(slot);
        if (state !== SLOT_FREE) await this.#change(slot, state);
      }
      if (this.#observer.signal?.aborted === true) interrupted = true;
      if (interrupted || ring.isAborted) break;
      this.#stopwatch?.to(READING);
      const count = await this.#fill(slot);
      this.#stopwatch?.to(REST);
      if (count === 0) break;
      const batch = this.#batches[slot]!;
      batch.firstPacket = packets;
      batch.sequence = sequence;
      packets += count;
      if (this.#reader.sources.length !== this.#sourcesKnown) {
        this.#sourcesKnown = this.#reader.sources.length;
        this.#board.write(this.#reader.sources);
        ring.publishSources();
      }
      ring.handRead(sequence);
      if (this.#options !== undefined) decodeAhead(ring, sequence, this.#decode);
      this.#observer.onProgress?.(progressOf(this.#reader));
      // Signals and timers are heard between batches only.
      if ((sequence & 7) === 7) await new Promise((resolve) => setImmediate(resolve));
    }
    ring.finish(sequence);
    while (this.#observer.onBatch !== undefined && this.#taken < sequence && !ring.isAborted) {
      const slot = ring.slotOf(this.#taken);
      this.takeFinished();
      const state = ring.state(slot);
      if (this.#taken < sequence && state !== SLOT_DONE) await this.#change(slot, state);
    }
    return interrupted;
  }

  readonly #decode = (slot: number): void => {
    this.#stopwatch?.to(DECODING);
    decodeBatch(this.#batches[slot]!, this.#options);
    this.#stopwatch?.to(REST);
  };

  async #change(slot: number, from: number): Promise<void> {
    this.#stopwatch?.to(WAITING);
    await this.#ring.change(slot, from);
    this.#stopwatch?.to(REST);
  }

  async #fill(slot: number): Promise<number> {
    const count = await this.#reader.fill(this.#batches[slot]!);
    if (count !== 0 || this.#reader.neededDataBytes === 0) return count;
    const larger = allocateBatch(BATCH_CAPACITY, this.#reader.neededDataBytes);
    this.#batches[slot] = larger;
    for (const port of this.#ports) port.postMessage({ slot, place: larger.place });
    return this.#reader.fill(larger);
  }

  /** Shows finished batches to the observer, in order, and frees them. */
  takeFinished(): void {
    if (this.#observer.onBatch === undefined) return;
    const ring = this.#ring;
    for (;;) {
      const slot = ring.slotOf(this.#taken);
      if (ring.state(slot) !== SLOT_DONE) return;
      this.#stopwatch?.to(WRITING);
      this.#observer.onBatch(this.#batches[slot]!);
      this.#stopwatch?.to(REST);
      ring.hand(slot, SLOT_FREE);
      this.#taken++;
    }
  }
}
