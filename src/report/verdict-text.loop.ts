import type { ByteBuilder } from './byte-builder.ts';
import type { SymbolTable } from './symbols.ts';
import type { RowColumn, VerdictRows } from './verdict-rows.loop.ts';

/** How rows are written as text: CSV (RFC 4180, a heading, absent cells empty) or JSON lines (absent cells null). */
export interface TextForm {
  /** Text before each column's cell (the first one's begins the row). */
  readonly before: (name: string, index: number) => string;
  readonly rowEnd: string;
  readonly absent: string;
  /** A name as a cell. */
  readonly quote: (word: string) => string;
  /** Byte around addresses and times, 0 for none. */
  readonly quoteByte: number;
}

export const CSV_FORM: TextForm = {
  before: (_, index) => (index === 0 ? '' : ','),
  rowEnd: '\n',
  absent: '',
  quote: csvCell,
  quoteByte: 0,
};

export const JSONL_FORM: TextForm = {
  before: (name, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  rowEnd: '}\n',
  absent: 'null',
  quote: (word) => JSON.stringify(word),
  quoteByte: 0x22,
};

/** A CSV cell: quoted when it holds a separator, a quote or a line end. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Heading line of the CSV form. */
export function csvHeading(columns: readonly RowColumn[]): string {
  return `${columns.map((column) => column.name).join(',')}\n`;
}

/** Writes rows as text into a builder. */
export class RowText {
  private readonly form: TextForm;
  private readonly columns: readonly RowColumn[];
  private readonly before: readonly Uint8Array[];
  private readonly rowEnd: Uint8Array;
  private readonly absent: Uint8Array;
  /** Cells of names, by column and symbol code. */
  private readonly cells: readonly Uint8Array[][];

  constructor(form: TextForm, columns: readonly RowColumn[]) {
    this.form = form;
    this.columns = columns;
    this.before = columns.map((column, index) => Buffer.from(form.before(column.name, index)));
    this.rowEnd = Buffer.from(form.rowEnd);
    this.absent = Buffer.from(form.absent);
    this.cells = columns.map(() => []);
  }

  put(rows: VerdictRows, out: ByteBuilder): void {
    this.learnNames();
    const columnCount = this.columns.length;
    for (let row = 0; row < rows.count; row++) {
      for (let k = 0; k < columnCount; k++) {
        out.put(this.before[k]!);
        this.putCell(this.columns[k]!, k, row, out);
      }
      out.put(this.rowEnd);
    }
  }

  private putCell(column: RowColumn, k: number, row: number, out: ByteBuilder): void {
    switch (column.kind) {
      case 'symbol': {
        const code = column.values[row]!;
        out.put(code < 0 ? this.absent : this.cells[k]![code]!);
        return;
      }
      case 'whole': {
        const value = column.values[row]!;
        if (value < 0) out.put(this.absent);
        else out.putWhole(value);
        return;
      }
      case 'address': {
        const family = column.family[row]!;
        if (family < 0) {
          out.put(this.absent);
          return;
        }
        this.putQuote(out);
        if (family === 4) out.putIpv4(column.words[4 * row]!);
        else out.putIpv6(column.words, 4 * row);
        this.putQuote(out);
        return;
      }
      case 'time': {
        const seconds = column.seconds[row]!;
        if (seconds < 0) {
          out.put(this.absent);
          return;
        }
        this.putQuote(out);
        out.putWhole(seconds);
        out.putByte(0x2e);
        out.putNanoseconds(column.nanoseconds[row]!);
        this.putQuote(out);
      }
    }
  }

  private putQuote(out: ByteBuilder): void {
    if (this.form.quoteByte !== 0) out.putByte(this.form.quoteByte);
  }

  private learnNames(): void {
    this.columns.forEach((column, k) => {
      if (column.kind === 'symbol') this.learn(column.symbols, this.cells[k]!);
    });
  }

  private learn(symbols: SymbolTable, cells: Uint8Array[]): void {
    for (let code = cells.length; code < symbols.words.length; code++) {
      cells.push(Buffer.from(this.form.quote(symbols.words[code]!)));
    }
  }
}
