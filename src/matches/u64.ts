/**
 * Whether a number fits 64 bits: strtoumax() says the largest of one that is too large, and wraps a negative one,
 * and iptables takes neither.
 */
export function isU64(text: string): boolean {
  if (text.trimStart().startsWith('-')) return false;
  const digits = text.trim().replace(/^\+/, '');
  const octal = /^0\d/.test(digits);
  return BigInt(octal ? `0o${digits.slice(1)}` : digits) <= 0xffffffffffffffffn;
}
