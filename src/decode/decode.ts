import type { Batch } from '../batch/batch.ts';
import { verifyChecksums } from './checksum.loop.ts';
import { decodeRows } from './decode.loop.ts';
import { Frame } from './frame.ts';
import { markPlain } from './plain.loop.ts';

export interface DecodeOptions {
  /**
   * `verify`: IPv4 header and transport checksums are verified. `trust`: all are taken as good (the header's is
   * never a drop reason, the transport's is CHECKSUM_UNKNOWN).
   */
  readonly checksum: 'verify' | 'trust';
}

const frame = new Frame();

/**
 * Fills the decode columns of all packets of a batch. Reads the record columns and the data; writes nothing else
 * (but `recordDirection` where the file states none and an SLL header does). The answer for a packet depends on
 * nothing but its bytes, lengths and link type.
 */
export function decodeBatch(batch: Batch, options: DecodeOptions = { checksum: 'verify' }): void {
  const verify = options.checksum === 'verify';
  frame.setBatch(batch);
  frame.verify = verify;
  decodeRows(batch, 0, batch.count, frame, verify);
  markPlain(batch, 0, batch.count);
  if (verify) verifyChecksums(batch, 0, batch.count);
}
