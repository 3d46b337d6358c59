import { circle, decades, FAINT, GRID, INK, LogScale, line, polyline, rect, text, tickText } from './svg.ts';

/** Where panels stand, and how they are laid out. */
export const WIDTH = 1160;
const MARGIN = 28;
const HEADING = 46;

/** A piece of the picture: what is drawn, and how high it is. */
export interface Panel {
  readonly height: number;
  readonly pieces: readonly string[];
}

export interface Curve {
  readonly name: string;
  readonly color: string;
  readonly dash?: string | undefined;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Curves over two logarithmic axes, named at their right ends. */
export function curvesPanel(
  top: number,
  heading: string,
  subheading: string,
  axes: { readonly x: string; readonly xTicks: readonly number[] },
  curves: readonly Curve[],
): Panel {
  const height = 430;
  const left = MARGIN + 50;
  const right = WIDTH - 330;
  const bottom = top + height - 62;
  const values = curves.flatMap(({ points }) => points.map(([, y]) => y));
  const { low, high } = decades(values);
  const x = new LogScale(axes.xTicks[0]!, axes.xTicks.at(-1)!, left, right);
  const y = new LogScale(low, high, bottom, top + HEADING + 10);
  const pieces = head(top, heading, subheading);
  for (const tick of y.ticks()) {
    pieces.push(line(left, y.at(tick), right, y.at(tick), { stroke: GRID, width: 1 }));
    pieces.push(text(left - 8, y.at(tick) + 4, tickText(tick), { size: 12, fill: FAINT, anchor: 'end' }));
  }
  for (const tick of axes.xTicks) {
    pieces.push(line(x.at(tick), y.at(low), x.at(tick), y.at(high), { stroke: GRID, width: 1 }));
    pieces.push(text(x.at(tick), bottom + 18, tickText(tick), { size: 12, fill: FAINT, anchor: 'middle' }));
  }
  pieces.push(text((left + right) / 2, bottom + 36, axes.x, { size: 12, fill: FAINT, anchor: 'middle' }));
  for (const { color, dash, points } of curves) {
    const places = points.map(([a, b]) => [x.at(a), y.at(b)] as const);
    pieces.push(polyline(places, { stroke: color, width: 2.5, ...(dash === undefined ? {} : { dash }) }));
    if (dash === undefined) for (const [a, b] of places) pieces.push(circle(a, b, 3.5, { fill: color }));
  }
  const ends = curves.map(({ points }) => y.at(points.at(-1)![1]));
  const labels = spread(ends, 17);
  for (const [i, { name, color, points }] of curves.entries()) {
    const end = x.at(points.at(-1)![0]);
    const label = labels[i]!;
    pieces.push(line(end + 6, ends[i]!, right + 22, label, { stroke: color, width: 0.7 }));
    pieces.push(text(right + 26, label + 4, name, { size: 12.5, fill: color }));
  }
  return { height, pieces };
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What stands at the end of its line. */
  readonly note: string;
  readonly color: string;
  /** A mark on the bar's line: what is asked for. */
  readonly goal?: number | undefined;
}

/** Bars on a logarithmic axis; `unit` is what the axis counts, `one` draws a line at 1. */
export function barsPanel(
  top: number,
  heading: string,
  subheading: string,
  axis: { readonly unit: string; readonly one: boolean },
  bars: readonly Bar[],
): Panel {
  const rowHeight = 22;
  const left = MARGIN + 350;
  const right = WIDTH - 250;
  const first = top + HEADING + 14;
  const bottom = first + rowHeight * bars.length;
  const values = bars.flatMap(({ value, goal }) => (goal === undefined ? [value] : [value, goal]));
  const { low, high } = decades(axis.one ? [...values, 1] : values);
  const x = new LogScale(low, high, left, right);
  const pieces = head(top, heading, subheading);
  for (const tick of x.ticksBetween()) {
    const isOne = axis.one && tick === 1;
    const style = { stroke: isOne ? INK : GRID, width: 1 };
    pieces.push(line(x.at(tick), first - 4, x.at(tick), bottom, style));
    pieces.push(text(x.at(tick), bottom + 15, tickText(tick), { size: 12, fill: FAINT, anchor: 'middle' }));
  }
  pieces.push(text((left + right) / 2, bottom + 32, axis.unit, { size: 12, fill: FAINT, anchor: 'middle' }));
  for (const [i, { label, value, note, color, goal }] of bars.entries()) {
    const y = first + i * rowHeight;
    const end = x.at(value);
    pieces.push(text(left - 10, y + 14, label, { size: 12.5, anchor: 'end' }));
    pieces.push(rect(left, y + 3, end - left, rowHeight - 7, { fill: color }));
    if (goal !== undefined) {
      const mark = x.at(goal);
      pieces.push(line(mark, y, mark, y + rowHeight - 1, { stroke: GOAL, width: 3 }));
    }
    pieces.push(text(right + 14, y + 14, note, { size: 12.5 }));
  }
  return { height: bottom + 44 - top, pieces };
}

export const GOAL = '#d64545';

function head(top: number, heading: string, subheading: string): string[] {
  return [
    text(MARGIN, top + 18, heading, { size: 17, bold: true }),
    text(MARGIN, top + 36, subheading, { size: 12.5, fill: FAINT }),
  ];
}

/** Moves places apart until each is `gap` from the next, keeping their order. */
export function spread(places: readonly number[], gap: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  for (let pass = 0; pass < 100; pass++) {
    for (let k = 1; k < order.length; k++) {
      const [above, below] = [order[k - 1]!, order[k]!];
      const missing = gap - (below.place - above.place);
      if (missing <= 0) continue;
      above.place -= missing / 2;
      below.place += missing / 2;
    }
  }
  const moved: number[] = [];
  for (const { place, i } of order) moved[i] = place;
  return moved;
}
