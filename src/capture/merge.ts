import { allocateBatch, type Batch } from '../batch/batch.ts';
import type { CaptureInput } from './input.ts';
import { shiftOffsets, TAKE_END, TAKE_ROW, TAKE_WORDS, takeRows } from './merge.loop.ts';

/** Rows and bytes that are held of each capture while it takes part in the merge. */
const HELD_ROWS = 2048;
const HELD_BYTES = 1 << 18;

/** A capture to be merged. It is opened again only when its first packet's turn comes. */
export interface MergeEntry {
  /** Time of its first packet, nanoseconds from the clock's base; the packets without one come first. */
  readonly firstNs: number;
  open(): CaptureInput | Promise<CaptureInput>;
}

interface Timed {
  readonly timeNs: number;
  /** Place among the captures as they were given. */
  readonly order: number;
}

interface Waiting extends Timed {
  readonly entry: MergeEntry;
}

/** What a step of the merge asks for: another step, or an end of the fill. */
const GO_ON = 0;
const DONE = 1;

/** No piece is begun. */
const NO_PIECE = -1;

/** A capture that takes part in the merge now: some of its packets in memory, and which of them is next. */
class Head implements Timed {
  readonly order: number;
  readonly input: CaptureInput;
  held: Batch = allocateBatch(HELD_ROWS, HELD_BYTES);
  /** The next packet, and its time. */
  row = 0;
  timeNs = 0;
  /** Number of the piece that packets are being taken into, and which bytes of held.data it is so far. */
  piece = NO_PIECE;
  pieceBegin = 0;
  pieceEnd = 0;

  constructor(order: number, input: CaptureInput) {
    this.order = order;
    this.input = input;
  }

  moveTo(row: number): void {
    this.row = row;
    if (row < this.held.count) this.timeNs = this.held.columns.timeNs[row]!;
  }

  /** Holds the next rows, from row 0; false at the end of the capture. */
  refill(): boolean | Promise<boolean> {
    const rows = this.input.fill(this.held);
    return typeof rows === 'number' ? this.#filled(rows) : rows.then((count) => this.#filled(count));
  }

  #filled(rows: number): boolean | Promise<boolean> {
    this.moveTo(0);
    if (rows > 0) return true;
    if (this.input.neededDataBytes === 0) return false;
    this.held = allocateBatch(HELD_ROWS, this.input.neededDataBytes);
    return this.refill();
  }
}

/**
 * Merges captures by time stamp; of equal ones the capture that was given first goes first. Only the heads are
 * compared: a capture whose own time stamps go back keeps its order.
 *
 * A capture takes part from the time of its first packet to its last, so that a directory of a thousand rolled
 * files costs the memory and the descriptors of those that overlap. Because a head is compared by its first
 * packet's time whether it is open or not, opening late changes nothing.
 *
 * Packets are merged by their columns alone. What is taken of one capture in a fill lies in one piece in its own
 * block, record headers and all, and is copied in one piece at the end (or before the block is read anew):
 *
 *   held data of A:  … [p1][p2][p3] …     batch rows:  p1 q1 p2 p3 q2
 *   held data of B:  … [q1][q2] …         batch data:  [p1][p2][p3][q1][q2]
 */
export class Merge {
  neededDataBytes = 0;
  /** Bytes on disk of the captures that are done. */
  #doneBytes = 0;
  /** Captures still to come, the next one last. */
  readonly #waiting: Waiting[];
  /** Captures that take part now, as a binary heap: each goes before the two at twice its place + 1 and + 2. */
  readonly #heads: Head[] = [];
  /** Of the fill: bytes of all pieces so far, of those that are copied, the shift of each, and each row's piece. */
  #takenBytes = 0;
  #copiedBytes = 0;
  readonly #shifts: number[] = [];
  #pieceOf = new Uint32Array(0);
  readonly #result = new Float64Array(TAKE_WORDS);

  constructor(entries: readonly MergeEntry[]) {
    this.#waiting = entries
      .map((entry, order) => ({ entry, order, timeNs: entry.firstNs }))
      .sort((a, b) => (isBefore(a, b) ? 1 : -1));
  }

  get fileBytes(): number {
    return this.#heads.reduce((sum, head) => sum + head.input.fileBytes, this.#doneBytes);
  }

  /** As CaptureReader.fill: a Promise only when a capture has to be opened or waited for. */
  fill(batch: Batch): number | Promise<number> {
    this.neededDataBytes = 0;
    this.#takenBytes = 0;
    this.#copiedBytes = 0;
    this.#shifts.length = 0;
    if (this.#pieceOf.length < batch.capacity) this.#pieceOf = new Uint32Array(batch.capacity);
    batch.count = 0;
    return this.#go(batch);
  }

  #go(batch: Batch): number | Promise<number> {
    for (;;) {
      const pause = this.#step(batch);
      if (pause === DONE) {
        for (const head of this.#heads) this.#copyPiece(head, batch);
        shiftOffsets(batch, this.#pieceOf, this.#shifts);
        return batch.count;
      }
      if (pause !== GO_ON) return pause.then(() => this.#go(batch));
    }
  }

  /** Takes one run of packets from the first head, or gets a head ready; a Promise has to be waited for. */
  #step(batch: Batch): typeof DONE | typeof GO_ON | Promise<void> {
    if (batch.count === batch.capacity) return DONE;
    const first = this.#heads[0];
    const due = this.#dueBefore(first);
    if (due !== undefined) return this.#open(due);
    if (first === undefined) return DONE;
    const rival = this.#rival();
    const begin = first.row;
    if (first.piece === NO_PIECE) this.#beginPiece(first);
    takeRows(
      first.held,
      begin,
      first.pieceEnd,
      batch,
      rival === undefined ? Number.POSITIVE_INFINITY : rival.timeNs,
      rival === undefined || first.order < rival.order,
      batch.data.length - this.#takenBytes,
      first.piece,
      this.#pieceOf,
      this.#result,
    );
    this.#takenBytes += this.#result[TAKE_END]! - first.pieceEnd;
    first.pieceEnd = this.#result[TAKE_END]!;
    first.moveTo(this.#result[TAKE_ROW]!);
    if (first.row === begin) {
      // No room: the batch is full, or too small for this one packet.
      if (batch.count === 0) this.neededDataBytes = first.held.columns.capLen[begin]!;
      return DONE;
    }
    if (first.row < first.held.count) {
      this.#siftDown();
      return GO_ON;
    }
    this.#copyPiece(first, batch);
    return this.#refill(first);
  }

  #beginPiece(head: Head): void {
    head.piece = this.#shifts.push(0) - 1;
    head.pieceBegin = head.held.columns.dataOffset[head.row]!;
    head.pieceEnd = head.pieceBegin;
  }

  /** Copies what was taken of a head's block, and ends the piece. */
  #copyPiece(head: Head, batch: Batch): void {
    const { piece, pieceBegin, pieceEnd, held } = head;
    if (piece === NO_PIECE) return;
    batch.data.set(held.data.subarray(pieceBegin, pieceEnd), this.#copiedBytes);
    this.#shifts[piece] = this.#copiedBytes - pieceBegin;
    this.#copiedBytes += pieceEnd - pieceBegin;
    head.piece = NO_PIECE;
  }

  /** Reads on in the first head, and puts it where it belongs then. */
  #refill(head: Head): typeof GO_ON | Promise<void> {
    const more = head.refill();
    if (typeof more !== 'boolean') return more.then((isMore) => this.#refilled(head, isMore));
    this.#refilled(head, more);
    return GO_ON;
  }

  #refilled(head: Head, isMore: boolean): void {
    if (!isMore) {
      this.#doneBytes += head.input.fileBytes;
      head.input.close();
      const last = this.#heads.pop()!;
      if (this.#heads.length === 0) return;
      this.#heads[0] = last;
    }
    this.#siftDown();
  }

  close(): void {
    for (const head of this.#heads) head.input.close();
    this.#heads.length = 0;
    this.#waiting.length = 0;
  }

  /** The next capture to come, when its first packet is due before every head. */
  #dueBefore(first: Head | undefined): Waiting | undefined {
    const next = this.#waiting.at(-1);
    return next === undefined || first === undefined || isBefore(next, first) ? next : undefined;
  }

  async #open({ entry, order }: Waiting): Promise<void> {
    this.#waiting.pop();
    const head = new Head(order, await entry.open());
    if (await head.refill()) this.#siftUp(head);
    else {
      this.#doneBytes += head.input.fileBytes;
      head.input.close();
    }
  }

  /** What bounds the run of packets that can be taken from the first head: the next head, or the next capture to open. */
  #rival(): Timed | undefined {
    const heads = this.#heads;
    let rival: Timed | undefined = heads[1];
    const other = heads[2];
    if (rival !== undefined && other !== undefined && isBefore(other, rival)) rival = other;
    const next = this.#waiting.at(-1);
    return next !== undefined && (rival === undefined || isBefore(next, rival)) ? next : rival;
  }

  /** The first head goes behind those that are before it now. */
  #siftDown(): void {
    const heads = this.#heads;
    const head = heads[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heads.length) break;
      if (child + 1 < heads.length && isBefore(heads[child + 1]!, heads[child]!)) child++;
      if (isBefore(head, heads[child]!)) break;
      heads[at] = heads[child]!;
      at = child;
    }
    heads[at] = head;
  }

  /** Puts a new head among the others. */
  #siftUp(head: Head): void {
    const heads = this.#heads;
    let at = heads.length;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (isBefore(heads[parent]!, head)) break;
      heads[at] = heads[parent]!;
      at = parent;
    }
    heads[at] = head;
  }
}

const isBefore = (a: Timed, b: Timed): boolean =>
  a.timeNs < b.timeNs || (a.timeNs === b.timeNs && a.order < b.order);
