import { type Family, maskIpv4, maskIpv6, parseIpv4, parseIpv6 } from '../base/inet.ts';
import type { JsonFile } from './host-file.ts';
import { SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE, SCOPE_SITE, SCOPE_UNIVERSE } from './route.ts';

/** One JSON object of iproute2's output, read field by field; what is wrong is refused with its place. */
export class Fields {
  readonly file: JsonFile;
  readonly path: readonly (string | number)[];
  /** The object as it is in the file. */
  readonly raw: Record<string, unknown>;

  constructor(file: JsonFile, path: readonly (string | number)[], object: Record<string, unknown>) {
    this.file = file;
    this.path = path;
    this.raw = object;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.raw, name);
  }

  bad(name: string, message: string): never {
    throw this.file.bad([...this.path, name], message);
  }

  string(name: string): string | undefined {
    const value = this.raw[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') this.bad(name, `"${name}" is to be a string`);
    return value;
  }

  /** A number, or a string that holds one: decimal or 0x…, as iproute2 prints most numbers in one version or other. */
  number(name: string): number | undefined {
    const value = this.raw[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number') return value;
    if (typeof value === 'string' && /^(\d+|0x[0-9a-fA-F]+)$/.test(value)) return Number(value);
    return this.bad(name, `"${name}" is to be a number`);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.number(name);
    if (value !== undefined && (!Number.isInteger(value) || value < least || value > most))
      this.bad(name, `"${name}" is to be a whole number of ${least} to ${most}`);
    return value;
  }

  /** A number, or a name that only the machine's /etc/iproute2 can translate. */
  numberOrName(name: string): number | string | undefined {
    const value = this.raw[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number') return value;
    if (typeof value === 'string') return /^(\d+|0x[0-9a-fA-F]+)$/.test(value) ? Number(value) : value;
    return this.bad(name, `"${name}" is to be a number or a name`);
  }

  flag(name: string): boolean {
    return this.raw[name] === true;
  }

  /** Strings of an array; [] when absent. */
  strings(name: string): string[] {
    const value = this.raw[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) this.bad(name, `"${name}" is to be an array`);
    return value.filter((item): item is string => typeof item === 'string');
  }

  objects(name: string): Fields[] {
    const value = this.raw[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) this.bad(name, `"${name}" is to be an array`);
    const out: Fields[] = [];
    value.forEach((item: unknown, index) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item))
        throw this.file.bad([...this.path, name, index], 'an object was expected');
      if (Object.keys(item).length > 0)
        out.push(new Fields(this.file, [...this.path, name, index], item as Record<string, unknown>));
    });
    return out;
  }

  child(name: string): Fields | undefined {
    const value = this.raw[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Fields(this.file, [...this.path, name], value as Record<string, unknown>);
  }

  /** An address of the family, as four words. */
  address(name: string, family: Family): Int32Array | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    return parseAddress(text, family) ?? this.bad(name, `"${text}" is not an IPv${family} address`);
  }

  /** `default`, `all`, `any`, an address or `address/length`; host bits are cleared. */
  prefix(name: string, family: Family, lengthName?: string): Prefix | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    if (text === 'default' || text === 'all' || text === 'any')
      return { words: new Int32Array(4), length: 0 };
    const slash = text.indexOf('/');
    const words = parseAddress(slash < 0 ? text : text.slice(0, slash), family);
    if (words === undefined) this.bad(name, `"${text}" is not an IPv${family} address or prefix`);
    const most = family === 4 ? 32 : 128;
    let length = most;
    if (slash >= 0) length = Number(text.slice(slash + 1));
    else if (lengthName !== undefined) length = this.integer(lengthName, 0, most) ?? most;
    if (!(Number.isInteger(length) && length >= 0 && length <= most) || text.endsWith('/'))
      this.bad(name, `"${text}" has no prefix length of 0 to ${most}`);
    const mask = maskOf(family, length);
    for (let i = 0; i < 4; i++) words[i] = words[i]! & mask[i]!;
    return { words, length };
  }

  scope(name: string): number | undefined {
    const value = this.numberOrName(name);
    if (value === undefined || typeof value === 'number') return value;
    return SCOPES[value] ?? SCOPE_UNIVERSE;
  }
}

export interface Prefix {
  readonly words: Int32Array;
  readonly length: number;
}

const SCOPES: Readonly<Record<string, number>> = {
  global: SCOPE_UNIVERSE,
  universe: SCOPE_UNIVERSE,
  site: SCOPE_SITE,
  link: SCOPE_LINK,
  host: SCOPE_HOST,
  nowhere: SCOPE_NOWHERE,
};

/** Four words, IPv4 in the first. A zone index (`fe80::1%eth0`) is dropped. */
export function parseAddress(text: string, family: Family): Int32Array | undefined {
  if (family === 6) return parseIpv6(text.replace(/%.*$/, ''));
  const word = parseIpv4(text);
  return word === undefined ? undefined : Int32Array.of(word, 0, 0, 0);
}

export function maskOf(family: Family, length: number): Int32Array {
  return family === 4 ? Int32Array.of(maskIpv4(length), 0, 0, 0) : maskIpv6(length);
}

/** Numbers for the names of routing tables; those of /etc/iproute2/rt_tables get one of their own per host. */
export class TableNames {
  private readonly ids = new Map<string, number>([
    ['unspec', 0],
    ['default', 253],
    ['main', 254],
    ['local', 255],
  ]);

  id(value: number | string): number {
    if (typeof value === 'number') return value;
    let id = this.ids.get(value);
    // Above the 32 bits that a table's number has.
    if (id === undefined) {
      id = 0x1_0000_0000 + this.ids.size;
      this.ids.set(value, id);
    }
    return id;
  }
}

/** A realm; a name, which only the /etc/iproute2/rt_realms of the machine could translate, counts as none. */

export function realmNumber(value: number | string | undefined): number {
  if (typeof value === 'number') return value & 0xffff;
  return 0;
}
