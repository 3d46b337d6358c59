import { defineMatch } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, customFlag, flag } from '../extension/values.ts';
import { askSet, setOf } from '../ipset/query.ts';
import { parseSetUse, type SetUse } from '../ipset/set-use.ts';
import type { CounterTest, IpSet, SetQuery } from '../ipset/types.ts';

export interface SetMatchOptions {
  readonly use: SetUse;
  readonly inverted: boolean;
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets: CounterTest | undefined;
  readonly bytes: CounterTest | undefined;
}

interface State {
  readonly set: IpSet;
  readonly query: SetQuery;
}

const MAX_U64 = 0xffffffffffffffffn;

function counter(kind: 'packets' | 'bytes', operation: 'eq' | 'lt' | 'gt') {
  const parse = (text: string, call: OptionCall): CounterTest => {
    if (call.inverted && operation !== 'eq') call.fail(`--${call.option} option cannot be inverted`);
    for (const other of ['eq', 'lt', 'gt']) {
      if (call.given[`--${kind}-${other}`] !== undefined) {
        call.fail(`only one of the --${kind}-[eq|lt|gt] is allowed`);
      }
    }
    const prefix = strtoumax(text);
    const isOver = /^\s*\d{20,}$/.test(text) && BigInt(text.trim()) > MAX_U64;
    if (prefix === undefined || prefix.end !== text.length || isOver) {
      call.fail(`Cannot parse ${text} as a counter value`);
    }
    return { operation: call.inverted ? 'ne' : operation, value: prefix.value };
  };
  return custom(parse, {
    invertible: true,
    duplicatePhrase: `only one of the --${kind}-[eq|lt|gt] is allowed`,
  });
}

/** `-m set`: asks a set of `ipset`. Linux: net/netfilter/xt_set.c, set_match_v4(). */
export const set = defineMatch<SetMatchOptions, State>({
  name: 'set',
  families: [4, 6],
  scope: ({ use }) => {
    if (use.traits?.isStatic !== true) return 'global';
    return use.traits.reads.includes('payload') ? 'packet' : 'connection';
  },
  reads: ({ use }) =>
    use.traits === undefined
      ? ['payload', 'time']
      : [...use.traits.reads, ...(use.traits.isStatic ? [] : (['time'] as const))],
  syntax: defineSyntax({
    options: {
      '--match-set': custom(parseSetUse, {
        invertible: true,
        duplicatePhrase: '--match-set can be specified only once',
        aliases: ['--set'],
      }),
      '--return-nomatch': customFlag(
        (call) => call.inverted && call.fail('--return-nomatch flag cannot be inverted'),
        { invertible: true, multiple: true },
      ),
      '--update-counters': flag({ invertible: true, multiple: true }),
      '--update-subcounters': flag({ invertible: true, multiple: true }),
      '--packets-eq': counter('packets', 'eq'),
      '--packets-lt': counter('packets', 'lt'),
      '--packets-gt': counter('packets', 'gt'),
      '--bytes-eq': counter('bytes', 'eq'),
      '--bytes-lt': counter('bytes', 'lt'),
      '--bytes-gt': counter('bytes', 'gt'),
    },
    finalCheck: (v, rule) => {
      if (v['--match-set'] === undefined) rule.fail("You must specify `--match-set' with proper arguments");
    },
    build: (v): SetMatchOptions => ({
      use: v['--match-set']!.value,
      inverted: v['--match-set']!.inverted,
      returnNomatch: v['--return-nomatch'] !== undefined,
      updateCounters: !(v['--update-counters']?.all.some((one) => one.inverted) ?? false),
      updateSubcounters: !(v['--update-subcounters']?.all.some((one) => one.inverted) ?? false),
      packets: (v['--packets-eq'] ?? v['--packets-lt'] ?? v['--packets-gt'])?.value,
      bytes: (v['--bytes-eq'] ?? v['--bytes-lt'] ?? v['--bytes-gt'])?.value,
    }),
    save: (o) => ` ${format(o, '--')}`,
    list: (o) => format(o, ''),
  }),
  prepare: (o, environment): State => {
    const query: SetQuery = {
      family: environment.family,
      dimensions: o.use.dimensions,
      sources: o.use.sources,
      exist: false,
      timeoutSeconds: undefined,
      returnNomatch: o.returnNomatch,
      updateCounters: o.updateCounters,
      updateSubcounters: o.updateSubcounters,
      packets: o.packets,
      bytes: o.bytes,
    };
    return { set: setOf(o.use.name, environment), query };
  },
  evaluate: (o, p, { set: asked, query }) => askSet(asked, p, query, undefined) > 0 !== o.inverted,
});

function format(o: SetMatchOptions, dashes: string): string {
  const counterText = (kind: string, test: CounterTest | undefined) => {
    if (test === undefined) return '';
    const not = test.operation === 'ne' ? ' !' : '';
    return `${not} ${dashes}${kind}-${test.operation === 'ne' ? 'eq' : test.operation} ${test.value}`;
  };
  return (
    `${o.inverted ? '! ' : ''}${dashes}match-set ${o.use}` +
    (o.returnNomatch ? ` ${dashes}return-nomatch` : '') +
    (o.updateCounters ? '' : ` ! ${dashes}update-counters`) +
    (o.updateSubcounters ? '' : ` ! ${dashes}update-subcounters`) +
    counterText('packets', o.packets) +
    counterText('bytes', o.bytes)
  );
}
