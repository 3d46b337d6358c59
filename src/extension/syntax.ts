import type { Family } from '../base/inet.ts';

/**
 * How an extension is written in a ruleset.
 *
 * An extension declares a *table* of options (`OptionTable`); the parser of rules drives it: which options there
 * are, whether they take an argument, may be inverted, repeated or combined, and what iptables says when not
 * (libxtables/xtoptions.c). Each option's kind (values.ts) turns its argument into a value. When the rule has
 * been read, `build` makes the plain, typed options of the extension out of the values; `save` and `list` print
 * them as `iptables-save` and `iptables -L` do.
 *
 * All phrases are iptables' own, without the program name: they are thrown by `fail`, which makes a finding at
 * the word that is wrong.
 */

/** What an extension may know of the rule it stands in. While the rule is being read: as far as it has been read. */
export interface RuleContext {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** Protocol number of `-p`, 0 for any. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
}

/** The rule while it is being read. */
export interface RuleCall extends RuleContext {
  /** Refuses the rule with iptables' own phrase. The finding points at the word that is being read. */
  fail: (message: string, hint?: string) => never;
  /** Says something that does not stop iptables. */
  warn(message: string, hint?: string): void;
}

/** One option while it is being read. */
export interface OptionCall extends RuleCall {
  /** Name of the extension as iptables puts it into messages. */
  readonly extension: string;
  /** Canonical name of the option, without `--`: messages name it so whichever alias was used. */
  readonly option: string;
  readonly inverted: boolean;
  /** What has been given before, by canonical option name: for options that depend on earlier ones. */
  readonly given: Readonly<Record<string, Given<unknown> | undefined>>;
  /** Takes the following word too, as `--tcp-flags mask comp` does; undefined when there is none to take. */
  nextWord(): string | undefined;
}

/** One kind of option. Made by the functions of values.ts. */
export interface OptionSpec<V> {
  readonly argument: 'none' | 'required' | 'optional';
  readonly parse: (text: string, call: OptionCall) => V;
  /** XTOPT_INVERT: `!` may stand before it. */
  readonly invertible?: boolean;
  /** XTOPT_MULTI: may be given more than once. */
  readonly multiple?: boolean;
  /** XTOPT_MAND: must be given. */
  readonly mandatory?: boolean;
  /** Canonical names that cannot be combined with this one. */
  readonly excludes?: readonly string[];
  /** Canonical names that must be given too. */
  readonly requires?: readonly string[];
  /** Further names that mean the same, as `--destination-port` and `--dport`. */
  readonly aliases?: readonly string[];
  /** What is said of the second use, where iptables has its own phrase for it. */
  readonly duplicatePhrase?: string;
  /** What is said of a `!` before it, where iptables has its own phrase for it. */
  readonly invertPhrase?: string;
}

/** Options by canonical name, which begins with `--`. The order is that of iptables' own table. */
export type OptionTable = { readonly [name: `--${string}`]: OptionSpec<unknown> };

/** What was given for an option: the last use, and all of them in order. */
export interface Given<V> {
  readonly value: V;
  readonly inverted: boolean;
  /** The option's name as used, without `--` (an alias, or the canonical name). */
  readonly name: string;
  readonly all: readonly { readonly value: V; readonly inverted: boolean; readonly name: string }[];
}

export type Values<T extends OptionTable> = {
  readonly [K in keyof T]?: T[K] extends OptionSpec<infer V> ? Given<V> : never;
};

/** The rule as the kernel is given it: for what only the kernel refuses. */
export interface KernelRule extends RuleContext {
  /** Hooks from which the rule can be reached, by name; empty when it cannot be reached. */
  readonly hooks: readonly string[];
  /** `-g` instead of `-j`. */
  readonly isGoto: boolean;
  /** All matches of the rule, for targets that want one of them (TCPMSS). */
  readonly matches: readonly { readonly definition: { readonly name: string }; readonly options: unknown }[];
  readonly objects: KernelObjects;
}

/** What the rules loaded so far have made in the kernel that later ones find there by name (RATEEST): of one namespace. */
export type KernelObjects = Map<string, unknown>;

export interface ExtensionSyntax<O> {
  readonly options: OptionTable;
  /** What iptables checks before it looks for options that are missing or exclude each other (x6_fcheck). */
  readonly finalCheck?: (values: never, rule: RuleCall) => void;
  /** Typed plain data of what was given. `rule.fail` refuses (the extension's final check). */
  readonly build: (values: never, rule: RuleCall) => O;
  /** As iptables-save prints the options: '' or text that begins with a blank. */
  readonly save: (options: O, rule: RuleContext) => string;
  /** As `iptables -L -v -n` prints it, without blanks around: '' when it prints nothing. */
  readonly list: (options: O, rule: RuleContext) => string;
  /** The name it is saved under when that is not its own (an alias such as `state` of conntrack). */
  readonly saveName?: (options: O) => string;
  /** Name in front of messages when that is not the extension's own. */
  readonly messageName?: string;
  /** The kernel takes it only in rules of this protocol, not inverted (xt_check_match: par->match->proto). */
  readonly protocol?: number;
  /** Refused by the kernel's checkentry: the sentence of the kernel log, or undefined when it takes it. */
  readonly kernelCheck?: (options: O, rule: KernelRule) => string | undefined;
}

interface TypedSyntax<T extends OptionTable, O>
  extends Omit<ExtensionSyntax<O>, 'options' | 'build' | 'finalCheck'> {
  readonly options: T;
  readonly finalCheck?: (values: Values<T>, rule: RuleCall) => void;
  readonly build: (values: Values<T>, rule: RuleCall) => O;
}

/** Declares the syntax of an extension, with the types of its option values inferred from its table. */
export function defineSyntax<const T extends OptionTable, O>(syntax: TypedSyntax<T, O>): ExtensionSyntax<O> {
  return syntax as unknown as ExtensionSyntax<O>;
}

/** The syntax of an extension that has no options: ACCEPT, NOTRACK … */
export function noOptions(list = ''): ExtensionSyntax<null> {
  return { options: {}, build: () => null, save: () => '', list: () => list };
}

/** A mistake in one rule, thrown by `fail` and caught by the rule parser, which knows the word that is meant. */
export class RuleFault extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint: string | undefined) {
    super(message);
    this.hint = hint;
  }
}

/** Refuses the rule being read: see RuleCall.fail. */
export function raise(message: string, hint?: string): never {
  throw new RuleFault(message, hint);
}
