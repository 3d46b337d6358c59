/**
 * IP addresses as 32-bit words. An IPv4 address is one signed word in host order (192.0.2.1 is 0xc0000201 | 0);
 * an IPv6 address is four such words, the most significant first. A family is 4 or 6.
 */
export type Family = 4 | 6;

/** Words of an IPv4 address, or undefined when `text` is not exactly a dotted quad (each part 0..255, decimal). */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let word = 0;
  for (let i = 1; i <= 4; i++) {
    const part = Number(match[i]);
    if (part > 255) return undefined;
    word = (word << 8) | part;
  }
  return word;
}

export function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** Four words of an IPv6 address in any RFC 4291 text form (`::`, embedded IPv4), or undefined. No zone index. */
export function parseIpv6(text: string): Int32Array | undefined {
  let head = text;
  const groups: number[] = [];
  let tailIpv4: number | undefined;
  const lastColon = text.lastIndexOf(':');
  if (lastColon < 0) return undefined;
  if (text.includes('.', lastColon)) {
    tailIpv4 = parseIpv4(text.slice(lastColon + 1));
    if (tailIpv4 === undefined) return undefined;
    head = `${text.slice(0, lastColon + 1)}${(tailIpv4 >>> 16).toString(16)}:${(tailIpv4 & 0xffff).toString(16)}`;
  }
  const halves = head.split('::');
  if (halves.length > 2) return undefined;
  const parse = (half: string): number[] | undefined => {
    if (half === '') return [];
    const out: number[] = [];
    for (const group of half.split(':')) {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      out.push(Number.parseInt(group, 16));
    }
    return out;
  };
  const left = parse(halves[0]!);
  const right = halves.length === 2 ? parse(halves[1]!) : [];
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  groups.push(...left, ...new Array<number>(missing).fill(0), ...right);
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++) words[i] = (groups[2 * i]! << 16) | groups[2 * i + 1]!;
  return words;
}

/** The text that inet_ntop(AF_INET6) of glibc gives (RFC 5952; IPv4-mapped and -compatible addresses dotted). */
export function formatIpv6(words: ArrayLike<number>, offset = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 4; i++) groups.push(words[offset + i]! >>> 16, words[offset + i]! & 0xffff);
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) {
      bestStart = i;
      bestLength = length;
    }
    i += length;
  }
  const dotted = bestStart === 0 && (bestLength === 6 || (bestLength === 5 && groups[5] === 0xffff));
  const text: string[] = groups.map((group) => group.toString(16));
  if (dotted) text.splice(6, 2, formatIpv4(words[offset + 3]!));
  if (bestStart < 0) return text.join(':');
  const tail = text.slice(bestStart + bestLength);
  return `${text.slice(0, bestStart).join(':')}::${tail.join(':')}`;
}

/** The IPv4 netmask word of a prefix length 0..32. */
export function maskIpv4(prefixLength: number): number {
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}

/** The four mask words of a prefix length 0..128. */
export function maskIpv6(prefixLength: number): Int32Array {
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++) words[i] = maskIpv4(Math.min(32, Math.max(0, prefixLength - 32 * i)));
  return words;
}
