import type { Family } from '../base/inet.ts';
import { parseNets, parsePlain, parseRange4 } from './address-text.ts';
import { SetFault, syntaxError } from './fault.ts';
import type { HashType } from './hash-type.ts';
import { parseNumber } from './number-text.ts';
import { type PartKind, PHYSDEV } from './parts.ts';
import { parsePort } from './port-text.ts';
import { NULL_ELEMENT, type SetOptions } from './types.ts';

/** IFNAMSIZ - 1. */
const MAX_INTERFACE_CHARS = 15;

const ORDINALS = ['First', 'Second', 'Third'];

/** What turns the name of an interface into the number that stands for it in elements. */
export type NumberOfName = (name: string) => number;

/**
 * The elements that the text of an `add` or `del` stands for, as words: `10.0.0.0/30,tcp:80-81` is eight elements of
 * a hash:ip,port. Which parts take networks and ranges is as in ipset 7.17 (lib/ipset_hash_*.c, lib/parse.c).
 */
export function* parseElements(
  text: string,
  type: HashType,
  options: SetOptions,
  numberOfName: NumberOfName,
): Generator<Int32Array> {
  const parts = splitElement(text, type.name, type.parts.length);
  const all = type.parts.map((kind, i) => partValues(kind, i, parts[i]!, type, options, numberOfName));
  yield* product(all, 0, []);
}

/** The parts of an element, separated by commas. */
export function splitElement(text: string, typeName: string, count: number): string[] {
  const parts = text.split(',');
  const empty = parts.indexOf('', 1);
  if (empty >= 0 && empty < count)
    syntaxError(`${ORDINALS[empty] ?? 'Next'} element is missing from ${text}.`);
  if (parts.length < count) {
    const missing = ORDINALS[parts.length] ?? 'Next';
    syntaxError(`${missing} element is missing from ${text}.`);
  }
  if (parts.length > count) {
    const [many, supports] = [
      ['', ''],
      ['Elem separator in', 'supports none'],
      ['Two elem separators in', 'supports one'],
      ['Three elem separators in', 'supports two'],
    ][count] as [string, string];
    syntaxError(`${many} ${text}, but settype ${typeName} ${supports}.`);
  }
  return parts;
}

type Values = () => Iterable<ArrayLike<number>>;

function* product(all: readonly Values[], from: number, words: number[]): Generator<Int32Array> {
  if (from === all.length) {
    yield Int32Array.from(words);
    return;
  }
  for (const value of all[from]!()) yield* product(all, from + 1, [...words, ...Array.from(value)]);
}

function partValues(
  kind: PartKind,
  index: number,
  text: string,
  type: HashType,
  options: SetOptions,
  numberOfName: NumberOfName,
): Values {
  const family: Family = options.family === 6 ? 6 : 4;
  switch (kind) {
    case 'ip': {
      // Only the first address may be several, and only in IPv4.
      const several = family === 4 && index === 0 && type.name !== 'hash:ip,mac';
      if (!several) return once(masked(parsePlain(text, family), options));
      const [from, to] = parseRange4(text);
      return addresses4(from, to, options.mask);
    }
    case 'net': {
      const nets = parseNets(text, family, type.takesNet0).map((net) => masked(net, options));
      return () => nets;
    }
    case 'port': {
      const [from, to] = parsePort(text, family);
      return function* () {
        for (let port = from; port <= to; port++) yield [port];
      };
    }
    case 'iface':
      return once([interfaceWord(text, numberOfName)]);
    case 'mac': {
      const mac = parseMac(text);
      if (mac[0] === 0 && mac[1] === 0) throw new SetFault(NULL_ELEMENT, { word: text });
      return once(mac);
    }
    case 'mark':
      return once([parseNumber(text, 0, 0xffffffff) & options.markmask]);
  }
}

const once =
  (words: ArrayLike<number>): Values =>
  () => [words];

function masked(words: Int32Array, { mask, family }: SetOptions): Int32Array {
  if (mask === undefined) return words;
  const count = family === 6 ? 4 : 1;
  for (let k = 0; k < count; k++) words[k]! &= mask[k]!;
  return words;
}

/** Each address of a range once; with a netmask, each network. */
function addresses4(from: number, to: number, mask: Int32Array | undefined): Values {
  return function* () {
    let last: number | undefined;
    for (let address = from; address <= to; address++) {
      const word = mask === undefined ? address | 0 : address & mask[0]!;
      if (word === last) continue;
      last = word;
      yield [word];
    }
  };
}

function interfaceWord(text: string, numberOfName: NumberOfName): number {
  const isPhysdev = text.startsWith('physdev:');
  const name = isPhysdev ? text.slice('physdev:'.length) : text;
  if (name.length > MAX_INTERFACE_CHARS) {
    syntaxError(`interface name '${name}' is longer than ${MAX_INTERFACE_CHARS} characters`);
  }
  return numberOfName(name) | (isPhysdev ? PHYSDEV : 0);
}

/** Two words: four bytes of the address, then two. */
export function parseMac(text: string): Int32Array {
  if (!/^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$/.test(text)) {
    syntaxError(`cannot parse '${text}' as ethernet address`);
  }
  const bytes = text.split(':').map((part) => Number.parseInt(part, 16));
  const [a, b, c, d, e, f] = bytes as [number, number, number, number, number, number];
  return Int32Array.of((a << 24) | (b << 16) | (c << 8) | d, (e << 8) | f);
}
