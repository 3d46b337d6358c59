import { uintPrefix } from '../extension/numbers.ts';
import type { OptionCall } from '../extension/syntax.ts';

/**
 * The little language of `-m u32`: tests joined by `&&`; each a location (a number, then `&`, `<<`, `>>` and `@`
 * with a number each), `=`, and values or ranges of values separated by commas. Phrases: extensions/libxt_u32.c.
 */
export type Operator = '&' | '<<' | '>>' | '@';

export interface U32Test {
  /** Where the first word is read. */
  readonly start: number;
  readonly steps: readonly { readonly operator: Operator; readonly number: number }[];
  /** Pairs of lowest and highest value. */
  readonly values: readonly (readonly [number, number])[];
}

/** XT_U32_MAXSIZE less one: tests, numbers in a location, and ranges of values. */
const MAX_PARTS = 10;

interface BuildingTest {
  start: number | undefined;
  steps: { operator: Operator; number: number }[];
  values: [number, number][];
}

const emptyTest = (): BuildingTest => ({ start: undefined, steps: [], values: [] });

export function parseU32(text: string, call: OptionCall): U32Test[] {
  const reader = new Reader(text, call);
  const tests: U32Test[] = [];
  let test = emptyTest();
  let readsValues = false;
  for (;;) {
    reader.skipBlanks();
    if (reader.atEnd) {
      if (!readsValues) call.fail('u32: abrupt end of input after location specifier');
      if (test.values.length === 0) call.fail('u32: test ended with no value specified');
      tests.push(finished(test));
      if (tests.length > MAX_PARTS) reader.fail('too many "&&"s');
      return tests;
    }
    if (!readsValues) {
      if (reader.take('=')) {
        if (test.start === undefined) reader.fail('location spec missing', -1);
        readsValues = true;
      } else {
        readLocation(reader, test);
      }
    } else if (reader.take('&')) {
      if (!reader.take('&')) reader.fail("a second '&' was expected");
      if (test.values.length === 0) reader.fail('value spec missing', -1);
      tests.push(finished(test));
      if (tests.length > MAX_PARTS) reader.fail('too many "&&"s', -1);
      test = emptyTest();
      readsValues = false;
    } else {
      readValue(reader, test);
    }
  }
}

function finished(test: BuildingTest): U32Test {
  return { start: test.start!, steps: test.steps, values: test.values };
}

function readLocation(reader: Reader, test: BuildingTest): void {
  if (test.start === undefined) {
    test.start = reader.number();
    return;
  }
  const operator = reader.operator();
  test.steps.push({ operator, number: reader.number() });
  if (1 + test.steps.length > MAX_PARTS) reader.fail('too many operators');
}

function readValue(reader: Reader, test: BuildingTest): void {
  if (test.values.length > 0 && !reader.take(',')) reader.fail('expected "," or "&&"');
  const low = reader.number();
  reader.skipBlanks();
  const high = reader.take(':') ? reader.number() : low;
  test.values.push([low, high]);
  if (test.values.length > MAX_PARTS) reader.fail('too many ","s');
}

class Reader {
  readonly #text: string;
  readonly #call: OptionCall;
  #at = 0;

  constructor(text: string, call: OptionCall) {
    this.#text = text;
    this.#call = call;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  fail(message: string, shift = 0): never {
    return this.#call.fail(`u32: at char ${this.#at + shift}: ${message}`);
  }

  skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  operator(): Operator {
    for (const single of ['&', '@'] as const) if (this.take(single)) return single;
    for (const half of ['<', '>'] as const) {
      if (!this.take(half)) continue;
      if (!this.take(half)) this.fail(`a second '${half}' was expected`);
      return half === '<' ? '<<' : '>>';
    }
    return this.fail('operator expected');
  }

  number(): number {
    const found = uintPrefix(this.#text.slice(this.#at), 0, 0xffffffff);
    if (found === undefined) return this.fail('not a number or out of range');
    this.#at += found.end;
    return found.value;
  }
}

/** As iptables prints it, without quotes. */
export function formatU32(tests: readonly U32Test[]): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  return tests
    .map(({ start, steps, values }) => {
      const location = hex(start) + steps.map(({ operator, number }) => operator + hex(number)).join('');
      const ranges = values.map(([low, high]) => (low === high ? hex(low) : `${hex(low)}:${hex(high)}`));
      return `${location}=${ranges.join(',')}`;
    })
    .join('&&');
}
