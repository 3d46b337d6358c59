import type { CaptureSource } from '../capture/source.ts';

/** Room for the source table: each interface of a pcapng file takes some 150 bytes. */
const BOARD_BYTES = 16 << 20;

/**
 * The source table where all threads can read it: sources turn up while captures are read (interface blocks), and
 * the replaying worker must know those of each batch. The reader writes the whole table before it hands on the first
 * batch that needs it; Ring.publishSources makes it visible.
 */
export class SourceBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #length: Int32Array;
  readonly #bytes: Uint8Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#length = new Int32Array(buffer, 0, 1);
    this.#bytes = new Uint8Array(buffer, 4);
  }

  static allocate(): SourceBoard {
    // Untouched pages of a shared buffer take no memory.
    return new SourceBoard(new SharedArrayBuffer(BOARD_BYTES));
  }

  static from(buffer: SharedArrayBuffer): SourceBoard {
    return new SourceBoard(buffer);
  }

  write(sources: readonly CaptureSource[]): void {
    const text = JSON.stringify(sources, (_, value) =>
      typeof value === 'bigint' ? { bigint: `${value}` } : value,
    );
    const bytes = new TextEncoder().encode(text);
    this.#bytes.set(bytes);
    this.#length[0] = bytes.length;
  }

  read(): CaptureSource[] {
    const bytes = this.#bytes.slice(0, this.#length[0]);
    return JSON.parse(new TextDecoder().decode(bytes), (_, value) =>
      value !== null && typeof value === 'object' && 'bigint' in value ? BigInt(value.bigint) : value,
    ) as CaptureSource[];
  }
}
