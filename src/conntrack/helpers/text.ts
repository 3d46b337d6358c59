import { parseIpv6 } from '../../base/inet.ts';

/** Reading payload as text, a character a byte: what several helpers have in common. */

/** strncasecmp(): does `word` stand at `at`, in whatever case of ASCII letters? */
export function startsWith(text: string, at: number, word: string): boolean {
  if (at + word.length > text.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (lower(text.charCodeAt(at + i)) !== lower(word.charCodeAt(i))) return false;
  }
  return true;
}

function lower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/**
 * try_number() of nf_conntrack_ftp.c: `count` numbers of 32 bits with `separator` between them, and `end` behind them
 * ('' for anything else than a digit or separator). Undefined when they are not all there.
 */
export function tryNumbers(
  text: string,
  at: number,
  count: number,
  separator: string,
  end: string,
): { values: number[]; length: number } | undefined {
  const values = new Array<number>(count).fill(0);
  let n = 0;
  for (let i = at; i < text.length && n < count; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) values[n] = (Math.imul(values[n]!, 10) + code - 48) >>> 0;
    else if (text[i] === separator) n++;
    else {
      const ends = (end === '' || text[i] === end) && n === count - 1;
      return ends ? { values, length: i - at } : undefined;
    }
  }
  return undefined;
}

/** in6_pton(): an IPv6 address at `at` up to `end`; gives its length, 0 when there is none. */
export function readIpv6(text: string, at: number, end: string, to: Int32Array): number {
  const stop = text.indexOf(end, at);
  const address = parseIpv6(text.slice(at, stop < 0 ? text.length : stop));
  if (address === undefined) return 0;
  to.set(address);
  return (stop < 0 ? text.length : stop) - at;
}

/** simple_strtoul(): the decimal number at `at`, its lower 32 bits, and the offset behind it. */
export function decimal(text: string, at: number): { value: number; next: number } {
  let value = 0;
  let next = at;
  for (; next < text.length; next++) {
    const code = text.charCodeAt(next);
    if (code < 48 || code > 57) break;
    value = (Math.imul(value, 10) + code - 48) >>> 0;
  }
  return { value, next };
}
