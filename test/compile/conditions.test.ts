import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/base/arena.ts';
import { allocateBatchIn, arenaBytes } from '../../src/batch/batch.ts';
import { kernelsOf } from '../../src/batch/kernels.ts';
import { CONDITION_REGISTERS } from '../../src/compile/condition-boxes.ts';
import { CONDITIONS_PACKET } from '../../src/compile/condition-layout.ts';
import { ConditionSet } from '../../src/compile/conditions.ts';
import { Dependence } from '../../src/compile/dependence.ts';
import { type RuleKey, RuleKeys } from '../../src/compile/rule-keys.ts';
import { R_DADDR, R_DPORT, R_L4PROTO, R_SADDR, R_SPORT } from '../../src/packet/registers.ts';

const REGISTERS = [R_SADDR, R_DADDR, R_L4PROTO, R_SPORT, R_DPORT] as const;

/** A word that is often one of few, sometimes near the ends. */
const word = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.constantFrom(-1, -2, 0x7fffffff, -0x80000000, 0xffff),
);

const key: fc.Arbitrary<RuleKey> = fc
  .tuple(fc.constantFrom(...REGISTERS), fc.array(word, { minLength: 1, maxLength: 4 }))
  .map(([register, bounds]) => {
    const sorted = [...new Set(bounds.map((one) => one >>> 0))].sort((a, b) => a - b);
    if (sorted.length % 2 === 1) sorted.push(sorted.at(-1)!);
    return { register, pairs: sorted };
  });

/** Keys of several registers, each once. */
const rule = fc
  .array(key, { minLength: 2, maxLength: 6 })
  .map((keys) => keys.filter(({ register }, i) => keys.findIndex((one) => one.register === register) === i));

function holds(keys: readonly RuleKey[], r: Int32Array): boolean {
  return keys.every(({ register, pairs }) => {
    const value = r[register]! >>> 0;
    for (let i = 0; i < pairs.length; i += 2) if (value >= pairs[i]! && value <= pairs[i + 1]!) return true;
    return false;
  });
}

function registers(words: readonly number[]): Int32Array {
  const r = new Int32Array(CONDITION_REGISTERS);
  for (const [i, register] of REGISTERS.entries()) r[register] = words[i]!;
  return r;
}

/** An arena, and what the kernel says of a set that was moved there. */
function kernelIn(arena: Arena) {
  const kernels = kernelsOf(allocateBatchIn(arena))!;
  return (place: number, r: Int32Array): number => {
    new Int32Array(arena.buffer, place + CONDITIONS_PACKET, CONDITION_REGISTERS).set(r);
    return kernels.conditionsOf(place);
  };
}

/** Rules `-s NET -d ADDRESS --dport PORT`, or the like, noted as the compiler does. */
function noted(dependence: Dependence, tests: readonly (readonly [number, number, number])[]): number {
  const keys = new RuleKeys();
  for (const [register, mask, value] of tests) {
    dependence.masked(register, mask, value, true);
    keys.addMasked(register, mask, value);
  }
  return dependence.rule(keys.keys);
}

describe('the conditions of rules', () => {
  it('have one number for packets for which the same rules hold, and another for others', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 40 }),
        fc.array(fc.tuple(word, word, word, word, word), { minLength: 2, maxLength: 30 }),
        (rules, packets) => {
          const set = new ConditionSet(rules);
          const single = rules.every((keys) => keys.every(({ pairs }) => pairs.length === 2));
          const heldBy = new Map<number, string>();
          const numbers = new Map<string, number>();
          for (const words of packets) {
            const r = registers(words);
            const number = set.numberOf(r);
            const held = rules.flatMap((keys, i) => (holds(keys, r) ? [i] : [])).join();
            expect(number === 0).toBe(held === '');
            expect(heldBy.get(number) ?? held).toBe(held);
            heldBy.set(number, held);
            // Of a rule with several boxes, different ones may hold.
            if (single) expect(numbers.get(held) ?? number).toBe(number);
            numbers.set(held, number);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('have the same number for the kernel, or none', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(word, word, word, word, word), { minLength: 2, maxLength: 30 }),
        (rules, packets) => {
          const arena = Arena.allocate(arenaBytes(1) + (1 << 20))!;
          const ask = kernelIn(arena);
          const set = new ConditionSet(rules);
          const alone = new ConditionSet(rules);
          const place = set.moveInto(arena);
          expect(place).toBeGreaterThan(0);
          for (const words of packets) {
            const r = registers(words);
            const before = ask(place, r);
            const number = set.numberOf(r);
            expect(number).toBe(alone.numberOf(r));
            // Of several boxes the kernel knows only combinations that have come up.
            expect(before === -1 ? number > set.count : before === number).toBe(true);
            expect(ask(place, r)).toBe(number);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are few where addresses and ports are many', () => {
    const dependence = new Dependence();
    const bits = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      bits.add(
        noted(dependence, [
          [R_SADDR, -0x1000000 >> (i % 9), (i % 200) << 24],
          [R_DADDR, -1, i >> 1],
          [R_DPORT, -1, i % 7],
        ]),
      );
    }
    expect(bits.size).toBe(1);
    const { partitions, conditions } = dependence.classes!;
    expect(partitions.every(({ count }) => count === 1)).toBe(true);
    const found = new Set<number>();
    for (let i = 0; i < 20_000; i++)
      found.add(conditions!.numberOf(registers([0x63000000 + i, i % 100, 6, 1, 5])));
    expect(found.size).toBeLessThan(30);
  });

  it('are about the protocol of a service as well', () => {
    const dependence = new Dependence();
    for (const [l4proto, dport] of [
      [6, 53],
      [17, 53],
      [6, 80],
    ] as const) {
      noted(dependence, [
        [R_DADDR, -1, 7],
        [R_L4PROTO, -1, l4proto],
        [R_DPORT, -1, dport],
      ]);
    }
    const { conditions } = dependence.classes!;
    const number = (l4proto: number, dport: number) =>
      conditions!.numberOf(registers([1, 7, l4proto, 9, dport]));
    expect(number(17, 80)).toBe(0);
    expect(number(6, 443)).toBe(0);
    expect(new Set([number(6, 53), number(17, 53), number(6, 80), 0]).size).toBe(4);
  });

  it('are left to classes of each field where very many hold for one packet', () => {
    const dependence = new Dependence();
    for (let i = 0; i < 500; i++) {
      const pairs = [0, 100 + i];
      dependence.ranges(R_SADDR, pairs, true);
      dependence.ranges(R_DADDR, pairs, true);
      dependence.rule([
        { register: R_L4PROTO, pairs: [6, 6] },
        { register: R_SADDR, pairs },
        { register: R_DADDR, pairs },
      ]);
    }
    const { partitions, conditions, conditionBits } = dependence.classes!;
    expect(conditions).toBeUndefined();
    expect(conditionBits).toBe(1 | 16);
    expect(partitions[0]!.classOf(100)).toBe(partitions[0]!.classOf(0));
    expect(partitions[0]!.classOf(101)).not.toBe(partitions[0]!.classOf(100));
  });

  it('are not asked about rules that look at one field, or that no keys describe', () => {
    const dependence = new Dependence();
    expect(noted(dependence, [[R_DPORT, -1, 80]])).toBe(1 << 9);
    dependence.masked(R_SADDR, -256, 0x0a000000, true);
    dependence.masked(R_DADDR, -1, 7, false);
    expect(dependence.rule([{ register: R_SADDR, pairs: [0x0a000000, 0x0a0000ff] }])).toBe(1 | 16);
    const { partitions, conditions } = dependence.classes!;
    expect(conditions).toBeUndefined();
    expect(partitions[4]!.classOf(7)).not.toBe(partitions[4]!.classOf(8));
  });
});
