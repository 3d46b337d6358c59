import { type Family, maskIpv4, maskIpv6 } from '../base/inet.ts';
import { parseAddress, parseRange4 } from './address-text.ts';
import { BitmapSet } from './bitmap-set.ts';
import { MAX_TIMEOUT } from './extension-options.ts';
import { SetFault, syntaxError } from './fault.ts';
import { HashSet } from './hash-set.ts';
import { ListSet } from './list-set.ts';
import { parseNumber } from './number-text.ts';
import { parsePort } from './port-text.ts';
import type { SetRegistry } from './registry.ts';
import { type BitmapTypeName, canonicalTypeName, findHashType, isBitmapType } from './set-types.ts';
import { type IpSet, OUT_OF_RANGE, type SetOptions } from './types.ts';

/** IPSET_DEFAULT_MAXELEM. */
const DEFAULT_MAXELEM = 65536;
/** IPSET_BITMAP_MAX_RANGE + 1. */
const MAX_BITMAP = 65536;
const FAMILIES: Readonly<Record<string, Family>> = { inet: 4, inet6: 6 };
const FAMILY_FLAGS: Readonly<Record<string, string>> = { '-4': 'inet', '-6': 'inet6' };

/** Options that say how the kernel keeps a set, and nothing of what is in it. */
const NUMBERS = ['hashsize', 'bucketsize', 'initval', 'probes', 'resize', 'gc', 'size'];
const FLAGS = ['counters', 'comment', 'skbinfo', 'forceadd'];

/** The words behind `create NAME TYPE`, by option: what is given twice is refused. */
function readOptions(words: readonly string[], allowed: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i]!;
    const flagged = FAMILY_FLAGS[name];
    if (flagged !== undefined && allowed.includes('family')) {
      given.set('family', flagged);
      continue;
    }
    if (!allowed.includes(name)) throw new SetFault(`Unknown argument: \`${name}'`, { word: name });
    if (given.has(name)) syntaxError(`${name} already specified`);
    if (FLAGS.includes(name)) {
      given.set(name, '');
      continue;
    }
    const value = words[++i];
    if (value === undefined) {
      throw new SetFault(`Missing mandatory argument of option \`${name}'`, { word: name });
    }
    if (name === 'timeout') parseNumber(value, 0, MAX_TIMEOUT);
    else if (NUMBERS.includes(name)) parseNumber(value, 0, 0xffffffff);
    given.set(name, value);
  }
  return given;
}

/**
 * Makes the set of a `create` line.
 * @throws SetFault in the words of ipset.
 */
export function createSet(
  name: string,
  typeWord: string,
  words: readonly string[],
  registry: SetRegistry,
): IpSet {
  const typeName = canonicalTypeName(typeWord);
  const extensions = ['timeout', ...FLAGS];
  if (typeName === 'list:set') {
    const given = readOptions(words, ['size', ...extensions]);
    return new ListSet(name, baseOptions(0, given), registry);
  }
  if (isBitmapType(typeName)) return createBitmap(name, typeName, words, extensions);
  const type = findHashType(typeName);
  if (type === undefined) {
    throw new SetFault(`Syntax error: typename '${typeWord}' is unknown`, {
      word: typeWord,
      hint: 'The types are those of ipset 7.17: hash:ip, hash:net, bitmap:port, list:set ….',
    });
  }
  const allowed = ['hashsize', 'maxelem', 'bucketsize', 'initval', 'probes', 'resize', 'gc', ...extensions];
  if (!type.families.includes(0)) allowed.push('family');
  if (type.takesMask) allowed.push('netmask', 'bitmask');
  if (type.parts.includes('mark')) allowed.push('markmask');
  const given = readOptions(words, allowed);
  const options = {
    ...baseOptions(type.families.includes(0) ? 0 : readFamily(given.get('family')), given),
    markmask: given.has('markmask') ? parseNumber(given.get('markmask')!, 0, 0xffffffff) | 0 : -1,
  };
  return new HashSet(name, type, { ...options, mask: readMask(given, options.family) }, registry.interfaces);
}

function baseOptions(family: Family | 0, given: ReadonlyMap<string, string>): SetOptions {
  const timeout = given.get('timeout');
  const maxelem = given.get('maxelem');
  return {
    family,
    maxelem: maxelem === undefined ? DEFAULT_MAXELEM : parseNumber(maxelem, 0, 0xffffffff),
    timeoutSeconds: timeout === undefined ? undefined : parseNumber(timeout, 0, MAX_TIMEOUT),
    counters: given.has('counters'),
    comment: given.has('comment'),
    skbinfo: given.has('skbinfo'),
    forceadd: given.has('forceadd'),
    mask: undefined,
    markmask: -1,
    first: 0,
    last: 0,
    hosts: 1,
  };
}

function readFamily(word: string | undefined): Family {
  if (word === undefined) return 4;
  return FAMILIES[word] ?? syntaxError(`unknown inet family ${word}`);
}

/** netmask and bitmask, which do the same. */
function readMask(given: ReadonlyMap<string, string>, family: Family | 0): Int32Array | undefined {
  const netmask = given.get('netmask');
  const bitmask = given.get('bitmask');
  if (netmask !== undefined && bitmask !== undefined) {
    syntaxError('bitmask and netmask are mutually exclusive, provide only one');
  }
  if (bitmask !== undefined) return parseAddress(bitmask, family === 6 ? 6 : 4);
  if (netmask === undefined) return undefined;
  const length = netmaskLength(netmask, family === 6 ? 128 : 32);
  return family === 6 ? maskIpv6(length) : Int32Array.of(maskIpv4(length));
}

function netmaskLength(text: string, most: number): number {
  const length = /^\d+$/.test(text) ? Number(text) : parseNumber(text, 1, most);
  if (length < 1 || length > most) syntaxError(`netmask is out of the inclusive range of 1-${most}`);
  return length;
}

function createBitmap(
  name: string,
  typeName: BitmapTypeName,
  words: readonly string[],
  extensions: readonly string[],
): IpSet {
  const given = readOptions(words, [
    'range',
    ...(typeName === 'bitmap:ip' ? ['netmask'] : []),
    ...extensions,
  ]);
  const range = given.get('range');
  if (range === undefined) {
    throw new SetFault("Mandatory option `range' is missing", { hint: 'For example: range 192.0.2.0/24.' });
  }
  return new BitmapSet(name, typeName, {
    ...baseOptions(typeName === 'bitmap:port' ? 0 : 4, given),
    ...(typeName === 'bitmap:port' ? portRange(range) : addressRange(range, given.get('netmask'))),
  });
}

type BitmapRange = Pick<SetOptions, 'first' | 'last' | 'hosts'>;

function portRange(text: string): BitmapRange {
  const dash = text.indexOf('-');
  if (dash < 0)
    throw new SetFault("Mandatory option `to' is missing", { hint: 'For example: range 0-1023.' });
  const from = parsePort(text.slice(0, dash), 4)[0] & 0xffff;
  const to = parsePort(text.slice(dash + 1), 4)[0] & 0xffff;
  return { first: Math.min(from, to), last: Math.max(from, to), hosts: 1 };
}

/** bitmap_ip_create(): with a netmask, the range is widened to whole networks. */
function addressRange(text: string, netmask: string | undefined): BitmapRange {
  if (!text.includes('-') && !text.includes('/')) {
    syntaxError(`IP/cidr or IP-IP range must be specified: ${text}`);
  }
  let [first, last] = parseRange4(text);
  const hosts = netmask === undefined ? 1 : 2 ** (32 - netmaskLength(netmask, 32));
  first -= first % hosts;
  last += hosts - 1 - (last % hosts);
  if (hosts > 1 && last - first < hosts) {
    throw new SetFault(OUT_OF_RANGE, { word: text, hint: 'The range has to be larger than one network.' });
  }
  if ((last - first + 1) / hosts > MAX_BITMAP) {
    throw new SetFault('The range you specified exceeds the size limit of the set type', {
      word: text,
      hint: `At most ${MAX_BITMAP} elements.`,
    });
  }
  return { first, last, hosts };
}
