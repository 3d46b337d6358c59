import type { ByteSource } from './byte-source.ts';

/** Bytes that come in chunks (standard input, a decompressor) as a ByteSource. */
export class ChunkSource implements ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #origin: { readonly fileBytes: number; readonly fileBytesTotal: number | undefined } | undefined;
  readonly #onClose: () => void;
  /** The chunk in hand and how much of it was handed out. */
  #chunk: Uint8Array = new Uint8Array(0);
  #used = 0;
  /** Bytes that were given back, to be handed out before the chunk. */
  #returned: Uint8Array = new Uint8Array(0);
  #returnedUsed = 0;
  #ended = false;
  #received = 0;
  failure: string | undefined;

  /** `origin` counts the bytes on disk when the chunks are decompressed ones. */
  constructor(
    chunks: AsyncIterable<Uint8Array>,
    origin?: { readonly fileBytes: number; readonly fileBytesTotal: number | undefined },
    onClose: () => void = () => {},
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#origin = origin;
    this.#onClose = onClose;
  }

  get fileBytes(): number {
    return this.#origin?.fileBytes ?? this.#received;
  }

  get fileBytesTotal(): number | undefined {
    return this.#origin?.fileBytesTotal;
  }

  read(target: Uint8Array, offset: number, length: number): number | Promise<number> {
    if (this.#returnedUsed < this.#returned.length) {
      const bytes = copyInto(target, offset, length, this.#returned, this.#returnedUsed);
      this.#returnedUsed += bytes;
      return bytes;
    }
    if (this.#used < this.#chunk.length) {
      const bytes = copyInto(target, offset, length, this.#chunk, this.#used);
      this.#used += bytes;
      return bytes;
    }
    return this.#ended ? 0 : this.#readNext(target, offset, length);
  }

  async #readNext(target: Uint8Array, offset: number, length: number): Promise<number> {
    try {
      for (;;) {
        const next = await this.#chunks.next();
        if (next.done === true) break;
        if (next.value.length === 0) continue;
        this.#chunk = next.value;
        this.#received += next.value.length;
        this.#used = copyInto(target, offset, length, this.#chunk, 0);
        return this.#used;
      }
    } catch (error) {
      this.failure = (error as Error).message;
    }
    this.#ended = true;
    return 0;
  }

  unread(bytes: Uint8Array, from: number, to: number): void {
    const left = this.#returned.subarray(this.#returnedUsed);
    const joined = new Uint8Array(to - from + left.length);
    joined.set(bytes.subarray(from, to));
    joined.set(left, to - from);
    this.#returned = joined;
    this.#returnedUsed = 0;
  }

  close(): void {
    this.#ended = true;
    this.#used = this.#chunk.length;
    this.#returnedUsed = this.#returned.length;
    this.#onClose();
  }
}

function copyInto(
  target: Uint8Array,
  offset: number,
  length: number,
  from: Uint8Array,
  used: number,
): number {
  const bytes = Math.min(length, from.length - used);
  target.set(from.subarray(used, used + bytes), offset);
  return bytes;
}
