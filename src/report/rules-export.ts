import { type ColumnTable, table, toArrowIPC } from 'arquero';
import { RULE_COLUMNS, type RuleRow } from './rules-table.ts';

/** The table of rules through arquero; loaded only when one of its formats is asked for. */

/** `--format csv`: RFC 4180 with a heading line. Counters above 2^53 keep all their digits. */
export function rulesCsv(rows: readonly RuleRow[]): string {
  const columns = Object.fromEntries(
    RULE_COLUMNS.map((name) => [
      name,
      rows.map((row) => (typeof row[name] === 'bigint' ? String(row[name]) : row[name])),
    ]),
  );
  return table(columns, [...RULE_COLUMNS]).toCSV();
}

/** `--format arrow`: an Arrow IPC file. Counters are uint64, names dictionaries. */
export function rulesArrow(rows: readonly RuleRow[]): Uint8Array {
  return toArrowIPC(arrowTable(rows), { format: 'file' }) as Uint8Array;
}

function arrowTable(rows: readonly RuleRow[]): ColumnTable {
  const wholes = (name: 'family' | 'number' | 'line') => Uint32Array.from(rows, (row) => row[name]);
  const counts = (name: 'packets' | 'bytes') => BigUint64Array.from(rows, (row) => row[name]);
  const words = (name: 'table' | 'chain' | 'target' | 'rule') => rows.map((row) => row[name]);
  return table(
    {
      family: Uint8Array.from(rows, (row) => row.family),
      table: words('table'),
      chain: words('chain'),
      number: wholes('number'),
      packets: counts('packets'),
      bytes: counts('bytes'),
      target: words('target'),
      rule: words('rule'),
      line: wholes('line'),
    },
    [...RULE_COLUMNS],
  );
}
