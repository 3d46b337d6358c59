/**
 * connlimit's counts against a plain model of them. Two connection tables live through the same random life; the class
 * counts on one, the model on the other, and what they answer and what becomes of the tables must be the same. SEED=n
 * begins at seed n, COUNT=n takes so many.
 */

import { describe, expect, test } from 'vitest';
import { Conncount } from '../../src/conntrack/conncount.ts';
import { ConntrackCore } from '../../src/conntrack/core.ts';
import {
  C_STATE,
  C_STATUS,
  C_TIMEOUT,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from '../../src/conntrack/layout.ts';
import { findOwnTuple } from '../../src/conntrack/lookup.ts';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_SYN_SENT, TCP_TIME_WAIT } from '../../src/conntrack/tcp-states.ts';
import { invertTuple, protoWord } from '../../src/conntrack/tuple.ts';
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DYING,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../../src/packet/conntrack-access.ts';
import { ConncountModel } from './conncount-model.ts';
import { stubHost } from './harness.ts';
import { Dice } from './tcp-conversations.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 24);
const CAPACITY = 700;
const JIFFY_NS = 4e6;

/** A connection table and who counts on it. */
class World {
  readonly core = new ConntrackCore(stubHost(), CAPACITY, false);
  readonly counter: Conncount | ConncountModel;

  constructor(makeCounter: (core: ConntrackCore) => Conncount | ConncountModel) {
    this.counter = makeCounter(this.core);
  }

  begin(tuple: Int32Array, zoneReply: number, lifeNs: number): number {
    const { core } = this;
    const ct = core.table.allocateRecord();
    if (ct < 0) return ct;
    const at = ct << RECORD_SHIFT;
    core.words.set(tuple, at);
    invertTuple(core.words, at + REPLY_STRIDE, core.words, at);
    core.words[at + REPLY_STRIDE + TUPLE_ZONE] = zoneReply;
    core.words[at + C_STATE] = TCP_SYN_SENT;
    core.floats[(at + C_TIMEOUT) >> 1] = lifeNs;
    return ct;
  }

  /** confirmConnection(), without a packet. */
  confirm(ct: number): void {
    const { core } = this;
    const at = ct << RECORD_SHIFT;
    const hashes = [core.table.hashOf(ct, 0), core.table.hashOf(ct, 1)] as const;
    if (findOwnTuple(core, ct, 0, hashes[0]) >= 0 || findOwnTuple(core, ct, 1, hashes[1]) >= 0) {
      core.releaseUnconfirmed(ct);
      return;
    }
    core.floats[(at + C_TIMEOUT) >> 1]! += core.nowNs;
    core.words[at + C_STATUS]! |= IPS_CONFIRMED;
    core.table.insert(ct, ...hashes);
  }
}

/** What a seed's life is like. */
interface Climate {
  readonly family: 4 | 6;
  readonly keys: number;
  readonly ports: number;
  readonly zones: 'none' | 'some' | 'split';
  /** Connections that the dice keep alive, roughly. */
  readonly crowd: number;
  /** How often, in a thousand steps, time goes on. */
  readonly pace: number;
}

function climate(dice: Dice): Climate {
  const isCrowded = dice.chance(40);
  const zones = dice.pick(['none', 'some', 'split'] as const);
  return {
    family: dice.chance(60) ? 4 : 6,
    keys: isCrowded ? 2 : dice.pick([3, 40, 400]),
    ports: zones === 'split' ? dice.pick([3, 3, 20]) : dice.pick([3, 20, 400]),
    zones,
    crowd: isCrowded ? 500 : 60,
    pace: isCrowded ? dice.pick([4, 20]) : 150,
  };
}

function randomTuple(dice: Dice, { family, ports, zones }: Climate): Int32Array {
  const tuple = new Int32Array(TUPLE_WORDS);
  for (let i = 0; i < 8; i++) if (family === 6 || i % 4 === 0) tuple[i] = dice.below(2);
  // Among few ports, those of a connection's answers are soon another connection's own.
  tuple[TUPLE_SPORT] = dice.below(ports);
  tuple[TUPLE_DPORT] = dice.below(3);
  tuple[TUPLE_PROTO] = protoWord(dice.pick([6, 6, 17]), family);
  tuple[TUPLE_ZONE] = zones === 'none' ? 0 : dice.below(2);
  return tuple;
}

/** Plays a seed; gives what the model went through. */
function play(seed: number): ConncountModel {
  const dice = new Dice(seed);
  const weather = climate(dice);
  const ours = new World((core) => new Conncount(core));
  const model = new World((core) => new ConncountModel(core));
  const worlds = [ours, model];
  const { words } = ours.core;
  const keyWords = weather.family === 4 ? 2 : 5;
  const key = new Int32Array(5);
  const alive: number[] = [];
  let nowNs = -50 * JIFFY_NS;

  const count = (ct: number, tuple: Int32Array): string => {
    key.fill(0);
    key[dice.below(keyWords)] = dice.below(weather.keys);
    const [a, b] = worlds.map(({ core, counter }) =>
      ct >= 0
        ? counter.count(key, keyWords, ct, core.words, ct << RECORD_SHIFT)
        : counter.count(key, keyWords, -1, tuple, 0),
    );
    return a === b ? '' : `seed ${seed}: we count ${a}, the model ${b}`;
  };

  for (let step = 0; step < 2500; step++) {
    if (dice.below(1000) < weather.pace) {
      nowNs += dice.pick([
        1,
        JIFFY_NS / 3,
        JIFFY_NS,
        3 * JIFFY_NS,
        dice.below(100) === 0 ? 1e18 : 30 * JIFFY_NS,
      ]);
    }
    for (const { core } of worlds) core.nowNs = nowNs;
    const ct = alive.length > 0 ? dice.pick(alive) : -1;
    const status = ct >= 0 ? words[(ct << RECORD_SHIFT) + C_STATUS]! : 0;
    const isLive = ct >= 0 && (status & IPS_DYING) === 0;
    const isNew = !isLive || dice.chance(alive.length < weather.crowd ? 50 : 5);
    if (isNew) {
      const tuple = randomTuple(dice, weather);
      const zoneReply = weather.zones === 'split' && dice.chance(40) ? dice.below(3) : tuple[TUPLE_ZONE]!;
      const lifeNs = dice.pick([2, 20, 200, 2000]) * JIFFY_NS;
      const [begun, same] = worlds.map((world) => world.begin(tuple, zoneReply, lifeNs));
      expect(begun).toBe(same);
      if (begun! < 0) break;
      alive.push(begun!);
      // As a packet does that begins a connection; it may be dropped before it is confirmed.
      expect(count(begun!, tuple)).toBe('');
      if (dice.chance(90)) for (const world of worlds) world.confirm(begun!);
      else if (dice.chance(80)) for (const { core } of worlds) core.releaseUnconfirmed(begun!);
    } else if (dice.chance(45)) {
      expect(count(ct, words.slice(ct << RECORD_SHIFT))).toBe('');
    } else if (dice.chance(15)) {
      // A packet that conntrack has not attached.
      const known = words.slice((ct << RECORD_SHIFT) + dice.below(2) * REPLY_STRIDE).subarray(0, TUPLE_WORDS);
      const tuple = dice.chance(70) ? known : randomTuple(dice, weather);
      tuple[TUPLE_ZONE] = 0;
      expect(count(-1, tuple)).toBe('');
    } else if (dice.chance(alive.length > weather.crowd ? 45 : 5)) {
      // One dies, or many at once.
      const dead = dice.chance(10) ? alive.filter(() => dice.chance(80)) : [ct];
      const how = dice.below(3);
      for (const { core } of worlds) {
        for (const one of dead) {
          const at = one << RECORD_SHIFT;
          if ((core.words[at + C_STATUS]! & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) continue;
          if (how === 0) core.kill(one);
          else if (how === 1) core.floats[(at + C_TIMEOUT) >> 1] = nowNs;
          else core.words[at + C_STATE] = TCP_TIME_WAIT;
        }
      }
    } else {
      const bit = dice.chance(60) ? IPS_ASSURED : 0;
      const state = dice.pick([TCP_ESTABLISHED, TCP_ESTABLISHED, TCP_ESTABLISHED, TCP_TIME_WAIT, TCP_CLOSE]);
      for (const { core } of worlds) {
        const at = ct << RECORD_SHIFT;
        core.words[at + C_STATUS]! |= bit;
        core.words[at + C_STATE] = state;
      }
    }
    for (let i = alive.length - 1; i >= 0; i--) {
      if ((words[(alive[i]! << RECORD_SHIFT) + C_STATUS]! & IPS_DYING) !== 0) alive.splice(i, 1);
    }
  }
  const high = ours.core.table.high << RECORD_SHIFT;
  expect(ours.core.table.header).toEqual(model.core.table.header);
  expect(words.subarray(0, high)).toEqual(model.core.words.subarray(0, high));
  expect(ours.core.table.index).toEqual(model.core.table.index);
  return model.counter as ConncountModel;
}

describe('connlimit', () => {
  test('counts as the plain model does, and leaves the same table behind', () => {
    const lives = Array.from({ length: COUNT }, (_, i) => play(FIRST + i));
    // The dice have thrown what is to be tried.
    if (COUNT < 24) return;
    expect(Math.max(...lives.map((life) => life.longest))).toBeGreaterThan(200);
    expect(lives.some((life) => life.emptied > 10)).toBe(true);
    expect(lives.some((life) => life.leftForLater > 0)).toBe(true);
  });
});
