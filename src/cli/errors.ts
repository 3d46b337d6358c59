import os from 'node:os';
import process from 'node:process';
import { EXIT_LIMITS, FindingsError, UserError } from '../base/errors.ts';
import { FILE_SENTENCES, fileReason } from '../base/file-errors.ts';
import { programVersion } from './version.ts';

/**
 * How an error is shown, and the status the program ends with.
 *
 *   the user's       the message and a hint, never a stack trace       its own status, mostly 2
 *   the machine's    memory, disk or file handles ran out              4
 *   ours             "internal error", the stack, where to report it   70
 *
 * 70 (EX_SOFTWARE of sysexits.h) lies outside 0 to 4, so that no script takes a crash for an answer. A run ended by
 * a signal reports what it has and ends with 128 + the signal's number, as shells count (130 for Ctrl-C).
 */
export const EXIT_INTERNAL = 70;
export const EXIT_INTERRUPTED = 130;
export const EXIT_TERMINATED = 143;

export const PROGRAM = 'iptables-replay';

/** What the system says when the machine's limits are reached. */
const LIMIT_SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file grew beyond what its file system or the ulimit allows',
  ENOMEM: 'the machine is out of memory',
  EMFILE: 'too many open files (see `ulimit -n`)',
  ENFILE: 'too many open files on this machine',
  ERR_WORKER_OUT_OF_MEMORY: 'a worker ran out of memory',
  ERR_MEMORY_ALLOCATION_FAILED: 'out of memory',
};

export interface RenderedError {
  /** With line end. */
  readonly text: string;
  readonly status: number;
}

export function renderError(error: unknown): RenderedError {
  const { text, status } = render(error);
  return { text: forTerminal(text), status };
}

/** Characters of one line of a message at most: who gives a capture as a ruleset should still see the message. */
const MAX_LINE_CHARS = 2000;

/**
 * Messages quote files that may hold anything: control characters, which a terminal would obey, become `?` (one for
 * one, so that carets stay below what they mean), and endless lines are cut.
 */
export function forTerminal(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line))
    .join('\n')
    .replace(CONTROLS, '?');
}

/** C0 and C1 controls but for tab and line feed. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;

function render(error: unknown): RenderedError {
  if (error instanceof FindingsError) {
    const errors = error.findings.filter((finding) => finding.severity === 'error').length;
    const count = errors === 1 ? '1 error' : `${errors} errors`;
    return {
      text: `${error.message}\n${PROGRAM}: ${count}; nothing was replayed\n`,
      status: error.exitStatus,
    };
  }
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? '' : `  hint: ${error.hint}\n`;
    return { text: `${PROGRAM}: ${error.message}\n${hint}`, status: error.exitStatus };
  }
  const file = namedFileError(error);
  if (file !== undefined) return render(file);
  const limit = limitSentence(error);
  if (limit !== undefined) return { text: `${PROGRAM}: ${limit}\n`, status: EXIT_LIMITS };
  return { text: internalError(error), status: EXIT_INTERNAL };
}

/** A file of the user's that fails while it is being read or written: the system call failed on a path. */
function namedFileError(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (path === undefined || syscall === undefined || code === undefined || code in LIMIT_SENTENCES)
    return undefined;
  return new UserError(`${path}: ${FILE_SENTENCES[code] ?? error.message}`, { hint: FILE_HINTS[code] });
}

function limitSentence(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const sentence = code === undefined ? undefined : LIMIT_SENTENCES[code];
  if (sentence !== undefined) return path === undefined ? sentence : `${path}: ${sentence}`;
  if (
    error instanceof RangeError &&
    /allocation failed|Invalid (typed )?array( buffer)? length/i.test(error.message)
  ) {
    return `out of memory (${error.message})`;
  }
  return undefined;
}

function internalError(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return [
    `${PROGRAM}: internal error: this is a mistake of the program, not yours`,
    stack,
    `  ${PROGRAM} ${programVersion()}, Node ${process.versions.node}, ${process.platform} ${process.arch}, ${os.release()}`,
    '  hint: please report it with the lines above, the command line and, if you can share them, the ruleset and the capture',
    '',
  ].join('\n');
}

/** An error of the file system about a file that the user named, as the user's error. */
export function fileError(what: string, file: string, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return new UserError(`${what} ${file}: ${fileReason(error)}`, { hint: FILE_HINTS[code] });
}

const FILE_HINTS: Readonly<Record<string, string>> = {
  EACCES: 'choose a place that you may use',
  EROFS: 'choose a place that you may write to',
};
