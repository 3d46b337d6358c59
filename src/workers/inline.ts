import { allocateBatch, type Batch } from '../batch/batch.ts';
import { BATCH_CAPACITY } from '../batch/layout.ts';
import type { CaptureReader } from '../capture/reader.ts';
import { decodeBatch } from '../decode/decode.ts';
import type { Machine } from '../netfilter/machine.ts';
import type { ReplayObserver } from './config.ts';
import { LookAhead } from './pipeline.ts';

/** Runs everything in the calling thread (`--workers 0`). True when it was ended early. */
export async function runInline(
  reader: CaptureReader,
  machine: Machine,
  checksum: 'auto' | 'verify' | 'trust',
  observer: ReplayObserver,
): Promise<boolean> {
  const lookAhead = new LookAhead(machine.direction.linksEchoes);
  const free: Batch[] = [];
  const options = { checksum: checksum === 'trust' ? 'trust' : 'verify' } as const;
  let packets = 0;
  let sequence = 0;
  let interrupted = false;
  const replayReady = (isEnd: boolean): void => {
    for (let ready = lookAhead.next(isEnd); ready !== undefined; ready = lookAhead.next(isEnd)) {
      machine.stage.process(ready, lookAhead.ahead);
      observer.onBatch?.(ready);
      free.push(ready);
    }
  };
  for (;;) {
    let batch = free.pop() ?? allocateBatch();
    let count = await reader.fill(batch);
    if (count === 0 && reader.neededDataBytes > 0) {
      batch = allocateBatch(BATCH_CAPACITY, reader.neededDataBytes);
      count = await reader.fill(batch);
    }
    if (count === 0) break;
    batch.firstPacket = packets;
    batch.sequence = sequence++;
    packets += count;
    decodeBatch(batch, options);
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
