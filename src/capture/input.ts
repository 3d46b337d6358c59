import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import { fileReason } from '../base/file-errors.ts';
import { allocateBatch, type Batch } from '../batch/batch.ts';
import type { CaptureArgument } from './argument.ts';
import { type ByteSource, FileSource } from './byte-source.ts';
import type { CaptureDamage } from './damage.ts';
import { decompress } from './decompress.ts';
import { identify, MAGIC_BYTES, refuseKnownFormats } from './magic.ts';
import { FILE_HEADER_BYTES, PcapWalker } from './pcap.ts';
import { PcapngWalker } from './pcapng.ts';
import type { SourceTable } from './source.ts';
import { ChunkSource } from './stream-source.ts';
import type { Walker } from './walker.ts';

/** A gzip file in a Zstandard file and so on: nobody nests deeper. */
const MAX_COMPRESSION_LAYERS = 4;

/** Bytes of the batch that finds the first packet's time stamp. */
const PROBE_BYTES = 65536;

/**
 * One capture: a file or standard input, whatever its format and compression. `fill` works like CaptureReader's.
 *
 * The bytes go from the file straight to the batch's data area and stay there; a record that straddles the end of
 * the area is given back to the file and read again with the next batch.
 */
export class CaptureInput {
  readonly file: string;
  /** Bytes that a batch must have for the next record when `fill` returned 0 for want of room, else 0. */
  neededDataBytes = 0;
  /** Time stamp of the first packet, known after `probe`. */
  firstTimeNs: bigint | undefined;
  /** False when the first bytes are of no capture format. */
  isCapture = true;
  /** Known after `probe`: there is not one packet to be read. */
  isEmpty = true;
  /** Packets handed out. */
  packets = 0;
  readonly #source: ByteSource;
  readonly #walker: Walker | undefined;
  readonly #report: (damage: CaptureDamage) => void;
  /** Where in the (decompressed) file the next read begins. */
  #byteOffset: number;
  /** Bytes of the batch's data that hold bytes of the file, during a fill. */
  #have = 0;
  #ended = false;

  private constructor(
    file: string,
    source: ByteSource,
    walker: Walker | undefined,
    byteOffset: number,
    report: (damage: CaptureDamage) => void,
  ) {
    this.file = file;
    this.#source = source;
    this.#walker = walker;
    this.#byteOffset = byteOffset;
    this.#report = report;
  }

  /** Opens a capture and reads its header; what is wrong with it is reported, what cannot be replayed is thrown. */
  static async open(
    argument: CaptureArgument,
    sources: SourceTable,
    stdin: Readable,
    report: (damage: CaptureDamage) => void,
  ): Promise<CaptureInput> {
    const { file } = argument;
    let source: ByteSource = openBytes(file, stdin);
    try {
      const head = new Uint8Array(Math.max(MAGIC_BYTES, FILE_HEADER_BYTES));
      let bytes = await readFully(source, head);
      let kind = identify(head.subarray(0, bytes));
      for (let layer = 0; kind === 'gzip' || kind === 'zstd'; layer++) {
        if (layer === MAX_COMPRESSION_LAYERS) throw new UserError(`${file}: compressed too many times over`);
        source.unread(head, 0, bytes);
        source = decompress(kind, source);
        bytes = await readFully(source, head);
        kind = identify(head.subarray(0, bytes));
      }
      const broken = (byteOffset: number, message: string): CaptureInput => {
        const because = source.failure === undefined ? '' : ` (${source.failure})`;
        report({ file, byteOffset, packetNumber: 1, message: message + because, isCutShort: bytes === 0 });
        const input = new CaptureInput(file, source, undefined, 0, report);
        input.isCapture = kind !== 'unknown';
        return input;
      };
      refuseKnownFormats(head.subarray(0, bytes), file);
      if (bytes === 0) return broken(0, 'the file is empty');
      if (kind === 'unknown')
        return broken(0, `not a capture: it begins with ${hex(head.subarray(0, Math.min(4, bytes)))}`);
      if (kind === 'pcapng') {
        source.unread(head, 0, bytes);
        return new CaptureInput(file, source, new PcapngWalker(argument, sources), 0, report);
      }
      if (bytes < FILE_HEADER_BYTES) return broken(bytes, 'the file ends in its header');
      const walker = new PcapWalker(head, argument, sources);
      source.unread(head, FILE_HEADER_BYTES, bytes);
      return new CaptureInput(file, source, walker, FILE_HEADER_BYTES, report);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Finds `firstTimeNs` without taking the packet. The clock is still to be set. */
  async probe(): Promise<void> {
    const walker = this.#walker;
    if (walker === undefined) return;
    let batch = allocateBatch(1, PROBE_BYTES);
    for (;;) {
      const rows = await this.fill(batch);
      if (rows > 0) {
        this.firstTimeNs = walker.firstTimeNs(batch);
        this.#source.unread(batch.data, walker.firstRecord, walker.next);
        this.#byteOffset -= walker.next - walker.firstRecord;
        this.packets = 0;
        this.isEmpty = false;
        return;
      }
      if (this.neededDataBytes === 0) return;
      batch = allocateBatch(1, this.neededDataBytes);
    }
  }

  setClock(baseNs: bigint): void {
    this.#walker?.setClock(baseNs);
  }

  get fileBytes(): number {
    return this.#source.fileBytes;
  }

  get fileBytesTotal(): number | undefined {
    return this.#source.fileBytesTotal;
  }

  fill(batch: Batch): number | Promise<number> {
    this.neededDataBytes = 0;
    batch.count = 0;
    if (this.#ended || this.#walker === undefined) return 0;
    this.#have = 0;
    return this.#readAndWalk(batch, this.#walker);
  }

  close(): void {
    this.#ended = true;
    this.#source.close();
  }

  #readAndWalk(batch: Batch, walker: Walker): number | Promise<number> {
    const { data } = batch;
    for (;;) {
      let atEnd = false;
      while (this.#have < data.length) {
        const bytes = this.#source.read(data, this.#have, data.length - this.#have);
        if (typeof bytes !== 'number') {
          return bytes.then((arrived) => {
            this.#have += arrived;
            return arrived === 0 ? (this.#walk(batch, walker, true) ?? 0) : this.#readAndWalk(batch, walker);
          });
        }
        if (bytes === 0) {
          atEnd = true;
          break;
        }
        this.#have += bytes;
      }
      const rows = this.#walk(batch, walker, atEnd);
      if (rows !== undefined) return rows;
    }
  }

  /** Walks what was read; returns the rows, or undefined when more has to be read first. */
  #walk(batch: Batch, walker: Walker, atEnd: boolean): number | undefined {
    const have = this.#have;
    this.#have = 0;
    walker.walk(batch, have);
    const { rows, next, damage, needBytes } = walker;
    const byteOffset = this.#byteOffset;
    this.#byteOffset += next;
    this.packets += rows;
    batch.count = rows;
    if (damage !== undefined) {
      this.#break(byteOffset + next, damage);
      return rows;
    }
    if (needBytes === 0) {
      // The rows are full.
      this.#source.unread(batch.data, next, have);
      return rows;
    }
    if (atEnd) {
      this.#end(byteOffset + next, have - next, needBytes, walker);
      return rows;
    }
    this.#source.unread(batch.data, next, have);
    if (rows > 0) return rows;
    if (next > 0) return undefined;
    assert(needBytes > batch.data.length, `${this.file}: the walk stands still at byte ${byteOffset}`);
    this.neededDataBytes = needBytes;
    return 0;
  }

  /** The file is at its end: `bytes` are left over, where the next record would need `needBytes`. */
  #end(byteOffset: number, bytes: number, needBytes: number, walker: Walker): void {
    this.#ended = true;
    const { failure } = this.#source;
    if (bytes > 0 || walker.amidRecord) {
      const missing = needBytes - bytes;
      this.#break(
        byteOffset,
        `the file ends in ${walker.describeTail(bytes)}: at least ${missing} bytes are missing`,
        true,
      );
    } else if (failure !== undefined) {
      this.#break(byteOffset, 'the file ends with an error');
    }
  }

  #break(byteOffset: number, message: string, isCutShort = false): void {
    this.#ended = true;
    const { failure } = this.#source;
    const because = failure === undefined ? '' : ` (${failure})`;
    this.#report({
      file: this.file,
      byteOffset,
      packetNumber: this.packets + 1,
      message: message + because,
      isCutShort,
    });
  }
}

/** The bytes of a regular file, of standard input, or of what else can be opened (a named pipe). */
function openBytes(file: string, stdin: Readable): ByteSource {
  if (file === '-') return new ChunkSource(stdin);
  try {
    const stat = statSync(file);
    if (stat.isFile()) return new FileSource(file);
    const stream = createReadStream(file, { highWaterMark: 1 << 18 });
    return new ChunkSource(stream, undefined, () => stream.destroy());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${file}: ${fileReason(error)}`, {
      hint: code === 'ENOENT' ? 'a CAPTURE argument is [IFACE[:in|:out]=]FILE' : undefined,
    });
  }
}

/** Reads until `target` is full or the bytes end; returns how many came. */
async function readFully(source: ByteSource, target: Uint8Array): Promise<number> {
  let have = 0;
  while (have < target.length) {
    const bytes = await source.read(target, have, target.length - have);
    if (bytes === 0) break;
    have += bytes;
  }
  return have;
}

const hex = (bytes: Uint8Array): string =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
