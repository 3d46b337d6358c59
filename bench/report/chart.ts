import { decimals } from '../base/numbers.ts';
import { SHAPE_PROFILES } from '../groups/bench.ts';
import { KERNEL_RULE_COUNTS } from '../groups/kernel.ts';
import { RULE_COUNTS, ruleCountRow } from '../groups/rule-counts.ts';
import { medianOf, medianRate, medianRatio, type RowFigures } from '../replay/rounds.ts';
import { findGroup, findRow, type RunFigures } from './figures.ts';
import { type Bar, barsPanel, type Curve, curvesPanel, GOAL, type Panel, WIDTH } from './panels.ts';
import { drawing, FAINT, text } from './svg.ts';

const OURS = '#1565c0';
const OTHERS = '#9aa5b1';
const KERNEL = '#e07b00';
const SHAPE_COLORS = ['#0d47a1', '#1e88e5', '#00796b', '#26a69a'];
const TOP = 74;

/** The picture of a run: what was not measured is left out. */
export function chart(run: RunFigures): string {
  const pieces: string[] = [
    text(28, 34, 'iptables-replay: how fast, beside what', { size: 22, bold: true }),
    text(28, 56, `${run.machine}; ${run.packets.toLocaleString('en')} packets, medians of ${run.rounds}`, {
      size: 12.5,
      fill: FAINT,
    }),
  ];
  let top = TOP;
  for (const panel of [rulesPanel, besidePanel, fullFramesPanel, worstCasesPanel]) {
    const drawn = panel(run, top);
    if (drawn === undefined) continue;
    pieces.push(...drawn.pieces);
    top += drawn.height + 24;
  }
  return drawing(WIDTH, top, pieces);
}

const mpps = (row: RowFigures): number => medianRate(row, 'after start') / 1e6;

/** Rates over the number of rules: flat lines and falling ones. */
function rulesPanel(run: RunFigures, top: number): Panel | undefined {
  const curves: Curve[] = [];
  for (const [i, shape] of SHAPE_PROFILES.entries()) {
    const points = RULE_COUNTS.flatMap((rules): [number, number][] => {
      const rows = run.workers
        .map((n) => findRow(run, `rules-${shape.name}`, ruleCountRow(rules, n)))
        .filter((row) => row !== undefined);
      return rows.length === 0 ? [] : [[rules, Math.max(...rows.map(mpps))]];
    });
    if (points.length > 0) curves.push({ name: shape.what, color: SHAPE_COLORS[i]!, points });
  }
  if (curves.length === 0) return undefined;
  for (const [backend, dash] of [
    ['legacy', undefined],
    ['nft', '2 3'],
  ] as const) {
    const points = KERNEL_RULE_COUNTS.flatMap((rules): [number, number][] => {
      const row = findRow(run, 'kernel', `${backend}-${rules}`);
      return row === undefined ? [] : [[rules, mpps(row)]];
    });
    if (points.length > 0)
      curves.push({ name: `the kernel, ${backend}, ACL, no established rule`, color: KERNEL, dash, points });
  }
  const level = (name: string, label: string): void => {
    const row = findRow(run, 'beside', name);
    if (row === undefined) return;
    const points = [RULE_COUNTS[0], RULE_COUNTS.at(-1)!].map((x): [number, number] => [x, mpps(row)]);
    curves.push({ name: label, color: FAINT, dash: '7 5', points });
  };
  level('tcpdump', "tcpdump 'tcp port 80' (no rules)");
  level('pcap-parser', 'npm pcap-parser, reading only');
  const subheading =
    'Million packets a second, without the start, with the best number of workers; the kernel is fed through a TUN. Both axes are logarithmic.';
  const axes = { x: 'rules', xTicks: RULE_COUNTS };
  return curvesPanel(top, 'More rules', subheading, axes, curves);
}

function besidePanel(run: RunFigures, top: number): Panel | undefined {
  const subheading =
    '1,000 rules, 96-byte frames, whole processes; ours with an established rule in front but where it says otherwise.';
  return beside(run, top, 'beside', 'Beside others on the same file', subheading);
}

function fullFramesPanel(run: RunFigures, top: number): Panel | undefined {
  const subheading = '1,000 rules, frames of 66 to 1,514 bytes, checksums verified, whole processes.';
  return beside(run, top, 'full-frames', 'Full-size frames', subheading);
}

function beside(
  run: RunFigures,
  top: number,
  name: string,
  heading: string,
  subheading: string,
): Panel | undefined {
  const group = findGroup(run, name);
  if (group === undefined || group.rows.length === 0) return undefined;
  const bars = group.rows.map((row): Bar => {
    const value = medianRate(row, 'whole') / 1e6;
    const reference = group.rows.find((other) => other.name === row.reference?.row);
    const ratio =
      reference === undefined || reference === row
        ? ''
        : `, ${decimals(medianRatio(row, reference, 'whole'))} x ${reference.name}`;
    const color = row.label.startsWith('iptables-replay') ? OURS : OTHERS;
    return { label: row.label, value, note: `${decimals(value)} M/s${ratio}`, color };
  });
  const axis = { unit: 'million packets a second (logarithmic)', one: false };
  return barsPanel(top, heading, subheading, axis, bars);
}

/** What is asked for, as a ratio to the ordinary case. */
const ASKED: Readonly<Record<string, number>> = {
  'syn-flood': 0.2,
  'one-flow': 1,
  ipv6: 0.7,
  translated: 0.7,
};

function worstCasesPanel(run: RunFigures, top: number): Panel | undefined {
  const bars = ['traffic', 'rulesets', 'per-packet'].flatMap((name): Bar[] => {
    const rows = findGroup(run, name)?.rows ?? [];
    const [normal, ...cases] = rows;
    if (normal === undefined) return [];
    return cases.map((row) => {
      const value = medianRatio(row, normal, 'after start');
      const rss = medianOf(row, 'maxRssBytes');
      const memory = rss === undefined ? '' : `, ${(rss / 2 ** 20).toFixed(0)} MiB`;
      const note = `${decimals(value)} x (${decimals(mpps(row))} M/s${memory})`;
      return { label: row.label, value, note, color: OURS, goal: ASKED[row.name] };
    });
  });
  if (bars.length === 0) return undefined;
  const subheading =
    'Beside the ordinary case (line at 1), without the start, each measured beside it. Marks: what is asked for.';
  const axis = { unit: 'times the ordinary rate (logarithmic)', one: true };
  const panel = barsPanel(top, 'Worst cases', subheading, axis, bars);
  const legend = text(WIDTH - 28, top + 18, 'red mark: asked for', { size: 12, fill: GOAL, anchor: 'end' });
  return { ...panel, pieces: [...panel.pieces, legend] };
}
