import type { OptionCall } from '../extension/syntax.ts';

/** Patterns of `-m string`, read and printed as extensions/libxt_string.c does. */

/** XT_STRING_MAX_PATTERN_SIZE. */
const MAX_PATTERN_BYTES = 128;

export function parsePattern(text: string, call: OptionCall): Uint8Array {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_PATTERN_BYTES) call.fail(`STRING too long "${text}"`);
  return bytes;
}

/** Text with bytes in hexadecimal between bars, `GET|20|x`, and `\` before what is meant as it stands. */
export function parseHexPattern(text: string, call: OptionCall): Uint8Array {
  const source = Buffer.from(text);
  const end = source.length;
  if (end === 0) call.fail('STRING must contain at least one char');
  const pattern: number[] = [];
  let inHex = false;
  let i = 0;
  while (i < end) {
    let literal = false;
    const c = String.fromCharCode(source[i]!);
    if (c === '\\') {
      if (inHex) call.fail('Cannot include literals in hex data');
      literal = true;
    } else if (c === '|') {
      inHex = !inHex;
      if (inHex) while (source[i + 1] === 32) i++;
      if (i + 1 >= end) break;
      i++;
    }
    if (literal) {
      if (i + 1 >= end) call.fail('Bad literal placement at end of string');
      pattern.push(source[i + 1]!);
      i += 2;
    } else if (inHex) {
      if (i + 1 >= end) call.fail('Odd number of hex digits');
      if (i + 2 >= end) call.fail('Invalid hex block');
      const digits = source.toString('latin1', i, i + 2);
      for (const digit of digits) {
        if (!/[0-9a-fA-F]/.test(digit)) call.fail(`Invalid hex char '${digit}'`);
      }
      pattern.push(Number.parseInt(digits, 16));
      i += source[i + 2] === 32 ? 3 : 2;
    } else {
      pattern.push(source[i]!);
      i++;
    }
    if (pattern.length > MAX_PATTERN_BYTES) call.fail(`STRING too long "${text}"`);
  }
  return Uint8Array.from(pattern);
}

/** As text when it can be printed and does not end in a backslash. */
export function isPrintable(pattern: Uint8Array): boolean {
  return pattern.every((byte) => byte >= 32 && byte < 127) && pattern[pattern.length - 1] !== 92;
}

/** In quotes: as text, or in hexadecimal between bars. */
export function formatPattern(pattern: Uint8Array): string {
  const bytes = Buffer.from(pattern);
  if (isPrintable(pattern)) return `"${bytes.toString('latin1').replace(/["\\]/g, '\\$&')}"`;
  return `"|${bytes.toString('hex')}|"`;
}
