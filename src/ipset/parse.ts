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
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.replace(/\r$/, '');
    if (line === '' || line[0] === '#') continue;
    const words = splitLine(line);
    if (words.length === 0) continue;
    try {
      runLine(words, sets);
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
  for (const match of line.matchAll(/"([^"]*)"?|[^\s"]+/g)) {
    words.push({ text: match[1] ?? match[0], column: match.index + 1 });
  }
  return words;
}

function runLine(words: readonly Word[], sets: SetRegistry): void {
  const [command, name, third] = words.map(({ text }) => text) as [string, string?, string?];
  switch (command) {
    case 'create':
    case '-N':
    case 'n':
      create(words, name, third, sets);
      return;
    case 'add':
    case '-A':
      add(words, known(name, sets, command), third);
      return;
    case 'del':
    case '-D':
      known(name, sets, command).delText(needWord(third, 'second ', command));
      return;
    case 'flush':
    case '-F':
      for (const set of name === undefined ? sets : [known(name, sets, command)]) set.flush();
      return;
    case 'destroy':
    case '-X':
      for (const set of name === undefined ? [...sets] : [known(name, sets, command)]) sets.remove(set.name);
      return;
    case 'COMMIT':
    case 'quit':
      return;
    default:
      throw new SetFault(`No command specified: unknown argument ${command}`, {
        word: command,
        hint: 'A dump consists of `create` and `add` lines.',
      });
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
): void {
  const given = needWord(name, '', 'create');
  const typeWord = needWord(type, 'second ', 'create');
  checkName(given);
  const rest = words.slice(3).map(({ text }) => text);
  const set = createSet(
    given,
    typeWord,
    rest.filter((word) => word !== '-exist' && word !== '-!'),
    sets,
  );
  if (sets.get(given) !== undefined) {
    throw new SetFault('Set cannot be created: set with the same name already exists', { word: given });
  }
  sets.put(set);
}

function add(words: readonly Word[], set: IpSet, element: string | undefined): void {
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
    if (name === '-exist' || name === '-!') continue;
    if (name === 'nomatch' && set.knowsNomatch) extensions.nomatch = true;
    else if ((name === 'before' || name === 'after') && set.typeName === 'list:set')
      extensions[name] = value();
    else if (!readExtension(extensions, name, value, set.options)) {
      throw new SetFault(`Unknown argument: \`${name}'`, { word: name });
    }
  }
  set.addText(text, extensions);
}
