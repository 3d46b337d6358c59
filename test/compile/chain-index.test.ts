import fc from 'fast-check';
import { expect, it } from 'vitest';
import { indexChain, type KeyTest, MIN_INDEXED_RULES, probeGroup } from '../../src/compile/chain-index.ts';
import { R_DADDR, R_DPORT, R_L4PROTO, R_SADDR, REGISTER_COUNT } from '../../src/packet/registers.ts';

const REGISTERS = [R_SADDR, R_DADDR, R_L4PROTO, R_DPORT];

const keyTest = fc.record({
  register: fc.constantFrom(...REGISTERS),
  mask: fc.constantFrom(-1, -1, 0xff00 | 0, 1, 0),
  value: fc.integer({ min: 0, max: 3 }),
});

const mayMatch = (tests: readonly KeyTest[], r: Int32Array): boolean =>
  tests.every(({ register, mask, value }) => (r[register]! & mask) === (value & mask));

it('offers every rule that could match, each once, in order within a key', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(keyTest, { maxLength: 3 }), { minLength: MIN_INDEXED_RULES, maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 }),
      (unmasked, values) => {
        const rules = unmasked.map((tests) =>
          tests.map((test) => ({ ...test, value: test.value & test.mask })),
        );
        const index = indexChain(rules);
        if (index === undefined) return;
        const r = new Int32Array(REGISTER_COUNT);
        for (const [i, register] of REGISTERS.entries()) r[register] = values[i]!;
        const offered = [...index.lists.subarray(0, index.allCount)];
        for (const group of index.groups) {
          const key = probeGroup(group, r);
          if (key < 0) continue;
          const list = [...index.lists.subarray(group.starts[key]!, group.starts[key + 1]!)];
          expect(list).toEqual([...list].sort((a, b) => a - b));
          offered.push(...list);
        }
        expect(new Set(offered).size).toBe(offered.length);
        for (const [i, tests] of rules.entries()) {
          if (mayMatch(tests, r)) expect(offered).toContain(i);
        }
      },
    ),
  );
});

it('spares nearly all of a long chain of exact rules', () => {
  const rules = Array.from({ length: 10_000 }, (_, i) => [
    { register: R_DADDR, mask: -1, value: i },
    { register: R_DPORT, mask: -1, value: 80 },
  ]);
  const index = indexChain(rules)!;
  const r = new Int32Array(REGISTER_COUNT);
  r[R_DADDR] = 1234;
  r[R_DPORT] = 80;
  expect(index.allCount).toBe(0);
  expect(index.groups).toHaveLength(1);
  const [group] = index.groups;
  const key = probeGroup(group!, r);
  expect([...index.lists.subarray(group!.starts[key]!, group!.starts[key + 1]!)]).toEqual([1234]);
});
