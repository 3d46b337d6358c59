import { Decompress } from 'fzstd';
import type { ByteSource } from './byte-source.ts';
import { gunzip } from './gunzip.ts';
import { ChunkSource } from './stream-source.ts';

/**
 * Compressed bytes that are handed to a Zstandard decompressor at a time. It bounds what one step can inflate to: a
 * block of 4 bytes may stand for 128 KiB, so 2 KiB give 64 MiB at the very worst.
 */
const ZSTD_STEP_BYTES = 2048;

/** Decompressed bytes of `inner`. Several members or frames one behind the other are one stream. */
export function decompress(kind: 'gzip' | 'zstd', inner: ByteSource): ByteSource {
  const output = kind === 'gzip' ? gunzip(inner) : unzstd(inner);
  return new ChunkSource(output, inner, () => {
    // It may be amid a step, and is done with it whenever; nobody waits.
    output.return(undefined).catch(() => undefined);
    inner.close();
  });
}

/**
 * By fzstd: Node's own decompressor (22.15 and later) leaves out all frames but the first, and some versions of it do not tell
 * that a file is cut short. It does not verify the content checksum, which is optional in the format. What it gives before an error
 * is kept.
 */
async function* unzstd(inner: ByteSource): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const decompressor = new Decompress((chunk) => chunks.push(chunk.slice()));
  try {
    for await (const step of stepsOf(inner)) {
      decompressor.push(step);
      yield* chunks.splice(0);
    }
    decompressor.push(new Uint8Array(0), true);
  } catch (error) {
    yield* chunks;
    throw error;
  }
  yield* chunks;
}

async function* stepsOf(inner: ByteSource): AsyncGenerator<Uint8Array> {
  for (;;) {
    const step = new Uint8Array(ZSTD_STEP_BYTES);
    const bytes = await inner.read(step, 0, ZSTD_STEP_BYTES);
    if (bytes === 0) break;
    yield step.subarray(0, bytes);
  }
  if (inner.failure !== undefined) throw new Error(inner.failure);
}
