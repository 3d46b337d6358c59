import { crc32, createInflateRaw } from 'node:zlib';
import type { ByteSource } from './byte-source.ts';

/** Compressed bytes that are handed to zlib at a time: they bound what one step can inflate to, 1032 times as much. */
const STEP_BYTES = 16384;
/** Inflated bytes that zlib gives at a time. Where it meets what is no deflate stream, it keeps what it has for the next time. */
const OUTPUT_BYTES = 16384;
const INPUT_BYTES = 65536;

const DEFLATE = 8;
const HEADER_CRC = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;
const RESERVED = 0xe0;

/** What zlib says itself where a stream breaks off. */
const UNEXPECTED_END = 'unexpected end of file';

/**
 * The content of a gzip file: of all its members, one behind the other (RFC 1952). zlib inflates; headers and trailers
 * are read here, since Node's own reader keeps for itself what it has inflated when a trailer does not agree with it.
 * All that can be read is given before an Error says what is wrong. Zero bytes behind the last member are padding.
 */
export async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array> {
  const input = new Input(source);
  let wrong: string | undefined;
  for (let member = 1; await input.startsMember(); member++) {
    if (!(await skipHeader(input))) wrong ??= `gzip member ${member}: incorrect checksum of its header`;
    let crc = 0;
    let bytes = 0;
    for await (const chunk of inflate(input)) {
      crc = crc32(chunk, crc);
      bytes += chunk.length;
      yield chunk;
    }
    const [crcSaid, bytesSaid] = [await input.word(), await input.word()];
    // Where the next member begins is known all the same.
    if (crcSaid !== crc) wrong ??= `gzip member ${member}: incorrect checksum`;
    else if (bytesSaid !== bytes % 2 ** 32) wrong ??= `gzip member ${member}: incorrect length`;
  }
  await input.skipZeros();
  if (!(await input.isAtEnd())) wrong ??= 'what follows the gzip data is not gzip';
  wrong ??= source.failure;
  if (wrong !== undefined) throw new Error(wrong);
}

/** False when the header's checksum, where it has one, is wrong. */
async function skipHeader(input: Input): Promise<boolean> {
  input.crc = 0;
  const begin = await input.bytes(10);
  const flags = begin[3]!;
  if (begin[2] !== DEFLATE) throw new Error(`gzip: unknown compression method ${begin[2]}`);
  if ((flags & RESERVED) !== 0) throw new Error('gzip: unknown header flags');
  if ((flags & EXTRA) !== 0) {
    const length = await input.bytes(2);
    await input.bytes(length[0]! | (length[1]! << 8));
  }
  if ((flags & NAME) !== 0) await input.skipText();
  if ((flags & COMMENT) !== 0) await input.skipText();
  if ((flags & HEADER_CRC) === 0) return true;
  const expected = input.crc & 0xffff;
  const [low, high] = await input.bytes(2);
  return expected === (low! | (high! << 8));
}

/**
 * What the deflate stream at the front of `input` stands for; `input` is behind it then. While what one step gave is
 * being used, zlib is at the next.
 */
async function* inflate(input: Input): AsyncGenerator<Uint8Array> {
  const stream = createInflateRaw({ chunkSize: OUTPUT_BYTES });
  const chunks: Uint8Array[] = [];
  let failure: Error | undefined;
  let settle = (): void => undefined;
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  stream.on('error', (error) => {
    failure = error;
    settle();
  });
  try {
    for (let isDone = false; !isDone; ) {
      const ready = chunks.splice(0);
      const step = await input.some(STEP_BYTES);
      const before = stream.bytesWritten;
      if (step.length === 0) {
        yield* ready;
        throw input.endError();
      }
      const written = new Promise<void>((resolve) => {
        settle = resolve;
        stream.write(step, () => resolve());
      });
      yield* ready;
      await written;
      if (failure !== undefined) {
        yield* chunks;
        throw failure;
      }
      // The stream takes no byte behind its end.
      const used = stream.bytesWritten - before;
      isDone = used < step.length;
      input.take(used);
    }
    yield* chunks;
  } finally {
    stream.close();
  }
}

/** Bytes of a source, a few at a time. */
class Input {
  readonly #source: ByteSource;
  readonly #buffer = new Uint8Array(INPUT_BYTES);
  #at = 0;
  #end = 0;
  /** CRC-32 of what `bytes` and `skipText` have taken. */
  crc = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Why there is no more. */
  endError(): Error {
    return new Error(this.#source.failure ?? UNEXPECTED_END);
  }

  /** Up to `most` bytes, none at the end; they stay to be taken, and what holds them is used anew when they have been. */
  async some(most: number): Promise<Uint8Array> {
    await this.#fill(1);
    return this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + most));
  }

  take(bytes: number): void {
    this.#at += bytes;
  }

  async bytes(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    for (let have = 0; have < count; ) {
      const some = await this.some(count - have);
      if (some.length === 0) throw this.endError();
      all.set(some, have);
      have += some.length;
      this.take(some.length);
    }
    this.crc = crc32(all, this.crc);
    return all;
  }

  /** The next four bytes, the least first. */
  async word(): Promise<number> {
    const [a, b, c, d] = await this.bytes(4);
    return (a! | (b! << 8) | (c! << 16) | (d! << 24)) >>> 0;
  }

  /** Text that ends in a zero byte. */
  async skipText(): Promise<void> {
    for (;;) {
      const some = await this.some(INPUT_BYTES);
      if (some.length === 0) throw this.endError();
      const end = some.indexOf(0);
      const taken = end < 0 ? some : some.subarray(0, end + 1);
      this.crc = crc32(taken, this.crc);
      this.take(taken.length);
      if (end >= 0) return;
    }
  }

  async startsMember(): Promise<boolean> {
    await this.#fill(2);
    return (
      this.#end - this.#at >= 2 && this.#buffer[this.#at] === 0x1f && this.#buffer[this.#at + 1] === 0x8b
    );
  }

  async skipZeros(): Promise<void> {
    while (!(await this.isAtEnd()) && this.#buffer[this.#at] === 0) this.#at++;
  }

  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#at === this.#end;
  }

  /** Sees to it that `count` bytes are there, if there are as many. */
  async #fill(count: number): Promise<void> {
    while (this.#end - this.#at < count) {
      this.#buffer.copyWithin(0, this.#at, this.#end);
      this.#end -= this.#at;
      this.#at = 0;
      const bytes = await this.#source.read(this.#buffer, this.#end, INPUT_BYTES - this.#end);
      if (bytes === 0) return;
      this.#end += bytes;
    }
  }
}
