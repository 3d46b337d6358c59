import type { Batch } from '../batch/batch.ts';
import { RECORD_UNKNOWN } from '../batch/layout.ts';
import type { CaptureArgument } from './argument.ts';
import { MAX_CAPTURED_BYTES, maxCapturedBytes } from './limits.ts';
import { isSupportedLinktype } from './linktype.ts';
import { PCAPNG_SECTION } from './magic.ts';
import {
  BLOCK_ENHANCED_PACKET,
  directionOption,
  WALK_NEXT,
  WALK_WORDS,
  walkEnhancedPackets,
} from './pcapng.loop.ts';
import { InterfaceColumns, readInterfaceDescription } from './pcapng-interface.ts';
import { requireLinktype, type SourceTable } from './source.ts';
import type { Walker } from './walker.ts';

const BLOCK_INTERFACE = 1;
const BLOCK_PACKET = 2;
const BLOCK_SIMPLE_PACKET = 3;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Block type and total length. */
const BLOCK_HEADER_BYTES = 8;
const TRAILER_BYTES = 4;
const MIN_BLOCK_BYTES = BLOCK_HEADER_BYTES + TRAILER_BYTES;
/** Block header, byte-order magic, version, section length, trailer. */
const MIN_SECTION_BYTES = 28;
/** Offset of the data in an Enhanced Packet Block and in the old Packet Block. */
const PACKET_DATA = 28;
const SIMPLE_PACKET_DATA = 12;
/** As much for a section's options as for an interface's; and for a packet's beside the packet itself. */
const MAX_SECTION_BYTES = 1 << 20;
const MAX_PACKET_BLOCK_BYTES = MAX_CAPTURED_BYTES + (1 << 20);

/** An interface block with more (options may hold a long comment) is not believed. */
const MAX_INTERFACE_BYTES = 1 << 20;

/**
 * The pcapng format (draft-ietf-opsawg-pcapng): blocks of type, total length, body, total length again. A section
 * header sets the byte order and forgets the interfaces; an interface block adds one; packets name theirs by number.
 *
 * Runs of sound Enhanced Packet Blocks are walked by the hot loop; this class takes one block of any other kind at
 * a time, and says what is wrong with a wrong one.
 */
export class PcapngWalker implements Walker {
  rows = 0;
  next = 0;
  needBytes = 0;
  damage: string | undefined;
  firstRecord = 0;
  readonly #argument: CaptureArgument;
  readonly #sources: SourceTable;
  readonly #interfaces = new InterfaceColumns();
  readonly #result = new Float64Array(WALK_WORDS);
  #littleEndian = true;
  #inSection = false;
  #clockNs = 0n;
  /** Body bytes of the block in hand that are still to be passed over, and its total length. */
  #skipBytes = 0;
  #skippedTotal = 0;
  /** Time of the last packet that had one: a Simple Packet Block has none and takes it over. */
  #lastTimeNs = 0;

  constructor(argument: CaptureArgument, sources: SourceTable) {
    this.#argument = argument;
    this.#sources = sources;
  }

  get amidRecord(): boolean {
    return this.#skippedTotal > 0;
  }

  setClock(baseNs: bigint): void {
    this.#clockNs = baseNs;
    this.#lastTimeNs = 0;
    this.#interfaces.setClock(baseNs);
  }

  walk(batch: Batch, to: number): void {
    const { view, capacity } = batch;
    const c = batch.columns;
    const interfaces = this.#interfaces;
    this.rows = 0;
    this.next = 0;
    this.needBytes = 0;
    for (;;) {
      if (this.#skippedTotal === 0) {
        const before = this.rows;
        this.rows = walkEnhancedPackets(
          view,
          this.next,
          to,
          this.rows,
          capacity,
          this.#littleEndian,
          interfaces.count,
          interfaces.source,
          interfaces.linktype,
          interfaces.maxBytes,
          interfaces.nsPerTick,
          interfaces.baseHigh,
          interfaces.baseLow,
          interfaces.offsetNs,
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
        if (before === 0 && this.rows > 0) this.firstRecord = this.next;
        if (this.rows > before) this.#lastTimeNs = c.timeNs[this.rows - 1]!;
        this.next = this.#result[WALK_NEXT]!;
      }
      if (this.rows === capacity) return;
      if (!this.#walkBlock(batch, to)) return;
    }
  }

  firstTimeNs(batch: Batch): bigint | undefined {
    const { view } = batch;
    const at = this.firstRecord;
    const type = view.getUint32(at, this.#littleEndian);
    if (type === BLOCK_SIMPLE_PACKET) return undefined;
    const id =
      type === BLOCK_PACKET
        ? view.getUint16(at + 8, this.#littleEndian)
        : view.getUint32(at + 8, this.#littleEndian);
    return this.#interfaces.ticksToNs(
      id,
      view.getUint32(at + 12, this.#littleEndian),
      view.getUint32(at + 16, this.#littleEndian),
    );
  }

  describeTail(bytes: number): string {
    return bytes < BLOCK_HEADER_BYTES && !this.amidRecord ? 'a block header' : 'a block';
  }

  /** Takes the one block at `next`; false when the walk cannot go on (damage, or more bytes are needed). */
  #walkBlock(batch: Batch, to: number): boolean {
    if (this.#skippedTotal > 0) return this.#skip(batch.view, to);
    const { view } = batch;
    const at = this.next;
    const bytes = to - at;
    if (bytes < BLOCK_HEADER_BYTES) return this.#need(BLOCK_HEADER_BYTES);
    const type = view.getUint32(at, this.#littleEndian);
    if (type === PCAPNG_SECTION) {
      if (bytes < MIN_SECTION_BYTES) return this.#need(MIN_SECTION_BYTES);
      if (!this.#enterSection(view, at)) return false;
    } else if (!this.#inSection) {
      return this.#broken('the file does not begin with a section header block');
    }
    const total = view.getUint32(at + 4, this.#littleEndian);
    if (total < MIN_BLOCK_BYTES || total % 4 !== 0) {
      return this.#broken(`block type ${type} claims a length of ${total} bytes`);
    }
    if (type === PCAPNG_SECTION && total < MIN_SECTION_BYTES) {
      return this.#broken(`a section header block claims a length of ${total} bytes`);
    }
    if (type === PCAPNG_SECTION && total > MAX_SECTION_BYTES) {
      return this.#broken(`a section header block claims a length of ${total} bytes`);
    }
    switch (type) {
      case BLOCK_INTERFACE:
        if (total > MAX_INTERFACE_BYTES)
          return this.#broken(`an interface block claims a length of ${total} bytes`);
        break;
      case BLOCK_ENHANCED_PACKET:
      case BLOCK_PACKET:
      case BLOCK_SIMPLE_PACKET: {
        const why =
          total > MAX_PACKET_BLOCK_BYTES
            ? `a packet block claims a length of ${total} bytes`
            : this.#packetProblem(view, at, type, total, bytes);
        if (why !== undefined) return this.#broken(why);
        break;
      }
      default:
        this.#skippedTotal = total;
        this.#skipBytes = total - TRAILER_BYTES;
        return this.#skip(view, to);
    }
    if (bytes < total) return this.#need(total);
    const end = at + total - TRAILER_BYTES;
    const trailer = view.getUint32(end, this.#littleEndian);
    if (trailer !== total) return this.#broken(lies(total, trailer));
    if (type === BLOCK_INTERFACE) {
      const why = this.#addInterface(view, at, end);
      if (why !== undefined) return this.#broken(why);
    } else {
      this.#addPacket(batch, at, end, type);
    }
    this.next = at + total;
    return true;
  }

  #enterSection(view: DataView, at: number): boolean {
    const magic = view.getUint32(at + 8, true);
    const swapped = view.getUint32(at + 8, false);
    if (magic !== BYTE_ORDER_MAGIC && swapped !== BYTE_ORDER_MAGIC) {
      return this.#broken(`a section header block with the byte-order magic 0x${swapped.toString(16)}`);
    }
    const littleEndian = magic === BYTE_ORDER_MAGIC;
    const major = view.getUint16(at + 12, littleEndian);
    const minor = view.getUint16(at + 14, littleEndian);
    // The draft bids readers to take 1.2 as 1.0: some writers made that.
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      return this.#broken(`pcapng version ${major}.${minor} is not known`);
    }
    this.#littleEndian = littleEndian;
    this.#inSection = true;
    this.#interfaces.clear();
    return true;
  }

  /** Passes over a block whose body does not matter, however long it is. */
  #skip(view: DataView, to: number): boolean {
    const bytes = Math.min(this.#skipBytes, to - this.next);
    this.#skipBytes -= bytes;
    this.next += bytes;
    if (this.#skipBytes > 0 || to - this.next < TRAILER_BYTES) {
      return this.#need(this.#skipBytes + TRAILER_BYTES);
    }
    const trailer = view.getUint32(this.next, this.#littleEndian);
    if (trailer !== this.#skippedTotal) {
      const why = lies(this.#skippedTotal, trailer);
      this.#skippedTotal = 0;
      return this.#broken(why);
    }
    this.#skippedTotal = 0;
    this.next += TRAILER_BYTES;
    return true;
  }

  #addInterface(view: DataView, at: number, end: number): string | undefined {
    const description = readInterfaceDescription(view, at, end, this.#littleEndian);
    if (typeof description === 'string') return description;
    const { ifaceName, direction, file } = this.#argument;
    const source = this.#sources.register({
      file,
      ifaceName: ifaceName ?? description.name,
      ifaceGiven: ifaceName !== undefined,
      direction,
      linktype: description.linktype,
      snaplen: description.snaplen,
      unitsPerSecond: description.unitsPerSecond,
    });
    const skewNs = this.#sources.skewNs(ifaceName ?? description.name);
    const supported = isSupportedLinktype(description.linktype);
    this.#interfaces.add(description, source, supported, this.#clockNs, skewNs);
    return undefined;
  }

  /** Why the packet block at `at`, of which `bytes` are there, cannot be sound; undefined when it may be. */
  #packetProblem(view: DataView, at: number, type: number, total: number, bytes: number): string | undefined {
    const headerBytes = type === BLOCK_SIMPLE_PACKET ? SIMPLE_PACKET_DATA : PACKET_DATA;
    if (total < headerBytes + TRAILER_BYTES) return `a packet block claims a length of ${total} bytes`;
    if (bytes < headerBytes) return undefined;
    const id = this.#interfaceOf(view, at, type);
    const interfaces = this.#interfaces;
    if (id >= interfaces.count) return `a packet of interface ${id}, which no interface block describes`;
    const { linktype, snaplen, name } = interfaces.descriptions[id]!;
    requireLinktype(linktype, this.#argument.file, name ?? String(id));
    const captured = this.#capturedOf(view, at, type, total, snaplen);
    if (captured > maxCapturedBytes(snaplen)) {
      return `a packet block claims ${captured} captured bytes, more than ${maxCapturedBytes(snaplen)}`;
    }
    if (captured > total - headerBytes - TRAILER_BYTES) {
      return `a packet block of ${total} bytes claims ${captured} captured bytes`;
    }
    // Options (comments …) may be long, but not so long.
    if (total > 2 * maxCapturedBytes(0)) return `a packet block claims a length of ${total} bytes`;
    return undefined;
  }

  #interfaceOf(view: DataView, at: number, type: number): number {
    if (type === BLOCK_SIMPLE_PACKET) return 0;
    return type === BLOCK_PACKET
      ? view.getUint16(at + 8, this.#littleEndian)
      : view.getUint32(at + 8, this.#littleEndian);
  }

  #capturedOf(view: DataView, at: number, type: number, total: number, snaplen: number): number {
    if (type !== BLOCK_SIMPLE_PACKET) return view.getUint32(at + 20, this.#littleEndian);
    const original = view.getUint32(at + 8, this.#littleEndian);
    const captured = snaplen === 0 ? original : Math.min(original, snaplen);
    // Where the interface sets no limit, the block's length shows that the packet was cut.
    return Math.min(captured, total - SIMPLE_PACKET_DATA - TRAILER_BYTES);
  }

  #addPacket(batch: Batch, at: number, end: number, type: number): void {
    const { view } = batch;
    const c = batch.columns;
    const row = this.rows;
    const simple = type === BLOCK_SIMPLE_PACKET;
    const id = this.#interfaceOf(view, at, type);
    const begin = at + (simple ? SIMPLE_PACKET_DATA : PACKET_DATA);
    const total = end + TRAILER_BYTES - at;
    const captured = this.#capturedOf(view, at, type, total, this.#interfaces.descriptions[id]!.snaplen);
    const original = view.getUint32(at + (simple ? 8 : 24), this.#littleEndian);
    if (!simple) {
      const high = view.getUint32(at + 12, this.#littleEndian);
      const low = view.getUint32(at + 16, this.#littleEndian);
      this.#lastTimeNs = Number(this.#interfaces.ticksToNs(id, high, low) - this.#clockNs);
    }
    c.timeNs[row] = this.#lastTimeNs;
    c.timeInvalid[row] = simple ? 1 : 0;
    c.dataOffset[row] = begin;
    c.capLen[row] = captured;
    c.origLen[row] = Math.max(captured, original);
    c.source[row] = this.#interfaces.source[id]!;
    c.linktype[row] = this.#interfaces.linktype[id]!;
    c.recordDirection[row] = simple
      ? RECORD_UNKNOWN
      : directionOption(view, begin + ((captured + 3) & ~3), end, this.#littleEndian);
    if (row === 0) this.firstRecord = at;
    this.rows = row + 1;
  }

  #need(bytes: number): false {
    this.needBytes = bytes;
    return false;
  }

  #broken(why: string): false {
    this.damage = why;
    return false;
  }
}

const lies = (total: number, trailer: number): string =>
  `a block claims a length of ${total} bytes at its beginning and of ${trailer} at its end`;
