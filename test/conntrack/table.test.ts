import { describe, expect, test } from 'vitest';
import {
  C_STATUS,
  HEADER_BYTES,
  RECORD_SHIFT,
  REPLY_STRIDE,
  TUPLE_ZONE,
} from '../../src/conntrack/layout.ts';
import { ConntrackTable } from '../../src/conntrack/table.ts';
import { invertTuple, protoWord, sameTuple, tupleHash } from '../../src/conntrack/tuple.ts';
import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT, TUPLE_WORDS } from '../../src/packet/conntrack-access.ts';
import { Dice } from './tcp-conversations.ts';

function fill(table: ConntrackTable, ct: number, dice: Dice): string {
  const w = table.words;
  const at = ct << RECORD_SHIFT;
  const family = dice.chance(70) ? 4 : 6;
  for (let i = 0; i < 8; i++) w[at + i] = family === 6 || i % 4 === 0 ? dice.below(4) : 0;
  w[at + TUPLE_SPORT] = dice.below(50);
  w[at + TUPLE_DPORT] = dice.below(3);
  w[at + TUPLE_PROTO] = protoWord(dice.pick([6, 17]), family);
  w[at + TUPLE_ZONE] = dice.below(2);
  invertTuple(w, at + REPLY_STRIDE, w, at);
  w[at + REPLY_STRIDE + TUPLE_ZONE] = w[at + TUPLE_ZONE]! + 2;
  return w.slice(at, at + TUPLE_WORDS).join(' ');
}

function find(table: ConntrackTable, words: Int32Array, at: number): number {
  const [sport, dport, proto, zone] = [TUPLE_SPORT, TUPLE_DPORT, TUPLE_PROTO, TUPLE_ZONE].map(
    (o) => words[at + o]!,
  );
  return table.find(
    words,
    at,
    sport!,
    dport!,
    proto!,
    zone!,
    tupleHash(words, at, sport!, dport!, proto!, zone!),
  );
}

describe('the connection table', () => {
  test('agrees with a map through random inserts and removals, and grows', () => {
    const dice = new Dice(5);
    const table = ConntrackTable.allocate(6000);
    const known = new Map<string, number>();
    for (let step = 0; step < 12_000; step++) {
      if (dice.chance(known.size < 3000 ? 75 : 45)) {
        const ct = table.allocateRecord();
        const key = fill(table, ct, dice);
        if (known.has(key)) {
          expect(find(table, table.words, ct << RECORD_SHIFT)).toBe(known.get(key)! << 1);
          table.freeRecord(ct);
        } else {
          table.insert(ct);
          known.set(key, ct);
        }
      } else if (known.size > 0) {
        const [key, ct] = [...known.entries()][dice.below(Math.min(known.size, 50))]!;
        expect(find(table, table.words, (ct << RECORD_SHIFT) + REPLY_STRIDE)).toBe((ct << 1) | 1);
        const words = table.words.slice(ct << RECORD_SHIFT, (ct + 1) << RECORD_SHIFT);
        table.remove(ct);
        known.delete(key);
        expect(find(table, words, 0)).toBe(-1);
        expect(find(table, words, REPLY_STRIDE)).toBe(-1);
        table.freeRecord(ct);
      }
    }
    expect(table.count).toBe(known.size);
    for (const ct of known.values()) expect(find(table, table.words, ct << RECORD_SHIFT)).toBe(ct << 1);
  });

  test('finds the latest of those with one tuple, whatever came and went', () => {
    const dice = new Dice(9);
    const table = ConntrackTable.allocate(6000);
    const byKey = new Map<string, number[]>();
    let entered = 0;
    for (let step = 0; step < 8000; step++) {
      if (dice.chance(70)) {
        const ct = table.allocateRecord();
        const key = fill(table, ct, dice);
        table.insert(ct);
        byKey.set(key, [...(byKey.get(key) ?? []), ct]);
        entered++;
      } else {
        const keys = [...byKey.keys()];
        if (keys.length === 0) continue;
        const key = dice.pick(keys);
        const [ct] = byKey.get(key)!.splice(dice.below(byKey.get(key)!.length), 1);
        if (byKey.get(key)!.length === 0) byKey.delete(key);
        table.remove(ct!);
        table.freeRecord(ct!);
      }
    }
    expect(entered).toBeGreaterThan(5000);
    expect([...byKey.values()].filter((all) => all.length > 1).length).toBeGreaterThan(100);
    for (const all of byKey.values())
      expect(find(table, table.words, all[0]! << RECORD_SHIFT) >> 1).toBe(all.at(-1));
  });

  test('is the same through another view of its buffer', () => {
    const table = ConntrackTable.allocate(100);
    const ct = table.allocateRecord();
    fill(table, ct, new Dice(1));
    table.words[(ct << RECORD_SHIFT) + C_STATUS] = 8;
    table.insert(ct);
    const other = ConntrackTable.from(table.buffer);
    expect(find(other, table.words, ct << RECORD_SHIFT)).toBe(ct << 1);
    expect(other.capacity).toBe(100);
    expect(() => ConntrackTable.from(new SharedArrayBuffer(HEADER_BYTES))).toThrow(/not a connection table/);
  });

  test('gives no record when it is full, and gives freed ones again', () => {
    const table = ConntrackTable.allocate(3);
    expect([0, 1, 2, 3].map(() => table.allocateRecord())).toEqual([0, 1, 2, -1]);
    table.freeRecord(1);
    expect(table.allocateRecord()).toBe(1);
  });
});

describe('tuples', () => {
  const make = (l4proto: number, family: number, sport: number, dport: number): Int32Array => {
    const t = new Int32Array(TUPLE_WORDS);
    t.set([1, 0, 0, 0, 2, 0, 0, 0, sport, dport, protoWord(l4proto, family)]);
    return t;
  };
  test('ports are exchanged, ICMP identifiers are not', () => {
    const out = new Int32Array(TUPLE_WORDS);
    expect(invertTuple(out, 0, make(6, 4, 1000, 80), 0)).toBe(true);
    expect([...out.slice(0, 11)]).toEqual([2, 0, 0, 0, 1, 0, 0, 0, 80, 1000, protoWord(6, 4)]);
    expect(invertTuple(out, 0, make(1, 4, 77, 8 << 8), 0)).toBe(true);
    expect([...out.slice(8, 10)]).toEqual([77, 0]);
    expect(invertTuple(out, 0, make(58, 6, 77, 129 << 8), 0)).toBe(true);
    expect(out[9]).toBe(128 << 8);
  });
  test.each([
    [1, 3],
    [1, 9],
    [1, 40],
    [58, 1],
    [58, 135],
    [58, 137],
  ])('protocol %i: nothing answers type %i', (l4proto, type) => {
    expect(
      invertTuple(new Int32Array(TUPLE_WORDS), 0, make(l4proto, l4proto === 1 ? 4 : 6, 1, type << 8), 0),
    ).toBe(false);
  });
  test('two inversions are none', () => {
    const t = make(17, 6, 5, 6);
    const once = new Int32Array(TUPLE_WORDS);
    const twice = new Int32Array(TUPLE_WORDS);
    invertTuple(once, 0, t, 0);
    invertTuple(twice, 0, once, 0);
    expect(sameTuple(t, 0, twice, 0)).toBe(true);
    expect(sameTuple(t, 0, once, 0)).toBe(false);
  });
});
