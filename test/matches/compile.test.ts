import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomWord } from '../../src/base/prng.ts';
import type { RuleEnvironment } from '../../src/extension/define.ts';
import type { Emitter } from '../../src/extension/emitter.ts';
import { Packet } from '../../src/packet/packet.ts';
import {
  R_CT,
  R_CTINFO,
  R_CTMARK,
  R_CTSTATUS,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_LENGTH,
  R_MARK,
  R_SADDR,
  R_SPORT,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
} from '../../src/packet/registers.ts';
import type { RuleMatch } from '../../src/ruleset/model.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';
import { readTFolder } from '../ruleset/t-file.ts';

/** What a match says to the compiler must hold exactly when it matches. Random registers from small sets decide. */

type Test = (r: Int32Array) => boolean;

/** An emitter that keeps the tests as functions: slow and obvious. */
class Recorder implements Emitter {
  readonly tests: Test[] = [];

  masked(register: number, mask: number, value: number): void {
    this.tests.push((r) => (r[register]! & mask) === value);
  }
  range(register: number, lo: number, hi: number): void {
    this.tests.push((r) => r[register]! >>> 0 >= lo && r[register]! >>> 0 <= hi);
  }
  ranges(register: number, pairs: readonly number[]): void {
    for (let i = 2; i < pairs.length; i += 2) expect(pairs[i]).toBeGreaterThan(pairs[i - 1]!);
    this.tests.push((r) => {
      for (let i = 0; i < pairs.length; i += 2) {
        if (r[register]! >>> 0 >= pairs[i]! && r[register]! >>> 0 <= pairs[i + 1]!) return true;
      }
      return false;
    });
  }
  not(body: (e: Emitter) => void): void {
    const inner = recorded(body);
    this.tests.push((r) => !inner(r));
  }
  anyOf(...bodies: ((e: Emitter) => void)[]): void {
    const inner = bodies.map(recorded);
    this.tests.push((r) => inner.some((holds) => holds(r)));
  }
  never(): void {
    this.tests.push(() => false);
  }
}

function recorded(body: (e: Emitter) => void): Test {
  const recorder = new Recorder();
  body(recorder);
  return (r) => recorder.tests.every((holds) => holds(r));
}

const PORTS = [0, 1, 5, 7, 8, 53, 69, 80, 81, 85, 90, 91, 443, 1024, 65535];
const SETS: Readonly<Record<number, readonly number[]>> = {
  [R_SPORT]: PORTS,
  [R_DPORT]: PORTS,
  [R_TCP_FLAGS]: [0, 1, 2, 16, 18, 20, 23, 63, 255],
  [R_ICMP_TYPE]: [0, 3, 5, 8, 11, 77, 128, 134, 135, 255],
  [R_ICMP_CODE]: [0, 1, 3, 4, 255],
  [R_TOS]: [0, 2, 4, 8, 16, 40, 0xb8, 0xb9, 0x28, 255],
  [R_TTL]: [0, 1, 2, 4, 5, 6, 64, 255],
  [R_LENGTH]: [20, 40, 1, 4, 5, 6, 16, 1500, 65535],
  [R_MARK]: [0, 1, 2, 3, 5, 8, 16, 0x10, 0xf0, -1],
  [R_CTMARK]: [0, 1, 2, 3, 16, -1],
  [R_CTSTATUS]: [0, 8, 16, 32, 48, 14, 8 + 128 + 256],
  [R_SADDR]: [0x01010100, 0x01010101, 0x01010105, 0x01010109, 0x0101010a, 0x0a000000, 0x14000000, -1],
  [R_DADDR]: [0x01010101, 0x02020202, 0x03030303, 0x03030304, -1],
};

/** Registers of packet number `n`. Transport registers are all there, or none of them as in a later fragment. */
function fill(p: Packet, n: number, family: 4 | 6, l4proto: number): void {
  const { r } = p;
  r.fill(0);
  r[R_FAMILY] = family;
  r[R_L4PROTO] = l4proto;
  let draw = 0;
  const pick = (values: readonly number[]) => values[randomWord(1, n, draw++) % values.length]!;
  for (const [register, values] of Object.entries(SETS)) r[Number(register)] = pick(values);
  const hasEntry = pick([0, 1, 1]) === 1;
  r[R_CT] = hasEntry ? pick([0, 7, 2_000_000]) : -1;
  r[R_CTINFO] = hasEntry ? pick([0, 1, 2, 3, 4]) : pick([-1, 7]);
  if (!hasEntry) {
    r[R_CTSTATUS] = 0;
    r[R_CTMARK] = 0;
  }
  const isLaterFragment = pick([0, 0, 0, 1]) === 1;
  p.l4Offset = isLaterFragment ? -1 : 20;
  p.l3Offset = 0;
  if (isLaterFragment) r[R_FRAG_OFFSET] = 1480;
  else r[R_LENGTH] = Math.max(40, r[R_LENGTH]!);
  const hasPorts = !isLaterFragment && [6, 17, 33, 132, 136].includes(l4proto);
  if (!hasPorts) r[R_SPORT] = r[R_DPORT] = -1;
  if (isLaterFragment || l4proto !== 6) r[R_TCP_FLAGS] = -1;
  if (isLaterFragment || (l4proto !== 1 && l4proto !== 58)) r[R_ICMP_TYPE] = r[R_ICMP_CODE] = -1;
}

interface Compilable {
  readonly id: string;
  readonly match: RuleMatch;
  readonly holds: Test;
  readonly family: 4 | 6;
  readonly l4proto: number;
}

const compilable: Compilable[] = [];
for (const one of [...readTFolder(import.meta.dirname).values()].flat()) {
  if (one.outcome !== 'OK') continue;
  const { ruleset } = parseRuleset(one.text, { family: one.family, file: join('t', one.id) });
  for (const rule of ruleset.tables[0]!.chains.find(({ name }) => name === one.chain)!.rules) {
    for (const match of rule.matches) {
      const environment = { family: one.family } as RuleEnvironment;
      const recorder = new Recorder();
      if (match.definition.compile?.(match.options, recorder, environment) !== true) continue;
      const holds: Test = (r) => recorder.tests.every((passes) => passes(r));
      const protocol = match.definition.syntax.protocol;
      compilable.push({
        id: one.id,
        match,
        holds,
        family: one.family,
        l4proto: protocol ?? (rule.protocol || 6),
      });
    }
  }
}

test('what is compiled holds exactly when the match matches', () => {
  const p = new Packet();
  const differences: string[] = [];
  for (const { id, match, holds, family, l4proto } of compilable) {
    for (let n = 0; n < 400; n++) {
      fill(p, n, family, l4proto);
      p.hotdrop = false;
      const wanted = match.definition.evaluate(match.options as never, p, {
        ct: { words: [], tupleAt: () => 0 },
      } as never);
      if (holds(p.r) !== wanted && !p.hotdrop) {
        differences.push(`${id} ${match.definition.name}: evaluate ${wanted}, packet ${n} ${p.r.join(' ')}`);
        break;
      }
    }
  }
  expect(compilable.length).toBeGreaterThan(150);
  expect(differences).toEqual([]);
});
