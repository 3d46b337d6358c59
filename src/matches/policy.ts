import { defineMatch } from '../extension/define.ts';
import { hex, strtoui } from '../extension/numbers.ts';
import { protocolName } from '../extension/protocols.ts';
import { defineSyntax, type OptionCall, type RuleContext } from '../extension/syntax.ts';
import {
  type AddressMask,
  custom,
  flag,
  formatHostMask,
  hostMask,
  parseProtocol,
} from '../extension/values.ts';

interface Tested<V> {
  readonly value: V;
  readonly inverted: boolean;
}

/** One transformation of an IPsec policy. */
interface Element {
  reqid?: Tested<number>;
  spi?: Tested<number>;
  proto?: Tested<number>;
  mode?: Tested<string>;
  'tunnel-dst'?: Tested<AddressMask>;
  'tunnel-src'?: Tested<AddressMask>;
}

interface PolicyOptions {
  readonly direction: 'in' | 'out';
  readonly none: boolean;
  readonly strict: boolean;
  readonly elements: readonly Element[];
}

/** XT_POLICY_MAX_ELEM. */
const MAX_ELEMENTS = 4;
const PROTOCOLS = [50, 51, 108];
const ORDER = ['reqid', 'spi', 'proto', 'mode', 'tunnel-dst', 'tunnel-src'] as const;

/** The elements of the rule that is being read: --next begins another one, so the order of all options counts. */
const reading = new WeakMap<object, Element[]>();

function elementsOf(given: object): Element[] {
  let elements = reading.get(given);
  if (elements === undefined) {
    elements = [{}];
    reading.set(given, elements);
  }
  return elements;
}

function element<K extends keyof Element>(
  key: K,
  parse: (text: string, call: OptionCall) => NonNullable<Element[K]>['value'],
) {
  return custom(
    (text, call) => {
      const current = elementsOf(call.given).at(-1)!;
      const value = parse(text, call);
      if (current[key] !== undefined) call.fail(`policy match: double --${call.option} option`);
      current[key] = { value, inverted: call.inverted } as Element[K];
      return value;
    },
    { multiple: true, invertible: true },
  );
}

function number(text: string, call: OptionCall): number {
  return (
    strtoui(text, 0, 0xffffffff) ??
    call.fail(`policy: bad value for option "--${call.option}", or out of range (0-4294967295).`)
  );
}

const address = hostMask();

/**
 * `-m policy`: the packet was, or will be, transformed by IPsec. A capture does not tell: packets are taken as
 * not transformed. Linux: net/netfilter/xt_policy.c, policy_mt().
 */
export const policy = defineMatch<PolicyOptions>({
  name: 'policy',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    options: {
      '--dir': custom((text, call): 'in' | 'out' =>
        text === 'in' || text === 'out' ? text : call.fail(`policy_match: invalid dir "${text}"`),
      ),
      '--pol': custom((text, call): 'ipsec' | 'none' =>
        text === 'ipsec' || text === 'none' ? text : call.fail(`policy match: invalid policy "${text}"`),
      ),
      '--strict': flag(),
      '--reqid': element('reqid', number),
      '--spi': element('spi', number),
      '--tunnel-src': element('tunnel-src', address.parse),
      '--tunnel-dst': element('tunnel-dst', address.parse),
      '--proto': element('proto', (text, call) => {
        const protocol = parseProtocol(text, call);
        if (!PROTOCOLS.includes(protocol)) call.fail('policy match: protocol must be ah/esp/ipcomp');
        return protocol;
      }),
      '--mode': element('mode', (text, call) =>
        text === 'transport' || text === 'tunnel' ? text : call.fail(`policy match: invalid mode "${text}"`),
      ),
      '--next': {
        argument: 'none',
        multiple: true,
        requires: ['--strict'],
        parse: (_: string, call: OptionCall): true => {
          const elements = elementsOf(call.given);
          if (elements.length === MAX_ELEMENTS) call.fail('policy match: maximum policy depth reached');
          elements.push({});
          return true;
        },
      },
    },
    finalCheck: (v, rule) => {
      if (v['--dir'] === undefined) rule.fail('policy match: neither --dir in nor --dir out specified');
      const strict = v['--strict'] !== undefined;
      const elements = elementsOf(v);
      if (v['--pol']?.value === 'none') {
        if (strict) rule.fail('policy match: policy none but --strict given');
        return;
      }
      for (const [i, one] of elements.entries()) {
        if (strict && Object.keys(one).length === 0) {
          rule.fail(
            `policy match: empty policy element ${i}. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.`,
          );
        }
        const isTunnel = one.mode?.value === 'tunnel' && !one.mode.inverted;
        if ((one['tunnel-src'] !== undefined || one['tunnel-dst'] !== undefined) && !isTunnel) {
          rule.fail('policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode');
        }
      }
    },
    build: (v): PolicyOptions => {
      const none = v['--pol']?.value === 'none';
      return {
        direction: v['--dir']!.value,
        none,
        strict: v['--strict'] !== undefined,
        elements: none ? [] : elementsOf(v),
      };
    },
    save: (o, rule) =>
      ` --dir ${o.direction} --pol ${o.none ? 'none' : 'ipsec'}${o.strict ? ' --strict' : ''}` +
      o.elements.map((one) => format(one, rule, ' --', true)).join(' --next'),
    list: (o, rule) =>
      `policy match dir ${o.direction} pol ${o.none ? 'none' : 'ipsec'}${o.strict ? ' strict' : ''}` +
      o.elements
        .map((one, i) => (o.elements.length > 1 ? ` [${i}]` : '') + format(one, rule, ' ', false))
        .join(''),
    kernelCheck: (o, rule) => {
      const wrong = o.direction === 'in' ? ['POSTROUTING', 'OUTPUT'] : ['PREROUTING', 'INPUT'];
      if (!rule.hooks.some((hook) => wrong.includes(hook))) return undefined;
      return `xt_policy: ${o.direction}put policy not valid in ${wrong.join(' and ')}`;
    },
  }),
  prepare: (_, environment) => {
    environment.assume(
      'A capture does not tell what IPsec transformed (-m policy): nothing is taken as transformed.',
    );
    return undefined;
  },
  evaluate: (o) => o.none,
});

function format(one: Element, rule: RuleContext, head: string, saved: boolean): string {
  return ORDER.map((key) => {
    const tested = one[key];
    if (tested === undefined) return '';
    return `${tested.inverted ? ' !' : ''}${head}${key} ${formatValue(key, tested.value, rule, saved)}`;
  }).join('');
}

function formatValue(
  key: string,
  value: number | string | AddressMask,
  rule: RuleContext,
  saved: boolean,
): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return formatHostMask(value, rule.family);
  if (key === 'spi') return `0x${hex(value)}`;
  return key === 'proto' && saved ? (protocolName(value) ?? `${value}`) : `${value}`;
}
