import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DYING,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import {
  ConncountLists,
  L_COUNT,
  L_GC,
  L_GC_COUNT,
  L_TUPLES,
  T_DPORT,
  T_PROTO,
  T_REFERENCE,
  T_SADDR,
  T_SPORT,
  T_ZONE,
  T_ZONE_REPLY,
} from './conncount-lists.ts';
import type { ConntrackCore } from './core.ts';
import { C_REPLY, C_STATE, C_STATUS, C_TIMEOUT, RECORD_SHIFT, REPLY_STRIDE, TUPLE_ZONE } from './layout.ts';
import { findConnection } from './lookup.ts';
import { TCP_CLOSE, TCP_TIME_WAIT } from './tcp-states.ts';

/**
 * How many connections there are of each key (connlimit's address or network): net/netfilter/nf_conncount.c.
 *
 * Each key keeps a list of the original tuples it has seen. Counting a packet drops from the list what is no
 * longer in the connection table and TCP connections that are closed, then adds the packet's own connection
 * unless it is there. The list is not checked twice within a jiffy for packets of connections that are not
 * confirmed yet, which can count one of them twice: so it does here, with jiffies of 4 ms (HZ=250) from the
 * run's base time.
 *
 * A check asks the connection table for each tuple of the list. Whether an entry has died or closed shows nowhere
 * but in the entry, so each is looked at; but a tuple remembers which entry it was found to be of, and as long as that
 * one answers to it, no hash is computed and no index searched.
 */
const JIFFY_NS = 4e6;
/** CONNCOUNT_GC_MAX_COLLECT: more dead tuples than this are left for the next time. */
const MAX_COLLECT = 64;
/** Tuples, from the beginning of a list, whose entries are loaded before they are looked at. */
const TOUCHED = 16;

export class Conncount {
  private readonly core: ConntrackCore;
  private readonly lists4 = new ConncountLists(1);
  private readonly lists6 = new ConncountLists(4);
  /** The packet's own tuple, as it would be listed: its record may be given away while dead ones are killed. */
  private readonly own = new Int32Array(T_SADDR + 8);
  /** A listed tuple, as the connection table is asked for it. */
  private readonly probe = new Int32Array(TUPLE_WORDS);
  /** Where what touch() has loaded goes, so that it is loaded. */
  private readonly touched = new Int32Array(1);

  constructor(core: ConntrackCore) {
    this.core = core;
  }

  /**
   * nf_conncount_count_skb(): the number of connections of a key, counting the packet's own. `ct` is the packet's
   * entry, or -1 with the packet's tuple at `at` of `words`. The key is an IPv4 rule's (`keyWords` 2) or an IPv6 rule's
   * (5), and so is the packet.
   */
  count(key: Int32Array, keyWords: number, ct: number, words: Int32Array, at: number): number {
    const { core } = this;
    const lists = keyWords === 2 ? this.lists4 : this.lists6;
    const entry = ct >= 0 ? ct : this.find(words, at, 0, 0) >> 1;
    const status = entry >= 0 ? core.words[(entry << RECORD_SHIFT) + C_STATUS]! : 0;
    const jiffy = Math.floor(core.nowNs / JIFFY_NS) | 0;
    const list = lists.find(key, keyWords);
    if (list !== 0 && (status & IPS_CONFIRMED) !== 0 && (status & IPS_ASSURED) !== 0) {
      if (jiffy !== lists.words[list + L_GC]) this.collect(lists, list, jiffy, false);
      return lists.words[list + L_COUNT]!;
    }

    this.setOwn(ct, words, at, lists.addressWords);
    if (list === 0) {
      const begun = lists.insert(key, keyWords);
      lists.words[begun + L_GC] = jiffy;
      return this.add(lists, begun);
    }
    const held = lists.words;
    const mayAddUnchecked =
      (status & IPS_CONFIRMED) === 0 &&
      jiffy === held[list + L_GC] &&
      held[list + L_COUNT]! - held[list + L_GC_COUNT]! < MAX_COLLECT;
    if (!mayAddUnchecked && this.collect(lists, list, jiffy, true)) return held[list + L_COUNT]!;
    return this.add(lists, list);
  }

  /**
   * get_ct_or_tuple_from_skb(): a packet that conntrack did not attach counts with the tuple it has itself, even where
   * that is a connection's reply tuple; the connection's status counts all the same.
   */
  private setOwn(ct: number, words: Int32Array, at: number, addressWords: number): void {
    const { own } = this;
    own[T_REFERENCE] = ct >= 0 ? ct << 1 : -1;
    own[T_ZONE_REPLY] = ct >= 0 ? this.core.words[(ct << RECORD_SHIFT) + C_REPLY + TUPLE_ZONE]! : 0;
    own[T_ZONE] = words[at + TUPLE_ZONE]!;
    own[T_PROTO] = words[at + TUPLE_PROTO]!;
    own[T_SPORT] = words[at + TUPLE_SPORT]!;
    own[T_DPORT] = words[at + TUPLE_DPORT]!;
    for (let i = 0; i < addressWords; i++) {
      own[T_SADDR + i] = words[at + TUPLE_SADDR + i]!;
      own[T_SADDR + addressWords + i] = words[at + TUPLE_DADDR + i]!;
    }
  }

  /** Adds the packet's own tuple to a list; gives how many there are now. */
  private add(lists: ConncountLists, list: number): number {
    const at = lists.append(list);
    const { own } = this;
    const { words } = lists;
    const length = T_SADDR + 2 * lists.addressWords;
    for (let i = 0; i < length; i++) words[at + i] = own[i]!;
    return words[list + L_COUNT]!;
  }

  /**
   * Takes dead tuples off the list. With `searching` it stops, and gives true, when the packet's own tuple is on
   * the list already.
   */
  private collect(lists: ConncountLists, list: number, jiffy: number, searching: boolean): boolean {
    const { words, stride, addressWords } = lists;
    const count = words[list + L_COUNT]!;
    const begin = words[list + L_TUPLES]!;
    if (count > 1) this.touch(words, begin, stride, Math.min(TOUCHED, count));
    // The tuples from `run` on, as far as they are looked at, stay, and go to where `kept` is; run - kept have been dropped.
    let run = 0;
    let kept = 0;
    let present = false;
    for (let i = 0, at = begin; i < count && run - kept <= MAX_COLLECT; i++, at += stride) {
      const ct = this.entryOf(words, at, addressWords);
      if (ct >= 0) {
        present = searching && this.isOwn(words, at, addressWords);
        if (present) break;
        if (!this.isClosed(ct)) continue;
      }
      if (run !== kept) lists.move(list, run, kept, i - run);
      kept += i - run;
      run = i + 1;
    }
    if (run !== kept) {
      lists.move(list, run, kept, count - run);
      lists.shorten(list, kept + count - run);
    }
    if (!present) {
      words[list + L_GC] = jiffy;
      words[list + L_GC_COUNT] = words[list + L_COUNT]!;
    }
    return present;
  }

  /** Loads what will be looked at of the entries of `tuples` listed tuples, so that their cache misses overlap. */
  private touch(words: Int32Array, begin: number, stride: number, tuples: number): void {
    const records = this.core.words;
    let touched = 0;
    const end = begin + tuples * stride;
    for (let at = begin; at < end; at += stride) {
      const remembered = words[at + T_REFERENCE]!;
      if (remembered < 0) continue;
      const record = (remembered >> 1) << RECORD_SHIFT;
      touched |= records[record]! | records[record + C_STATE]! | records[record + C_STATUS]!;
    }
    this.touched[0] = touched;
  }

  /**
   * The entry that the listed tuple at `at` belongs to, or -1: what findConnection() gives. The entry remembered is
   * that one if it is in the table (confirmed, and not dying), has not expired, and has the tuple: no other can have it
   * too, unless there are connections with a zone for each direction (ConntrackTable.hasSplitZones).
   */
  private entryOf(words: Int32Array, at: number, addressWords: number): number {
    const { words: records, floats, nowNs, table } = this.core;
    const remembered = words[at + T_REFERENCE]!;
    if (remembered >= 0 && !table.hasSplitZones) {
      const record = (remembered >> 1) << RECORD_SHIFT;
      if (
        (records[record + C_STATUS]! & (IPS_CONFIRMED | IPS_DYING)) === IPS_CONFIRMED &&
        floats[(record + C_TIMEOUT) >> 1]! > nowNs &&
        isListedTuple(records, record + (remembered & 1) * REPLY_STRIDE, words, at, addressWords)
      ) {
        return remembered >> 1;
      }
    }
    const { probe } = this;
    for (let i = 0; i < addressWords; i++) {
      probe[TUPLE_SADDR + i] = words[at + T_SADDR + i]!;
      probe[TUPLE_DADDR + i] = words[at + T_SADDR + addressWords + i]!;
    }
    probe[TUPLE_SPORT] = words[at + T_SPORT]!;
    probe[TUPLE_DPORT] = words[at + T_DPORT]!;
    probe[TUPLE_PROTO] = words[at + T_PROTO]!;
    const found = this.find(probe, 0, words[at + T_ZONE]!, words[at + T_ZONE_REPLY]!);
    words[at + T_REFERENCE] = found;
    return found >> 1;
  }

  private find(words: Int32Array, at: number, zoneOriginal: number, zoneReply: number): number {
    return findConnection(
      this.core,
      words,
      at,
      words[at + TUPLE_SPORT]!,
      words[at + TUPLE_DPORT]!,
      words[at + TUPLE_PROTO]!,
      zoneOriginal,
      zoneReply,
    );
  }

  /** The tuple listed at `at` is the packet's own, in its original direction's zone. */
  private isOwn(words: Int32Array, at: number, addressWords: number): boolean {
    const { own } = this;
    if (words[at + T_SPORT] !== own[T_SPORT]) return false;
    for (let i = T_SADDR + 2 * addressWords - 1; i >= T_ZONE; i--) {
      if (words[at + i] !== own[i]) return false;
    }
    return true;
  }

  private isClosed(ct: number): boolean {
    const at = ct << RECORD_SHIFT;
    const { words } = this.core;
    if ((words[at + TUPLE_PROTO]! & 255) !== IPPROTO_TCP) return false;
    return words[at + C_STATE] === TCP_TIME_WAIT || words[at + C_STATE] === TCP_CLOSE;
  }
}

/** The tuple at `t` of the records is the one listed at `at`, in the zone that both directions of the latter are in. */
function isListedTuple(
  records: Int32Array,
  t: number,
  words: Int32Array,
  at: number,
  addressWords: number,
): boolean {
  if (
    records[t + TUPLE_SPORT] !== words[at + T_SPORT] ||
    records[t + TUPLE_DPORT] !== words[at + T_DPORT] ||
    records[t + TUPLE_PROTO] !== words[at + T_PROTO] ||
    records[t + TUPLE_ZONE] !== words[at + T_ZONE] ||
    words[at + T_ZONE] !== words[at + T_ZONE_REPLY]
  ) {
    return false;
  }
  for (let i = 0; i < addressWords; i++) {
    if (records[t + TUPLE_SADDR + i] !== words[at + T_SADDR + i]) return false;
    if (records[t + TUPLE_DADDR + i] !== words[at + T_SADDR + addressWords + i]) return false;
  }
  return true;
}
