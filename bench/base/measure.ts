import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** A program and its arguments. */
export type Command = readonly string[];

/** What a process cost. */
export interface Cost {
  /** From before its start to its end. */
  readonly wallSeconds: number;
  /** User and system time of all its threads; undefined where the system does not tell (no /proc). */
  readonly cpuSeconds: number | undefined;
  /** Most memory it had at any moment. */
  readonly maxRssBytes: number | undefined;
}

export interface Measured extends Cost {
  /** Empty unless it was asked for. */
  readonly stdout: string;
}

export interface MeasureOptions {
  /** Keep what it prints; otherwise that is thrown away by the system. */
  readonly stdout?: boolean;
  /** A second process whose standard output is the first one's standard input. It is not measured. */
  readonly feed?: Command | undefined;
}

const POLL_MS = 20;
/** USER_HZ: what /proc counts in, on every Linux of today. */
const TICKS_PER_SECOND = 100;

/**
 * Runs a process to its end. CPU time and memory are read from /proc while it runs, the last time at most POLL_MS before
 * its end, since nobody can be asked afterwards.
 * @throws Error when it (or what feeds it) fails; its standard error is in the message.
 */
export async function measure(command: Command, options: MeasureOptions = {}): Promise<Measured> {
  const begin = process.hrtime.bigint();
  const feeder = options.feed === undefined ? undefined : start(options.feed, 'ignore', 'pipe');
  const child = start(command, feeder?.process.stdout ?? 'ignore', options.stdout ? 'pipe' : 'ignore');
  let stdout = '';
  let seen: { cpuSeconds: number; maxRssBytes: number } | undefined;
  const timer = setInterval(() => {
    seen = readProc(child.process.pid!) ?? seen;
  }, POLL_MS);
  child.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let end = begin;
  child.process.on('exit', () => {
    end = process.hrtime.bigint();
  });
  try {
    await Promise.all([child.ended, feeder?.ended]);
  } finally {
    clearInterval(timer);
  }
  const wallSeconds = Number(end - begin) / 1e9;
  return { wallSeconds, cpuSeconds: seen?.cpuSeconds, maxRssBytes: seen?.maxRssBytes, stdout };
}

type Channel = 'ignore' | 'pipe' | NonNullable<ChildProcess['stdout']>;

/** A process that is under way; `ended` fails when the process does. */
function start(command: Command, stdin: Channel, stdout: Channel) {
  const [program, ...args] = command;
  const process = spawn(program!, args, { stdio: [stdin, stdout, 'pipe'] });
  let stderr = '';
  process.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<void>((resolve, reject) => {
    process.on('error', reject);
    process.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command.join(' ')}\nended with ${code ?? signal}: ${stderr}`));
    });
  });
  return { process, ended };
}

/** Of a running process; undefined when it has none or has ended. */
function readProc(pid: number): { cpuSeconds: number; maxRssBytes: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Behind the command's name, which may hold anything: state is field 3, utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    if (peak === null) return undefined;
    return { cpuSeconds: ticks / TICKS_PER_SECOND, maxRssBytes: Number(peak[1]) * 1024 };
  } catch {
    return undefined;
  }
}

const BLOCK = new Uint8Array(4 << 20);

/** Reads a file to its end, so that it lies in memory when it is read next. */
export function warm(file: string): void {
  const fd = openSync(file, 'r');
  while (readSync(fd, BLOCK) > 0);
  closeSync(fd);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
