import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rulesetHits } from '../../src/report/hits.ts';
import { jsonReport } from '../../src/report/json.ts';
import { makeOutput, makeProfile } from './fixture.ts';

/** As much of JSON Schema as run.schema.json uses. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

function typeOf(value: unknown): string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
  return [typeof value];
}

function faults(value: unknown, schema: Schema, at: string): string[] {
  const found: string[] = [];
  if (schema.type !== undefined && !typeOf(value).some((type) => [schema.type].flat().includes(type))) {
    return [`${at}: ${JSON.stringify(value)} is no ${schema.type}`];
  }
  if ('const' in schema && value !== schema.const) found.push(`${at}: not ${schema.const}`);
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${at}: ${value} is not listed`);
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))
      found.push(`${at}: out of range`);
  }
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
    found.push(`${at}: ${value} does not match ${schema.pattern}`);
  }
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      found.push(...faults(item, schema.items!, `${at}[${i}]`));
    });
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.keys(value);
    const documented = Object.keys(schema.properties!).filter(
      (name) => schema.required!.includes(name) || members.includes(name),
    );
    expect(documented, `documented members of ${at}, in order`).toEqual(members);
    for (const name of schema.required!) if (!members.includes(name)) found.push(`${at}.${name} is missing`);
    for (const [name, item] of Object.entries(value)) {
      found.push(...faults(item, schema.properties![name]!, `${at}.${name}`));
    }
  }
  return found;
}

const schema = JSON.parse(
  readFileSync(new URL('../../src/report/run.schema.json', import.meta.url), 'utf8'),
) as Schema;

describe('--format json', () => {
  for (const options of [{}, { damaged: true, interrupted: true }, { profile: makeProfile() }]) {
    test(`is as its schema says: ${Object.keys(options).join(' ')}`, () => {
      const output = makeOutput(options);
      const report = JSON.parse(jsonReport(output, rulesetHits(output, true), '0.1.0'));
      expect(faults(report, schema, 'report')).toEqual([]);
      expect('profile' in report).toBe('profile' in options);
    });
  }

  test('differs between runs in `timing` alone', () => {
    const slow = makeOutput();
    const quick = {
      ...slow,
      seconds: 0.001,
      config: { ...slow.config, workers: 7, evaluator: 'linear' as const },
    };
    const without = (output: typeof slow) => {
      const { timing, ...rest } = JSON.parse(jsonReport(output, rulesetHits(output, false), '0.1.0'));
      expect(timing.workers).toBe(output.config.workers);
      return JSON.stringify(rest);
    };
    expect(without(quick)).toBe(without(slow));
  });

  test('counters keep all digits', () => {
    const output = makeOutput();
    expect(jsonReport(output, rulesetHits(output, true), '0.1.0')).toContain(
      '"packets": 18446744073709551110,',
    );
  });
});
