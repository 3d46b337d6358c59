import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexChain } from '../../src/compile/build-index.ts';
import { type ChainIndex, type IndexedRule, MIN_INDEXED_RULES } from '../../src/compile/chain-index.ts';
import { probeIndex } from '../../src/compile/probe-index.ts';
import { RuleKeys } from '../../src/compile/rule-keys.ts';
import { INDEX_GREW, searchIndex } from '../../src/compile/search-index.loop.ts';
import { InterfaceTest } from '../../src/evaluate/runtime.ts';
import type { Host } from '../../src/host/types.ts';
import {
  R_CTINFO,
  R_DADDR,
  R_DPORT,
  R_IIF,
  R_L4PROTO,
  R_SADDR,
  REGISTER_COUNT,
} from '../../src/packet/registers.ts';

const REGISTERS = [R_SADDR, R_DADDR, R_L4PROTO, R_DPORT, R_CTINFO] as const;

const host = { interfaces: ['', 'eth0', 'eth1', 'lan'].map((name) => ({ name })) } as unknown as Host;
const interfaceTest = (name: string, inverted = false) =>
  new InterfaceTest({ name: name.replace('+', ''), wildcard: name.endsWith('+'), inverted }, host);

/** The candidates of a packet, list by list. */
function candidates(index: ChainIndex, r: Int32Array): number[][] {
  let end: number;
  let out: Int32Array;
  do {
    out = new Int32Array(2 * index.maxLists);
    end = searchIndex(index, r, out, 0);
  } while (end === INDEX_GREW);
  expect(end).toBeLessThanOrEqual(out.length);
  return Array.from({ length: end / 2 }, (_, k) => [...index.lists.subarray(out[2 * k], out[2 * k + 1])]);
}

/** A word that is often one of few, often near another, sometimes any, sometimes the highest or lowest. */
const word = fc.oneof(
  fc.integer({ min: 0, max: 7 }),
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  fc.constantFrom(-1, 0x7fffffff, -0x80000000),
);

const test = fc.oneof(
  fc.record({
    register: fc.constantFrom(...REGISTERS),
    mask: fc.constantFrom(-1, -8, -256, 0xff00 | 0, 1),
    value: word,
  }),
  fc.record({
    register: fc.constantFrom(...REGISTERS),
    bounds: fc.array(word, { minLength: 2, maxLength: 6 }),
  }),
);
type Test = { register: number; mask: number; value: number } | { register: number; bounds: number[] };

/** Pairs [lo, hi] that do not touch, made of any words. */
function pairsOf(bounds: readonly number[]): number[] {
  const sorted = bounds.map((one) => one >>> 0).sort((a, b) => a - b);
  const pairs: number[] = [];
  for (let i = 0; i + 1 < sorted.length; i += 2) {
    const last = pairs.length - 1;
    if (last > 0 && sorted[i]! <= pairs[last]! + 1) pairs[last] = sorted[i + 1]!;
    else pairs.push(sorted[i]!, sorted[i + 1]!);
  }
  return pairs;
}

function holds(one: Test, r: Int32Array): boolean {
  if ('mask' in one) return (r[one.register]! & one.mask) === (one.value & one.mask);
  const value = r[one.register]! >>> 0;
  const pairs = pairsOf(one.bounds);
  for (let i = 0; i < pairs.length; i += 2) if (value >= pairs[i]! && value <= pairs[i + 1]!) return true;
  return false;
}

const rule = fc.record({
  tests: fc.array(test, { maxLength: 3 }),
  iface: fc.option(fc.constantFrom('eth0', 'eth1', 'eth+', '!eth0'), { nil: undefined, freq: 4 }),
});

describe('the index of a chain', () => {
  it('offers every rule that could match, none twice, in order within a list', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: MIN_INDEXED_RULES, maxLength: 120 }),
        fc.array(fc.tuple(...REGISTERS.map(() => word), fc.nat({ max: 3 })), { minLength: 1, maxLength: 8 }),
        (drawn, packets) => {
          const tests = new Map<string, InterfaceTest>();
          for (const name of ['eth0', 'eth1', 'eth+']) tests.set(name, interfaceTest(name));
          tests.set('!eth0', interfaceTest('eth0', true));
          const rules: IndexedRule[] = drawn.map(({ tests: asked, iface }) => {
            const keys = new RuleKeys();
            for (const one of asked as Test[]) {
              if ('mask' in one) keys.addMasked(one.register, one.mask, one.value & one.mask);
              else keys.add(one.register, pairsOf(one.bounds));
            }
            return {
              keys: keys.keys,
              inInterface: tests.get(iface ?? ''),
              outInterface: undefined,
              depends: 0,
            };
          });
          const index = indexChain(rules);
          if (index === undefined) return;
          for (const values of packets) {
            const r = new Int32Array(REGISTER_COUNT);
            for (const [i, register] of REGISTERS.entries()) r[register] = values[i]!;
            r[R_IIF] = values.at(-1)!;
            const lists = candidates(index, r);
            for (const list of lists) expect(list).toEqual([...list].sort((a, b) => a - b));
            const offered = lists.flat();
            expect(new Set(offered).size).toBe(offered.length);
            const probes = { nodes: 0, candidates: 0 };
            probeIndex(index, r, probes);
            expect(probes.candidates).toBe(offered.length);
            expect(probes.nodes).toBeGreaterThan(0);
            for (const [i, { tests: asked, iface }] of drawn.entries()) {
              if (i < index.head) expect(offered).not.toContain(i);
              else if (
                asked.every((one) => holds(one, r)) &&
                (iface === undefined || tests.get(iface)!.test(r[R_IIF]!))
              ) {
                expect(offered).toContain(i);
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Rules by their keys: [register, lo, hi, …]. */
const keyed = (keys: (i: number) => number[][], count = 10_000): IndexedRule[] =>
  Array.from({ length: count }, (_, i) => ({
    keys: keys(i).map(([register, ...pairs]) => ({ register: register!, pairs })),
    inInterface: undefined,
    outInterface: undefined,
    depends: 0,
  }));

const packet = (words: Readonly<Record<number, number>>): Int32Array => {
  const r = new Int32Array(REGISTER_COUNT);
  for (const [register, value] of Object.entries(words)) r[Number(register)] = value;
  return r;
};

const most = (index: ChainIndex, packets: Int32Array[]): number =>
  Math.max(...packets.map((r) => candidates(index, r).flat().length));

const point = (register: number, value: number): number[] => [register, value, value];

describe('spares nearly all of 10,000 rules that say', () => {
  it('an address and a port', () => {
    const index = indexChain(keyed((i) => [point(R_DADDR, i), point(R_L4PROTO, 6), point(R_DPORT, 80)]))!;
    expect(candidates(index, packet({ [R_DADDR]: 1234, [R_DPORT]: 80 }))).toEqual([[1234]]);
    expect(candidates(index, packet({ [R_DADDR]: 10_000 }))).toEqual([]);
  });

  it('one of a few addresses and one of a few ports', () => {
    const rules = keyed((i) => [point(R_DADDR, i % 100), point(R_DPORT, Math.floor(i / 100))]);
    expect(candidates(indexChain(rules)!, packet({ [R_DADDR]: 7, [R_DPORT]: 42 }))).toEqual([[4207]]);
  });

  it('networks of all sizes on both sides', () => {
    const net = (register: number, address: number, length: number): number[] => {
      const size = 2 ** (32 - length);
      const lo = Math.floor(address / size) * size;
      return [register, lo, lo + size - 1];
    };
    const spread = (i: number): number => Math.imul(i, 0x9e3779b1) >>> 0;
    const index = indexChain(
      keyed((i) => [
        net(R_SADDR, spread(i), 16 + (i % 17)),
        net(R_DADDR, spread(~i), 16 + (Math.floor(i / 17) % 17)),
      ]),
    )!;
    const packets = Array.from({ length: 1000 }, (_, i) =>
      packet({ [R_SADDR]: spread(10 * i) | 0, [R_DADDR]: spread(~(10 * i)) | 0 }),
    );
    expect(most(index, packets)).toBeLessThan(12);
  });

  it('ranges of ports one on top of the other: those that hold the port are left, whatever their number', () => {
    const low = (i: number): number => Math.imul(i, 0x9e3779b1) >>> 16;
    const rules = keyed((i) => [[R_DPORT, low(i), Math.min(0xffff, low(i) + 1 + (i % 300))]]);
    const index = indexChain(rules)!;
    for (const port of [0, 80, 1000, 30_000, 65_535]) {
      const expected = rules.flatMap(({ keys: [key] }, i) =>
        key!.pairs[0]! <= port && key!.pairs[1]! >= port ? [i] : [],
      );
      const offered = candidates(index, packet({ [R_DPORT]: port })).flat();
      expect(offered.sort((a, b) => a - b)).toEqual(expected);
    }
    expect(index.lists.length).toBeLessThan(64 * rules.length);
  });

  it('wide ranges of addresses and of ports: the lists do not grow without end', () => {
    const wide = (register: number, i: number): number[] => {
      const lo = Math.imul(i + register, 0x9e3779b1) >>> 1;
      return [register, lo, lo + 1 + (Math.imul(i ^ register, 0x85ebca77) >>> 1)];
    };
    const index = indexChain(keyed((i) => [wide(R_SADDR, i), wide(R_DADDR, i), wide(R_DPORT, i)], 3000))!;
    expect(index.lists.length).toBeLessThan(80 * 3000);
  });

  it('the name of an interface, which may turn up later', () => {
    const names = ['', ...Array.from({ length: 200 }, (_, i) => `veth${i}`)];
    const interfaces = names.slice(0, 2).map((name) => ({ name }));
    const late = { interfaces } as unknown as Host;
    const rules = names.slice(1).map(
      (name): IndexedRule => ({
        keys: [],
        inInterface: new InterfaceTest({ name, wildcard: false, inverted: false }, late),
        outInterface: undefined,
        depends: 0,
      }),
    );
    // Rules in front that are about every packet are not in the index; here all are about an interface alone.
    const index = indexChain([
      ...rules,
      { keys: [], inInterface: undefined, outInterface: undefined, depends: 0 },
    ])!;
    interfaces.push(...names.slice(2).map((name) => ({ name })));
    expect(candidates(index, packet({ [R_IIF]: 150 }))).toEqual([[149], [200]]);
    expect(candidates(index, packet({ [R_IIF]: 0 }))).toEqual([[200]]);
  });
});

it('asks no index where nothing can be told apart', () => {
  expect(indexChain(keyed(() => [point(R_L4PROTO, 6)], 1000))).toBeUndefined();
  for (const count of [9, 17, 100]) expect(indexChain(keyed(() => [], count))).toBeUndefined();
  expect(indexChain(keyed((i) => [point(R_DADDR, i)], MIN_INDEXED_RULES - 1))).toBeUndefined();
});

it('leaves rules in front that ask for the state alone to be tried first', () => {
  const rules = keyed((i) => (i === 0 ? [[R_CTINFO, 0, 1, 3, 4]] : [point(R_DADDR, i)]), 100);
  const index = indexChain(rules)!;
  expect(index.head).toBe(1);
  expect(candidates(index, packet({ [R_DADDR]: 50 }))).toEqual([[50]]);
});
