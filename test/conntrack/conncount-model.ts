import type { ConntrackCore } from '../../src/conntrack/core.ts';
import { C_REPLY, C_STATE, C_STATUS, RECORD_SHIFT, TUPLE_ZONE } from '../../src/conntrack/layout.ts';
import { findConnection } from '../../src/conntrack/lookup.ts';
import { TCP_CLOSE, TCP_TIME_WAIT } from '../../src/conntrack/tcp-states.ts';
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../../src/packet/conntrack-access.ts';

interface Listed {
  readonly words: Int32Array;
  readonly zoneReply: number;
}

interface List {
  tuples: Listed[];
  lastGc: number;
  lastGcCount: number;
}

/** What Conncount answers, over plain arrays: it asks the connection table for each tuple, each time. */
export class ConncountModel {
  private readonly core: ConntrackCore;
  private readonly lists = new Map<string, List>();
  /** Tuples of the longest list there ever was; lists that were emptied; walks that ended with some dead tuples left. */
  longest = 0;
  emptied = 0;
  leftForLater = 0;

  constructor(core: ConntrackCore) {
    this.core = core;
  }

  count(key: Int32Array, keyWords: number, ct: number, words: Int32Array, at: number): number {
    const { core } = this;
    const own: Listed = {
      words: words.slice(at, at + TUPLE_WORDS),
      zoneReply: ct >= 0 ? core.words[(ct << RECORD_SHIFT) + C_REPLY + TUPLE_ZONE]! : 0,
    };
    const entry = ct >= 0 ? ct : this.find(own.words, 0, 0);
    const status = entry >= 0 ? core.words[(entry << RECORD_SHIFT) + C_STATUS]! : 0;
    const jiffy = Math.floor(core.nowNs / 4e6);
    const name = key.slice(0, keyWords).join(' ');
    const list = this.lists.get(name);
    if (list === undefined) {
      this.lists.set(name, { tuples: [own], lastGc: jiffy, lastGcCount: 0 });
      return 1;
    }
    const isConfirmed = (status & IPS_CONFIRMED) !== 0;
    if (isConfirmed && (status & IPS_ASSURED) !== 0) {
      if (jiffy !== list.lastGc) this.collect(list, jiffy, undefined);
      return list.tuples.length;
    }
    const unchecked = !isConfirmed && jiffy === list.lastGc && list.tuples.length - list.lastGcCount < 64;
    if (!unchecked && this.collect(list, jiffy, own)) return list.tuples.length;
    list.tuples.push(own);
    this.longest = Math.max(this.longest, list.tuples.length);
    return list.tuples.length;
  }

  private collect(list: List, jiffy: number, own: Listed | undefined): boolean {
    const kept: Listed[] = [];
    let collected = 0;
    let isPresent = false;
    for (const tuple of list.tuples) {
      if (collected > 64 || isPresent) {
        if (!isPresent) this.leftForLater++;
        kept.push(tuple);
        continue;
      }
      const ct = this.find(tuple.words, tuple.words[TUPLE_ZONE]!, tuple.zoneReply);
      if (ct >= 0 && own !== undefined && tuple.words.join() === own.words.join()) isPresent = true;
      else if (ct < 0 || this.isClosed(ct)) {
        collected++;
        continue;
      }
      kept.push(tuple);
    }
    if (kept.length === 0 && list.tuples.length > 0) this.emptied++;
    list.tuples = kept;
    if (!isPresent) {
      list.lastGc = jiffy;
      list.lastGcCount = kept.length;
    }
    return isPresent;
  }

  private find(words: Int32Array, zoneOriginal: number, zoneReply: number): number {
    const [sport, dport, proto] = [words[TUPLE_SPORT]!, words[TUPLE_DPORT]!, words[TUPLE_PROTO]!];
    return findConnection(this.core, words, 0, sport, dport, proto, zoneOriginal, zoneReply) >> 1;
  }

  private isClosed(ct: number): boolean {
    const words = this.core.words.subarray(ct << RECORD_SHIFT);
    const state = words[C_STATE]!;
    return (words[TUPLE_PROTO]! & 255) === 6 && (state === TCP_TIME_WAIT || state === TCP_CLOSE);
  }
}
