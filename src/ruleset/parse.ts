import type { Finding, SourcePosition } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { TargetDefinition } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { type KernelObjects, RuleFault, raise } from '../extension/syntax.ts';
import { byteLength } from '../extension/values.ts';
import { findTarget } from '../targets/registry.ts';
import { type ParsedAddress, parseAddressList } from './addresses.ts';
import { checkTable } from './kernel-check.ts';
import { LineShapes } from './line-shapes.ts';
import { isTableName, type Ruleset, type RuleTarget } from './model.ts';
import { remedyOfOtherKind } from './other-kinds.ts';
import {
  type Command,
  LineParser,
  MAX_NAME_CHARS,
  type RuleParts,
  unknownTargetHint,
  unknownTargetPhrase,
} from './rule-parser.ts';
import { expandRules, makeRule, type Refusal, TableBuilder } from './table-builder.ts';
import { MAX_LINE_BYTES, MAX_WORD_CHARS, MAX_WORDS, tokenize, type Word } from './tokenize.ts';

/**
 * The text of iptables-restore, as iptables 1.8.9 reads it (iptables/iptables-restore.c). All that is wrong is
 * found in one go: a line that is refused is left out, and reading goes on. What iptables would refuse for its
 * blanks or line ends alone is taken with a warning.
 */
export interface ParseOptions {
  readonly family: Family;
  /** For messages. */
  readonly file: string;
  /** What becomes of a rule with a match or target that this program does not know. 'error' when absent. */
  readonly onUnsupported?: 'error' | 'never-match';
  /** Of the texts that were loaded before this one into the same kernel; nothing when absent. */
  readonly objects?: KernelObjects;
}

export interface RulesetFinding extends Finding {
  /**
   * Who would say so: iptables-restore in these words; libiptc or the kernel, of which iptables-restore says
   * no more than "line N failed"; or this program alone (warnings).
   */
  readonly by: 'iptables' | 'libiptc' | 'kernel' | 'us';
}

export interface ParseResult {
  /** What could be read; the whole when no finding is an error. */
  readonly ruleset: Ruleset;
  readonly findings: readonly RulesetFinding[];
  /** Some rule had counters: the text is that of `iptables-save -c`. */
  readonly hasCounters: boolean;
}

export function parseRuleset(text: string, options: ParseOptions): ParseResult {
  return new Parser(options).parse(text);
}

const BYTE_ORDER_MARK = 0xfeff;

class Parser {
  readonly #family: Family;
  readonly #file: string;
  readonly #onUnsupported: 'error' | 'never-match';
  readonly #objects: KernelObjects;
  readonly #findings: RulesetFinding[] = [];
  readonly #tables = new Map<string, TableBuilder>();
  /** The table that is being read; 'skipped' when its name is not one. */
  #table: TableBuilder | 'skipped' | undefined;
  /** Shapes of its lines. */
  #shapes: LineShapes | undefined;
  #hasCounters = false;
  #saidCrLf = false;
  /** The text is no dump at all. */
  #isOtherKind = false;
  // The line that is being read.
  #line = 0;
  #text = '';

  constructor(options: ParseOptions) {
    this.#family = options.family;
    this.#file = options.file;
    this.#onUnsupported = options.onUnsupported ?? 'error';
    this.#objects = options.objects ?? new Map();
  }

  parse(text: string): ParseResult {
    let from = 0;
    if (text.charCodeAt(0) === BYTE_ORDER_MARK) {
      from = 1;
      this.#line = 1;
      this.#say(
        'us',
        'warning',
        'the file begins with a byte order mark',
        1,
        1,
        'iptables-restore does not take it.',
      );
      this.#line = 0;
    }
    while (from < text.length && !this.#isOtherKind) {
      const newline = text.indexOf('\n', from);
      const end = newline < 0 ? text.length : newline;
      this.#line++;
      this.#readLine(text.slice(from, end), text);
      if (newline < 0 && this.#table === undefined) {
        const hint = 'iptables-restore does not take a COMMIT without one.';
        this.#say('us', 'warning', 'no line end behind the last line', end - from + 1, 1, hint);
      }
      from = end + 1;
    }
    if (this.#table !== undefined) {
      this.#say('iptables', 'error', `COMMIT expected at line ${this.#line + 1}`, 1, this.#text.length || 1);
      this.#commit();
    }
    const tables = [...this.#tables.values()].map((table) => table.finish());
    return {
      ruleset: { family: this.#family, tables },
      findings: this.#findings,
      hasCounters: this.#hasCounters,
    };
  }

  #position(column: number, lengthChars: number): SourcePosition {
    return { file: this.#file, line: this.#line, column, text: this.#text, lengthChars };
  }

  #say(
    by: RulesetFinding['by'],
    severity: Finding['severity'],
    message: string,
    column: number,
    lengthChars: number,
    hint?: string,
  ): void {
    this.#findings.push({ by, severity, message, position: this.#position(column, lengthChars), hint });
  }

  #error(message: string, column: number, lengthChars: number, hint?: string): void {
    this.#say('iptables', 'error', message, column, lengthChars, hint);
  }

  #readLine(raw: string, whole: string): void {
    let line = raw;
    if (line.endsWith('\r')) {
      line = line.slice(0, -1);
      this.#text = line;
      if (!this.#saidCrLf) {
        this.#say(
          'us',
          'warning',
          'lines end in CR LF',
          line.length + 1,
          1,
          'iptables-restore wants LF alone.',
        );
      }
      this.#saidCrLf = true;
    }
    this.#text = line;
    if (line === '' || line.charCodeAt(0) === 35) return;
    if (byteLength(line) > MAX_LINE_BYTES) {
      this.#error(
        'Line too long',
        MAX_LINE_BYTES,
        1,
        `iptables-restore would cut it in two behind ${MAX_LINE_BYTES + 1} bytes.`,
      );
      return;
    }
    const trimmed = line.trim();
    if (trimmed === '') {
      this.#say(
        'us',
        'warning',
        'line of blanks',
        1,
        line.length,
        'iptables-restore takes empty lines only.',
      );
      return;
    }
    if (trimmed === 'COMMIT' && this.#table !== undefined) {
      if (line !== trimmed) {
        this.#say(
          'us',
          'warning',
          'blanks around COMMIT',
          1,
          line.length,
          'iptables-restore does not take them.',
        );
      }
      this.#commit();
      return;
    }
    const first = line.charCodeAt(0);
    if (this.#table === undefined) {
      if (first === 42) this.#openTable(line);
      else this.#outside(trimmed, whole);
      return;
    }
    if (this.#table === 'skipped') return;
    if (first === 58) this.#declareChain(line, this.#table);
    else this.#command(line, this.#table);
  }

  /** Text that belongs to no table. */
  #outside(trimmed: string, whole: string): void {
    const remedy = this.#tables.size === 0 ? remedyOfOtherKind(whole) : undefined;
    // Nothing of it can be read, and one word about it is enough.
    this.#isOtherKind = remedy !== undefined;
    const hint =
      remedy ??
      (trimmed === 'COMMIT' ? 'There is no table to commit.' : 'A table begins with *filter, *nat, …');
    this.#say('libiptc', 'error', `line ${this.#line} failed`, 1, this.#text.length, hint);
  }

  #openTable(line: string): void {
    const word = firstWord(line, 1);
    if (word === undefined) {
      this.#error(`line ${this.#line} table name invalid`, 1, line.length);
      this.#table = 'skipped';
      return;
    }
    if (!isTableName(word.text)) {
      this.#error(
        `unable to initialize table '${word.text}'`,
        word.column,
        word.lengthChars,
        'Tables are raw, mangle, nat, filter and security.',
      );
      this.#table = 'skipped';
      return;
    }
    this.#shapes = new LineShapes();
    const known = this.#tables.get(word.text);
    if (known !== undefined) {
      known.reset();
      this.#table = known;
      return;
    }
    this.#table = new TableBuilder(word.text, this.#family);
    this.#tables.set(word.text, this.#table);
  }

  #commit(): void {
    const table = this.#table;
    this.#table = undefined;
    if (table === undefined || table === 'skipped') return;
    for (const { rule, message, hint } of checkTable(table.finish(), this.#family, this.#objects)) {
      this.#findings.push({ by: 'kernel', severity: 'error', message, position: rule.position, hint });
    }
  }

  /** `:chain policy [packets:bytes]`. */
  #declareChain(line: string, table: TableBuilder): void {
    const chain = firstWord(line, 1);
    if (chain === undefined) {
      this.#error(`line ${this.#line} chain name invalid`, 1, line.length);
      return;
    }
    const name = chain.text;
    if (name.length >= MAX_NAME_CHARS) {
      this.#error(
        `Invalid chain name \`${name}' (${MAX_NAME_CHARS - 1} chars max)`,
        chain.column,
        chain.lengthChars,
      );
      return;
    }
    if (!table.isBuiltin(name)) {
      const refusal = table.createChain(name);
      if (refusal !== undefined) {
        this.#error(
          `error creating chain '${name}':File exists`,
          chain.column,
          chain.lengthChars,
          table.hasChain(name) ? 'It is declared before.' : 'This is the name of a verdict.',
        );
        return;
      }
    }
    const policy = firstWord(line, chain.column - 1 + chain.lengthChars);
    if (policy === undefined) {
      this.#error(`line ${this.#line} policy invalid`, chain.column, chain.lengthChars, 'Write - for none.');
      return;
    }
    if (policy.text === '-') return;
    const counters = firstWord(line, policy.column - 1 + policy.lengthChars);
    const read = counters === undefined ? undefined : parseCounters(counters.text);
    if (counters !== undefined && read === undefined) {
      this.#say(
        'us',
        'warning',
        `invalid policy counters for chain '${name}'`,
        counters.column,
        counters.lengthChars,
        'iptables-restore -c would refuse them.',
      );
    }
    const refusal = table.setPolicy(name, policy.text, read?.[0], read?.[1]);
    if (refusal !== undefined) {
      this.#error(
        `Can't set policy \`${policy.text}' on \`${name}' line ${this.#line}: ${refusal.message}`,
        policy.column,
        policy.lengthChars,
        refusal.message === 'Bad policy name'
          ? 'A policy is ACCEPT or DROP.'
          : 'Only built-in chains have a policy; write - for a chain of your own.',
      );
    }
  }

  #command(line: string, table: TableBuilder): void {
    let start = 0;
    let packets = 0n;
    let bytes = 0n;
    if (line.charCodeAt(0) === 91) {
      const counters = this.#lineCounters(line);
      if (counters === undefined) return;
      this.#hasCounters = true;
      [packets, bytes, start] = counters;
      while (line.charCodeAt(start) === 32) start++;
    }
    const hasShape = this.#shapes!.split(line, start, (name) =>
      findTarget(name, this.#family) === undefined ? table.chainNamed(name) : undefined,
    );
    if (hasShape && this.#addAsBefore(table, packets, bytes)) return;
    const said = this.#findings.length;
    const { words, openQuoteColumn } = tokenize(line, start);
    if (!this.#checkWords(words)) return;
    if (openQuoteColumn > 0) {
      const rest = line.length - openQuoteColumn + 1;
      this.#say(
        'us',
        'warning',
        'quote is not closed',
        openQuoteColumn,
        rest,
        'iptables ends the word with the line.',
      );
    }
    const parser = new LineParser(words, {
      line,
      family: this.#family,
      table: table.name,
      onUnsupported: this.#onUnsupported,
      hasChain: (name) => table.hasChain(name),
      warn: (message, wordIndex, hint) => {
        const word = wordAt(words, wordIndex);
        this.#say('us', 'warning', message, word.column, word.lengthChars, hint);
      },
    });
    try {
      const command = parser.parse();
      if (command.otherFamily) return;
      const target =
        command.rule === undefined ? undefined : this.#resolveTarget(command.rule, table, parser);
      const refusal = this.#execute(command, target, table, packets, bytes);
      if (refusal !== undefined) {
        const chainWord = wordAt(words, 1);
        this.#say('libiptc', 'error', refusal.message, chainWord.column, chainWord.lengthChars, refusal.hint);
      }
      const isPlain = this.#findings.length === said && !parser.askedForChain;
      if (hasShape && isPlain && target !== undefined) this.#shapes!.learn(command.rule!, target);
    } catch (fault) {
      if (!(fault instanceof RuleFault)) throw fault;
      const word = wordAt(words, parser.word);
      this.#error(fault.message, word.column, word.lengthChars, fault.hint);
    }
  }

  /** The line was split into its shape: adds its rule if another line of the shape has been read. False: nothing is done. */
  #addAsBefore(table: TableBuilder, packets: bigint, bytes: bigint): boolean {
    const shapes = this.#shapes!;
    const shape = shapes.known;
    if (shape === undefined) return false;
    const { parts } = shape;
    let { target } = shape;
    if (shapes.jumpsTo !== '') target = { kind: 'jump', chain: shapes.jumpsTo };
    else if (parts.target !== undefined && table.hasChain(parts.targetName)) return false;
    const source = shapes.source === undefined ? parts.sources[0] : this.#address(shapes.source);
    const destination =
      shapes.destination === undefined ? parts.destinations[0] : this.#address(shapes.destination);
    if (source === 'wrong' || destination === 'wrong') return false;
    const position = this.#position(1, this.#text.length);
    const rule = makeRule(
      parts,
      source,
      destination,
      target,
      position,
      parts.packets ?? packets,
      parts.bytes ?? bytes,
    );
    return table.add(shapes.chain, [rule]) === undefined;
  }

  /** One address of a line that has a shape; 'wrong' where the line has to be read to say why. */
  #address(text: string): ParsedAddress | 'wrong' {
    try {
      return parseAddressList(text, this.#family, NOBODY)[0]!;
    } catch (fault) {
      if (fault instanceof RuleFault) return 'wrong';
      throw fault;
    }
  }

  /** `[packets:bytes]` before a rule: the counters and where the rule begins. */
  #lineCounters(line: string): [bigint, bigint, number] | undefined {
    const close = line.indexOf(']');
    const colon = line.indexOf(':');
    const inside = close < 0 ? '' : line.slice(1, close);
    const [left = '', right = ''] = inside.split(':');
    if (close < 0 || colon < 0 || colon > close || left === '' || right === '') {
      const missing = close >= 0 && colon < 0 ? ']' : ']';
      this.#error(
        `Bad line ${this.#line}: need ${missing}`,
        1,
        Math.max(1, close + 1),
        'Counters are [packets:bytes].',
      );
      return undefined;
    }
    return [strtoumax(left, 10)?.value ?? 0n, strtoumax(right, 10)?.value ?? 0n, close + 1];
  }

  #checkWords(words: readonly Word[]): boolean {
    const long = words.find((word) => word.text.length > MAX_WORD_CHARS);
    if (long !== undefined) {
      this.#error(
        'Parameter too long!',
        long.column,
        long.lengthChars,
        `At most ${MAX_WORD_CHARS} characters.`,
      );
      return false;
    }
    const beyond = words[MAX_WORDS];
    if (beyond !== undefined) {
      this.#error('Parser cannot handle more arguments', beyond.column, 1, `At most ${MAX_WORDS} words.`);
      return false;
    }
    return true;
  }

  /** What the name after -j or -g means: do_command4(). */
  #resolveTarget(parts: RuleParts, table: TableBuilder, parser: LineParser): RuleTarget {
    const name = parts.targetName;
    parser.word = parts.targetWordIndex;
    const isChain = name !== '' && table.hasChain(name);
    if (parts.target !== undefined && !isChain) {
      const definition = parts.target.extension.definition as TargetDefinition;
      return { kind: 'extension', definition, options: parts.target.options };
    }
    if (parts.target !== undefined) parser.warn(`using chain ${name}, not extension`);
    if (name === '') return { kind: 'none' };
    if (isChain) return { kind: parts.isGoto ? 'goto' : 'jump', chain: name };
    if (parts.isGoto)
      parser.fail(`goto '${name}' is not a chain`, `Declare it (:${name} -) before this rule.`);
    if (parts.unsupported.some((one) => one.kind === 'target')) return { kind: 'none' };
    return parser.fail(unknownTargetPhrase(name), unknownTargetHint(name));
  }

  #execute(
    command: Command,
    target: RuleTarget | undefined,
    table: TableBuilder,
    packets: bigint,
    bytes: bigint,
  ): Refusal | undefined {
    const { code, rule: parts, ruleNumber } = command;
    const chain = command.chain ?? '';
    const rules = () =>
      expandRules(
        parts!,
        target!,
        this.#position(1, this.#text.length),
        parts!.packets ?? packets,
        parts!.bytes ?? bytes,
      );
    switch (code) {
      case 'A':
        return table.add(chain, rules());
      case 'I':
        return table.add(chain, rules(), (ruleNumber ?? 1) - 1);
      case 'R': {
        const [rule, ...more] = rules();
        if (more.length > 0) return { message: 'Replacement rule does not specify a unique address' };
        return table.replace(chain, rule!, ruleNumber! - 1);
      }
      case 'D':
        if (parts === undefined) return table.deleteNumber(chain, ruleNumber!);
        return table.deleteRules(chain, rules(), false);
      case 'C':
        return table.deleteRules(chain, rules(), true);
      case 'F':
        return table.flush(command.chain);
      case 'Z':
        return table.zero(command.chain, ruleNumber);
      case 'N':
        return table.createChain(chain);
      case 'X':
        return table.deleteChain(command.chain);
      case 'E':
        return table.renameChain(chain, command.newName!);
      case 'P':
        return table.setPolicy(chain, command.policy!);
      case 'L':
      case 'S':
        return undefined;
    }
  }
}

/** Asked on behalf of nobody: what it refuses is said when the line is read. */
const NOBODY = { fail: raise };

function firstWord(line: string, from: number): Word | undefined {
  const found = /[^ \t]+/.exec(line.slice(from));
  if (found === null) return undefined;
  return { text: found[0], column: from + found.index + 1, lengthChars: found[0].length };
}

const NO_WORD: Word = { text: '', column: 1, lengthChars: 1 };

function wordAt(words: readonly Word[], index: number): Word {
  return words[index] ?? words[words.length - 1] ?? NO_WORD;
}

/** `[1:2]` by sscanf("[%llu:%llu]"), which takes anything behind the second number. */
function parseCounters(text: string): [bigint, bigint] | undefined {
  const found = /^\[\s*(\d+):\s*(\d+)/.exec(text);
  return found === null ? undefined : [BigInt(found[1]!), BigInt(found[2]!)];
}
