import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FindingsError, type SourcePosition, UserError } from '../base/errors.ts';
import { fileReason } from '../base/file-errors.ts';

/** The files of HOST, by what they hold. Extras: `maddr.json` (`ip -j maddress show`), `timeout.txt` (`nfct list timeout`). */
export const HOST_FILES = {
  iptablesSave: 'iptables.save',
  ip6tablesSave: 'ip6tables.save',
  ipsetSave: 'ipset.save',
  address: 'address.json',
  route: 'route.json',
  route6: 'route6.json',
  rule: 'rule.json',
  rule6: 'rule6.json',
  neigh: 'neigh.json',
  maddr: 'maddr.json',
  sysctl: 'sysctl.txt',
  conntrack: 'conntrack.txt',
  timeout: 'timeout.txt',
} as const;

export type HostFileName = keyof typeof HOST_FILES;

export const COMMAND_OF_FILE: Readonly<Record<HostFileName, string>> = {
  iptablesSave: 'iptables-save -c',
  ip6tablesSave: 'ip6tables-save -c',
  ipsetSave: 'ipset save',
  address: 'ip -j -d address show',
  route: 'ip -j route show table all',
  route6: 'ip -j -6 route show table all',
  rule: 'ip -j rule show',
  rule6: 'ip -j -6 rule show',
  neigh: 'ip -j neigh show',
  maddr: 'ip -j maddress show',
  sysctl: 'sysctl -a',
  conntrack: 'conntrack -L -o extended',
  timeout: 'nfct list timeout',
};

/** A text file of HOST, or undefined when there is none or it is empty (a command that failed leaves that). */
export function readHostText(dir: string, name: HostFileName): { path: string; text: string } | undefined {
  const path = join(dir, HOST_FILES[name]);
  if (!existsSync(path)) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${fileReason(error)}`);
  }
  return text.trim() === '' ? undefined : { path, text };
}

export function checkHostFolder(dir: string): void {
  if (!existsSync(dir))
    throw new UserError(`host folder ${dir} does not exist`, {
      hint: 'run the script that "iptables-replay snapshot" prints on the machine, and name the folder that it fills',
    });
  if (!statSync(dir).isDirectory())
    throw new UserError(`${dir} is not a folder`, {
      hint: '--host takes the folder with iptables.save, address.json and so on, not one of its files',
    });
}

/** Where something stands in a JSON text: found again by its path, only when a message needs it. */
export class JsonFile {
  readonly path: string;
  readonly text: string;
  readonly command: string;
  readonly value: unknown;

  constructor(path: string, text: string, command: string) {
    this.path = path;
    this.text = text;
    this.command = command;
    try {
      this.value = JSON.parse(text);
    } catch {
      const { offset, expected } = findJsonError(text);
      throw this.error(offset, 1, `not JSON: ${expected}`, this.remedy());
    }
  }

  /** The elements of the array that the file must be; the empty objects of older iproute2 are left out. */
  entries(): { entry: Record<string, unknown>; index: number }[] {
    if (!Array.isArray(this.value)) throw this.error(0, 1, 'an array was expected at the top', this.remedy());
    const out: { entry: Record<string, unknown>; index: number }[] = [];
    this.value.forEach((entry: unknown, index) => {
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
        throw this.bad([index], 'an object was expected');
      if (Object.keys(entry).length > 0) out.push({ entry: entry as Record<string, unknown>, index });
    });
    return out;
  }

  /** Refuses what stands at a path of indexes and keys. */
  bad(path: readonly (string | number)[], message: string): FindingsError {
    const { offset, length } = locate(this.text, path);
    return this.error(offset, length, message, this.remedy());
  }

  private remedy(): string {
    return `the file is to be what "${this.command}" prints; run it again, or remove the file to have its default`;
  }

  private error(offset: number, lengthChars: number, message: string, hint: string): FindingsError {
    return new FindingsError([
      { severity: 'error', message, position: positionOf(this.path, this.text, offset, lengthChars), hint },
    ]);
  }
}

export function openJson(dir: string, name: HostFileName): JsonFile | undefined {
  const file = readHostText(dir, name);
  return file === undefined ? undefined : new JsonFile(file.path, file.text, COMMAND_OF_FILE[name]);
}

/** iproute2 writes whole tables into one line: of a long line, what surrounds the place is shown. */
function positionOf(file: string, text: string, offset: number, lengthChars: number): SourcePosition {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const newline = text.indexOf('\n', offset);
  const end = newline < 0 ? text.length : newline;
  const line = text.slice(0, start).split('\n').length;
  const source = text.slice(start, end).replace(/\r$/, '');
  const isShort = source.length <= 160;
  return {
    file,
    line,
    column: offset - start + 1,
    text: isShort ? source : '',
    lengthChars: Math.max(1, Math.min(lengthChars, end - offset)),
  };
}

/** Skips a JSON value from `at`; returns the offset behind it. Throws the offset of what is wrong. */
class JsonScanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  space(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text[this.at]!)) this.at++;
  }

  fail(expected: string): never {
    throw new JsonMistake(this.at, expected);
  }

  value(): void {
    this.space();
    const c = this.text[this.at];
    if (c === undefined) this.fail('the text ends where a value was expected (was the command cut short?)');
    if (c === '{') this.members('}', true);
    else if (c === '[') this.members(']', false);
    else if (c === '"') this.string();
    else {
      const match = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/.exec(
        this.text.slice(this.at, this.at + 64),
      );
      if (match === null) this.fail('a value was expected');
      this.at += match[0].length;
    }
  }

  string(): string {
    const start = this.at;
    if (this.text[this.at] !== '"') this.fail('a string in double quotes was expected');
    this.at++;
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined || c === '\n') this.fail('the string does not end');
      this.at++;
      if (c === '\\') this.at++;
      else if (c === '"') return this.text.slice(start + 1, this.at - 1);
    }
  }

  /** Members of an object or array; `visit` is called before each value and may stop the scan by throwing. */
  members(close: string, hasKeys: boolean, visit?: (key: string | number, start: number) => void): void {
    this.at++;
    this.space();
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (let index = 0; ; index++) {
      this.space();
      let key: string | number = index;
      if (hasKeys) {
        key = this.string();
        this.space();
        if (this.text[this.at] !== ':') this.fail('":" was expected');
        this.at++;
        this.space();
      }
      visit?.(key, this.at);
      this.value();
      this.space();
      const c = this.text[this.at];
      if (c === close) {
        this.at++;
        return;
      }
      if (c !== ',')
        this.fail(c === undefined ? `the text ends before "${close}"` : `"," or "${close}" was expected`);
      this.at++;
    }
  }
}

class JsonMistake extends Error {
  readonly offset: number;

  constructor(offset: number, expected: string) {
    super(expected);
    this.offset = offset;
  }
}

function findJsonError(text: string): { offset: number; expected: string } {
  const scanner = new JsonScanner(text);
  try {
    scanner.value();
    scanner.space();
    if (scanner.at < text.length) scanner.fail('nothing more was expected after the value');
  } catch (mistake) {
    if (mistake instanceof JsonMistake)
      return { offset: Math.min(mistake.offset, text.length), expected: mistake.message };
    throw mistake;
  }
  return { offset: 0, expected: 'the text cannot be read' };
}

class Located extends Error {}

/** Offset and length of the value at `path` in a JSON text that is known to be right. */
function locate(text: string, path: readonly (string | number)[]): { offset: number; length: number } {
  const scanner = new JsonScanner(text);
  let offset = 0;
  scanner.space();
  for (const step of path) {
    const c = text[scanner.at];
    if (c !== '{' && c !== '[') break;
    const before = scanner.at;
    try {
      scanner.members(c === '{' ? '}' : ']', c === '{', (key, start) => {
        if (key !== step) return;
        offset = start;
        throw new Located();
      });
      return { offset: before, length: 1 };
    } catch (found) {
      if (!(found instanceof Located)) throw found;
      scanner.at = offset;
    }
  }
  offset = scanner.at;
  scanner.value();
  return { offset, length: scanner.at - offset };
}
