import type { RuleCall } from '../extension/syntax.ts';

/** A name of an interface, or the beginning of one, as `eth+` says it. */
export interface InterfacePattern {
  /** Without the `+`. */
  readonly name: string;
  readonly wildcard: boolean;
}

/** IFNAMSIZ less the ending NUL. */
export const MAX_INTERFACE_CHARS = 15;

/** xtables_parse_interface(): an empty name, as a lone `+`, stands for every interface. */
export function parseInterfacePattern(text: string, call: RuleCall): InterfacePattern {
  if (text.length > MAX_INTERFACE_CHARS) {
    call.fail(`interface name \`${text}' must be shorter than IFNAMSIZ (${MAX_INTERFACE_CHARS})`);
  }
  const wildcard = text.endsWith('+');
  return { name: wildcard ? text.slice(0, -1) : text, wildcard };
}

export function formatInterfacePattern(pattern: InterfacePattern): string {
  return `${pattern.name}${pattern.wildcard ? '+' : ''}`;
}

/** ifname_compare(). */
export function interfaceMatches(pattern: InterfacePattern, name: string): boolean {
  if (pattern.wildcard || pattern.name === '') return name.startsWith(pattern.name);
  return name === pattern.name;
}
