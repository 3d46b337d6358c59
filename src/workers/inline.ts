import type { Batch } from '../batch/batch.ts';
import type { CaptureReader } from '../capture/reader.ts';
import { decodeBatch, decodeOptions } from '../decode/decode.ts';
import type { Machine } from '../netfilter/machine.ts';
import { DECODING, READING, REST, WRITING } from '../profile/sections.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayObserver } from './config.ts';
import { fillNext } from './fill.ts';
import { LookAhead } from './pipeline.ts';

/** Runs everything in the calling thread (`--workers 0`). True when it was ended early. `stopwatch`: that of a profiled run. */
export async function runInline(
  reader: CaptureReader,
  machine: Machine,
  checksum: 'auto' | 'verify' | 'trust',
  observer: ReplayObserver,
  stopwatch?: Stopwatch,
): Promise<boolean> {
  const lookAhead = new LookAhead(machine.direction.linksEchoes);
  const free: Batch[] = [];
  const options = decodeOptions(checksum);
  let packets = 0;
  let sequence = 0;
  let interrupted = false;
  const replayReady = (isEnd: boolean): void => {
    for (let ready = lookAhead.next(isEnd); ready !== undefined; ready = lookAhead.next(isEnd)) {
      machine.stage.process(ready, lookAhead.ahead);
      if (observer.onBatch !== undefined) {
        stopwatch?.to(WRITING);
        observer.onBatch(ready);
        stopwatch?.to(REST);
      }
      free.push(ready);
    }
  };
  for (;;) {
    const empty = free.pop() ?? machine.allocateBatch();
    stopwatch?.to(READING);
    const batch = await fillNext(reader, empty);
    if (batch.count === 0) break;
    batch.firstPacket = packets;
    batch.sequence = sequence++;
    packets += batch.count;
    stopwatch?.to(DECODING);
    decodeBatch(batch, options);
    stopwatch?.to(REST);
    machine.direction.process(batch, reader.sources);
    lookAhead.push(batch, machine.direction.position);
    replayReady(false);
    observer.onProgress?.(progressOf(reader));
    // Signals and timers are heard between batches only.
    await new Promise((resolve) => setImmediate(resolve));
    if (observer.signal?.aborted === true) {
      interrupted = true;
      break;
    }
  }
  replayReady(true);
  return interrupted;
}

export function progressOf(reader: CaptureReader): {
  packets: number;
  bytesRead: number;
  bytesTotal: number | undefined;
} {
  const { packets, fileBytes, fileBytesTotal } = reader.position;
  return { packets, bytesRead: fileBytes, bytesTotal: fileBytesTotal };
}
