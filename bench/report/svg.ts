/** Pieces of an SVG drawing, as text. */

export interface Style {
  readonly fill?: string;
  readonly stroke?: string;
  readonly width?: number;
  readonly dash?: string;
}

export interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
}

export const INK = '#1f2933';
export const FAINT = '#7b8794';
export const GRID = '#e4e7eb';

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 13, fill = INK, anchor = 'start', bold = false } = style;
  const weight = bold ? ' font-weight="600"' : '';
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}>${escaped(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, style: Style): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"${paint(style)}/>`;
}

export function polyline(points: readonly (readonly [number, number])[], style: Style): string {
  const list = points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ');
  return `<polyline points="${list}"${paint({ fill: 'none', ...style })}/>`;
}

export function rect(x: number, y: number, width: number, height: number, style: Style): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(Math.max(width, 0))}" height="${at(height)}"${paint(style)}/>`;
}

export function circle(x: number, y: number, radius: number, style: Style): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="${radius}"${paint(style)}/>`;
}

export function drawing(width: number, height: number, pieces: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">`,
    rect(0, 0, width, height, { fill: '#ffffff' }),
    ...pieces,
    '</svg>',
    '',
  ].join('\n');
}

/** From values to places on a logarithmic axis. */
export class LogScale {
  readonly #from: number;
  readonly #perDecade: number;
  readonly #low: number;
  readonly low: number;
  readonly high: number;

  /** `low` and `high` are whole powers of ten, or anything else where the axis is to end there. */
  constructor(low: number, high: number, from: number, to: number) {
    this.low = low;
    this.high = high;
    this.#low = Math.log10(low);
    this.#from = from;
    this.#perDecade = (to - from) / (Math.log10(high) - this.#low);
  }

  at(value: number): number {
    const inside = Math.min(Math.max(value, this.low), this.high);
    return this.#from + (Math.log10(inside) - this.#low) * this.#perDecade;
  }

  /** The powers of ten on the axis. */
  ticks(): number[] {
    const ticks: number[] = [];
    const first = Math.ceil(this.#low - 1e-9);
    for (let power = first; power <= Math.log10(this.high) + 1e-9; power++) ticks.push(10 ** power);
    return ticks;
  }

  /** The same, with 2 and 5 between them where there are few. */
  ticksBetween(): number[] {
    const ticks = this.ticks();
    if (ticks.length > MANY_TICKS) return ticks;
    const all = ticks.flatMap((tick) => [tick, 2 * tick, 5 * tick]);
    return all.filter((tick) => tick <= this.high * (1 + 1e-9));
  }
}

/** With so many decades, nothing more is written between them. */
const MANY_TICKS = 3;

/** Smallest and largest powers of ten that hold the values between them. */
export function decades(values: readonly number[]): { low: number; high: number } {
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  return { low, high: high > low ? high : 10 * low };
}

/** A power of ten as one writes it. */
export function tickText(value: number): string {
  return value >= 1 ? value.toLocaleString('en') : `${Number(value.toPrecision(1))}`;
}

function paint({ fill, stroke, width, dash }: Style): string {
  return [
    fill === undefined ? '' : ` fill="${fill}"`,
    stroke === undefined ? '' : ` stroke="${stroke}"`,
    width === undefined ? '' : ` stroke-width="${width}"`,
    dash === undefined ? '' : ` stroke-dasharray="${dash}"`,
  ].join('');
}

function at(value: number): string {
  return `${Number(value.toFixed(1))}`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
