import {
  type Family,
  formatIpv4,
  formatIpv6,
  maskIpv4,
  maskIpv6,
  parseIpv4,
  parseIpv6,
} from '../base/inet.ts';
import { strtoui, strtoumax, uintPrefix } from './numbers.ts';
import { protocolNumber } from './protocols.ts';
import { servicePort } from './services.ts';
import type { OptionCall, OptionSpec, RuleCall } from './syntax.ts';

/**
 * The kinds of option values that libxtables/xtoptions.c knows (XTTYPE_*), with its phrases. Each maker takes
 * what may be said of any option (`invertible`, `mandatory`, `excludes` …) beside its own limits.
 */

type Common = Omit<OptionSpec<unknown>, 'argument' | 'parse'>;

interface Limits extends Common {
  readonly min?: number;
  readonly max?: number;
}

/** An option without an argument (XTTYPE_NONE). */
export function flag(common: Common = {}): OptionSpec<true> {
  return { ...common, argument: 'none', parse: () => true };
}

/** An option whose argument the extension itself reads. */
export function custom<V>(parse: (text: string, call: OptionCall) => V, common: Common = {}): OptionSpec<V> {
  return { ...common, argument: 'required', parse };
}

/** An option without an argument that the extension itself checks. */
export function customFlag(check: (call: OptionCall) => void, common: Common = {}): OptionSpec<true> {
  return {
    ...common,
    argument: 'none',
    parse: (_, call) => {
      check(call);
      return true;
    },
  };
}

function integer(limits: Limits, typeMax: number): OptionSpec<number> {
  const min = limits.min ?? 0;
  const max = limits.max ?? typeMax;
  return {
    ...limits,
    argument: 'required',
    parse: (text, call) =>
      strtoui(text, min, max) ??
      call.fail(
        `${call.extension}: bad value for option "--${call.option}", or out of range (${min}-${max}).`,
      ),
  };
}

export const uint8 = (limits: Limits = {}): OptionSpec<number> => integer(limits, 0xff);
export const uint16 = (limits: Limits = {}): OptionSpec<number> => integer(limits, 0xffff);
export const uint32 = (limits: Limits = {}): OptionSpec<number> => integer(limits, 0xffffffff);

/** A 64-bit number (XTTYPE_UINT64). */
export function uint64(common: Common & { readonly min?: bigint } = {}): OptionSpec<bigint> {
  const min = common.min ?? 0n;
  return {
    ...common,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const prefix = strtoumax(text);
      if (prefix !== undefined && prefix.end === text.length && prefix.value >= min) return prefix.value;
      return call.fail(
        `${call.extension}: bad value for option "--${call.option}", or out of range (${min}-18446744073709551615).`,
      );
    },
  };
}

/** Numbers separated by colons, of which one may be left out: `5:10`, `:10`, `5:` (XTTYPE_UINT*RC). */
function integers(
  limits: Limits & { readonly count?: number },
  typeMax: number,
): OptionSpec<readonly number[]> {
  const count = limits.count ?? 2;
  const max = limits.max !== undefined && limits.max < typeMax ? limits.max : typeMax;
  const min = limits.min ?? 0;
  return {
    ...limits,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const found: number[] = [];
      let at = 0;
      for (;;) {
        if (found.length === count) {
          call.fail(`${call.extension}: Too many components for option "--${call.option}" (max: ${count})`);
        }
        if (at >= text.length || text[at] === ':') {
          found.push(found.length === 1 ? max : min);
        } else {
          const rest = text.slice(at);
          const one = uintPrefix(rest, min, max);
          if (one === undefined) {
            call.fail(
              `${call.extension}: bad value for option "--${call.option}" near "${rest}", or out of range (0-${max}).`,
            );
          }
          at += one.end;
          if (at < text.length && text[at] !== ':') {
            call.fail(
              `${call.extension}: Argument to "--${call.option}" has unexpected characters near "${text.slice(at)}".`,
            );
          }
          found.push(one.value);
        }
        if (at >= text.length) return found;
        at++;
      }
    },
  };
}

export const uint8Range = (limits: Limits & { readonly count?: number } = {}) => integers(limits, 0xff);
export const uint16Range = (limits: Limits & { readonly count?: number } = {}) => integers(limits, 0xffff);
export const uint32Range = (limits: Limits & { readonly count?: number } = {}) =>
  integers(limits, 0xffffffff);

/** A floating-point number (XTTYPE_DOUBLE). */
export function double(limits: Limits = {}): OptionSpec<number> {
  const { min = 0, max = 0 } = limits;
  return {
    ...limits,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const isNumber = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
      const value = Number(text);
      if (!isNumber || (min !== max && (value < min || value > max))) {
        call.fail(
          `${call.extension}: bad value for option "--${call.option}", or out of range (${min}-${max}).`,
        );
      }
      return value;
    },
  };
}

/** Text. `minLength` and `maxLength` are refused; what is longer than `cut` bytes is silently cut (XTTYPE_STRING). */
export function string(
  limits: Common & { readonly minLength?: number; readonly maxLength?: number; readonly cut?: number } = {},
): OptionSpec<string> {
  const { minLength = 0, maxLength = 0, cut = Number.POSITIVE_INFINITY } = limits;
  return {
    ...limits,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const length = byteLength(text);
      if (length < minLength) call.fail(`Argument must have a minimum length of ${minLength} characters`);
      if (maxLength !== 0 && length > maxLength) {
        call.fail(`Argument must have a maximum length of ${maxLength} characters`);
      }
      return length > cut ? cutBytes(text, cut) : text;
    },
  };
}

/** Length in bytes, as C counts. */
export function byteLength(text: string): number {
  // Rulesets are ASCII but for comments.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is what is asked for.
  return /^[\x00-\x7f]*$/.test(text) ? text.length : Buffer.byteLength(text);
}

function cutBytes(text: string, lengthBytes: number): string {
  return Buffer.from(text).subarray(0, lengthBytes).toString();
}

export interface Masked {
  /** 32-bit words, signed. */
  readonly value: number;
  readonly mask: number;
}

/** `value[/mask]` of 32 bits (XTTYPE_MARKMASK32). The mask is all ones when not given. */
export function markMask(common: Common = {}): OptionSpec<Masked> {
  return { ...common, argument: 'required', parse: parseMarkMask };
}

/** xtables_parse_mark_mask(). */
export function parseMarkMask(text: string, call: OptionCall): Masked {
  const bad = () =>
    call.fail(`${call.extension}: bad integer value for option "--${call.option}", or out of range.`);
  const value = uintPrefix(text, 0, 0xffffffff) ?? bad();
  let mask = 0xffffffff;
  let end = value.end;
  if (text[end] === '/') {
    const given = uintPrefix(text.slice(end + 1), 0, 0xffffffff) ?? bad();
    mask = given.value;
    end += 1 + given.end;
  }
  if (end !== text.length) {
    call.fail(`${call.extension}: trailing garbage after value for option "--${call.option}".`);
  }
  return { value: value.value | 0, mask: mask | 0 };
}

const TOS_NAMES: readonly (readonly [string, number])[] = [
  ['Minimize-Delay', 16],
  ['Maximize-Throughput', 8],
  ['Maximize-Reliability', 4],
  ['Minimize-Cost', 2],
  ['Normal-Service', 0],
];

/** Name of a TOS value, or undefined. */
export function tosName(value: number): string | undefined {
  return TOS_NAMES.find(([, known]) => known === value)?.[0];
}

/** `value[/mask]` of 8 bits or a TOS name, whose mask is `nameMask` (XTTYPE_TOSMASK). */
export function tosMask(common: Common & { readonly nameMask: number }): OptionSpec<Masked> {
  return {
    ...common,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const value = uintPrefix(text, 0, 0xff);
      if (value === undefined) {
        const named = TOS_NAMES.find(([name]) => name.toLowerCase() === text.toLowerCase());
        if (named === undefined) call.fail(`Symbolic name "${text}" is unknown`);
        return { value: named[1], mask: common.nameMask };
      }
      if (value.end === text.length) return { value: value.value, mask: 0xff };
      const mask = text[value.end] === '/' ? strtoui(text.slice(value.end + 1), 0, 0xff) : undefined;
      if (mask === undefined) call.fail(`Illegal value: "${text}"`);
      return { value: value.value, mask };
    },
  };
}

const LOG_LEVELS: Readonly<Record<string, number>> = {
  alert: 1,
  crit: 2,
  debug: 7,
  emerg: 0,
  error: 3,
  info: 6,
  notice: 5,
  panic: 0,
  warning: 4,
};

/** A syslog level by name or number (XTTYPE_SYSLOGLEVEL). */
export function syslogLevel(common: Common = {}): OptionSpec<number> {
  return {
    ...common,
    argument: 'required',
    parse: (text, call) =>
      strtoui(text, 0, 7) ??
      (Object.hasOwn(LOG_LEVELS, text) ? LOG_LEVELS[text]! : call.fail(`log level "${text}" unknown`)),
  };
}

/** Protocol by number or name: xtables_parse_protocol(). */
export function parseProtocol(text: string, call: Pick<RuleCall, 'fail'>): number {
  return (
    strtoui(text, 0, 255) ??
    protocolNumber(text) ??
    call.fail(
      `unknown protocol "${text}" specified`,
      'Names are those of /etc/protocols; a number always works.',
    )
  );
}

export function protocol(common: Common = {}): OptionSpec<number> {
  return { ...common, argument: 'required', parse: parseProtocol };
}

/** Port by number or name as the getopt generation of extensions reads it: xtables_parse_port(). */
export function parsePort(
  text: string,
  protocolName: string | undefined,
  call: Pick<RuleCall, 'fail'>,
): number {
  return (
    strtoui(text, 0, 0xffff) ??
    servicePort(text, protocolName) ??
    call.fail(
      `invalid port/service \`${text}' specified`,
      'Names are those of /etc/services; a number always works.',
    )
  );
}

/** Port by number or name as getaddrinfo() reads it: any decimal number is taken, modulo 65536. */
function resolvePort(text: string, call: OptionCall): number {
  const number = /^[ \t]*\+?(\d+)$/.exec(text);
  const port = number === null ? servicePort(text) : Number(BigInt(number[1]!) & 0xffffn);
  if (port === undefined) call.fail(`Port "${text}" does not resolve to anything.`);
  if (number !== null && BigInt(number[1]!) > 0xffffn) {
    call.warn(
      `port ${number[1]} is taken as ${port}`,
      'iptables cuts it to 16 bits without a word; write the port that is meant.',
    );
  }
  return port;
}

/** One port (XTTYPE_PORT). */
export function port(common: Common = {}): OptionSpec<number> {
  return { ...common, argument: 'required', parse: resolvePort };
}

/** `port[:port]`; a side that is left out is 0 or 65535 (XTTYPE_PORTRC). `name` in messages is `messageName`. */
export function portRange(common: Common = {}): OptionSpec<readonly [number, number]> {
  return {
    ...common,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const parts = text.split(':');
      if (parts.length > 2) {
        call.fail(`${call.extension}: Too many components for option "--${call.option}" (max: 2)`);
      }
      const low = parts[0] === '' ? 0 : resolvePort(parts[0]!, call);
      if (parts.length === 1) return [low, parts[0] === '' ? 0 : low];
      return [low, parts[1] === '' ? 0xffff : resolvePort(parts[1]!, call)];
    },
  };
}

/** Four words and a mask of four words; IPv4 in the first word of each. */
export interface AddressMask {
  readonly address: Int32Array;
  readonly mask: Int32Array;
}

const NUMBERS_AND_DOTS = /^(0[xX][0-9a-fA-F]+|\d+)(\.(0[xX][0-9a-fA-F]+|\d+)){0,3}$/;

/** An IPv4 address as inet_aton() takes it: 1 to 4 parts, decimal, octal or hexadecimal; the last fills the rest. */
export function inetAton(text: string): number | undefined {
  const plain = /(^|\.)0\d/.test(text) ? undefined : parseIpv4(text);
  if (plain !== undefined) return plain;
  if (!NUMBERS_AND_DOTS.test(text)) return undefined;
  const parts = text.split('.').map((part) => strtoumax(part));
  let word = 0n;
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const bits = isLast ? BigInt(8 * (4 - i)) : 8n;
    // '08' stops at the 8: not a number.
    if (part === undefined || part.end !== text.split('.')[i]!.length || part.value >> bits !== 0n)
      return undefined;
    word = (word << bits) | part.value;
  }
  return Number(BigInt.asIntN(32, word));
}

/** An IPv4 address as xtables_numeric_to_ipaddr() takes it: up to four numbers below 256; missing ones are zero. */
export function numericIpv4(text: string): number | undefined {
  return plainIpv4(text) ?? anyIpv4(text);
}

/** Four decimal numbers without leading zeros, as nearly all addresses are written; undefined for anything else. */
function plainIpv4(text: string): number | undefined {
  let word = 0;
  let dots = 0;
  let part = -1;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      if (part === 0) return undefined;
      part = part < 0 ? digit : 10 * part + digit;
      if (part > 255) return undefined;
    } else if (digit === DOT && part >= 0 && dots < 3) {
      word = (word << 8) | part;
      part = -1;
      dots++;
    } else return undefined;
  }
  return dots === 3 && part >= 0 ? (word << 8) | part : undefined;
}

/** The full stop, counted from the digit 0. */
const DOT = 46 - 48;

function anyIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  let word = 0;
  for (let i = 0; i < 4; i++) {
    // Each number may be decimal, octal or hexadecimal.
    const part = i < parts.length ? strtoui(parts[i]!, 0, 255) : 0;
    if (part === undefined) return undefined;
    word = (word << 8) | part;
  }
  return word;
}

/** An address that getaddrinfo() needs no server for. Four words, or undefined. */
export function resolveAddress(text: string, family: Family): Int32Array | undefined {
  if (family === 6) return parseIpv6(text);
  const word = text === 'localhost' ? 0x7f000001 : inetAton(text);
  return word === undefined ? undefined : Int32Array.of(word, 0, 0, 0);
}

export const OFFLINE_HINT =
  'Host names cannot be resolved offline, and iptables resolves them only once, while loading: write the address.';

function resolveHost(text: string, call: OptionCall): Int32Array {
  return (
    resolveAddress(text, call.family) ??
    call.fail(
      `getaddrinfo: ${(call.family === 4 ? parseIpv6(text) : parseIpv4(text)) !== undefined ? 'Address family for hostname not supported' : 'Name or service not known'}`,
      OFFLINE_HINT,
    )
  );
}

/** One address (XTTYPE_HOST): four words. */
export function host(common: Common = {}): OptionSpec<Int32Array> {
  return { ...common, argument: 'required', parse: resolveHost };
}

/** Prefix length or mask in full (XTTYPE_PLENMASK): four mask words. */
export function parsePrefixOrMask(text: string, call: OptionCall): Int32Array {
  const most = call.family === 4 ? 32 : 128;
  const length = strtoui(text, 0, most);
  if (length !== undefined) return prefixMask(length, call.family);
  const mask = call.family === 4 ? inetAton(text) : parseIpv6(text);
  if (mask === undefined) {
    call.fail(
      `${call.extension}: bad value for option "--${call.option}", neither a valid network mask nor valid CIDR (0-${most}).`,
    );
  }
  return typeof mask === 'number' ? Int32Array.of(mask, 0, 0, 0) : mask;
}

export function prefixMask(length: number, family: Family): Int32Array {
  return family === 4 ? Int32Array.of(maskIpv4(length), 0, 0, 0) : maskIpv6(length);
}

/**
 * `address[/prefix length or mask]`; the address keeps bits outside the mask (XTTYPE_HOSTMASK). iptables keeps the
 * length of the prefix, from which it makes the mask again: one with holes becomes the longest, without a word.
 */
export function hostMask(common: Common = {}): OptionSpec<AddressMask> {
  return {
    ...common,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      const slash = text.indexOf('/');
      if (slash < 0)
        return {
          address: resolveHost(text, call),
          mask: prefixMask(call.family === 4 ? 32 : 128, call.family),
        };
      const address = resolveHost(text.slice(0, slash), call);
      const given = text.slice(slash + 1);
      const mask = parsePrefixOrMask(given, call);
      if (prefixLength(mask, call.family) >= 0) return { address, mask };
      const bits = call.family === 4 ? 32 : 128;
      call.warn(
        `mask ${given} is taken as /${bits}`,
        'iptables takes a mask with holes for that of one address.',
      );
      return { address, mask: prefixMask(bits, call.family) };
    },
  };
}

export const plenMask = (common: Common = {}): OptionSpec<Int32Array> => ({
  ...common,
  argument: 'required',
  parse: parsePrefixOrMask,
});

/** Six colon-separated bytes (XTTYPE_ETHERMAC). */
export function mac(common: Common = {}): OptionSpec<Uint8Array> {
  return {
    ...common,
    argument: 'required',
    parse: (text, call: OptionCall) => {
      // Each part is read by strtoul(): one or two characters, the last of which ends the number.
      if (!/^([0-9a-fA-F]{0,2}:){5}[0-9a-fA-F]{0,2}$/.test(text)) call.fail('Invalid MAC address specified.');
      return Uint8Array.from(text.split(':'), (part) => (part === '' ? 0 : Number.parseInt(part, 16)));
    },
  };
}

/** Prefix length of a mask of the family, or -1 when it is not contiguous: xtables_ipmask_to_cidr(). */
export function prefixLength(mask: Int32Array, family: Family): number {
  const words = family === 4 ? 1 : 4;
  let length = 0;
  while (length < 32 * words && (mask[length >>> 5]! & (0x80000000 >>> (length & 31))) !== 0) length++;
  const expected = prefixMask(length, family);
  for (let i = 0; i < words; i++) if (mask[i] !== expected[i]) return -1;
  return length;
}

export function formatAddress(words: ArrayLike<number>, family: Family): string {
  return family === 4 ? formatIpv4(words[0]!) : formatIpv6(words);
}

/** What hostMask() read: the prefix length is left out when it is full. */
export function formatHostMask({ address, mask }: AddressMask, family: Family): string {
  const bits = prefixLength(mask, family);
  return `${formatAddress(address, family)}${bits === (family === 4 ? 32 : 128) ? '' : `/${bits}`}`;
}

/** Text as xtables_save_string() writes it: in quotes unless made of letters, digits, `-` and `_`. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(text)) return text;
  return `"${text.replace(/["\\']/g, '\\$&')}"`;
}
