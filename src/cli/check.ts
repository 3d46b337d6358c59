import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { EXIT_DONE, EXIT_USAGE, type ExitStatus, renderFinding, UserError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { KernelObjects } from '../extension/syntax.ts';
import { guessFamily } from '../ruleset/family.ts';
import { type ParseResult, parseRuleset } from '../ruleset/parse.ts';
import { saveRuleset } from '../ruleset/save.ts';
import { forTerminal } from './errors.ts';

export interface CheckOptions {
  /** All files are of this family; without it each file says so itself (ruleset/family.ts). */
  readonly ipv6?: boolean;
  /** As the option of the same name; 'error' when absent. */
  readonly onUnsupported?: 'error' | 'never-match';
}

export interface CheckResult {
  /** The canonical form of every file that has no error, in the order given. */
  readonly stdout: string;
  /** All findings of all files. */
  readonly stderr: string;
  readonly exitStatus: ExitStatus;
}

/**
 * `check FILE...`: parses as `iptables-restore --test` would, and prints what `iptables-save` would print: tables in
 * the order of the text, chains in the kernel's order, without comment lines; rules with their counters when the text
 * has any (so that a dump of iptables-save, with -c or without, comes out as it went in but for the comments).
 * `-` is standard input. Where there are several files, a comment line before each names it.
 *
 * Files of one family stand for one another, and know nothing of each other. One of IPv6 is taken to be loaded after
 * one of IPv4, as a run does: the last that was given before it, else the first. So it may name what that one makes.
 */
export async function check(files: readonly string[], options: CheckOptions = {}): Promise<CheckResult> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let errors = 0;
  const dumps: Dump[] = [];
  for (const file of files) {
    const text = await readText(file);
    const family = options.ipv6 === undefined ? guessFamily(text, file) : options.ipv6 ? 6 : 4;
    dumps.push({ file, text, family });
  }
  for (const [i, { ruleset, findings, hasCounters }] of parseAll(dumps, options).entries()) {
    const { file } = dumps[i]!;
    const failed = findings.filter((finding) => finding.severity === 'error').length;
    errors += failed;
    for (const finding of findings) stderr.push(`${forTerminal(renderFinding(finding))}\n`);
    if (failed > 0) continue;
    if (files.length > 1) stdout.push(`# ${file}\n`);
    stdout.push(saveRuleset(ruleset, { counters: hasCounters }));
  }
  if (errors > 0) stderr.push(`iptables-replay: ${errors === 1 ? '1 error' : `${errors} errors`}\n`);
  return {
    stdout: stdout.join(''),
    stderr: stderr.join(''),
    exitStatus: errors > 0 ? EXIT_USAGE : EXIT_DONE,
  };
}

interface Dump {
  readonly file: string;
  readonly text: string;
  readonly family: Family;
}

/** What each says, in the order given; those of IPv4 are read first. */
function parseAll(dumps: readonly Dump[], options: CheckOptions): ParseResult[] {
  const made = dumps.map((): KernelObjects => new Map());
  const parse = (i: number): ParseResult => {
    const { file, text, family } = dumps[i]!;
    return parseRuleset(text, {
      family,
      file: file === '-' ? '<stdin>' : file,
      onUnsupported: options.onUnsupported ?? 'error',
      objects: made[i]!,
    });
  };
  const results: ParseResult[] = [];
  for (const [i, { family }] of dumps.entries()) if (family === 4) results[i] = parse(i);
  for (const [i, { family }] of dumps.entries()) {
    if (family !== 6) continue;
    for (const [name, object] of made[loadedBefore(dumps, i)] ?? []) made[i]!.set(name, object);
    results[i] = parse(i);
  }
  return results;
}

/** Index of the dump of IPv4 that is taken to be loaded before dump `i`; -1 when there is none. */
function loadedBefore(dumps: readonly Dump[], i: number): number {
  const before = dumps.slice(0, i).findLastIndex(({ family }) => family === 4);
  return before >= 0 ? before : dumps.findIndex(({ family }) => family === 4);
}

async function readText(file: string): Promise<string> {
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : (code ?? String(error));
    throw new UserError(`cannot read ${file}: ${reason}`);
  }
}
