import type { Batch } from '../batch/batch.ts';
import type { ByteSink } from './arrow-file.ts';
import { ByteBuilder } from './byte-builder.ts';
import type { PacketContext } from './packet-context.ts';
import { RowArrow } from './verdict-arrow.loop.ts';
import { VerdictRows } from './verdict-rows.loop.ts';
import { CSV_FORM, csvHeading, JSONL_FORM, RowText } from './verdict-text.loop.ts';

export type VerdictsFormat = 'csv' | 'jsonl' | 'arrow';

/**
 * `--verdicts FILE`: one row a packet, in capture order, written batch by batch. Memory is that of one batch, and
 * of the distinct names. The columns are described in json-schema.md.
 */
export interface VerdictsWriter {
  write(batch: Batch): void;
  /** Ends the file's content; closing it is the caller's. */
  finish(): void;
}

export function verdictsWriter(
  format: VerdictsFormat,
  sink: ByteSink,
  context: PacketContext,
): VerdictsWriter {
  const rows = new VerdictRows(context);
  if (format === 'arrow') return arrowWriter(rows, sink);
  const text = new RowText(format === 'csv' ? CSV_FORM : JSONL_FORM, rows.columns);
  const out = new ByteBuilder();
  if (format === 'csv') sink.write(Buffer.from(csvHeading(rows.columns)));
  return {
    write: (batch) => {
      rows.fill(batch);
      out.clear();
      text.put(rows, out);
      sink.write(out.view());
    },
    finish: () => {},
  };
}

function arrowWriter(rows: VerdictRows, sink: ByteSink): VerdictsWriter {
  const arrow = new RowArrow(sink, rows.columns);
  return {
    write: (batch) => {
      rows.fill(batch);
      arrow.write(rows);
    },
    finish: () => arrow.finish(),
  };
}
