import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

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
  readonly stdout: string;
}

const POLL_MS = 20;
/** USER_HZ: what /proc counts in, on every Linux of today. */
const TICKS_PER_SECOND = 100;

/**
 * Runs a process to its end. CPU time and memory are read from /proc while it runs, the last time at most POLL_MS before
 * its end, since nobody can be asked afterwards.
 * @throws Error when it fails; its standard error is in the message.
 */
export function measure(command: readonly string[]): Promise<Measured> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let seen: { cpuSeconds: number; maxRssBytes: number } | undefined;
    const look = (): void => {
      seen = readProc(child.pid!) ?? seen;
    };
    const timer = setInterval(look, POLL_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    let end = begin;
    child.on('exit', () => {
      end = process.hrtime.bigint();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code !== 0) {
        reject(new Error(`${command.join(' ')}\nended with ${code}: ${stderr}`));
        return;
      }
      const wallSeconds = Number(end - begin) / 1e9;
      resolve({ wallSeconds, cpuSeconds: seen?.cpuSeconds, maxRssBytes: seen?.maxRssBytes, stdout });
    });
  });
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

/** Reads a file to its end, so that it lies in memory when it is read next. */
export function warm(file: string): void {
  const fd = openSync(file, 'r');
  const block = new Uint8Array(4 << 20);
  while (readSync(fd, block) > 0);
  closeSync(fd);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
