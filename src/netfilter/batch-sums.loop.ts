import type { Batch } from '../batch/batch.ts';
import { kernelsOf } from '../batch/kernels.ts';
import { HEADER_BACK, HEADER_INVALID, HEADER_LEAP, HEADER_WIRE_BYTES } from '../batch/layout.ts';
import type { ReplayClock } from './replay-clock.ts';

/** What is known of all packets of a run before any is replayed: sums over the record columns of its batches. */
export class BatchSums {
  packets = 0;
  /** On the wire. */
  wireBytes = 0;
  /** Time stamps of the first and the last packet, in ns from the run's base time; NaN before there is one. */
  firstNs = Number.NaN;
  lastNs = Number.NaN;
  /** Packets whose stamp lies before that of the packet before; packets without a valid one. */
  timeWentBack = 0;
  timeInvalid = 0;

  /** Adds a batch up. True when the clock follows its stamps, and then that has moved on. */
  add(batch: Batch, clock: ReplayClock): boolean {
    const { count, header, headerFloats, columns: c } = batch;
    if (count === 0) return true;
    if (this.packets === 0) {
      this.firstNs = c.timeNs[0]!;
      this.lastNs = this.firstNs;
    }
    const { lastNs } = this;
    const kernels = kernelsOf(batch);
    if (kernels === undefined) sumRows(batch, lastNs);
    else kernels.sum(batch.place.offset, count, lastNs);
    this.lastNs = c.timeNs[count - 1]!;
    const back = header[HEADER_BACK]!;
    const invalid = header[HEADER_INVALID]!;
    this.packets += count;
    this.wireBytes += headerFloats[HEADER_WIRE_BYTES / 2]!;
    this.timeWentBack += back;
    this.timeInvalid += invalid;
    return clock.follows(lastNs, this.lastNs, back + invalid, headerFloats[HEADER_LEAP / 2]!);
  }
}

/** As the kernel (wasm/sum.ts): writes HEADER_BACK, HEADER_INVALID, HEADER_LEAP and HEADER_WIRE_BYTES of the batch. */
function sumRows(batch: Batch, lastNs: number): void {
  const { timeNs, timeInvalid, origLen } = batch.columns;
  let last = lastNs;
  let leap = 0;
  let back = 0;
  let invalid = 0;
  let bytes = 0;
  for (let i = 0; i < batch.count; i++) {
    const now = timeNs[i]!;
    if (now < last) back++;
    else if (now - last > leap) leap = now - last;
    last = now;
    invalid += timeInvalid[i]!;
    bytes += origLen[i]!;
  }
  batch.header[HEADER_BACK] = back;
  batch.header[HEADER_INVALID] = invalid;
  batch.headerFloats[HEADER_LEAP / 2] = leap;
  batch.headerFloats[HEADER_WIRE_BYTES / 2] = bytes;
}
