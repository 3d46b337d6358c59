import { spawn } from 'node:child_process';
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
}

const POLL_MS = 20;
/** USER_HZ: what /proc counts in, on every Linux of today. */
const TICKS_PER_SECOND = 100;

/**
 * Runs a process to its end. Its memory is read from /proc while it runs, the last time at most POLL_MS before its end,
 * since nobody can be asked afterwards. Its CPU time is right only while no other is measured.
 * @throws Error when it fails; its standard error is in the message.
 */
export function measure(command: Command, options: MeasureOptions = {}): Promise<Measured> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const child = spawn(program!, args, { stdio: ['ignore', options.stdout ? 'pipe' : 'ignore', 'pipe'] });
    let stdout = '';
    let stderr = '';
    const cpuBegin = childCpuSeconds();
    let maxRssBytes: number | undefined;
    const timer = setInterval(() => {
      maxRssBytes = peakBytes(child.pid!) ?? maxRssBytes;
    }, POLL_MS);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    let end = begin;
    child.on('exit', () => {
      end = process.hrtime.bigint();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(timer);
      if (code !== 0) {
        reject(new Error(`${command.join(' ')}\nended with ${code ?? signal}: ${stderr}`));
        return;
      }
      const wallSeconds = Number(end - begin) / 1e9;
      const cpuSeconds = cpuBegin === undefined ? undefined : childCpuSeconds()! - cpuBegin;
      resolve({ wallSeconds, cpuSeconds, maxRssBytes, stdout });
    });
  });
}

/**
 * A command whose standard input is what another one prints, through a pipe with a name. The shell becomes the command
 * itself, so that it alone is measured.
 */
export function fedBy(feeder: Command, pipe: string, command: Command): Command {
  const script = `mkfifo ${quoted(pipe)} && { ${feeder.map(quoted).join(' ')} > ${quoted(pipe)} & } && exec ${command.map(quoted).join(' ')} < ${quoted(pipe)}`;
  return ['sh', '-c', script];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Most resident memory of a running process so far; undefined when it has ended, or there is no /proc. */
function peakBytes(pid: number): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return peak === null ? undefined : Number(peak[1]) * 1024;
  } catch {
    return undefined;
  }
}

/** CPU time of all children of this process that have ended, and of theirs. */
function childCpuSeconds(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // Behind the command's name, which may hold anything: state is field 3, cutime and cstime are 16 and 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
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
