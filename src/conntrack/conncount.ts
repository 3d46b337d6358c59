import { mix32 } from '../base/hash.ts';
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import type { ConntrackCore } from './core.ts';
import { C_REPLY, C_STATE, C_STATUS, RECORD_SHIFT, TUPLE_ZONE } from './layout.ts';
import { findConnection } from './lookup.ts';
import { TCP_CLOSE, TCP_TIME_WAIT } from './tcp-states.ts';
import { sameTuple } from './tuple.ts';

/**
 * How many connections there are of each key (connlimit's address or network): net/netfilter/nf_conncount.c.
 *
 * Each key keeps a list of the original tuples it has seen. Counting a packet drops from the list what is no
 * longer in the connection table and TCP connections that are closed, then adds the packet's own connection
 * unless it is there. The list is not checked twice within a jiffy for packets of connections that are not
 * confirmed yet, which can count one of them twice: so it does here, with jiffies of 4 ms (HZ=250) from the
 * run's base time.
 */
const JIFFY_NS = 4e6;
/** CONNCOUNT_GC_MAX_COLLECT: more dead tuples than this are left for the next time. */
const MAX_COLLECT = 64;

interface KeyList {
  readonly key: Int32Array;
  /** TUPLE_WORDS words each, the zone of the original direction in the last, of the reply one in `zones`. */
  tuples: Int32Array;
  zones: Int32Array;
  count: number;
  lastGc: number;
  lastGcCount: number;
}

export class Conncount {
  private readonly core: ConntrackCore;
  private readonly lists = new Map<number, KeyList[]>();
  private readonly zoneTuple = new Int32Array(TUPLE_WORDS);
  private scratchZoneReply = 0;

  constructor(core: ConntrackCore) {
    this.core = core;
  }

  /**
   * nf_conncount_count_skb(): the number of connections of a key, counting the packet's own. `ct` is the packet's
   * entry, or -1 with the packet's tuple at `at` of `words`.
   */
  count(key: Int32Array, keyWords: number, ct: number, words: Int32Array, at: number): number {
    const { core } = this;
    let entry = ct;
    if (entry < 0) {
      const found = this.find(words, at, 0, 0);
      if (found >= 0) entry = found >> 1;
    }
    // get_ct_or_tuple_from_skb(): a packet that conntrack did not attach counts with the tuple it has itself, even
    // where that is a connection's reply tuple; the connection's status counts all the same.
    const tuple = this.zoneTuple;
    for (let i = 0; i < TUPLE_WORDS; i++) tuple[i] = words[at + i]!;
    this.scratchZoneReply = ct >= 0 ? core.words[(ct << RECORD_SHIFT) + C_REPLY + TUPLE_ZONE]! : 0;

    const list = this.listOf(key, keyWords);
    const jiffy = Math.floor(core.nowNs / JIFFY_NS);
    if (list.count < 0) {
      list.count = 0;
      list.lastGc = jiffy;
      this.add(list);
      return 1;
    }
    const status = entry >= 0 ? core.words[(entry << RECORD_SHIFT) + C_STATUS]! : 0;
    if ((status & IPS_CONFIRMED) !== 0 && (status & IPS_ASSURED) !== 0) {
      if (jiffy !== list.lastGc) this.collect(list, jiffy, false);
      return list.count;
    }
    const mayAddUnchecked =
      (status & IPS_CONFIRMED) === 0 && jiffy === list.lastGc && list.count - list.lastGcCount < MAX_COLLECT;
    if (!mayAddUnchecked && this.collect(list, jiffy, true)) return list.count;
    this.add(list);
    return list.count;
  }

  /**
   * Takes dead tuples off the list. With `searching` it stops, and gives true, when the packet's own tuple is on
   * the list already.
   */
  private collect(list: KeyList, jiffy: number, searching: boolean): boolean {
    let collected = 0;
    let kept = 0;
    let present = false;
    let i = 0;
    for (; i < list.count; i++) {
      if (collected > MAX_COLLECT || present) break;
      const at = i * TUPLE_WORDS;
      const found = this.find(list.tuples, at, list.tuples[at + TUPLE_ZONE]!, list.zones[i]!);
      if (found < 0) {
        collected++;
        continue;
      }
      const isOwn =
        searching &&
        sameTuple(list.tuples, at, this.zoneTuple, 0) &&
        list.tuples[at + TUPLE_ZONE] === this.zoneTuple[TUPLE_ZONE];
      if (isOwn) present = true;
      else if (this.isClosed(found >> 1)) {
        collected++;
        continue;
      }
      this.move(list, i, kept++);
    }
    for (; i < list.count; i++) this.move(list, i, kept++);
    list.count = kept;
    if (!present) {
      list.lastGc = jiffy;
      list.lastGcCount = kept;
    }
    return present;
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

  private isClosed(ct: number): boolean {
    const at = ct << RECORD_SHIFT;
    const { words } = this.core;
    if ((words[at + TUPLE_PROTO]! & 255) !== IPPROTO_TCP) return false;
    return words[at + C_STATE] === TCP_TIME_WAIT || words[at + C_STATE] === TCP_CLOSE;
  }

  private move(list: KeyList, from: number, to: number): void {
    if (from === to) return;
    list.tuples.copyWithin(to * TUPLE_WORDS, from * TUPLE_WORDS, (from + 1) * TUPLE_WORDS);
    list.zones[to] = list.zones[from]!;
  }

  private add(list: KeyList): void {
    if (list.count === list.zones.length) {
      const tuples = new Int32Array(2 * list.tuples.length);
      tuples.set(list.tuples);
      list.tuples = tuples;
      const zones = new Int32Array(2 * list.zones.length);
      zones.set(list.zones);
      list.zones = zones;
    }
    list.tuples.set(this.zoneTuple, list.count * TUPLE_WORDS);
    list.zones[list.count] = this.scratchZoneReply;
    list.count++;
  }

  /** The list of a key; a new one has a count of -1. */
  private listOf(key: Int32Array, keyWords: number): KeyList {
    let hash = 0;
    for (let i = 0; i < keyWords; i++) hash = mix32(hash ^ key[i]! ^ Math.imul(i + 1, 0x9e3779b1));
    let lists = this.lists.get(hash);
    if (lists === undefined) {
      lists = [];
      this.lists.set(hash, lists);
    }
    for (const list of lists) {
      let same = true;
      for (let i = 0; i < keyWords; i++) same &&= list.key[i] === key[i];
      // An emptied list is as good as none: the kernel frees it, and the next packet makes it anew.
      if (same) return list;
    }
    const list: KeyList = {
      key: key.slice(0, keyWords),
      tuples: new Int32Array(4 * TUPLE_WORDS),
      zones: new Int32Array(4),
      count: -1,
      lastGc: 0,
      lastGcCount: 0,
    };
    lists.push(list);
    return list;
  }
}
