import type { Family } from '../base/inet.ts';
import type { Packet } from '../packet/packet.ts';
import { R_FAMILY } from '../packet/registers.ts';

/** ip_list_tot: addresses that a list remembers (module parameter). */
export const LIST_ENTRIES = 100;

/** An address of a list and when it was seen: struct recent_entry. */
export interface RecentEntry {
  readonly key: string;
  ttl: number;
  /** Jiffies; a ring once all places are taken. */
  readonly stamps: number[];
  /** Place behind the latest stamp. */
  index: number;
}

/**
 * A list of addresses by name, one for both families: struct recent_table of net/netfilter/xt_recent.c. Entries are
 * in the order of their last update; the first is the one to go when the list is full. The kernel does not take out
 * what is old, only --reap does, one entry at a time.
 */
export class RecentList {
  /** That of the first rule that names the list, of either family: later rules' masks have no effect. */
  readonly mask: Int32Array;
  /** Of that rule. */
  readonly family: Family;
  /** Stamps an entry keeps, less one: a power of two less one. */
  stampMask: number;
  /** In the order of the last update. Addresses with a TTL of their own (--rttl) may be there more than once. */
  readonly #entries = new Map<RecentEntry, true>();
  readonly #byKey = new Map<string, RecentEntry[]>();

  constructor(family: Family, mask: Int32Array, stampMask: number) {
    this.family = family;
    this.mask = mask;
    this.stampMask = stampMask;
  }

  /** A rule of the same name is loaded: it may need more stamps. recent_mt_check(). */
  widen(stampMask: number): void {
    if (stampMask > this.stampMask) this.stampMask = stampMask;
  }

  get size(): number {
    return this.#entries.size;
  }

  keyOf(p: Packet, addressAt: number, family: Family): string {
    const words = p.r[R_FAMILY] === 4 ? 1 : 4;
    let key = `${family}`;
    for (let i = 0; i < words; i++) key += `,${p.r[addressAt + i]! & this.mask[i]!}`;
    return key;
  }

  /** recent_entry_lookup(): `ttl` 0 is any. */
  find(key: string, ttl: number): RecentEntry | undefined {
    return this.#byKey.get(key)?.find((entry) => ttl === 0 || entry.ttl === 0 || entry.ttl === ttl);
  }

  /** recent_entry_init(). */
  add(key: string, ttl: number, now: number): void {
    if (this.#entries.size >= LIST_ENTRIES) this.remove(this.#oldest!);
    const entry: RecentEntry = { key, ttl, stamps: [now], index: 1 };
    this.#entries.set(entry, true);
    const same = this.#byKey.get(key);
    if (same === undefined) this.#byKey.set(key, [entry]);
    else same.push(entry);
  }

  /** recent_entry_update(). */
  update(entry: RecentEntry, now: number): void {
    entry.index &= this.stampMask;
    entry.stamps[entry.index++] = now;
    this.#entries.delete(entry);
    this.#entries.set(entry, true);
  }

  remove(entry: RecentEntry): void {
    this.#entries.delete(entry);
    const left = this.#byKey.get(entry.key)!.filter((one) => one !== entry);
    if (left.length === 0) this.#byKey.delete(entry.key);
    else this.#byKey.set(entry.key, left);
  }

  /** recent_entry_reap(): the oldest entry goes when its last stamp is before `time`, unless it is to be updated. */
  reap(time: number, working: RecentEntry, update: boolean): void {
    const oldest = this.#oldest;
    if (oldest === undefined || (oldest === working && update)) return;
    if (time > oldest.stamps[oldest.index - 1]!) this.remove(oldest);
  }

  get #oldest(): RecentEntry | undefined {
    return this.#entries.keys().next().value;
  }
}
