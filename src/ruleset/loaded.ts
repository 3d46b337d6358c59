import type { MatchDefinition, TargetDefinition } from '../extension/define.ts';
import {
  type ExtensionSyntax,
  type Given,
  type OptionCall,
  type OptionSpec,
  type OptionTable,
  type RuleCall,
  raise,
} from '../extension/syntax.ts';

interface NamedOption {
  readonly canonical: string;
  readonly spec: OptionSpec<unknown>;
}

const tables = new WeakMap<OptionTable, ReadonlyMap<string, NamedOption>>();

/** All names of a table's options, without `--`, in the order of the table: first aliases, as iptables lists them. */
function namesOf(options: OptionTable): ReadonlyMap<string, NamedOption> {
  let known = tables.get(options);
  if (known === undefined) {
    const names = new Map<string, NamedOption>();
    for (const [name, spec] of Object.entries(options)) {
      const option = { canonical: name, spec };
      names.set(name.slice(2), option);
      for (const alias of spec.aliases ?? []) names.set(alias.slice(2), option);
    }
    known = names;
    tables.set(options, known);
  }
  return known;
}

const entryLists = new WeakMap<OptionTable, readonly (readonly [string, OptionSpec<unknown>])[]>();

function entriesOf(options: OptionTable): readonly (readonly [string, OptionSpec<unknown>])[] {
  let known = entryLists.get(options);
  if (known === undefined) {
    known = Object.entries(options);
    entryLists.set(options, known);
  }
  return known;
}

/** An extension in a rule that is being read: one `-m` or `-j`, and what has been given for it. */
export class LoadedExtension {
  readonly definition: MatchDefinition | TargetDefinition;
  readonly syntax: ExtensionSyntax<unknown>;
  readonly options: ReadonlyMap<string, NamedOption>;
  /** Index of the word that named it. */
  readonly wordIndex: number;
  readonly #given: Record<string, Given<unknown> | undefined> = {};

  constructor(definition: MatchDefinition | TargetDefinition, wordIndex: number) {
    this.definition = definition;
    this.syntax = definition.syntax as ExtensionSyntax<unknown>;
    this.options = namesOf(this.syntax.options);
    this.wordIndex = wordIndex;
  }

  get messageName(): string {
    return this.syntax.messageName ?? this.definition.name;
  }

  /** Takes one option: xtables_option_parse(). Messages name it by its first name, as iptables does. */
  take(
    name: string,
    canonical: string,
    spec: OptionSpec<unknown>,
    argument: string | undefined,
    inverted: boolean,
    rule: RuleCall,
    nextWord: () => string | undefined,
  ): void {
    const before = this.#given[canonical];
    if (before !== undefined && spec.multiple !== true) {
      raise(spec.duplicatePhrase ?? `${this.messageName}: option "${canonical}" can only be used once.`);
    }
    if (inverted && spec.invertible !== true) {
      raise(spec.invertPhrase ?? `${this.messageName}: option "${canonical}" cannot be inverted.`);
    }
    const call = new Call(rule, this.messageName, canonical.slice(2), inverted, this.#given, nextWord);
    const value = spec.parse(argument ?? '', call);
    const one = { value, inverted, name };
    const all = before === undefined ? [one] : [...before.all, one];
    this.#given[canonical] = { value, inverted, name, all };
  }

  /** The final checks, and the typed options: xtables_options_fcheck() and the extension's own. */
  finish(rule: RuleCall): unknown {
    this.syntax.finalCheck?.(this.#given as never, rule);
    const entries = entriesOf(this.syntax.options);
    for (const [name, spec] of entries) {
      if (spec.mandatory === true && this.#given[name] === undefined) {
        raise(`${this.messageName}: option "${name}" must be specified`);
      }
      if (this.#given[name] === undefined) continue;
      if (spec.requires === undefined && spec.excludes === undefined) continue;
      for (const [other] of entries) {
        if (spec.requires?.includes(other) && this.#given[other] === undefined) {
          raise(`${this.messageName}: option "${name}" also requires "${other}".`);
        }
        if (spec.excludes?.includes(other) && this.#given[other] !== undefined) {
          raise(`${this.messageName}: option "${name}" cannot be used together with "${other}".`);
        }
      }
    }
    return this.syntax.build(this.#given as never, rule);
  }
}

/** What a value parser is given: the rule so far, and the option. */
class Call implements OptionCall {
  readonly #rule: RuleCall;
  readonly extension: string;
  readonly option: string;
  readonly inverted: boolean;
  readonly given: Readonly<Record<string, Given<unknown> | undefined>>;
  readonly nextWord: () => string | undefined;

  constructor(
    rule: RuleCall,
    extension: string,
    option: string,
    inverted: boolean,
    given: Readonly<Record<string, Given<unknown> | undefined>>,
    nextWord: () => string | undefined,
  ) {
    this.#rule = rule;
    this.extension = extension;
    this.option = option;
    this.inverted = inverted;
    this.given = given;
    this.nextWord = nextWord;
  }

  get family() {
    return this.#rule.family;
  }
  get table() {
    return this.#rule.table;
  }
  get chain() {
    return this.#rule.chain;
  }
  get protocol() {
    return this.#rule.protocol;
  }
  get protocolInverted() {
    return this.#rule.protocolInverted;
  }
  fail(message: string, hint?: string): never {
    return this.#rule.fail(message, hint);
  }
  warn(message: string, hint?: string): void {
    this.#rule.warn(message, hint);
  }
}
