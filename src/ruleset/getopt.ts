import type { OptionSpec } from '../extension/syntax.ts';
import type { LoadedExtension } from './loaded.ts';
import type { Word } from './tokenize.ts';

/**
 * getopt_long(3) of glibc as iptables calls it: options and other words in the order in which they stand, long
 * options that may be abbreviated as long as they are unambiguous, short ones that may be written together, and
 * a table that grows while it is read (each `-m`, `-j` and, for `-p`, the first unknown option adds one).
 */

/** What the core options mean, by the letter that iptables' own table has for them. */
export type CoreCode =
  | 'A' | 'C' | 'D' | 'R' | 'I' | 'L' | 'S' | 'M' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P' | 'V' | 'h' | 'o' | 'p'
  | 's' | 'd' | 'j' | 'i' | 'f' | 'v' | 'w' | 'W' | 'n' | 't' | 'm' | 'x' | 'c' | 'g' | '4' | '6' | '0'; // biome-ignore format: a table

type Argument = 'none' | 'required' | 'optional';

const CORE_LONG: ReadonlyMap<string, readonly [CoreCode, Argument]> = new Map([
  ['append', ['A', 'required']],
  ['delete', ['D', 'required']],
  ['check', ['C', 'required']],
  ['insert', ['I', 'required']],
  ['replace', ['R', 'required']],
  ['list', ['L', 'optional']],
  ['list-rules', ['S', 'optional']],
  ['flush', ['F', 'optional']],
  ['zero', ['Z', 'optional']],
  ['new-chain', ['N', 'required']],
  ['delete-chain', ['X', 'optional']],
  ['rename-chain', ['E', 'required']],
  ['policy', ['P', 'required']],
  ['source', ['s', 'required']],
  ['destination', ['d', 'required']],
  ['src', ['s', 'required']],
  ['dst', ['d', 'required']],
  ['protocol', ['p', 'required']],
  ['in-interface', ['i', 'required']],
  ['jump', ['j', 'required']],
  ['table', ['t', 'required']],
  ['match', ['m', 'required']],
  ['numeric', ['n', 'none']],
  ['out-interface', ['o', 'required']],
  ['verbose', ['v', 'none']],
  ['wait', ['w', 'optional']],
  ['wait-interval', ['W', 'optional']],
  ['exact', ['x', 'none']],
  ['fragments', ['f', 'none']],
  ['version', ['V', 'none']],
  ['help', ['h', 'optional']],
  ['line-numbers', ['0', 'none']],
  ['modprobe', ['M', 'required']],
  ['set-counters', ['c', 'required']],
  ['goto', ['g', 'required']],
  ['ipv4', ['4', 'none']],
  ['ipv6', ['6', 'none']],
]);

const CORE_SHORT: Readonly<Record<string, Argument>> = {
  A: 'required', C: 'required', D: 'required', R: 'required', I: 'required', L: 'optional', S: 'optional',
  M: 'required', F: 'optional', Z: 'optional', N: 'required', X: 'optional', E: 'required', P: 'required',
  V: 'none', h: 'optional', o: 'required', p: 'required', s: 'required', d: 'required', j: 'required',
  i: 'required', f: 'none', v: 'none', w: 'optional', W: 'optional', n: 'none', t: 'required', m: 'required',
  x: 'none', c: 'required', g: 'required', '4': 'none', '6': 'none',
}; // biome-ignore format: a table

export type Parsed =
  | {
      readonly kind: 'core';
      readonly code: CoreCode;
      readonly argument: string | undefined;
      readonly isLong: boolean;
    }
  | {
      readonly kind: 'extension';
      readonly extension: LoadedExtension;
      /** Name without `--`, completed; the canonical one is `canonical`. */
      readonly name: string;
      readonly canonical: string;
      readonly spec: OptionSpec<unknown>;
      readonly argument: string | undefined;
    }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'unknown'; readonly phrase: string }
  | { readonly kind: 'missing-argument'; readonly phrase: string }
  | { readonly kind: 'end' };

interface LongCandidate {
  readonly name: string;
  readonly argument: Argument;
  readonly core: CoreCode | undefined;
  readonly extension: LoadedExtension | undefined;
}

export class OptionReader {
  readonly #words: readonly Word[];
  /** Tables of loaded extensions, the newest first, as xtables_merge_options() orders them. */
  readonly #tables: LoadedExtension[] = [];
  /** Index of the next word. */
  next = 0;
  /** Index of the word that the last answer began with, and of its argument. */
  current = 0;
  /** Rest of a word of short options written together. */
  #cluster = '';

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  /** Adds the options of an extension. A second instance of the same extension takes the place of the first. */
  load(extension: LoadedExtension): void {
    const known = this.#tables.findIndex((one) => one.definition === extension.definition);
    if (known >= 0) this.#tables[known] = extension;
    else this.#tables.unshift(extension);
  }

  /** The word behind, when it is neither an option nor a `!`: xs_has_arg(). Undefined otherwise. */
  takePlainWord(): string | undefined {
    const text = this.#words[this.next]?.text;
    if (text === undefined || text[0] === '-' || text[0] === '!') return undefined;
    this.next++;
    return text;
  }

  /** The word before the next one: what argv[optind - 1] is to iptables. */
  get previousWord(): string {
    return this.#words[this.next - 1]?.text ?? '';
  }

  /** Goes back to the beginning of the last answer, to read it again with more options known. */
  again(): void {
    this.next = this.current;
    this.#cluster = '';
  }

  read(): Parsed {
    if (this.#cluster !== '') return this.#readShort();
    this.current = this.next;
    const word = this.#words[this.next];
    if (word === undefined) return { kind: 'end' };
    const text = word.text;
    if (text.charCodeAt(0) !== 45 || text.length === 1) {
      this.next++;
      return { kind: 'word', text };
    }
    if (text === '--') {
      this.next++;
      return { kind: 'end' };
    }
    if (text.charCodeAt(1) === 45) {
      this.next++;
      return this.#readLong(text.slice(2));
    }
    this.#cluster = text.slice(1);
    return this.#readShort();
  }

  #readShort(): Parsed {
    const letter = this.#cluster[0]!;
    const rest = this.#cluster.slice(1);
    const argument = CORE_SHORT[letter];
    if (argument === undefined) {
      this.#cluster = rest;
      if (rest === '') this.next++;
      return { kind: 'unknown', phrase: `unknown option "-${letter}"` };
    }
    const code = letter as CoreCode;
    if (argument === 'none') {
      this.#cluster = rest;
      if (rest === '') this.next++;
      return { kind: 'core', code, argument: undefined, isLong: false };
    }
    this.#cluster = '';
    this.next++;
    if (rest !== '' || argument === 'optional') {
      return { kind: 'core', code, argument: rest === '' ? undefined : rest, isLong: false };
    }
    const following = this.#words[this.next];
    if (following === undefined) {
      return { kind: 'missing-argument', phrase: `option "${this.previousWord}" requires an argument` };
    }
    this.next++;
    return { kind: 'core', code, argument: following.text, isLong: false };
  }

  #readLong(text: string): Parsed {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const attached = equals < 0 ? undefined : text.slice(equals + 1);
    const found = this.#findLong(name);
    const word = this.previousWord;
    if (found === undefined) return { kind: 'unknown', phrase: `unknown option "${word}"` };
    let argument = attached;
    if (found.argument === 'none' && attached !== undefined) {
      return { kind: 'unknown', phrase: `unknown option "${word}"` };
    }
    if (found.argument === 'required' && attached === undefined) {
      const following = this.#words[this.next];
      if (following === undefined)
        return { kind: 'missing-argument', phrase: `option "${word}" requires an argument` };
      this.next++;
      argument = following.text;
    }
    if (found.core !== undefined) return { kind: 'core', code: found.core, argument, isLong: true };
    const extension = found.extension!;
    const { canonical, spec } = extension.options.get(found.name)!;
    return { kind: 'extension', extension, name: found.name, canonical, spec, argument };
  }

  #findLong(name: string): LongCandidate | undefined {
    const exact = CORE_LONG.get(name);
    if (exact !== undefined) return { name, core: exact[0], argument: exact[1], extension: undefined };
    for (const extension of this.#tables) {
      const option = extension.options.get(name);
      if (option !== undefined) return { name, core: undefined, argument: option.spec.argument, extension };
    }
    return this.#findAbbreviated(name);
  }

  /** An abbreviation stands for an option when all options it could be are the same one under several names. */
  #findAbbreviated(name: string): LongCandidate | undefined {
    let found: LongCandidate | undefined;
    let foundSpec: unknown;
    for (const [long, [core, argument]] of CORE_LONG) {
      if (!long.startsWith(name)) continue;
      if (found !== undefined && (foundSpec !== core || found.argument !== argument)) return undefined;
      found ??= { name: long, core, argument, extension: undefined };
      foundSpec ??= core;
    }
    for (const extension of this.#tables) {
      for (const [long, { spec }] of extension.options) {
        if (!long.startsWith(name)) continue;
        if (found !== undefined && foundSpec !== spec) return undefined;
        found ??= { name: long, core: undefined, argument: spec.argument, extension };
        foundSpec ??= spec;
      }
    }
    return found;
  }
}
