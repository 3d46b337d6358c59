import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A stream of bytes that is read into the caller's memory. */
export interface ByteSource {
  /** Reads up to `length` bytes to target[offset…]; 0 only at the end. */
  read(target: Uint8Array, offset: number, length: number): number | Promise<number>;
  /** Gives back the bytes that were read last, bytes[from, to): they come again with the next read. */
  unread(bytes: Uint8Array, from: number, to: number): void;
  /** Bytes read of the file on disk (before decompression). */
  readonly fileBytes: number;
  /** Size of the file on disk, or undefined when it cannot be known. */
  readonly fileBytesTotal: number | undefined;
  /** Why the bytes ended before their time (the decompressor's words), or undefined. */
  readonly failure: string | undefined;
  close(): void;
}

/** A regular file: reads are positioned, so that nothing that is read again has to be kept. */
export class FileSource implements ByteSource {
  readonly #fd: number;
  #position = 0;
  #open = true;
  readonly fileBytesTotal: number;
  failure: string | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.fileBytesTotal = fstatSync(this.#fd).size;
  }

  get fileBytes(): number {
    return this.#position;
  }

  read(target: Uint8Array, offset: number, length: number): number {
    try {
      const bytes = readSync(this.#fd, target, offset, length, this.#position);
      this.#position += bytes;
      return bytes;
    } catch (error) {
      this.failure = (error as Error).message;
      return 0;
    }
  }

  unread(_bytes: Uint8Array, from: number, to: number): void {
    this.#position -= to - from;
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
