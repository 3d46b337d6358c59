import { type Aged, AgeList } from '../base/age-list.ts';
import type { Family } from '../base/inet.ts';
import { KeyTable } from '../base/key-table.ts';
import type { Packet } from '../packet/packet.ts';

/** ip_list_tot: addresses that a list remembers (module parameter). */
export const LIST_ENTRIES = 100;

const FIRST_STAMPS = 8;

/** An address of a list and when it was seen: struct recent_entry. */
export class RecentEntry implements Aged<RecentEntry> {
  ttl = 0;
  /** Jiffies; a ring once all places are taken. Grows as far as it is used. */
  stamps = new Float64Array(FIRST_STAMPS);
  /** Places that are taken. */
  stampCount = 0;
  /** Place behind the latest stamp. */
  index = 0;
  /** Number of its address among those of the list. */
  key = -1;
  /** The next of the same address, with another TTL. */
  nextOfKey: RecentEntry | undefined;
  before: RecentEntry | undefined;
  after: RecentEntry | undefined;

  /** Writes a stamp at `index`. */
  stamp(now: number): void {
    if (this.index === this.stamps.length) {
      const grown = new Float64Array(2 * this.index);
      grown.set(this.stamps);
      this.stamps = grown;
    }
    this.stamps[this.index++] = now;
    if (this.stampCount < this.index) this.stampCount = this.index;
  }
}

/**
 * A list of addresses by name, one for both families: struct recent_table of net/netfilter/xt_recent.c. Entries are
 * in the order of their last update; the first is the one to go when the list is full. The kernel does not take out
 * what is old, only --reap does, one entry at a time. Entries that have gone are used again.
 */
export class RecentList {
  /** That of the first rule that names the list, of either family: later rules' masks have no effect. */
  readonly mask: Int32Array;
  /** Of that rule. */
  readonly family: Family;
  /** Stamps an entry keeps, less one: a power of two less one. */
  #stampMask: number;
  /** Addresses with a TTL of their own (--rttl) may be there more than once. */
  readonly #entries = new AgeList(() => new RecentEntry());
  readonly #keys = new KeyTable(5);
  /** The address at hand: family, and four words. */
  readonly #key = new Int32Array(5);
  /** By number of the address: the first entry of those that it has. */
  readonly #firstOfKey: (RecentEntry | undefined)[] = [];

  constructor(family: Family, mask: Int32Array, stampMask: number) {
    this.family = family;
    this.mask = mask;
    this.#stampMask = stampMask;
  }

  /** A rule of the same name is loaded: it may need more stamps. recent_mt_check(). To be called before any packet comes. */
  widen(stampMask: number): void {
    if (stampMask > this.#stampMask) this.#stampMask = stampMask;
  }

  get size(): number {
    return this.#entries.count;
  }

  /** Takes the address that the packet has at register `addressAt` for the one that `find` and `add` are about. */
  take(p: Packet, addressAt: number, family: Family): void {
    const key = this.#key;
    key[0] = family;
    for (let i = 0; i < 4; i++)
      key[1 + i] = i === 0 || family === 6 ? p.r[addressAt + i]! & this.mask[i]! : 0;
  }

  /** recent_entry_lookup(): `ttl` 0 is any. */
  find(ttl: number): RecentEntry | undefined {
    const number = this.#keys.find(this.#key);
    let entry = number < 0 ? undefined : this.#firstOfKey[number];
    while (entry !== undefined && !(ttl === 0 || entry.ttl === 0 || entry.ttl === ttl))
      entry = entry.nextOfKey;
    return entry;
  }

  /** recent_entry_init(). */
  add(ttl: number, now: number): void {
    if (this.size >= LIST_ENTRIES) this.remove(this.#entries.oldest!);
    const entry = this.#entries.append();
    entry.ttl = ttl;
    entry.stampCount = 0;
    entry.index = 0;
    entry.stamp(now);
    this.#enter(entry);
  }

  /** recent_entry_update(). */
  update(entry: RecentEntry, now: number): void {
    entry.index &= this.#stampMask;
    entry.stamp(now);
    this.#entries.renew(entry);
  }

  remove(entry: RecentEntry): void {
    this.#leave(entry);
    this.#entries.remove(entry);
  }

  /** recent_entry_reap(): the oldest entry goes when its last stamp is before `time`, unless it is to be updated. */
  reap(time: number, working: RecentEntry, update: boolean): void {
    const { oldest } = this.#entries;
    if (oldest === undefined || (oldest === working && update)) return;
    if (time > oldest.stamps[oldest.index - 1]!) this.remove(oldest);
  }

  /** Behind the others of its address. */
  #enter(entry: RecentEntry): void {
    const known = this.#keys.find(this.#key);
    entry.key = known >= 0 ? known : this.#keys.add(this.#key);
    entry.nextOfKey = undefined;
    let last = known >= 0 ? this.#firstOfKey[known] : undefined;
    if (last === undefined) {
      this.#firstOfKey[entry.key] = entry;
      return;
    }
    while (last.nextOfKey !== undefined) last = last.nextOfKey;
    last.nextOfKey = entry;
  }

  #leave(entry: RecentEntry): void {
    const { key } = entry;
    let other = this.#firstOfKey[key]!;
    if (other === entry) this.#firstOfKey[key] = entry.nextOfKey;
    else {
      while (other.nextOfKey !== entry) other = other.nextOfKey!;
      other.nextOfKey = entry.nextOfKey;
    }
    if (this.#firstOfKey[key] === undefined) this.#keys.remove(key);
  }
}
