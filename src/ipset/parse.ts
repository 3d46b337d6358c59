import type { Finding } from '../base/errors.ts';
import { createSet } from './create.ts';
import { noExtensions, readExtension } from './extension-options.ts';
import { SetFault } from './fault.ts';
import { SetRegistry } from './registry.ts';
import type { IpSet } from './types.ts';

/**
 * The text of `ipset save`, as ipset 7.17 restores it. All that is wrong is found in one go, in ipset's words: a
 * line that is refused is left out, and reading goes on.
 */
export interface ParsedSets {
  readonly sets: SetRegistry;
  readonly findings: readonly Finding[];
}

/** IPSET_MAXNAMELEN - 1. */
export const MAX_SET_NAME_CHARS = 31;

interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

export function parseSets(text: string, file: string): ParsedSets {
  const sets = new SetRegistry();
  const findings: Finding[] = [];
  const lines = text.split('\n');
  const restore = new Restore(sets);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.replace(/\r$/, '');
    if (line === '' || line[0] === '#') continue;
    const words = splitLine(line);
    if (words.length === 0) continue;
    try {
      restore.run(words);
    } catch (fault) {
      if (!(fault instanceof SetFault)) throw fault;
      const word =
        words.find((one) => one.text === fault.word) ?? words.find((one) => quoted(fault.message, one.text));
      const at = word ?? words[0]!;
      findings.push({
        severity: 'error',
        message: fault.message,
        position: {
          file,
          line: i + 1,
          column: at.column,
          text: line,
          lengthChars: Math.max(1, at.text.length),
        },
        hint: fault.hint,
      });
    }
  }
  return { sets, findings };
}

/** The phrase names the word, or a part of it. */
function quoted(message: string, text: string): boolean {
  const name = /'([^']+)'|cannot parse (\S+?):|supplied: (\S+)|missing from (\S+)\.|(?:in) (\S+), but/.exec(
    message,
  );
  const named = name?.slice(1).find((one) => one !== undefined);
  return named !== undefined && text.includes(named);
}

/** Words between blanks; double quotes hold blanks together (comments). */
function splitLine(line: string): Word[] {
  const words: Word[] = [];
  if (!/["\t]/.test(line)) {
    // Nearly every line. Reading 500,000 elements takes a fifth less time than by the expression below.
    for (let at = 0; at < line.length; ) {
      let end = line.indexOf(' ', at);
      if (end < 0) end = line.length;
      if (end > at) words.push({ text: line.slice(at, end), column: at + 1 });
      at = end + 1;
    }
    return words;
  }
  for (const match of line.matchAll(/"([^"]*)("?)|[^\s"]+/g)) {
    // A quote that is not closed, and quotes with nothing between, are no word to ipset.
    if (match[1] !== undefined && (match[1] === '' || match[2] === '')) continue;
    words.push({ text: match[1] ?? match[0], column: match.index + 1 });
  }
  return words;
}

/** Names of the commands; each may be cut short. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  create: ['create', 'new', '-N'],
  add: ['add', '-A'],
  del: ['del', '-D'],
  flush: ['flush', '-F'],
  destroy: ['destroy', 'x', '-X'],
};

/** What an `ipset restore` has in mind from line to line. */
class Restore {
  readonly #sets: SetRegistry;
  /** `-exist` was said: it holds from then on. */
  #exist = false;
  /**
   * Lines that add to one set travel in one message, and the first of them says whether -exist holds for all
   * (lib/session.c, build_msg()).
   */
  #batch = '';
  #batchExist = false;

  constructor(sets: SetRegistry) {
    this.#sets = sets;
  }

  run(line: readonly Word[]): void {
    const words = line.filter(({ text }) => text !== '-exist' && text !== '-!');
    if (words.length < line.length) this.#exist = true;
    const [word, name, third] = words.map(({ text }) => text) as [string, string?, string?];
    if (word === 'COMMIT' || word === 'quit') return;
    const command = Object.keys(COMMANDS).find((one) =>
      COMMANDS[one]!.some((known) => known.startsWith(word)),
    );
    if (command === undefined) {
      throw new SetFault(`No command specified: unknown argument ${word}`, {
        word,
        hint: 'A dump consists of `create` and `add` lines.',
      });
    }
    const batch = `${command} ${name}`;
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#batchExist = this.#exist;
    }
    this.#run(command, words, name, third);
  }

  #run(command: string, words: readonly Word[], name: string | undefined, third: string | undefined): void {
    const sets = this.#sets;
    switch (command) {
      case 'create':
        create(words, name, third, sets, this.#exist);
        return;
      case 'add':
        add(words, known(name, sets, command), third, this.#batchExist);
        return;
      case 'del':
        known(name, sets, command).delText(needWord(third, 'second ', command), this.#batchExist);
        return;
      case 'flush':
        for (const set of name === undefined ? sets : [known(name, sets, command)]) set.flush();
        return;
      case 'destroy':
        for (const set of name === undefined ? [...sets] : [known(name, sets, command)])
          sets.remove(set.name);
    }
  }
}

function needWord(word: string | undefined, which: string, command: string): string {
  if (word === undefined) throw new SetFault(`Missing ${which}mandatory argument to command ${command}`);
  return word;
}

function checkName(name: string): void {
  if (name.length <= MAX_SET_NAME_CHARS) return;
  throw new SetFault(`Syntax error: setname '${name}' is longer than ${MAX_SET_NAME_CHARS} characters`, {
    word: name,
  });
}

function known(name: string | undefined, sets: SetRegistry, command: string): IpSet {
  const given = needWord(name, '', command);
  checkName(given);
  const set = sets.get(given);
  if (set === undefined) throw new SetFault('The set with the given name does not exist', { word: given });
  return set;
}

function create(
  words: readonly Word[],
  name: string | undefined,
  type: string | undefined,
  sets: SetRegistry,
  exist: boolean,
): void {
  const given = needWord(name, '', 'create');
  const typeWord = needWord(type, 'second ', 'create');
  checkName(given);
  const rest = words.slice(3).map(({ text }) => text);
  const set = createSet(given, typeWord, rest, sets);
  const other = sets.get(given);
  if (other !== undefined) {
    if (exist && other.typeName === set.typeName) return;
    throw new SetFault('Set cannot be created: set with the same name already exists', { word: given });
  }
  sets.put(set);
}

function add(words: readonly Word[], set: IpSet, element: string | undefined, exist: boolean): void {
  const text = needWord(element, 'second ', 'add');
  const extensions = noExtensions();
  for (let i = 3; i < words.length; i++) {
    const name = words[i]!.text;
    const value = () => {
      const next = words[++i];
      if (next === undefined) {
        throw new SetFault(`Missing mandatory argument of option \`${name}'`, { word: name });
      }
      return next.text;
    };
    if (name === 'nomatch' && set.knowsNomatch) extensions.nomatch = true;
    else if ((name === 'before' || name === 'after') && set.typeName === 'list:set')
      extensions[name] = value();
    else if (!readExtension(extensions, name, value, set.options)) {
      throw new SetFault(`Unknown argument: \`${name}'`, { word: name });
    }
  }
  set.addText(text, extensions, exist);
}
