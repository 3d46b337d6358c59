import { formatIpv4 } from '../base/inet.ts';
import type { Packet } from '../packet/packet.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../packet/packet.ts';
import { R_DADDR, R_SADDR, type RegisterName } from '../packet/registers.ts';
import { parsePlain, parseRange4 } from './address-text.ts';
import { formatExtensions, formatMac } from './element-format.ts';
import { ElementTable, PERMANENT } from './element-table.ts';
import { parseMac } from './element-text.ts';
import { type ElementExtensions, storeExtensions } from './extension-options.ts';
import { initExtensions, isExpired, matchExtensions } from './extensions.ts';
import { SetFault } from './fault.ts';
import { NO_PORT, packetPort } from './packet-port.ts';
import { partReads, readMac } from './parts.ts';
import { parsePort } from './port-text.ts';
import type { BitmapTypeName } from './set-types.ts';
import {
  ALREADY_ADDED,
  type IpSet,
  NOT_ADDED,
  OUT_OF_RANGE,
  type SetOptions,
  type SetQuery,
  type SkbInfo,
} from './types.ts';

/** The packet is no element of the set's range. */
const NO_ID = -1;

/** State of the Ethernet address of an element of bitmap:ip,mac, in ElementTable.nomatch. */
const MAC_FILLED = 0;
const MAC_UNSET = 1;

/**
 * bitmap:ip, bitmap:ip,mac and bitmap:port: elements are numbers from the first of a range on. Linux:
 * net/netfilter/ipset/ip_set_bitmap_gen.h, ip_set_bitmap_ip.c, ip_set_bitmap_ipmac.c, ip_set_bitmap_port.c.
 *
 * An element of bitmap:ip,mac that was added without an Ethernet address takes that of the first packet that asks
 * for it, and its timeout runs from then on.
 */
export class BitmapSet implements IpSet {
  readonly name: string;
  readonly typeName: BitmapTypeName;
  readonly options: SetOptions;
  /** One word: the element's number. */
  readonly table = new ElementTable(1);
  readonly knowsNomatch = false;
  readonly members: readonly IpSet[] = [];
  /** bitmap:ip,mac: two words for each place of the table. */
  readonly #macs = new Map<number, Int32Array>();
  readonly #key = new Int32Array(1);
  readonly #mac = new Int32Array(2);
  #hasUnset = false;

  constructor(name: string, typeName: BitmapTypeName, options: SetOptions) {
    this.name = name;
    this.typeName = typeName;
    this.options = options;
  }

  get dimension(): number {
    return this.typeName === 'bitmap:ip,mac' ? 2 : 1;
  }

  get changesByItself(): boolean {
    return this.options.timeoutSeconds !== undefined || this.#hasUnset;
  }

  reads(sources: number): readonly (RegisterName | 'payload')[] {
    const first = partReads(this.typeName === 'bitmap:port' ? 'port' : 'ip', (sources & 1) !== 0);
    return this.typeName === 'bitmap:ip,mac' ? [...first, 'payload'] : first;
  }

  test(p: Packet, query: SetQuery, found: SkbInfo | undefined): number {
    const id = this.#read(p, query);
    if (id === NO_ID) return 0;
    this.#key[0] = id;
    const place = this.table.find(this.#key);
    if (place < 0) return 0;
    if (this.typeName === 'bitmap:ip,mac') {
      if (this.table.nomatch[place] === MAC_UNSET) {
        // -EAGAIN: the packet completes the element, and matches whatever its extensions say.
        this.add(p, query);
        return 1;
      }
      const mac = this.#macs.get(place)!;
      if (mac[0] !== this.#mac[0] || mac[1] !== this.#mac[1]) return 0;
    }
    return matchExtensions(this.options, this.table, place, p, query, found) ? 1 : 0;
  }

  add(p: Packet, query: SetQuery): boolean {
    const id = this.#read(p, query);
    if (id === NO_ID) return false;
    const { table, options } = this;
    this.#key[0] = id;
    let place = table.find(this.#key);
    const stored = place < 0 ? PERMANENT : table.timeoutAt[place]!;
    const fills = place >= 0 && this.typeName === 'bitmap:ip,mac' && table.nomatch[place] === MAC_UNSET;
    if (place < 0) place = table.insert(this.#key);
    else if (!fills) {
      const expired = options.timeoutSeconds !== undefined && isExpired(table, place, p.timeNs);
      if (!expired && !query.exist) return false;
    }
    if (this.typeName === 'bitmap:ip,mac') {
      const replaces = !this.#macs.has(place) || query.exist || fills;
      if (replaces) this.#macs.set(place, this.#mac.slice());
      table.nomatch[place] = MAC_FILLED;
    }
    const seconds = fills && query.timeoutSeconds === undefined ? stored : undefined;
    initExtensions(
      options,
      table,
      place,
      p,
      seconds === undefined ? query : { ...query, timeoutSeconds: seconds },
    );
    return true;
  }

  del(p: Packet, query: SetQuery): boolean {
    const id = this.#read(p, query);
    if (id === NO_ID) return false;
    this.#key[0] = id;
    const place = this.table.find(this.#key);
    if (place < 0) return false;
    const expired = this.options.timeoutSeconds !== undefined && isExpired(this.table, place, p.timeNs);
    this.#remove(place);
    return !expired;
  }

  addText(text: string, extensions: ElementExtensions, exist: boolean): void {
    const { table, options } = this;
    const { from, to, mac } = this.#parse(text);
    for (let id = from; id <= to; id++) {
      this.#key[0] = id;
      let place = table.find(this.#key);
      if (place < 0) place = table.insert(this.#key);
      else if (!exist) throw new SetFault(ALREADY_ADDED, { word: text });
      storeExtensions(table, place, extensions, options);
      table.nomatch[place] = MAC_FILLED;
      if (this.typeName !== 'bitmap:ip,mac') continue;
      if (mac !== undefined) this.#macs.set(place, mac);
      else {
        this.#hasUnset = true;
        table.nomatch[place] = MAC_UNSET;
        // The plain number of seconds, until a packet completes the element.
        table.timeoutAt[place] = extensions.timeoutSeconds ?? options.timeoutSeconds ?? 0;
      }
    }
  }

  delText(text: string, exist: boolean): void {
    const { from, to } = this.#parse(text);
    for (let id = from; id <= to; id++) {
      this.#key[0] = id;
      const place = this.table.find(this.#key);
      if (place >= 0) this.#remove(place);
      else if (!exist) throw new SetFault(NOT_ADDED, { word: text });
    }
  }

  elements(timeNs: number): string[] {
    const { table, options } = this;
    const { first, hosts } = options;
    const found: string[] = [];
    for (const place of table.places()) {
      const number = first + table.words[place]! * hosts;
      const isUnset = this.typeName === 'bitmap:ip,mac' && table.nomatch[place] === MAC_UNSET;
      if (!isUnset && options.timeoutSeconds !== undefined && isExpired(table, place, timeNs)) continue;
      const mac = this.#macs.get(place);
      const text = this.typeName === 'bitmap:port' ? `${number}` : formatIpv4(number | 0);
      const extensions = isUnset
        ? formatExtensions(table, place, { ...options, timeoutSeconds: undefined }, timeNs, false)
        : formatExtensions(table, place, options, timeNs, false);
      const stored =
        isUnset && options.timeoutSeconds !== undefined ? ` timeout ${table.timeoutAt[place]}` : '';
      found.push(text + (mac === undefined ? '' : `,${formatMac(mac, 0)}`) + stored + extensions);
    }
    return found;
  }

  flush(): void {
    for (const place of [...this.table.places()]) this.#remove(place);
  }

  #remove(place: number): void {
    this.#macs.delete(place);
    this.table.remove(place);
  }

  /** Number of the packet's element; its Ethernet address is put into #mac. */
  #read(p: Packet, query: SetQuery): number {
    const { first, last, hosts } = this.options;
    const isSource = (query.sources & 1) !== 0;
    if (this.typeName === 'bitmap:port') {
      // ip_set_get_ip_port(): of TCP and UDP alone.
      const port = packetPort(p, isSource);
      const l4proto = port >> 16;
      if (port === NO_PORT || (l4proto !== IPPROTO_TCP && l4proto !== IPPROTO_UDP)) return NO_ID;
      return (port & 0xffff) < first || (port & 0xffff) > last ? NO_ID : (port & 0xffff) - first;
    }
    const address = p.r[isSource ? R_SADDR : R_DADDR]! >>> 0;
    if (address < first || address > last) return NO_ID;
    if (this.typeName === 'bitmap:ip,mac' && !readMac(p, (query.sources & 2) !== 0, this.#mac, 0))
      return NO_ID;
    return Math.floor((address - first) / hosts);
  }

  #parse(text: string): { from: number; to: number; mac: Int32Array | undefined } {
    const { first, last, hosts } = this.options;
    let [from, to] = [0, 0];
    let mac: Int32Array | undefined;
    if (this.typeName === 'bitmap:port') {
      const range = parsePort(text, 4);
      [from, to] = [range[0] & 0xffff, range[1] & 0xffff];
    } else if (this.typeName === 'bitmap:ip,mac') {
      const comma = text.indexOf(',');
      from = parsePlain(comma < 0 ? text : text.slice(0, comma), 4)[0]! >>> 0;
      to = from;
      if (comma >= 0) mac = parseMac(text.slice(comma + 1));
    } else {
      [from, to] = parseRange4(text);
    }
    if (from < first || to > last) {
      throw new SetFault(OUT_OF_RANGE, { word: text, hint: 'The range was given when the set was created.' });
    }
    return { from: Math.floor((from - first) / hosts), to: Math.floor((to - first) / hosts), mac };
  }
}
