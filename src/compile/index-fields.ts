import type { InterfaceTest } from '../evaluate/runtime.ts';
import { R_IIF, R_OIF } from '../packet/registers.ts';
import type { IndexedRule } from './chain-index.ts';

/** Rules that are looked at to judge a field, at most: enough to tell hundreds from a few. */
const SAMPLE = 1024;

/** Something that rules of a chain may say: of a word of the packet, or of an interface. */
export type Field = WordField | InterfaceField;

/** What the builder asks of a field. */
interface Judged {
  readonly register: number;
  /** The rule says something of it that can be used to find it. */
  constrains(rule: number): boolean;
  /** How many of the rules would be left, on average, for a packet that is meant for one of them. */
  candidatesLeft(rules: Int32Array): number;
}

/** All that the rules of a chain say. */
export function fieldsOf(rules: readonly IndexedRule[]): Field[] {
  const words = new Map<number, WordField>();
  const input = new InterfaceField(R_IIF);
  const output = new InterfaceField(R_OIF);
  for (const [i, { keys, inInterface, outInterface }] of rules.entries()) {
    for (const { register, pairs } of keys) {
      let field = words.get(register);
      if (field === undefined) {
        field = new WordField(register);
        words.set(register, field);
      }
      field.pairs[i] = pairs;
    }
    input.add(i, inInterface);
    output.add(i, outInterface);
  }
  const interfaces = [input, output].filter(({ tests }) => tests.length > 0);
  return [...words.values(), ...interfaces];
}

/** A register, and the ranges of it that rules ask for. */
export class WordField implements Judged {
  readonly register: number;
  /** By rule: RuleKey.pairs, undefined for a rule that says nothing of the register. */
  readonly pairs: (readonly number[] | undefined)[] = [];

  constructor(register: number) {
    this.register = register;
  }

  constrains(rule: number): boolean {
    return this.pairs[rule] !== undefined;
  }

  candidatesLeft(rules: Int32Array): number {
    const stride = Math.ceil(rules.length / SAMPLE);
    const lows: number[] = [];
    const highs: number[] = [];
    let unconstrained = 0;
    let sampled = 0;
    for (let i = 0; i < rules.length; i += stride) {
      sampled++;
      const pairs = this.pairs[rules[i]!];
      if (pairs === undefined) unconstrained++;
      else {
        for (let k = 0; k < pairs.length; k += 2) {
          lows.push(pairs[k]!);
          highs.push(pairs[k + 1]!);
        }
      }
    }
    const scale = rules.length / sampled;
    if (lows.length === 0) return unconstrained * scale;
    return unconstrained * scale + 1 + (meanDepth(lows, highs) - 1) * scale;
  }

  /**
   * When each range of the rules is a block of one size (all are single words, or networks of one length): the mask that
   * leaves of a word what block it is in. Else 0.
   */
  commonMask(rules: Int32Array): number {
    let size = -1;
    for (const rule of rules) {
      const pairs = this.pairs[rule]!;
      for (let k = 0; k < pairs.length; k += 2) {
        const less = pairs[k + 1]! - pairs[k]!;
        if (size < 0) size = less;
        if (less !== size || ((less + 1) & less) !== 0 || (pairs[k]! & less) !== 0) return 0;
      }
    }
    return size < 0 ? -1 : ~size;
  }

  /** Each word at which a range of the rules begins, or behind which one ends. Ascending, each once. */
  bounds(rules: Int32Array): Uint32Array {
    const all: number[] = [];
    for (const rule of rules) {
      const pairs = this.pairs[rule]!;
      for (let k = 0; k < pairs.length; k += 2) {
        all.push(pairs[k]!);
        if (pairs[k + 1] !== 0xffffffff) all.push(pairs[k + 1]! + 1);
      }
    }
    const sorted = Uint32Array.from(all).sort();
    return sorted.filter((bound, i) => i === 0 || bound !== sorted[i - 1]);
  }
}

/** In how many of the ranges the lowest words of the ranges lie, on average. */
function meanDepth(lows: number[], highs: number[]): number {
  const begins = Float64Array.from(lows).sort();
  const ends = Float64Array.from(highs).sort();
  let sum = 0;
  let ended = 0;
  let begun = 0;
  for (const low of begins) {
    while (begun < begins.length && begins[begun]! <= low) begun++;
    while (ended < ends.length && ends[ended]! < low) ended++;
    sum += begun - ended;
  }
  return sum / begins.length;
}

/** The interface that a packet came in by, or leaves by. An inverted name finds nothing, and says nothing here. */
export class InterfaceField implements Judged {
  readonly register: number;
  readonly tests: (InterfaceTest | undefined)[] = [];

  constructor(register: number) {
    this.register = register;
  }

  add(rule: number, test: InterfaceTest | undefined): void {
    if (test !== undefined && !test.isInverted) this.tests[rule] = test;
  }

  constrains(rule: number): boolean {
    return this.tests[rule] !== undefined;
  }

  candidatesLeft(rules: Int32Array): number {
    const sizes = new Map<InterfaceTest, number>();
    let unconstrained = 0;
    for (const rule of rules) {
      const test = this.tests[rule];
      if (test === undefined) unconstrained++;
      else sizes.set(test, (sizes.get(test) ?? 0) + 1);
    }
    const constrained = rules.length - unconstrained;
    let sum = 0;
    for (const size of sizes.values()) sum += size * size;
    return unconstrained + (constrained === 0 ? 0 : sum / constrained);
  }
}
