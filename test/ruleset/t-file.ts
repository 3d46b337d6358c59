import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../src/base/inet.ts';

/**
 * The `.t` files beside the tests of matches and targets: a line per case, after the example of netfilter's own.
 *
 *     # comment
 *     *mangle          the table of the rules below (filter at first)
 *     :FORWARD         their chain (INPUT at first)
 *     %6               their family (4 at first)
 *     @foo bar         accounting objects (nfacct) that exist
 *     +INPUT -j LOG    a rule that stands before, in another chain; + alone: none (any more)
 *     rule ; saved ; OK ; listed
 *     rule ; ; FAIL phrase         iptables-restore refuses it in these words
 *     rule ; ; LIBIPTC phrase      libiptc does: iptables-restore says "line N failed"
 *     rule ; ; KERNEL phrase       the kernel does, with this sentence in its log
 *
 * `rule` stands without `-A CHAIN`, and so does `saved`; `=` means "as given". `listed` is what `iptables -L -v
 * -n` prints behind the columns. A chain FOO exists. Rules that one line stands for are separated by ` | `.
 */
export interface TCase {
  readonly id: string;
  readonly family: Family;
  /** The whole ruleset that the case is. */
  readonly text: string;
  readonly chain: string;
  readonly table: string;
  readonly outcome: 'OK' | 'FAIL' | 'LIBIPTC' | 'KERNEL';
  /** Rules as saved, without `-A CHAIN`. */
  readonly saved: readonly string[];
  /** Undefined when the file does not say. */
  readonly listed: string | undefined;
  readonly phrase: string;
  /** Accounting objects that exist; undefined when the file names none. */
  readonly accounting: readonly string[] | undefined;
}

export function readTFile(file: string, name: string): TCase[] {
  const cases: TCase[] = [];
  let table = 'filter';
  let chain = 'INPUT';
  let family: Family = 4;
  let accounting: readonly string[] | undefined;
  let before = '';
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':')) chain = line.slice(1);
    else if (line.startsWith('%')) family = line === '%6' ? 6 : 4;
    else if (line.startsWith('@')) accounting = line.slice(1).split(' ');
    else if (line === '+') before = '';
    else if (line.startsWith('+')) before += `-A ${line.slice(1)}\n`;
    else {
      const [rule = '', saved = '', outcome = '', ...listed] = line
        .split(/ ;(?=\s|$)/)
        .map((part) => part.trim());
      const found = /^(OK|FAIL|LIBIPTC|KERNEL)(?: (.*))?$/.exec(outcome.trim());
      if (found === null) throw new Error(`${file}:${i + 1}: no outcome in '${line}'`);
      cases.push({
        id: `${name}:${i + 1}`,
        family,
        table,
        chain,
        text: `*${table}\n:FOO -\n${before}-A ${chain} ${rule}\nCOMMIT\n`,
        outcome: found[1] as TCase['outcome'],
        saved: (saved.trim() === '=' ? rule : saved.trim()).split(' | '),
        listed: listed.length === 0 ? undefined : listed.join(' ; '),
        phrase: found[2] ?? '',
        accounting,
      });
    }
  }
  return cases;
}

/** All `.t` files of a folder, by name. */
export function readTFolder(folder: string): Map<string, TCase[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.t'));
  return new Map(files.sort().map((file) => [file, readTFile(join(folder, file), file)]));
}
