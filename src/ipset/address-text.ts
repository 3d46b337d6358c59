import { type Family, maskIpv4, maskIpv6 } from '../base/inet.ts';
import { OFFLINE_HINT, resolveAddress } from '../extension/values.ts';
import { SetFault, syntaxError } from './fault.ts';
import { parseNumber } from './number-text.ts';

/** One address: as many words as the family has. */
export function parseAddress(text: string, family: Family): Int32Array {
  const words = resolveAddress(text, family);
  if (words === undefined) {
    return syntaxError(`cannot parse ${text}: resolving to IPv${family} address failed`, OFFLINE_HINT);
  }
  return family === 4 ? words.slice(0, 1) : words;
}

/** First and last address, unsigned, of `address`, `address/prefix length` or `first-last` (IPv4). */
export function parseRange4(text: string): readonly [number, number] {
  const slash = text.lastIndexOf('/');
  if (slash >= 0) {
    const length = parseNumber(text.slice(slash + 1), 0, 32);
    const mask = maskIpv4(length);
    const address = parseAddress(text.slice(0, slash), 4)[0]!;
    return [(address & mask) >>> 0, (address | ~mask) >>> 0];
  }
  const dash = text.indexOf('-');
  if (dash < 0) {
    const address = parseAddress(text, 4)[0]! >>> 0;
    return [address, address];
  }
  const from = parseAddress(text.slice(0, dash), 4)[0]! >>> 0;
  const to = parseAddress(text.slice(dash + 1), 4)[0]! >>> 0;
  return from <= to ? [from, to] : [to, from];
}

/** `address` or, of its full length, `address/32` or `/128`: types that take no network and no range here. */
export function parsePlain(text: string, family: Family): Int32Array {
  const full = `/${family === 4 ? 32 : 128}`;
  const plain = text.endsWith(full) ? text.slice(0, -full.length) : text;
  if (plain.includes('/') || plain.includes('-')) {
    syntaxError(`plain IP address must be supplied: ${text}`);
  }
  return parseAddress(plain, family);
}

/** The phrase of the kernel for a prefix length that the type cannot store (IPSET_ERR_INVALID_CIDR). */
export const BAD_CIDR = 'The value of the CIDR parameter of the IP address is invalid';

/** Networks of `address[/length]` or, for IPv4, `first-last`: address words followed by the prefix length. */
export function parseNets(text: string, family: Family, takesNet0: boolean): Int32Array[] {
  if (family === 4 && text.includes('-') && !text.includes('/')) return netsOfRange(parseRange4(text));
  if (text.includes('-')) syntaxError(`IP address or IP/cidr must be specified: ${text}`);
  const slash = text.lastIndexOf('/');
  const most = family === 4 ? 32 : 128;
  const length = slash < 0 ? most : parseNumber(text.slice(slash + 1), 0, most);
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash), family);
  if (length === 0 && !takesNet0) throw new SetFault(BAD_CIDR, { word: text });
  const mask = family === 4 ? [maskIpv4(length)] : maskIpv6(length);
  const words = new Int32Array(address.length + 1);
  for (let k = 0; k < address.length; k++) words[k] = address[k]! & mask[k]!;
  words[address.length] = length;
  return [words];
}

/** The fewest networks that make up a range: ip_set_range_to_cidr() of net/netfilter/ipset/pfxlen.c. */
function netsOfRange([from, to]: readonly [number, number]): Int32Array[] {
  const nets: Int32Array[] = [];
  if (from === 0 && to === 0xffffffff) {
    throw new SetFault('Invalid range, covers the whole address space');
  }
  for (let at = from; at <= to; ) {
    let length = 32;
    // The largest block that begins here and does not go beyond the end; none is larger than /1.
    while (length > 1 && at % 2 ** (33 - length) === 0 && at + 2 ** (33 - length) - 1 <= to) length--;
    nets.push(Int32Array.of(at | 0, length));
    at += 2 ** (32 - length);
  }
  return nets;
}
