import type { Family } from '../base/inet.ts';
import { strtoui, strtoumax } from '../extension/numbers.ts';
import { type RuleCall, raise } from '../extension/syntax.ts';
import { parseProtocol } from '../extension/values.ts';
import { findMatch, MATCH_ALIASES } from '../matches/registry.ts';
import { findTarget } from '../targets/registry.ts';
import { type ParsedAddress, parseAddressList } from './addresses.ts';
import { type CoreCode, OptionReader, type Parsed } from './getopt.ts';
import { isKnownTarget } from './known-names.ts';
import { LoadedExtension } from './loaded.ts';
import type { InterfaceMatch, RuleMatch, UnsupportedExtension } from './model.ts';
import { protocolMatchName } from './protocol-match.ts';
import type { Word } from './tokenize.ts';
import { type VerbatimWords, verbatimText } from './verbatim.ts';

/**
 * One line of a table: a command and, for most, a rule (iptables/xshared.c, do_parse(); iptables/iptables.c,
 * do_command4()). What it does to the chains is said in the result and done by table-builder.ts.
 */

export type CommandCode = 'A' | 'C' | 'D' | 'R' | 'I' | 'L' | 'S' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P';

/** One line, read. */
export interface Command {
  readonly code: CommandCode;
  readonly chain: string | undefined;
  /** Of -I, -R, -D, -Z: the number given, counting from 1; undefined when none was. */
  readonly ruleNumber: number | undefined;
  /** Of -E. */
  readonly newName: string | undefined;
  /** Of -P. */
  readonly policy: string | undefined;
  /** Of -A, -C, -D, -I and -R. */
  readonly rule: RuleParts | undefined;
  /** The line is for the other family (-4, -6) and does nothing. */
  readonly otherFamily: boolean;
}

/** A rule before it is known what its target's name means, and before lists of addresses are multiplied out. */
export interface RuleParts {
  readonly sources: readonly ParsedAddress[];
  readonly sourceInverted: boolean;
  readonly destinations: readonly ParsedAddress[];
  readonly destinationInverted: boolean;
  readonly inInterface: InterfaceMatch | undefined;
  readonly outInterface: InterfaceMatch | undefined;
  readonly protocol: number;
  readonly protocolInverted: boolean;
  readonly fragment: 'later' | 'not-later' | undefined;
  readonly matches: readonly RuleMatch[];
  /** Argument of -j or -g, '' when neither was given. */
  readonly targetName: string;
  readonly isGoto: boolean;
  readonly target: { readonly extension: LoadedExtension; readonly options: unknown } | undefined;
  readonly targetWordIndex: number;
  /** Of `-c`, undefined when not given. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly unsupported: readonly UnsupportedExtension[];
  /** Where there are such: the text of the rule that the line stands for with these addresses. */
  readonly verbatim: ((source?: ParsedAddress, destination?: ParsedAddress) => string) | undefined;
}

export interface LineContext {
  /** The line that the words are of. */
  readonly line: string;
  readonly family: Family;
  readonly table: string;
  /** With 'never-match' an unknown extension does not refuse the rule. */
  readonly onUnsupported: 'error' | 'never-match';
  /** Whether the table has a chain of that name now: such a name after -j is no unknown target. */
  hasChain(name: string): boolean;
  warn(message: string, wordIndex: number, hint?: string): void;
}

/** A refusal, with the word that is meant. */
export class LineFault extends Error {
  readonly wordIndex: number;
  readonly hint: string | undefined;

  constructor(message: string, wordIndex: number, hint?: string) {
    super(message);
    this.wordIndex = wordIndex;
    this.hint = hint;
  }
}

/** XT_EXTENSION_MAXNAMELEN: names of chains and targets must be shorter. */
export const MAX_NAME_CHARS = 29;
const IFNAMSIZ = 16;
const RULE_COMMANDS = 'ACDIR';
/** Options that only commands with a rule take, in the order in which iptables looks for them. */
const RULE_OPTIONS = 'sdpjiof';
const EXTENSION_HEADERS_6 = [43, 44, 51, 60];

/** Reads the words of one line. Throws LineFault (or RuleFault, whose word is `lineParser.word`). */
export class LineParser implements RuleCall {
  readonly #context: LineContext;
  readonly #words: readonly Word[];
  readonly #reader: OptionReader;
  /** Index of the word that a fault is about. */
  word = 0;

  #code: CommandCode | undefined;
  #chain: string | undefined;
  #ruleNumber: number | undefined;
  #byNumber = false;
  #newName: string | undefined;
  #policy: string | undefined;

  /** Letters of the options given, for what may be given once: -g counts as -j. */
  readonly #used = new Map<string, number>();
  #inverted = false;
  #protocolName: string | undefined;
  #protocolMatchUsed = false;
  #sourceText: string | undefined;
  #sourceInverted = false;
  #destinationText: string | undefined;
  #destinationInverted = false;
  #inInterface: InterfaceMatch | undefined;
  #outInterface: InterfaceMatch | undefined;
  #fragment: 'later' | 'not-later' | undefined;
  #targetName = '';
  #isGoto = false;
  #target: LoadedExtension | undefined;
  #packets: bigint | undefined;
  #bytes: bigint | undefined;
  readonly #matches: LoadedExtension[] = [];
  readonly #unsupported: UnsupportedExtension[] = [];
  /** An unknown extension was met, whose options cannot be told from mistakes. */
  #lenient = false;

  protocol = 0;
  protocolInverted = false;

  constructor(words: readonly Word[], context: LineContext) {
    this.#words = words;
    this.#context = context;
    this.#reader = new OptionReader(words);
  }

  // --- RuleCall: what extensions see of the rule ------------------------------------------------------------
  get family(): Family {
    return this.#context.family;
  }
  get table(): string {
    return this.#context.table;
  }
  get chain(): string {
    this.askedForChain = true;
    return this.#chain ?? '';
  }
  /** What an extension made of its options may depend on the chain. */
  askedForChain = false;
  readonly fail = (message: string, hint?: string): never => raise(message, hint);
  warn(message: string, hint?: string): void {
    this.#context.warn(message, this.word, hint);
  }

  parse(): Command {
    const otherFamily = this.#readWords();
    if (otherFamily) return this.#command(undefined, true);
    this.word = 0;
    if (this.#context.table === 'nat' && (this.#policy === 'DROP' || this.#targetName === 'DROP')) {
      this.#at('j');
      raise('The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.');
    }
    const matches = this.#matches.map((one): RuleMatch => {
      this.word = one.wordIndex;
      return { definition: one.definition as RuleMatch['definition'], options: one.finish(this) };
    });
    let target: RuleParts['target'];
    if (this.#target !== undefined) {
      this.word = this.#target.wordIndex;
      target = { extension: this.#target, options: this.#target.finish(this) };
    }
    this.word = this.#words.length - 1;
    if (this.#reader.next < this.#words.length) raise('unknown arguments found on commandline');
    if (this.#code === undefined)
      raise('no command specified', 'A rule begins with -A and the name of a chain.');
    if (this.#inverted) raise('nothing appropriate following !');
    const hasRule = RULE_COMMANDS.includes(this.#code) && !this.#byNumber;
    const rule = hasRule ? this.#rule(matches, target) : undefined;
    this.#checkOptions();
    return this.#command(rule, false);
  }

  #command(rule: RuleParts | undefined, otherFamily: boolean): Command {
    return {
      code: this.#code ?? 'A',
      chain: this.#chain,
      ruleNumber: this.#ruleNumber,
      newName: this.#newName,
      policy: this.#policy,
      rule,
      otherFamily,
    };
  }

  /** Points later faults at the word that gave an option. */
  #at(letter: string): void {
    this.word = this.#used.get(letter) ?? 0;
  }

  // --- the words, one after the other -----------------------------------------------------------------------

  /** True when the line is for the other family. */
  #readWords(): boolean {
    for (;;) {
      const parsed = this.#reader.read();
      this.word = this.#reader.current;
      switch (parsed.kind) {
        case 'end':
          return false;
        case 'word':
          if (this.#plainWord(parsed.text)) continue;
          break;
        case 'core':
          if (parsed.code === (this.family === 4 ? '6' : '4')) return true;
          this.#core(parsed);
          break;
        case 'extension':
          if (parsed.argument !== undefined) this.word = this.#reader.next - 1;
          parsed.extension.take(
            parsed.name,
            parsed.canonical,
            parsed.spec,
            parsed.argument,
            this.#inverted,
            this,
            () => this.#reader.takePlainWord(),
          );
          break;
        default:
          if (this.#loadProtocolMatch()) continue;
          if (this.#lenient && parsed.kind === 'unknown') break;
          this.#blameTarget();
          raise(parsed.phrase, this.#unknownHint(parsed));
      }
      this.#inverted = false;
    }
  }

  #unknownHint(parsed: Parsed): string | undefined {
    const text = this.#words[this.word]?.text ?? '';
    if (parsed.kind !== 'unknown') return undefined;
    if (/^--(sport|dport|source-port|destination-port)/.test(text)) {
      return 'Ports need a protocol before them: -p tcp, -p udp …';
    }
    return 'An option is known from the -m, -j or -p before it on.';
  }

  /** An option behind a target that iptables has and this program has not is no mistake of the user's. */
  #blameTarget(): void {
    const name = this.#targetName;
    if (!isKnownTarget(name) || this.#context.hasChain(name)) return;
    if (findTarget(name, 4) !== undefined || findTarget(name, 6) !== undefined) return;
    this.word = (this.#used.get('j') ?? 0) + 1;
    raise(unknownTargetPhrase(name), unsupportedHint('target', name));
  }

  /** True when it was a `!`. */
  #plainWord(text: string): boolean {
    if (text === '!') {
      if (this.#inverted) raise('multiple consecutive ! not allowed');
      this.#inverted = true;
      return true;
    }
    if (this.#lenient) return false;
    return raise(`Bad argument \`${text}'`, plainWordHint(text));
  }

  /** load_proto(): the first option that is not known brings in the match that has the protocol's name. */
  #loadProtocolMatch(): boolean {
    if (this.#protocolName === undefined) return false;
    const name = protocolMatchName(this.#protocolName);
    const definition = name === undefined ? undefined : findMatch(name, this.family);
    if (definition === undefined) return false;
    const isLoaded = this.#matches.some((one) => one.definition === definition);
    if (isLoaded && this.#protocolMatchUsed) return false;
    this.#protocolMatchUsed = true;
    this.#loadMatch(new LoadedExtension(definition, this.#used.get('p') ?? 0));
    this.#reader.again();
    return true;
  }

  #loadMatch(loaded: LoadedExtension): void {
    this.#matches.push(loaded);
    this.#reader.load(loaded);
  }

  #core(parsed: Parsed & { kind: 'core' }): void {
    const { code } = parsed;
    const argument = parsed.argument ?? '';
    // Of these iptables takes the word before the next one, whatever getopt said the argument is.
    const word = () => this.#reader.previousWord;
    switch (code) {
      case 'A':
      case 'C':
        this.#setCommand(code, argument);
        return;
      case 'D':
        this.#setCommand(code, argument);
        this.#takeRuleNumber();
        return;
      case 'R':
        this.#setCommand(code, argument);
        if (!this.#takeRuleNumber()) raise('-R requires a rule number');
        this.#byNumber = false;
        return;
      case 'I':
        this.#setCommand(code, argument);
        this.#takeRuleNumber();
        this.#byNumber = false;
        return;
      case 'L':
      case 'S':
      case 'F':
      case 'Z':
      case 'X':
        this.#setCommand(code, parsed.argument ?? this.#reader.takePlainWord());
        if (code === 'L' || code === 'S' || code === 'Z') this.#takeRuleNumber();
        return;
      case 'N':
        this.word = this.#reader.next - 1;
        assertChainName(argument);
        this.#setCommand(code, argument);
        return;
      case 'E':
        this.#setCommand(code, argument);
        this.#newName =
          this.#reader.takePlainWord() ?? raise('-E requires old-chain-name and new-chain-name');
        this.word = this.#reader.next - 1;
        assertChainName(this.#newName);
        return;
      case 'P':
        this.#setCommand(code, argument);
        this.#policy = this.#reader.takePlainWord() ?? raise('-P requires a chain and a policy');
        return;
      case 'p':
        this.#setOption('p');
        this.#protocolOption(word().toLowerCase());
        return;
      case 's':
        this.#setOption('s');
        this.#sourceInverted = this.#inverted;
        this.#sourceText = word();
        return;
      case 'd':
        this.#setOption('d');
        this.#destinationInverted = this.#inverted;
        this.#destinationText = word();
        return;
      case 'i':
        this.#setOption('i');
        this.#inInterface = this.#interface(word());
        return;
      case 'o':
        this.#setOption('o');
        this.#outInterface = this.#interface(word());
        return;
      case 'j':
        this.#setOption('j');
        this.#jump(argument);
        return;
      case 'g':
        this.#setOption('j');
        this.#isGoto = true;
        this.#targetName = checkTargetName(argument);
        return;
      case 'f':
        if (this.family === 6) raise("`-f' is not supported in IPv6, use -m frag instead");
        this.#setOption('f');
        this.#fragment = this.#inverted ? 'not-later' : 'later';
        return;
      case 'm':
        this.#match(argument);
        return;
      case 'c':
        this.#setOption('c');
        this.#counters(argument);
        return;
      default:
        this.#otherCore(code, argument);
    }
  }

  /** Options that have no effect on a rule in a file, or no place there. */
  #otherCore(code: CoreCode, argument: string): void {
    switch (code) {
      case 'v':
        if (!this.#used.has('v')) this.#setOption('v');
        return;
      case 'n':
      case 'x':
      case '0':
        this.#setOption(code);
        return;
      case 't':
        if (this.#inverted) raise('unexpected ! flag before --table');
        raise(
          'The -t option cannot be used in iptables-restore.',
          'The table is named by the line that begins with *.',
        );
        return;
      case 'w':
      case 'W':
        raise(`You cannot use \`-${code}' from iptables-restore`);
        return;
      case 'h':
      case 'V':
        raise(`Bad argument \`${this.#words[this.word]?.text ?? ''}'`, 'It has no place in a ruleset.');
        return;
      case 'M':
      case '4':
      case '6':
        void argument;
        return;
    }
  }

  #setCommand(code: CommandCode, chain: string | undefined): void {
    if (this.#inverted) raise("unexpected '!' flag");
    if (this.#code !== undefined) raise(`Cannot use -${code} with -${this.#code}`);
    this.#code = code;
    this.#chain = chain;
    this.#used.set('command', this.#reader.next - 1);
  }

  /** The number behind the chain of -I, -R, -D …, if there is one. */
  #takeRuleNumber(): boolean {
    const text = this.#reader.takePlainWord();
    if (text === undefined) return false;
    this.word = this.#reader.next - 1;
    this.#ruleNumber = strtoui(text, 1, 0x7fffffff) ?? raise(`Invalid rule number \`${text}'`);
    this.#byNumber = true;
    return true;
  }

  #setOption(letter: string): void {
    if (this.#used.has(letter)) raise(`multiple -${letter} flags not allowed`);
    if (this.#inverted && !'sdpiof'.includes(letter)) raise(`cannot have ! before -${letter}`);
    this.#used.set(letter, this.word);
    if (this.#reader.next - 1 > this.word) this.word = this.#reader.next - 1;
  }

  #protocolOption(name: string): void {
    this.#protocolName = name;
    this.protocol = parseProtocol(name, this);
    this.protocolInverted = this.#inverted;
    if (this.protocol === 0 && this.protocolInverted) raise('rule would never match protocol');
    if (this.family === 6 && EXTENSION_HEADERS_6.includes(this.protocol) && !this.protocolInverted) {
      this.warn(`never matched protocol: ${name}. use extension match instead.`);
    }
  }

  #interface(name: string): InterfaceMatch {
    if (name === '') raise('Empty interface is likely to be undesired');
    if (name.length >= IFNAMSIZ) {
      raise(`interface name \`${name}' must be shorter than IFNAMSIZ (${IFNAMSIZ - 1})`);
    }
    if (name.includes('/') || name.includes(' ')) {
      this.warn(`weird character in interface \`${name}' ('/' and ' ' are not allowed by the kernel).`);
    }
    const wildcard = name.endsWith('+');
    return { name: wildcard ? name.slice(0, -1) : name, wildcard, inverted: this.#inverted };
  }

  #jump(name: string): void {
    this.#targetName = checkTargetName(name);
    const definition = findTarget(name, this.family);
    if (definition !== undefined) {
      this.#target = new LoadedExtension(definition, this.word);
      this.#reader.load(this.#target);
      return;
    }
    // It may be a chain, which is looked up when the line has been read. If not, its options cannot be known.
    if (this.#context.onUnsupported === 'never-match' && !this.#context.hasChain(name)) {
      this.#addUnsupported('target', name);
    }
  }

  #match(name: string): void {
    if (this.#inverted) raise('unexpected ! flag before --match');
    this.word = this.#reader.next - 1;
    if (name.length >= MAX_NAME_CHARS) {
      raise(`Invalid match name "${name}" (${MAX_NAME_CHARS - 1} chars max)`);
    }
    const definition = findMatch(MATCH_ALIASES[name] ?? name, this.family);
    if (definition !== undefined) {
      this.#loadMatch(new LoadedExtension(definition, this.word));
      return;
    }
    if (this.#context.onUnsupported === 'never-match') {
      this.#addUnsupported('match', name);
      return;
    }
    raise(`Couldn't load match \`${name}':No such file or directory`, unsupportedHint('match', name));
  }

  #addUnsupported(kind: 'match' | 'target', name: string): void {
    this.#lenient = true;
    this.#unsupported.push({ kind, name });
    this.warn(
      `Couldn't load ${kind} \`${name}':No such file or directory`,
      'The rule is kept, and never matches (--on-unsupported never-match).',
    );
  }

  #counters(first: string): void {
    const comma = first.indexOf(',');
    const bytes = comma >= 0 ? first.slice(comma + 1) : this.#reader.takePlainWord();
    if (bytes === undefined) raise('-c requires packet and byte counter');
    this.#packets = leadingNumber(first) ?? raise('-c packet counter not numeric');
    this.#bytes = leadingNumber(bytes) ?? raise('-c byte counter not numeric');
  }

  // --- the rule as a whole ----------------------------------------------------------------------------------

  #rule(matches: readonly RuleMatch[], target: RuleParts['target']): RuleParts {
    this.#at('s');
    if (this.#sourceText !== undefined) this.word++;
    const sources =
      this.#sourceText === undefined ? [] : parseAddressList(this.#sourceText, this.family, this);
    this.#at('d');
    if (this.#destinationText !== undefined) this.word++;
    const destinations =
      this.#destinationText === undefined ? [] : parseAddressList(this.#destinationText, this.family, this);
    if (
      (sources.length > 1 || destinations.length > 1) &&
      (this.#sourceInverted || this.#destinationInverted)
    ) {
      this.#at(sources.length > 1 ? 's' : 'd');
      this.word++;
      raise(
        '! not allowed with multiple source or destination IP addresses',
        'A list stands for one rule per address: with ! each packet would match all but one. Use a set, or a chain.',
      );
    }
    return {
      sources,
      sourceInverted: this.#sourceInverted,
      destinations,
      destinationInverted: this.#destinationInverted,
      inInterface: this.#inInterface,
      outInterface: this.#outInterface,
      protocol: this.protocol,
      protocolInverted: this.protocolInverted,
      fragment: this.#fragment,
      matches,
      targetName: this.#targetName,
      isGoto: this.#isGoto,
      target,
      targetWordIndex: Math.min((this.#used.get('j') ?? 0) + 1, this.#words.length - 1),
      packets: this.#packets,
      bytes: this.#bytes,
      unsupported: this.#unsupported,
      verbatim: this.#unsupported.length === 0 ? undefined : this.#verbatim(sources, destinations),
    };
  }

  #verbatim(
    sources: readonly ParsedAddress[],
    destinations: readonly ParsedAddress[],
  ): NonNullable<RuleParts['verbatim']> {
    // The word of the chain, and the one before it unless both are one (-AINPUT).
    const chainIndex = this.#used.get('command') ?? 0;
    const leftOut = new Set([chainIndex]);
    if (!this.#words[chainIndex]?.text.startsWith('-')) leftOut.add(chainIndex - 1);
    if (this.#ruleNumber !== undefined) leftOut.add(chainIndex + 1);
    const counters = this.#used.get('c');
    if (counters !== undefined) {
      const hasComma = this.#words[counters + 1]?.text.includes(',') === true;
      for (let i = counters; i <= counters + (hasComma ? 1 : 2); i++) leftOut.add(i);
    }
    const words: VerbatimWords = {
      line: this.#context.line,
      words: this.#words,
      leftOut,
      sourceIndex: sources.length > 1 ? (this.#used.get('s') ?? 0) + 1 : -1,
      destinationIndex: destinations.length > 1 ? (this.#used.get('d') ?? 0) + 1 : -1,
    };
    return (source, destination) => verbatimText(words, this.family, source, destination);
  }

  /** generic_opt_check() and what follows it. */
  #checkOptions(): void {
    const code = this.#code!;
    const byRule = RULE_COMMANDS.includes(code) && !this.#byNumber;
    const isList = code === 'L';
    for (const letter of 'nx0') {
      this.#at(letter);
      if (this.#used.has(letter) && !isList) raise(`Illegal option \`-${letter}' with this command`);
    }
    for (const letter of RULE_OPTIONS) {
      this.#at(letter);
      if (this.#used.has(letter) && !byRule) raise(`Illegal option \`-${letter}' with this command`);
    }
    this.#at('c');
    if (this.#used.has('c') && !'AIRP'.includes(code)) raise(`Illegal option \`-c' with this command`);
    this.#at('command');
    const chain = this.#chain;
    if (chain !== undefined && chain.length >= MAX_NAME_CHARS) {
      raise(`chain name \`${chain}' too long (must be under ${MAX_NAME_CHARS} chars)`);
    }
    if (!byRule) return;
    this.#at('o');
    if ((chain === 'PREROUTING' || chain === 'INPUT') && this.#used.has('o')) {
      raise(`Can't use -o with ${chain}`, 'A packet in this chain has no outgoing interface yet.');
    }
    this.#at('i');
    if ((chain === 'POSTROUTING' || chain === 'OUTPUT') && this.#used.has('i')) {
      raise(`Can't use -i with ${chain}`, 'A packet in this chain has no incoming interface any more.');
    }
  }
}

function plainWordHint(text: string): string | undefined {
  if (text.startsWith('*')) return 'The table before it has no COMMIT.';
  if (text.startsWith('#')) return 'A comment must begin in the first column, on a line of its own.';
  if (text.startsWith('–') || text.startsWith('—')) return 'This is a dash, not a hyphen.';
  return undefined;
}

function unsupportedHint(kind: 'match' | 'target', name: string): string {
  const find = kind === 'match' ? findMatch : findTarget;
  if (find(name, 4) !== undefined) {
    return `iptables alone knows ${name}: is this a ruleset of IPv4, which goes to --rules?`;
  }
  if (find(name, 6) !== undefined) {
    return `ip6tables alone knows ${name}: is this a ruleset of IPv6, which goes to --rules6 (check: --ipv6)?`;
  }
  if (kind === 'match' && name === 'l2tp') {
    return (
      'Linux has the match (net/netfilter/xt_l2tp.c), but iptables as it is distributed no extension that would ' +
      'write or print it: bpf and u32 can look at the same bytes.'
    );
  }
  return (
    `This program knows no ${kind} named ${name}: correct the name, or use --on-unsupported never-match ` +
    'to go on with a rule that never matches.'
  );
}

export function unknownTargetPhrase(name: string): string {
  return `Couldn't load target \`${name}':No such file or directory`;
}

export function unknownTargetHint(name: string): string {
  if (isKnownTarget(name)) return unsupportedHint('target', name);
  return `There is neither a chain nor a target named ${name}. A chain must stand (:${name} -) before the rule that jumps to it.`;
}

function leadingNumber(text: string): bigint | undefined {
  return strtoumax(text, 10)?.value;
}

function checkTargetName(name: string): string {
  if (name === '') raise('Invalid target name (too short)');
  if (name.length >= MAX_NAME_CHARS) {
    raise(`Invalid target name \`${name}' (${MAX_NAME_CHARS - 1} chars max)`);
  }
  if (/\s/.test(name)) raise(`Invalid target name \`${name}'`);
  return name;
}

/** assert_valid_chain_name(), for -N and -E. */
function assertChainName(name: string): void {
  if (name.length >= MAX_NAME_CHARS) {
    raise(`chain name \`${name}' too long (must be under ${MAX_NAME_CHARS} chars)`);
  }
  if (name[0] === '-' || name[0] === '!') raise(`chain name not allowed to start with \`${name[0]}'`);
  if (isKnownTarget(name)) {
    raise('chain name may not clash with target name');
  }
  if (/\s/.test(name)) raise(`Invalid chain name \`${name}'`);
}
