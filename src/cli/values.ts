import { statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../base/errors.ts';
import { parseCaptureArgument } from '../capture/argument.ts';
import { outcomesOf, VERDICT_NAMES } from '../report/verdict-names.ts';
import { fileError } from './errors.ts';

/** Readers of option values: each gives the value or throws a UserError that says what may be written instead. */

/** A whole number in decimal digits, within bounds. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new UserError(`${option} "${text}": not a whole number from ${min} to ${max}`);
  };
}

/** One of some words. */
export function oneOf<const T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new UserError(`${option} "${text}": not known`, { hint: `write ${orList(words)}` });
  };
}

export function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** A file that is read later: it must be there and be no directory. */
export function inputFile(option: string): (file: string) => string {
  return (file) => {
    if (file === '') throw new UserError(`${option}: the file name is empty`);
    if (file === '-')
      throw new UserError(`${option} -: standard input can be a capture only`, {
        hint: 'name a file; /dev/stdin is one, too, where no capture comes that way',
      });
    let isDirectory: boolean;
    try {
      isDirectory = statSync(file).isDirectory();
    } catch (error) {
      throw fileError(option, file, error);
    }
    if (isDirectory)
      throw new UserError(`${option} ${file}: is a directory`, { hint: 'name the file in it' });
    return file;
  };
}

export interface ClockSkew {
  readonly ifaceName: string;
  readonly skewNs: bigint;
}

/** `IFACE=SECONDS`, to the nanosecond. */
export function clockSkew(text: string): ClockSkew {
  const [, ifaceName, sign, whole, fraction = ''] =
    /^([^=]+)=([+-]?)(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (ifaceName === undefined) {
    throw new UserError(`--clock-skew "${text}": not IFACE=SECONDS`, {
      hint: 'write by how much its time stamps are to be put forward, or back: eth0=0.25, eth1=-3600',
    });
  }
  const ns = BigInt(whole!) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return { ifaceName, skewNs: sign === '-' ? -ns : ns };
}

/** The folder that describes a machine. */
export function hostDirectory(directory: string): string {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(directory).isDirectory();
  } catch (error) {
    throw fileError('--host', directory, error);
  }
  if (isDirectory) return directory;
  throw new UserError(`--host ${directory}: not a directory`, {
    hint: 'HOST is the folder that the script of `iptables-replay snapshot` fills; a ruleset alone goes to --rules',
  });
}

/** A file to be written. */
export function outputFile(option: string): (file: string) => string {
  return (file) => {
    if (file === '') throw new UserError(`${option}: the file name is empty`);
    if (file !== '-') return file;
    throw new UserError(`${option} -: standard output holds the report`, {
      hint: 'name a file; /dev/fd/3 with `3>...` is one, too',
    });
  };
}

const VERDICT_FORMATS = { '.csv': 'csv', '.jsonl': 'jsonl', '.arrow': 'arrow' } as const;
export type VerdictFormat = (typeof VERDICT_FORMATS)[keyof typeof VERDICT_FORMATS];

export interface VerdictsRequest {
  readonly file: string;
  readonly format: VerdictFormat;
}

export function verdictsFile(file: string): VerdictsRequest {
  outputFile('--verdicts')(file);
  const extension = path.extname(file).toLowerCase();
  const format = VERDICT_FORMATS[extension as keyof typeof VERDICT_FORMATS];
  if (format !== undefined) return { file, format };
  throw new UserError(
    `--verdicts ${file}: the format is told by the extension, and "${extension}" is none of them`,
    {
      hint: `name a file that ends in ${orList(Object.keys(VERDICT_FORMATS))}`,
    },
  );
}

export interface WritePcapRequest {
  readonly file: string;
  /** As the user wrote it. */
  readonly verdict: string;
  /** OUTCOME_* codes of the packets to write. */
  readonly outcomes: readonly number[];
}

/** `VERDICT[,VERDICT...]=FILE` */
export function writePcap(text: string): WritePcapRequest {
  const equals = text.indexOf('=');
  const hint = `write VERDICT=FILE, such as DROP=dropped.pcapng; verdicts: ${VERDICT_NAMES.join(' ')}`;
  if (equals < 1) throw new UserError(`--write-pcap "${text}": no verdict before a "="`, { hint });
  const verdict = text.slice(0, equals);
  const file = outputFile('--write-pcap')(text.slice(equals + 1));
  const outcomes: number[] = [];
  for (const word of verdict.split(',')) {
    const codes = outcomesOf(word);
    if (codes === undefined)
      throw new UserError(`--write-pcap "${text}": "${word}" is not a verdict`, { hint });
    outcomes.push(...codes);
  }
  return { file, verdict, outcomes };
}

/** Below this many bytes of captures, threads take longer to start than they save. */
const SMALL_BYTES = 64 << 20;

/**
 * Worker threads when the user does not say: none for a little work, else as many as there are processors (of the shares of a
 * replay, the main thread takes one; the ring's reader waits most of the time).
 */
export function defaultWorkers(captures: readonly string[]): number {
  let bytes = 0;
  for (const capture of captures) {
    const stats = statSync(parseCaptureArgument(capture).file, { throwIfNoEntry: false });
    bytes += stats?.isFile() === true ? stats.size : SMALL_BYTES;
  }
  return bytes < SMALL_BYTES ? 0 : os.availableParallelism();
}

export const MAX_WORKERS = 256;
export const MAX_SEED = 0xffffffff;
