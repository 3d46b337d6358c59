import { maskIpv4 } from '../base/inet.ts';
import { jiffiesAt } from '../matches/jiffies.ts';
import type { Packet } from '../packet/packet.ts';
import type { RegisterName } from '../packet/registers.ts';
import { formatExtensions, formatPart } from './element-format.ts';
import { ElementTable, PERMANENT } from './element-table.ts';
import { parseElements } from './element-text.ts';
import { type ElementExtensions, storeExtensions } from './extension-options.ts';
import { initExtensions, isExpired, matchExtensions } from './extensions.ts';
import { SetFault } from './fault.ts';
import type { HashType } from './hash-type.ts';
import type { InterfaceNames } from './interface-names.ts';
import { NetBuckets } from './net-buckets.ts';
import { PHYSDEV, partReads, partWords, readPart } from './parts.ts';
import { PrefixLengths } from './prefix-lengths.ts';
import {
  ALREADY_ADDED,
  HASH_FULL,
  type IpSet,
  NOMATCH,
  NOT_ADDED,
  NULL_ELEMENT,
  type SetOptions,
  type SetQuery,
  type SkbInfo,
} from './types.ts';

/** Where a net of the element stands: its address words, and behind them the prefix length. */
interface Net {
  readonly at: number;
  readonly words: number;
  readonly prefixes: PrefixLengths;
}

/**
 * A set of any hash:* type: net/netfilter/ipset/ip_set_hash_gen.h, which the kernel's types are made from too.
 *
 * A packet is turned into the words of an element and looked up. Where elements are nets, it is looked up once for
 * each prefix length that the set has, the longest first (mtype_test_cidrs()); the first element that matches with
 * its extensions decides, and one with `nomatch` says that the packet is not in the set. hash:net,iface stops at
 * the first net that is there at all, be it for another interface (`multi` of mtype_test_cidrs()).
 */
export class HashSet implements IpSet {
  readonly name: string;
  readonly type: HashType;
  readonly options: SetOptions;
  readonly table: ElementTable;
  readonly members: readonly IpSet[] = [];
  readonly #offsets: readonly number[];
  readonly #nets: readonly Net[];
  readonly #interfaces: InterfaceNames;
  /** For hash:net,iface: the elements of each net, whatever their interface. */
  readonly #buckets: NetBuckets | undefined;
  readonly #key: Int32Array;
  readonly #probe: Int32Array;
  readonly #net: Int32Array;

  constructor(name: string, type: HashType, options: SetOptions, interfaces: InterfaceNames) {
    this.name = name;
    this.type = type;
    this.options = options;
    this.#interfaces = interfaces;
    const offsets: number[] = [];
    const nets: Net[] = [];
    let at = 0;
    for (const kind of type.parts) {
      offsets.push(at);
      const words = partWords(kind, options.family);
      if (kind === 'net') nets.push({ at, words: words - 1, prefixes: new PrefixLengths() });
      at += words;
    }
    this.#offsets = offsets;
    this.#nets = nets;
    this.table = new ElementTable(at);
    this.#buckets = type.parts.includes('iface') ? new NetBuckets(at) : undefined;
    this.#net = new Int32Array(at);
    this.#key = new Int32Array(at);
    this.#probe = new Int32Array(at);
  }

  get typeName(): string {
    return this.type.name;
  }

  get dimension(): number {
    return this.type.parts.length;
  }

  get knowsNomatch(): boolean {
    return this.#nets.length > 0;
  }

  get changesByItself(): boolean {
    return this.options.timeoutSeconds !== undefined;
  }

  reads(sources: number): readonly (RegisterName | 'payload')[] {
    return this.type.parts.flatMap((kind, i) => partReads(kind, (sources & (1 << i)) !== 0));
  }

  test(p: Packet, query: SetQuery, found: SkbInfo | undefined): number {
    if (!this.#read(p, query)) return 0;
    if (this.#nets.length === 0) return this.#match(this.#key, p, query, found);
    this.#probe.set(this.#key);
    const [first, second] = this.#nets;
    for (const length of first!.prefixes.lengths) {
      this.#cut(first!, length);
      if (second === undefined) {
        const answer = this.#match(this.#probe, p, query, found);
        if (answer !== 0) return answer;
        if (this.#hidesShorter()) return 0;
        continue;
      }
      for (const length2 of second.prefixes.lengths) {
        this.#cut(second, length2);
        const answer = this.#match(this.#probe, p, query, found);
        if (answer !== 0) return answer;
      }
    }
    return 0;
  }

  add(p: Packet, query: SetQuery): boolean {
    if (!this.#read(p, query)) return false;
    this.#probe.set(this.#key);
    for (const net of this.#nets) this.#cut(net, this.#longest(net));
    const { table, options } = this;
    let place = table.find(this.#probe);
    if (place >= 0) {
      const expired = options.timeoutSeconds !== undefined && isExpired(table, place, p.timeNs);
      if (!query.exist && !expired) return false;
    } else {
      if (table.size >= options.maxelem && !this.#makeRoom(p.timeNs)) return false;
      place = this.insert(this.#probe);
    }
    // mtype_data_set_flags(): what a packet adds is never a `nomatch` element.
    table.nomatch[place] = 0;
    initExtensions(options, table, place, p, query);
    this.#soonest = Math.min(this.#soonest, table.timeoutAt[place]!);
    return true;
  }

  del(p: Packet, query: SetQuery): boolean {
    if (!this.#read(p, query)) return false;
    this.#probe.set(this.#key);
    for (const net of this.#nets) this.#cut(net, this.#longest(net));
    const place = this.table.find(this.#probe);
    if (place < 0) return false;
    if (this.options.timeoutSeconds !== undefined && isExpired(this.table, place, p.timeNs)) return false;
    this.removePlace(place);
    return true;
  }

  addText(text: string, extensions: ElementExtensions, exist: boolean): void {
    const { table, options } = this;
    for (const key of parseElements(text, this.type, options, this.#interfaces.numberOfName)) {
      if (this.type.refusesZero && this.isZeroAddress(key)) {
        throw new SetFault(NULL_ELEMENT, { word: text });
      }
      let place = table.find(key);
      if (place >= 0) {
        if (!exist) throw new SetFault(ALREADY_ADDED, { word: text });
      } else {
        if (table.size >= options.maxelem) {
          throw new SetFault(HASH_FULL, {
            word: text,
            hint: `The set was created with maxelem ${options.maxelem}.`,
          });
        }
        place = this.insert(key);
      }
      storeExtensions(table, place, extensions, options);
    }
  }

  delText(text: string, exist: boolean): void {
    for (const key of parseElements(text, this.type, this.options, this.#interfaces.numberOfName)) {
      const place = this.table.find(key);
      if (place >= 0) this.removePlace(place);
      else if (!exist) throw new SetFault(NOT_ADDED, { word: text });
    }
  }

  elements(timeNs: number): string[] {
    const { table, type, options } = this;
    const found: string[] = [];
    for (const place of table.places()) {
      if (options.timeoutSeconds !== undefined && isExpired(table, place, timeNs)) continue;
      const parts = type.parts.map((kind, i) => {
        const at = place * table.width + this.#offsets[i]!;
        return formatPart(kind, table.words, at, options.family, this.#interfaces);
      });
      found.push(parts.join(',') + formatExtensions(table, place, options, timeNs, this.knowsNomatch));
    }
    return found;
  }

  flush(): void {
    for (const place of [...this.table.places()]) this.removePlace(place);
  }

  /** Adds an element that is not there yet. Gives its place in the table. */
  insert(key: Int32Array): number {
    for (const { at, words, prefixes } of this.#nets) prefixes.add(key[at + words]!);
    const place = this.table.insert(key);
    this.#buckets?.add(this.#netOf(key), place);
    return place;
  }

  removePlace(place: number): void {
    const { width, words } = this.table;
    const key = words.slice(place * width, (place + 1) * width);
    for (const net of this.#nets) net.prefixes.remove(key[net.at + net.words]!);
    this.#buckets?.remove(this.#netOf(key), place);
    this.table.remove(place);
  }

  /** The words of the packet's element into #key, nets uncut. False when the packet cannot be an element. */
  #read(p: Packet, query: SetQuery): boolean {
    const { parts } = this.type;
    const key = this.#key;
    for (let i = 0; i < parts.length; i++) {
      const isSource = (query.sources & (1 << i)) !== 0;
      const at = this.#offsets[i]!;
      if (!readPart(parts[i]!, p, isSource, this.options, this.#interfaces, key, at)) return false;
    }
    return !this.type.refusesZero || !this.isZeroAddress(key);
  }

  /** The first part is an address of nothing but zeros, which some types do not take (-EINVAL). */
  isZeroAddress(key: Int32Array): boolean {
    const words = this.type.parts[0] === 'mac' ? 2 : this.options.family === 6 ? 4 : 1;
    for (let k = 0; k < words; k++) if (key[k] !== 0) return false;
    return true;
  }

  #match(key: Int32Array, p: Packet, query: SetQuery, found: SkbInfo | undefined): number {
    const { table } = this;
    const place = table.find(key);
    if (place < 0 || !matchExtensions(this.options, table, place, p, query, found)) return 0;
    return table.nomatch[place] === 1 ? NOMATCH : 1;
  }

  /** mtype_data_netmask(): the net of #probe becomes that of #key with `length` bits. */
  #cut({ at, words }: Net, length: number): void {
    for (let k = 0; k < words; k++) {
      const bits = Math.min(32, Math.max(0, length - 32 * k));
      this.#probe[at + k] = this.#key[at + k]! & maskIpv4(bits);
    }
    this.#probe[at + words] = length;
  }

  /** INIT_CIDR(): what packets add and delete has the longest prefix that the set has, or is a host's address. */
  #longest(net: Net): number {
    return net.prefixes.lengths[0] ?? 32 * net.words;
  }

  /** Jiffies up to which no element runs out: until then there is no use in looking. */
  #soonest = Number.NEGATIVE_INFINITY;

  /** A full set: elements that have run out go; with `forceadd` an element goes in any case. */
  #makeRoom(timeNs: number): boolean {
    const { table, options } = this;
    if (options.timeoutSeconds !== undefined && jiffiesAt(timeNs) > this.#soonest) {
      this.#soonest = PERMANENT;
      for (const place of [...table.places()]) {
        if (isExpired(table, place, timeNs)) this.removePlace(place);
        else this.#soonest = Math.min(this.#soonest, table.timeoutAt[place]!);
      }
      if (table.size < options.maxelem) return true;
    }
    if (!options.forceadd) return false;
    for (const place of table.places()) {
      this.removePlace(place);
      return true;
    }
    return false;
  }

  /** For hash:net,iface: the net of #probe is there, and keeps shorter prefixes from being looked at. */
  #hidesShorter(): boolean {
    if (this.#buckets === undefined) return false;
    const place = this.table.find(this.#probe);
    return this.#buckets.hidesShorter(this.#netOf(this.#probe), place);
  }

  /** The words without the interface's name. Elements for bridge ports are hashed apart from the others. */
  #netOf(key: Int32Array): Int32Array {
    this.#net.set(key);
    this.#net[this.#offsets[1]!]! &= PHYSDEV;
    return this.#net;
  }
}
