import type { Batch } from '../batch/batch.ts';
import { kernelsOf } from '../batch/kernels.ts';
import { ODD_UNDEALT } from '../batch/layout.ts';
import { verifyChecksums } from './checksum.loop.ts';
import { Frame } from './frame.ts';
import { markPlain } from './plain.loop.ts';
import { decodeRow } from './row.ts';
import { ownerOf, type Share } from './share.ts';

export interface DecodeOptions {
  /**
   * `verify`: IPv4 header and transport checksums are verified. `trust`: all are taken as good (the header's is
   * never a drop reason, the transport's is CHECKSUM_UNKNOWN).
   */
  readonly checksum: 'verify' | 'trust';
}

/** What `--checksum` asks of the decoder: of what cannot be verified it says so by itself. */
export function decodeOptions(checksum: 'auto' | 'verify' | 'trust'): DecodeOptions {
  return { checksum: checksum === 'trust' ? 'trust' : 'verify' };
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

/**
 * The same for a share of the packets: from then on the batch has its rows alone (the column `ordinal` says which of the
 * batch's packets they are), and some of others' that are marked `foreign`.
 * @throws NotSharable
 */
export function decodeShare(batch: Batch, options: DecodeOptions, share: Share): void {
  const verify = options.checksum === 'verify';
  const { count } = batch;
  const { odd, ordinal, foreign, plain } = batch.columns;
  const settle = (row: number): void => {
    if (ownerOf(batch, row, share) === share.index) return;
    foreign[row] = 1;
    plain[row] = 0;
  };
  const kernels = kernelsOf(batch);
  frame.setBatch(batch);
  frame.verify = verify;
  if (kernels === undefined) {
    foreign.fill(0, 0, count);
    decodeRows(frame, batch, 0, count);
    for (let i = 0; i < count; i++) {
      ordinal[i] = i;
      settle(i);
    }
    return;
  }
  const { index, count: shares, by } = share;
  const found = kernels.decodeShare(
    batch.place.offset,
    count,
    verify ? 1 : 0,
    index,
    shares,
    by === 'ports' ? 1 : 0,
  );
  batch.count = found >>> 16;
  for (let k = 0; k < (found & 0xffff); k++) {
    const row = odd[k]! & ~ODD_UNDEALT;
    decodeRows(frame, batch, row, row + 1);
    if ((odd[k]! & ODD_UNDEALT) !== 0) settle(row);
  }
}

function decodeRows(frame: Frame, batch: Batch, begin: number, end: number): void {
  for (let i = begin; i < end; i++) decodeRow(frame, i);
  markPlain(batch, begin, end);
  if (frame.verify) verifyChecksums(batch, begin, end);
}
