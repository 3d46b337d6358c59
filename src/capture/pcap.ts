import { UserError } from '../base/errors.ts';
import type { Batch } from '../batch/batch.ts';
import { kernelsOf } from '../batch/kernels.ts';
import { WALK_BAD_LENGTH_BIT } from '../batch/layout.ts';
import type { CaptureArgument } from './argument.ts';
import { maxCapturedBytes } from './limits.ts';
import { PCAP_MAGIC, PCAP_MAGIC_NS } from './magic.ts';
import {
  LENGTHS_AS_NAMED,
  LENGTHS_EITHER,
  LENGTHS_SWAPPED,
  RECORD_HEADER_BYTES,
  WALK_BAD_LENGTH,
  WALK_NEXT,
  WALK_WORDS,
  walkPcapRecords,
} from './pcap.loop.ts';
import { requireLinktype, type SourceTable } from './source.ts';
import type { Walker } from './walker.ts';

/** Bytes of the header of a classic pcap file. */
export const FILE_HEADER_BYTES = 24;

/** AIX writes version 2.543, with other time stamps and other numbers of link types. */
const AIX_MINOR = 543;

/**
 * The classic format (draft-ietf-opsawg-pcap):
 *
 *   0 magic | 4 major, minor | 8 time zone | 12 accuracy | 16 snap length | 20 link type
 *
 * in the byte order of the machine that wrote it, told by the magic number. Then records: a header of 16 bytes and
 * the captured bytes, nothing to resynchronise on: behind an impossible length nothing can be trusted.
 */
export class PcapWalker implements Walker {
  rows = 0;
  next = 0;
  needBytes = 0;
  damage: string | undefined;
  readonly firstRecord = 0;
  readonly amidRecord = false;
  readonly linktype: number;
  readonly #littleEndian: boolean;
  readonly #nsPerUnit: number;
  readonly #lengths: number;
  readonly #maxBytes: number;
  readonly #source: number;
  /** Added to every time stamp. */
  readonly #skewNs: bigint;
  readonly #result = new Float64Array(WALK_WORDS);
  #baseSeconds = 0;
  #baseFractionNs = 0;

  /** `header` holds the file's first FILE_HEADER_BYTES. Throws a UserError for what cannot be replayed. */
  constructor(header: Uint8Array, argument: CaptureArgument, sources: SourceTable) {
    const { file } = argument;
    const view = new DataView(header.buffer, header.byteOffset, FILE_HEADER_BYTES);
    const magic = view.getUint32(0, true);
    this.#littleEndian = magic === PCAP_MAGIC || magic === PCAP_MAGIC_NS;
    const nanoseconds = view.getUint32(0, this.#littleEndian) === PCAP_MAGIC_NS;
    this.#nsPerUnit = nanoseconds ? 1 : 1000;
    this.#lengths = lengthOrder(
      view.getUint16(4, this.#littleEndian),
      view.getUint16(6, this.#littleEndian),
      file,
    );
    const snaplen = view.getUint32(16, this.#littleEndian);
    this.#maxBytes = maxCapturedBytes(snaplen);
    // The upper bits say whether frames end with a frame check sequence: the IP length trims it away.
    this.linktype = view.getUint32(20, this.#littleEndian) & 0xffff;
    requireLinktype(this.linktype, file, undefined);
    this.#skewNs = sources.skewNs(argument.ifaceName);
    this.#source = sources.register({
      file,
      ifaceName: argument.ifaceName,
      ifaceGiven: argument.ifaceName !== undefined,
      direction: argument.direction,
      linktype: this.linktype,
      snaplen,
      unitsPerSecond: nanoseconds ? 1_000_000_000n : 1_000_000n,
    });
  }

  setClock(baseNs: bigint): void {
    const ownBaseNs = baseNs - this.#skewNs;
    this.#baseSeconds = Number(ownBaseNs / 1_000_000_000n);
    this.#baseFractionNs = Number(ownBaseNs % 1_000_000_000n);
  }

  walk(batch: Batch, to: number): void {
    const kernels = this.#lengths === LENGTHS_AS_NAMED ? kernelsOf(batch) : undefined;
    if (kernels === undefined) this.#walk(batch, to);
    else {
      const stop = kernels.walkPcap(
        batch.place.offset,
        to,
        this.#littleEndian ? 1 : 0,
        this.#maxBytes,
        this.#nsPerUnit,
        this.#baseSeconds,
        this.#baseFractionNs,
        this.#source,
        this.linktype,
      );
      this.rows = batch.count;
      this.next = stop & ~WALK_BAD_LENGTH_BIT;
      this.#result[WALK_BAD_LENGTH] = stop & WALK_BAD_LENGTH_BIT;
    }
    this.needBytes = 0;
    if (this.#result[WALK_BAD_LENGTH] !== 0) {
      const captured = this.#capturedAt(batch.view, this.next);
      this.damage = `the record header claims ${captured} captured bytes, more than ${this.#maxBytes}`;
    } else if (this.rows < batch.capacity) {
      const whole = to - this.next >= RECORD_HEADER_BYTES;
      this.needBytes = RECORD_HEADER_BYTES + (whole ? this.#capturedAt(batch.view, this.next) : 0);
    }
  }

  #walk(batch: Batch, to: number): void {
    const c = batch.columns;
    this.rows = walkPcapRecords(
      batch.view,
      to,
      this.#littleEndian,
      this.#lengths,
      this.#maxBytes,
      this.#nsPerUnit,
      1e9 / this.#nsPerUnit,
      this.#baseSeconds,
      this.#baseFractionNs,
      this.#source,
      this.linktype,
      batch.capacity,
      c.timeNs,
      c.dataOffset,
      c.capLen,
      c.origLen,
      c.source,
      c.linktype,
      c.recordDirection,
      c.timeInvalid,
      this.#result,
    );
    this.next = this.#result[WALK_NEXT]!;
  }

  firstTimeNs(batch: Batch): bigint {
    const seconds = batch.view.getUint32(this.firstRecord, this.#littleEndian);
    const fraction = batch.view.getUint32(this.firstRecord + 4, this.#littleEndian);
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction * this.#nsPerUnit) + this.#skewNs;
  }

  describeTail(bytes: number): string {
    return bytes < RECORD_HEADER_BYTES ? 'a record header' : 'a packet';
  }

  /** Captured length that the record header at `at` states. */
  #capturedAt(view: DataView, at: number): number {
    const first = view.getUint32(at + 8, this.#littleEndian);
    const second = view.getUint32(at + 12, this.#littleEndian);
    if (this.#lengths === LENGTHS_SWAPPED) return second;
    return this.#lengths === LENGTHS_EITHER ? Math.min(first, second) : first;
  }
}

/** Which of the two lengths is which, by version, as sf-pcap.c of libpcap decides; refuses unknown versions. */
function lengthOrder(major: number, minor: number, file: string): number {
  if (major !== 2 || minor > 4) {
    const writer = major === 2 && minor === AIX_MINOR ? ' (AIX)' : '';
    throw new UserError(`${file}: pcap version ${major}.${minor}${writer} is not read`, {
      hint: 'convert it with `editcap -F pcapng`',
    });
  }
  if (minor < 3) return LENGTHS_SWAPPED;
  return minor === 4 ? LENGTHS_AS_NAMED : LENGTHS_EITHER;
}
