import { strtoumax } from '../extension/numbers.ts';
import { syntaxError } from './fault.ts';

/** A number as ipset reads it: decimal, 0x hexadecimal or 0 octal; its own phrases (lib/parse.c, string_to_number_ll). */
export function parseNumber(text: string, min: number, max: number): number {
  const value = parseBigNumber(text, BigInt(min), BigInt(max));
  return Number(value);
}

export function parseBigNumber(text: string, min: bigint, max: bigint): bigint {
  const isNegative = /^[ \t]*-/.test(text);
  const prefix = strtoumax(text);
  if (prefix === undefined || prefix.end !== text.length) syntaxError(`'${text}' is invalid as number`);
  if (isNegative || prefix.value < min || prefix.value > max)
    syntaxError(`'${text}' is out of range ${min}-${max}`);
  return prefix.value;
}
