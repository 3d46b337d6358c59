import type { Batch } from '../batch/batch.ts';
import { verifyChecksums } from './checksum.loop.ts';
import { Frame } from './frame.ts';
import { kernelsOf } from './kernels.ts';
import { markPlain } from './plain.loop.ts';
import { decodeRow } from './row.ts';

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
 *
 * Where there are kernels they take nearly all packets; the rest, or all where there are none, goes header by header.
 */
export function decodeBatch(batch: Batch, options: DecodeOptions = { checksum: 'verify' }): void {
  const verify = options.checksum === 'verify';
  const { count } = batch;
  const kernels = kernelsOf(batch);
  frame.setBatch(batch);
  frame.verify = verify;
  if (kernels === undefined) {
    decodeRows(frame, batch, 0, count);
    return;
  }
  const { odd } = batch.columns;
  const left = kernels.decode(batch.place.offset, count, verify ? 1 : 0);
  for (let k = 0; k < left; k++) decodeRows(frame, batch, odd[k]!, odd[k]! + 1);
}

function decodeRows(frame: Frame, batch: Batch, begin: number, end: number): void {
  for (let i = begin; i < end; i++) decodeRow(frame, i);
  markPlain(batch, begin, end);
  if (frame.verify) verifyChecksums(batch, begin, end);
}
