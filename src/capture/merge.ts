import { allocateBatch, type Batch } from '../batch/batch.ts';
import type { CaptureInput } from './input.ts';
import { takeRows } from './merge.loop.ts';

/** Rows and bytes that are held of each capture while it takes part in the merge. */
const HELD_ROWS = 2048;
const HELD_BYTES = 1 << 18;

/** A capture to be merged. It is opened again only when its first packet's turn comes. */
export interface MergeEntry {
  /** Time of its first packet, nanoseconds from the clock's base; the packets without one come first. */
  readonly firstNs: number;
  open(): CaptureInput | Promise<CaptureInput>;
}

/** A capture that takes part in the merge now. */
class Head {
  readonly order: number;
  readonly input: CaptureInput;
  held: Batch = allocateBatch(HELD_ROWS, HELD_BYTES);
  heldBytes: Buffer = Buffer.from(this.held.data.buffer, this.held.data.byteOffset, this.held.data.length);
  row = 0;

  constructor(order: number, input: CaptureInput) {
    this.order = order;
    this.input = input;
  }

  get timeNs(): number {
    return this.held.columns.timeNs[this.row]!;
  }

  /** Holds the next rows; false at the end of the capture. */
  async refill(): Promise<boolean> {
    this.row = 0;
    for (;;) {
      const rows = await this.input.fill(this.held);
      if (rows > 0) return true;
      if (this.input.neededDataBytes === 0) return false;
      this.held = allocateBatch(HELD_ROWS, this.input.neededDataBytes);
      this.heldBytes = Buffer.from(this.held.data.buffer, this.held.data.byteOffset, this.held.data.length);
    }
  }
}

/**
 * Merges captures by time stamp; of equal ones the capture that was given first goes first. Only the heads are
 * compared: a capture whose own time stamps go back keeps its order.
 *
 * A capture takes part from the time of its first packet to its last, so that a directory of a thousand rolled
 * files costs the memory and the descriptors of those that overlap. Because a head is compared by its first
 * packet's time whether it is open or not, opening late changes nothing.
 */
export class Merge {
  neededDataBytes = 0;
  /** Bytes on disk of the captures that are done. */
  #doneBytes = 0;
  /** Captures still to come, the next one last. */
  readonly #waiting: { readonly entry: MergeEntry; readonly order: number }[];
  readonly #heads: Head[] = [];

  constructor(entries: readonly MergeEntry[]) {
    this.#waiting = entries
      .map((entry, order) => ({ entry, order }))
      .sort((a, b) => b.entry.firstNs - a.entry.firstNs || b.order - a.order);
  }

  get fileBytes(): number {
    return this.#heads.reduce((sum, head) => sum + head.input.fileBytes, this.#doneBytes);
  }

  async fill(batch: Batch): Promise<number> {
    const bytes = Buffer.from(batch.data.buffer, batch.data.byteOffset, batch.data.length);
    let used = 0;
    this.neededDataBytes = 0;
    batch.count = 0;
    while (batch.count < batch.capacity) {
      await this.#openDue();
      const first = this.#firstHead();
      if (first === undefined) break;
      const rival = this.#rivalOf(first);
      const limitNs = rival === undefined ? Number.POSITIVE_INFINITY : rival.timeNs;
      const begin = first.row;
      const equalToo = rival === undefined || first.order < rival.order;
      first.row = takeRows(first.held, first.heldBytes, begin, batch, bytes, used, limitNs, equalToo);
      if (first.row > begin) {
        const last = batch.count - 1;
        used = batch.columns.dataOffset[last]! + batch.columns.capLen[last]!;
      }
      if (first.row === first.held.count) {
        if (!(await first.refill())) this.#retire(first);
      } else if (first.row === begin) {
        // No room: the batch is full, or too small for this one packet.
        if (batch.count === 0) this.neededDataBytes = first.held.columns.capLen[begin]!;
        break;
      }
    }
    return batch.count;
  }

  close(): void {
    for (const head of this.#heads) head.input.close();
    this.#heads.length = 0;
    this.#waiting.length = 0;
  }

  /** Opens the captures whose first packet is due before every head. */
  async #openDue(): Promise<void> {
    for (;;) {
      const next = this.#waiting.at(-1);
      if (next === undefined) return;
      const first = this.#firstHead();
      if (first !== undefined) {
        const { firstNs } = next.entry;
        if (firstNs > first.timeNs || (firstNs === first.timeNs && next.order > first.order)) return;
      }
      this.#waiting.pop();
      const head = new Head(next.order, await next.entry.open());
      this.#heads.push(head);
      if (!(await head.refill())) this.#retire(head);
    }
  }

  #firstHead(): Head | undefined {
    let first: Head | undefined;
    for (const head of this.#heads) {
      if (first === undefined || isBefore(head, first)) first = head;
    }
    return first;
  }

  /** What bounds the run of packets that can be taken from `first`: the next head, or the next capture to open. */
  #rivalOf(first: Head): Timed | undefined {
    let rival: Timed | undefined;
    for (const head of this.#heads) {
      if (head !== first && (rival === undefined || isBefore(head, rival))) rival = head;
    }
    const next = this.#waiting.at(-1);
    if (next === undefined) return rival;
    const waiting = { timeNs: next.entry.firstNs, order: next.order };
    return rival === undefined || isBefore(waiting, rival) ? waiting : rival;
  }

  #retire(head: Head): void {
    this.#doneBytes += head.input.fileBytes;
    head.input.close();
    this.#heads.splice(this.#heads.indexOf(head), 1);
  }
}

interface Timed {
  readonly timeNs: number;
  readonly order: number;
}

const isBefore = (a: Timed, b: Timed): boolean =>
  a.timeNs < b.timeNs || (a.timeNs === b.timeNs && a.order < b.order);
