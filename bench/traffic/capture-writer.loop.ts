import { writeSync } from 'node:fs';
import { MAX_HEADER_BYTES } from './frame.loop.ts';

const LINKTYPE_ETHERNET = 1;
const PCAPNG_HEADER_BYTES = 28;
const PCAP_HEADER_BYTES = 16;

export interface CaptureFormat {
  readonly pcapng: boolean;
  readonly nanoseconds: boolean;
  readonly snapBytes: number;
}

/** Takes whole blocks of the file. */
export type Sink = (block: Uint8Array) => void;

/**
 * Writes a capture of one Ethernet interface, little-endian, block by block. A packet is written in place:
 *
 *   const at = writer.open();        // where its frame begins in `bytes` and `view`
 *   …                                // at most MAX_HEADER_BYTES and the snap length are written there
 *   writer.close(seconds, nanoseconds, frameBytes);
 */
export class CaptureWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly #format: CaptureFormat;
  readonly #sink: Sink;
  readonly #headerBytes: number;
  readonly #limit: number;
  #at = 0;

  /** `blockBytes`: handed to the sink in one go, about. */
  constructor(format: CaptureFormat, sink: Sink, blockBytes: number) {
    this.#format = format;
    this.#sink = sink;
    this.#headerBytes = format.pcapng ? PCAPNG_HEADER_BYTES : PCAP_HEADER_BYTES;
    const slack = this.#headerBytes + Math.max(format.snapBytes, MAX_HEADER_BYTES) + 64;
    this.bytes = new Uint8Array(blockBytes + slack);
    this.view = new DataView(this.bytes.buffer);
    this.#limit = blockBytes;
    if (format.pcapng) this.#writePcapngHead();
    else this.#writePcapHead();
  }

  #words(...words: number[]): void {
    for (const word of words) {
      this.view.setUint32(this.#at, word >>> 0, true);
      this.#at += 4;
    }
  }

  #writePcapHead(): void {
    const { nanoseconds, snapBytes } = this.#format;
    this.#words(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0x00040002, 0, 0, snapBytes, LINKTYPE_ETHERNET);
  }

  #writePcapngHead(): void {
    const { nanoseconds, snapBytes } = this.#format;
    this.#words(0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00000001, -1, -1, 28);
    // if_name (2) "eth0", if_tsresol (9) as a power of ten.
    const resolution = nanoseconds ? 9 : 6;
    const name = 0x30687465;
    this.#words(1, 40, LINKTYPE_ETHERNET, snapBytes, 0x00040002, name, 0x00010009, resolution, 0, 40);
  }

  /** Where the next frame begins. */
  open(): number {
    if (this.#at >= this.#limit) this.flush();
    return this.#at + this.#headerBytes;
  }

  /** Ends the packet that `open` began. */
  close(seconds: number, nanoseconds: number, frameBytes: number): void {
    const { view } = this;
    const at = this.#at;
    const { snapBytes, pcapng } = this.#format;
    const captured = Math.min(frameBytes, snapBytes);
    const fraction = this.#format.nanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000);
    if (!pcapng) {
      view.setUint32(at, seconds, true);
      view.setUint32(at + 4, fraction, true);
      view.setUint32(at + 8, captured, true);
      view.setUint32(at + 12, frameBytes, true);
      this.#at = at + PCAP_HEADER_BYTES + captured;
      return;
    }
    const units = seconds * (this.#format.nanoseconds ? 1e9 : 1e6) + fraction;
    const padded = (captured + 3) & ~3;
    const blockBytes = PCAPNG_HEADER_BYTES + padded + 4;
    view.setUint32(at, 6, true);
    view.setUint32(at + 4, blockBytes, true);
    view.setUint32(at + 8, 0, true);
    view.setUint32(at + 12, Math.floor(units / 4294967296), true);
    view.setUint32(at + 16, units >>> 0, true);
    view.setUint32(at + 20, captured, true);
    view.setUint32(at + 24, frameBytes, true);
    for (let k = captured; k < padded; k++) this.bytes[at + PCAPNG_HEADER_BYTES + k] = 0;
    view.setUint32(at + blockBytes - 4, blockBytes, true);
    this.#at = at + blockBytes;
  }

  /** Hands on what was written. To be called at the end. */
  flush(): void {
    if (this.#at > 0) this.#sink(this.bytes.subarray(0, this.#at));
    this.#at = 0;
  }
}

/** A sink that writes to an open file, also to a pipe whose reader is slow. */
export function fileSink(fd: number): Sink {
  return (block) => {
    for (let from = 0; from < block.length; ) {
      try {
        from += writeSync(fd, block, from);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        Atomics.wait(PAUSE, 0, 0, 1);
      }
    }
  };
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
