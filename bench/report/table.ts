import { decimals } from '../base/numbers.ts';
import {
  type GroupFigures,
  medianCpuRatio,
  medianOf,
  medianRate,
  medianRatio,
  type RowFigures,
} from '../replay/rounds.ts';
import type { RunFigures } from './figures.ts';
import { goals } from './goals.ts';

const HEAD = ['', 'seconds', 'start', 'cpu s', 'Mpps', 'after start', 'MiB', 'x', 'x cpu'];

/** The one table: a section for each group. */
export function figuresTable(run: RunFigures): string {
  const rows = run.groups.flatMap((group) => group.rows.map((row) => cells(row, group)));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string => aligned(row, widths);
  const out = [line(HEAD), widths.map((width) => '-'.repeat(width)).join('  ')];
  for (const group of run.groups) {
    out.push('', group.title);
    for (const row of group.rows) out.push(line(cells(row, group)));
    for (const note of group.notes) out.push(`  (${note})`);
  }
  return out.join('\n');
}

/** The first column flush left, the others flush right. */
function aligned(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
}

function cells(row: RowFigures, group: GroupFigures): string[] {
  const reference = group.rows.find(({ name }) => name === row.reference?.row);
  const ratio =
    reference === undefined ? undefined : medianRatio(row, reference, row.reference?.basis ?? 'whole');
  const cpuRatio = reference === undefined ? undefined : medianCpuRatio(row, reference);
  const start = medianOf(row, 'startSeconds');
  const rss = medianOf(row, 'maxRssBytes');
  const hasPackets = row.samples.some(({ packets }) => packets > 0);
  const rate = (basis: 'whole' | 'after start') =>
    hasPackets ? decimals(medianRate(row, basis) / 1e6) : '-';
  return [
    `  ${row.label}`,
    fixed(medianOf(row, 'wallSeconds'), 2),
    start === 0 ? '-' : fixed(start, 2),
    fixed(medianOf(row, 'cpuSeconds'), 2),
    rate('whole'),
    start === 0 ? '-' : rate('after start'),
    fixed(rss === undefined ? undefined : rss / 2 ** 20, 0),
    ratio === undefined ? '-' : decimals(ratio),
    cpuRatio === undefined ? '-' : decimals(cpuRatio),
  ];
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

/** What was promised, and what came out. */
export function goalsTable(run: RunFigures): string {
  const head = ['Goal', 'asked', 'measured', 'reached', 'of'];
  const rows = goals(run).map(({ text, asked, measured, isReached, detail }) => [
    text,
    asked,
    measured ?? 'not measured',
    isReached === undefined ? '-' : isReached ? 'yes' : 'NO',
    detail,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 1 || i === 2 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
