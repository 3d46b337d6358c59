import { groupDigits } from '../report/format.ts';
import { monotonicSeconds } from './clock.ts';
import type { OutputStream } from './streams.ts';

/** What the engine says of its progress (workers/config.ts, Progress). */
interface ProgressNumbers {
  readonly packets: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
}

const BAR_CHARS = 24;
/** The bar appears only when a run takes longer than this. */
const PATIENCE_SECONDS = 0.4;
const REDRAW_SECONDS = 0.1;

/**
 * A line on a terminal that says how far the replay is:
 *
 *   [=========>              ]  38 %  4,215,110 packets  2.61 M/s  3 s left
 *
 * It is drawn over itself and wiped away at the end. Nothing is written where standard error is not a terminal.
 */
export class ProgressBar {
  private readonly stream: OutputStream;
  private readonly now: () => number;
  private readonly startSeconds: number;
  private lastDrawSeconds = Number.NEGATIVE_INFINITY;
  private drawn = false;

  constructor(stream: OutputStream, now: () => number = monotonicSeconds) {
    this.stream = stream;
    this.now = now;
    this.startSeconds = now();
  }

  update(progress: ProgressNumbers): void {
    const now = this.now();
    const elapsed = now - this.startSeconds;
    if (elapsed < PATIENCE_SECONDS || now - this.lastDrawSeconds < REDRAW_SECONDS) return;
    this.lastDrawSeconds = now;
    this.drawn = true;
    // A terminal that does not know its width says 0.
    const width = Math.max(20, (this.stream.columns || 80) - 1);
    this.stream.write(`\r\x1b[2K${progressLine(progress, elapsed).slice(0, width)}`, ignore);
  }

  /** Wipes the bar away, so that what is printed next starts on a clean line. */
  clear(): void {
    if (this.drawn) this.stream.write('\r\x1b[2K', ignore);
    this.drawn = false;
  }
}

function ignore(): void {}

/** The line itself; `elapsed` in seconds. */
export function progressLine(progress: ProgressNumbers, elapsed: number): string {
  const { packets, bytesRead, bytesTotal } = progress;
  const parts: string[] = [];
  const share =
    bytesTotal === undefined || bytesTotal === 0 ? undefined : Math.min(1, bytesRead / bytesTotal);
  if (share !== undefined) {
    const filled = Math.floor(share * BAR_CHARS);
    const bar = `${'='.repeat(filled)}${filled < BAR_CHARS ? '>' : ''}`.padEnd(BAR_CHARS);
    parts.push(`[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %`);
  } else {
    parts.push(`${(bytesRead / 1e6).toFixed(1)} MB read`);
  }
  parts.push(`${groupDigits(packets)} packets`, `${rate(packets / elapsed)}/s`);
  if (share !== undefined && share > 0) parts.push(`${duration((elapsed / share) * (1 - share))} left`);
  return parts.join('  ');
}

/** 4215110 as `4,215,110`. */

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  if (perSecond >= 1e3) return `${(perSecond / 1e3).toFixed(1)} k`;
  return perSecond.toFixed(0);
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
