import { allocateBatch, type Batch } from '../batch/batch.ts';
import { BATCH_CAPACITY } from '../batch/layout.ts';
import type { CaptureReader } from '../capture/reader.ts';

/** The next packets: in `batch`, or in a larger one when the next packet does not fit. Its `count` is 0 at the end. */
export async function fillNext(reader: CaptureReader, batch: Batch): Promise<Batch> {
  const count = await reader.fill(batch);
  if (count > 0 || reader.neededDataBytes === 0) return batch;
  const larger = allocateBatch(BATCH_CAPACITY, reader.neededDataBytes);
  await reader.fill(larger);
  return larger;
}
