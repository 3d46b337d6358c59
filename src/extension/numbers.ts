/**
 * Numbers as iptables reads them: strtoumax(3), with the base told by the prefix (0x is hexadecimal, 0 octal).
 */

/** A number at the start of a text and where it ends; undefined when there is none. */
export interface NumberPrefix {
  readonly value: bigint;
  /** Index of the first character that is not part of it. */
  readonly end: number;
}

const MAX_U64 = 0xffffffffffffffffn;

/** strtoumax(): blanks, a sign, digits. A negative number wraps, and a number too large is the largest. */
export function strtoumax(text: string, base: 0 | 8 | 10 | 16 = 0): NumberPrefix | undefined {
  const lead = /^[ \t\n\v\f\r]*([+-]?)/.exec(text)!;
  let at = lead[0].length;
  let radix: number = base;
  const isHex = /^0[xX][0-9a-fA-F]/.test(text.slice(at, at + 3));
  if ((base === 0 || base === 16) && isHex) {
    radix = 16;
    at += 2;
  } else if (base === 0) {
    radix = text[at] === '0' ? 8 : 10;
  }
  const digits = (radix === 16 ? /^[0-9a-fA-F]+/ : radix === 8 ? /^[0-7]+/ : /^[0-9]+/).exec(text.slice(at));
  if (digits === null) return undefined;
  const prefix = radix === 16 ? '0x' : radix === 8 ? '0o' : '';
  let value = BigInt(prefix + digits[0]);
  if (value > MAX_U64) value = MAX_U64;
  else if (lead[1] === '-') value = BigInt.asUintN(64, -value);
  return { value, end: at + digits[0].length };
}

/** The whole text as a number from `min` to `max`, or undefined: xtables_strtoui() without an end pointer. */
export function strtoui(text: string, min: number, max: number): number | undefined {
  const short = shortDecimal(text);
  if (short >= 0) return short >= min && short <= max ? short : undefined;
  const prefix = uintPrefix(text, min, max);
  return prefix !== undefined && prefix.end === text.length ? prefix.value : undefined;
}

/** The number that the whole text is when it is decimal, of nine digits at most, and begins with no zero; else -1. */
function shortDecimal(text: string): number {
  if (text.length === 0 || text.length > 9) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || (i === 0 && digit === 0 && text.length > 1)) return -1;
    value = 10 * value + digit;
  }
  return value;
}

/** A number from `min` to `max` at the start of a text: xtables_strtoui() with an end pointer. */
export function uintPrefix(
  text: string,
  min: number,
  max: number,
): { readonly value: number; readonly end: number } | undefined {
  // By far the most numbers are short and decimal.
  const short = /^(0|[1-9]\d{0,8})(?![0-9xX])/.exec(text);
  if (short !== null) {
    const value = Number(short[1]);
    return value >= min && value <= max ? { value, end: short[0].length } : undefined;
  }
  const prefix = strtoumax(text);
  if (prefix === undefined || prefix.value < BigInt(min) || prefix.value > BigInt(max)) return undefined;
  return { value: Number(prefix.value), end: prefix.end };
}

/** A word as C prints it with %x: unsigned. */
export function hex(word: number): string {
  return (word >>> 0).toString(16);
}

const DECIMAL = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;
const HEXADECIMAL = /^[ \t\n\v\f\r]*([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?/;
const NO_NUMBER = /^[ \t\n\v\f\r]*([+-]?)(?:(inf(?:inity)?)|nan(?:\(\w*\))?)/i;

/** strtod(): a number with a fraction at the start of a text, and where it ends; undefined when there is none. */
export function strtod(text: string): { readonly value: number; readonly end: number } | undefined {
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null && hexadecimal[2]! + hexadecimal[3]! !== '') {
    const [all, sign, whole = '', fraction = '', exponent = '0'] = hexadecimal;
    const digits = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
    return { value: sign === '-' ? -digits : digits, end: all.length };
  }
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return { value: Number(decimal[1]), end: decimal[0].length };
  const none = NO_NUMBER.exec(text);
  if (none === null) return undefined;
  const infinite = none[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return { value: none[2] === undefined ? Number.NaN : infinite, end: none[0].length };
}

/** A double assigned to an unsigned 32-bit variable, as x86-64 does it: by way of 64 bits, which hold 0 when it is beyond them. */
export function doubleToUint32(value: number): number {
  return Math.abs(value) < 2 ** 63 ? Number(BigInt.asUintN(32, BigInt(Math.trunc(value)))) : 0;
}
