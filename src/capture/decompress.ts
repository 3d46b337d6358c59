import { Readable, Transform, type TransformCallback } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import type { ByteSource } from './byte-source.ts';
import { ChunkSource } from './stream-source.ts';

/**
 * Compressed bytes that are handed to a decompressor at a time. It bounds what one step can inflate to: a
 * Zstandard block of 4 bytes may stand for 128 KiB, so 2 KiB give 64 MiB at the very worst.
 */
const COMPRESSED_CHUNK_BYTES = { gzip: 65536, zstd: 2048 };

type DecompressorFactory = () => Transform;

/** Decompressed bytes of `inner`. Several members or frames one behind the other are one stream. */
export function decompress(kind: 'gzip' | 'zstd', inner: ByteSource): ByteSource {
  const make: DecompressorFactory = kind === 'gzip' ? () => zlib.createGunzip() : zstdDecompressor;
  const input = Readable.from(chunksOf(inner, COMPRESSED_CHUNK_BYTES[kind]), { objectMode: false });
  const output = input.pipe(make());
  input.on('error', (error) => output.destroy(error));
  return new ChunkSource(output, inner, () => {
    output.destroy();
    input.destroy();
    inner.close();
  });
}

async function* chunksOf(inner: ByteSource, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(chunkBytes);
    const bytes = await inner.read(chunk, 0, chunkBytes);
    if (bytes === 0) return;
    yield chunk.subarray(0, bytes);
  }
}

/** Node's own decompressor where it has one (22.15 and later), else the one in plain JavaScript. */
function zstdDecompressor(): Transform {
  const native = (zlib as { createZstdDecompress?: DecompressorFactory }).createZstdDecompress;
  return native === undefined ? new ZstdTransform() : native();
}

/** fzstd as a stream. It does not verify the content checksum, which is optional in the format. */
class ZstdTransform extends Transform {
  readonly #decompressor = new Decompress((chunk) => {
    this.push(chunk.slice());
  });

  override _transform(chunk: Uint8Array, _encoding: string, done: TransformCallback): void {
    try {
      this.#decompressor.push(chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      this.#decompressor.push(new Uint8Array(0), true);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
