import type { Family } from '../base/inet.ts';
import { defineMatch, type MatchDefinition, type RuleEnvironment } from '../extension/define.ts';
import type { Emitter } from '../extension/emitter.ts';
import { defineSyntax, type Given, type OptionCall, type RuleContext } from '../extension/syntax.ts';
import {
  type AddressMask,
  custom,
  formatHostMask,
  hostMask,
  portRange,
  protocol,
  uint32Range,
} from '../extension/values.ts';
import {
  type ConntrackAccess,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
  IPS_TEMPLATE,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import { CT_IS_REPLY, CT_UNTRACKED, R_CT, R_CTINFO, R_CTSTATUS } from '../packet/registers.ts';

/** XT_CONNTRACK_STATE_*: include/uapi/linux/netfilter/xt_conntrack.h. In the order in which they are printed. */
const STATES = {
  INVALID: 1,
  NEW: 8,
  RELATED: 4,
  ESTABLISHED: 2,
  UNTRACKED: 256,
  SNAT: 64,
  DNAT: 128,
} as const;
const STATE_MATCH_STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED'] as const;

const STATUSES = {
  EXPECTED: IPS_EXPECTED,
  SEEN_REPLY: IPS_SEEN_REPLY,
  ASSURED: IPS_ASSURED,
  CONFIRMED: IPS_CONFIRMED,
} as const;

/** A value with the `!` that may stand before it; undefined when the option was not given. */
type Test<V> = { readonly value: V; readonly inverted: boolean } | undefined;

export interface ConntrackOptions {
  /** STATES bits. */
  readonly states: Test<number>;
  readonly protocol: Test<number>;
  readonly originalSource: Test<AddressMask>;
  readonly originalDestination: Test<AddressMask>;
  readonly replySource: Test<AddressMask>;
  readonly replyDestination: Test<AddressMask>;
  readonly originalSourcePort: Test<readonly [number, number]>;
  readonly originalDestinationPort: Test<readonly [number, number]>;
  readonly replySourcePort: Test<readonly [number, number]>;
  readonly replyDestinationPort: Test<readonly [number, number]>;
  /** IPS_* bits; 0 for NONE. */
  readonly status: Test<number>;
  /** Seconds. */
  readonly expires: Test<readonly [number, number]>;
  readonly direction: 'ORIGINAL' | 'REPLY' | undefined;
}

const NO_TESTS: ConntrackOptions = {
  states: undefined,
  protocol: undefined,
  originalSource: undefined,
  originalDestination: undefined,
  replySource: undefined,
  replyDestination: undefined,
  originalSourcePort: undefined,
  originalDestinationPort: undefined,
  replySourcePort: undefined,
  replyDestinationPort: undefined,
  status: undefined,
  expires: undefined,
  direction: undefined,
};

/** A comma-separated list of names, each of which may be cut short and in any case, as iptables reads it. */
function nameList(
  names: readonly string[],
  bits: Readonly<Record<string, number>>,
  what: string,
  endPhrase?: string,
) {
  return (text: string, call: OptionCall): number => {
    let found = 0;
    const parts = text.split(',');
    for (const [i, part] of parts.entries()) {
      if (part === '' && i === parts.length - 1 && endPhrase !== undefined) call.fail(endPhrase);
      const lower = part.toLowerCase();
      const name = part === '' ? undefined : names.find((one) => one.toLowerCase().startsWith(lower));
      if (name === undefined) call.fail(`Bad ${what} "${part}"`, `Known: ${names.join(' ')}.`);
      found |= bits[name]!;
    }
    return found;
  };
}

// iptables tries the names in this order, which decides what an abbreviation means.
const CTSTATE_NAMES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT'] as const;
const parseStates = nameList(CTSTATE_NAMES, STATES, 'ctstate');
const parseStateMatch = nameList(
  ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'],
  STATES,
  'state',
  '"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED',
);
const parseStatuses = nameList(
  ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
  { ...STATUSES, NONE: 0 },
  'ctstatus',
);

function parseDirection(text: string, call: OptionCall): 'ORIGINAL' | 'REPLY' {
  const upper = text.toUpperCase();
  if (upper === 'ORIGINAL' || upper === 'REPLY') return upper;
  return call.fail(`conntrack: Bad value for "--ctdir" option: "${text}"`);
}

function statesToText(bits: number, names: readonly (keyof typeof STATES)[]): string {
  return names.filter((name) => (bits & STATES[name]) !== 0).join(',');
}

function statusToText(bits: number): string {
  const names = Object.entries(STATUSES).filter(([, bit]) => (bits & bit) !== 0);
  return names.length === 0 ? 'NONE' : names.map(([name]) => name).join(',');
}

function rangeToText([low, high]: readonly [number, number]): string {
  return low === high ? `${low}` : `${low}:${high}`;
}

/** All tests in the order in which iptables prints them: name, text, `!`. */
function printed(o: ConntrackOptions, family: Family): string[][] {
  const out: string[][] = [];
  const add = <V>(name: string, test: Test<V>, text: (value: V) => string) => {
    if (test !== undefined) out.push([...(test.inverted ? ['!'] : []), name, text(test.value)]);
  };
  const address = (value: AddressMask) => formatHostMask(value, family);
  add('ctstate', o.states, (bits) => statesToText(bits, Object.keys(STATES) as (keyof typeof STATES)[]));
  add('ctproto', o.protocol, String);
  add('ctorigsrc', o.originalSource, address);
  add('ctorigdst', o.originalDestination, address);
  add('ctreplsrc', o.replySource, address);
  add('ctrepldst', o.replyDestination, address);
  add('ctorigsrcport', o.originalSourcePort, rangeToText);
  add('ctorigdstport', o.originalDestinationPort, rangeToText);
  add('ctreplsrcport', o.replySourcePort, rangeToText);
  add('ctrepldstport', o.replyDestinationPort, rangeToText);
  add('ctstatus', o.status, statusToText);
  add('ctexpire', o.expires, rangeToText);
  if (o.direction !== undefined) out.push(['ctdir', o.direction]);
  return out;
}

function save(o: ConntrackOptions, rule: RuleContext): string {
  return printed(o, rule.family)
    .map((words) => ` ${words.map((word, i) => (i === words.length - 2 ? `--${word}` : word)).join(' ')}`)
    .join('');
}

const invertible = { invertible: true } as const;

const syntax = defineSyntax({
  options: {
    '--ctstate': custom(parseStates, invertible),
    '--ctproto': protocol(invertible),
    '--ctorigsrc': hostMask(invertible),
    '--ctorigdst': hostMask(invertible),
    '--ctreplsrc': hostMask(invertible),
    '--ctrepldst': hostMask(invertible),
    '--ctstatus': custom(parseStatuses, invertible),
    '--ctexpire': uint32Range(invertible),
    '--ctorigsrcport': portRange(invertible),
    '--ctorigdstport': portRange(invertible),
    '--ctreplsrcport': portRange(invertible),
    '--ctrepldstport': portRange(invertible),
    '--ctdir': custom(parseDirection),
  },
  finalCheck: (v, rule) => {
    if (Object.keys(v).length === 0) rule.fail('conntrack: At least one option is required');
  },
  build: (v): ConntrackOptions => ({
    states: test(v['--ctstate']),
    protocol: test(v['--ctproto']),
    originalSource: test(v['--ctorigsrc']),
    originalDestination: test(v['--ctorigdst']),
    replySource: test(v['--ctreplsrc']),
    replyDestination: test(v['--ctrepldst']),
    originalSourcePort: test(v['--ctorigsrcport']),
    originalDestinationPort: test(v['--ctorigdstport']),
    replySourcePort: test(v['--ctreplsrcport']),
    replyDestinationPort: test(v['--ctrepldstport']),
    status: test(v['--ctstatus']),
    expires: test(v['--ctexpire'] as Given<readonly [number, number]> | undefined, true),
    direction: v['--ctdir']?.value,
  }),
  save,
  list: (o, rule) =>
    printed(o, rule.family)
      .map((words) => words.join(' '))
      .join(' '),
});

/** Takes what was given; a lone number stands for a range of one. */
function test<V>(given: Given<V> | undefined, isRange = false): Test<V> {
  if (given === undefined) return undefined;
  const { value, inverted } = given;
  const single = isRange && Array.isArray(value) && value.length === 1;
  return { value: (single ? [value[0], value[0]] : value) as V, inverted };
}

/** What the entry the packet belongs to is compared with; `ct` comes with the rule's environment. */
interface ConntrackState {
  readonly ct: ConntrackAccess;
}

function prepare(_: ConntrackOptions, environment: RuleEnvironment): ConntrackState {
  return { ct: environment.conntrack };
}

function stateBits(p: Packet): number {
  const ctinfo = p.r[R_CTINFO]!;
  if (p.r[R_CT]! >= 0) {
    const status = p.r[R_CTSTATUS]!;
    let bits = 1 << ((ctinfo % CT_IS_REPLY) + 1);
    if ((status & IPS_SRC_NAT) !== 0) bits |= STATES.SNAT;
    if ((status & IPS_DST_NAT) !== 0) bits |= STATES.DNAT;
    return bits;
  }
  return ctinfo === CT_UNTRACKED ? STATES.UNTRACKED : STATES.INVALID;
}

/** conntrack_mt(): whatever else is asked, a packet without an entry is told by its state alone. */
function evaluate(o: ConntrackOptions, p: Packet, state: ConntrackState): boolean {
  if (o.states !== undefined && ((stateBits(p) & o.states.value) !== 0) === o.states.inverted) return false;
  const entry = p.r[R_CT]!;
  if (entry < 0) return o.states !== undefined;
  const isOriginal = p.r[R_CTINFO]! < CT_IS_REPLY;
  if (o.direction !== undefined && (o.direction === 'ORIGINAL') !== isOriginal) return false;
  const { ct } = state;
  const words = ct.words;
  const original = ct.tupleAt(entry, 0);
  const reply = ct.tupleAt(entry, 1);
  // Until it is confirmed an entry holds its timeout as a span, which nf_ct_expires() takes for a moment long past; a
  // template of the CT target has none.
  const expires = (p.r[R_CTSTATUS]! & (IPS_CONFIRMED | IPS_TEMPLATE)) === IPS_CONFIRMED;
  const expiresSeconds = () => (expires ? ct.expiresSeconds(entry, p.timeNs) : 0);
  return (
    addressHolds(o.originalSource, words, original + TUPLE_SADDR) &&
    addressHolds(o.originalDestination, words, original + TUPLE_DADDR) &&
    addressHolds(o.replySource, words, reply + TUPLE_SADDR) &&
    addressHolds(o.replyDestination, words, reply + TUPLE_DADDR) &&
    (o.protocol === undefined ||
      ((words[original + TUPLE_PROTO]! & 0xff) === o.protocol.value) !== o.protocol.inverted) &&
    rangeHolds(o.originalSourcePort, words[original + TUPLE_SPORT]!) &&
    rangeHolds(o.originalDestinationPort, words[original + TUPLE_DPORT]!) &&
    rangeHolds(o.replySourcePort, words[reply + TUPLE_SPORT]!) &&
    rangeHolds(o.replyDestinationPort, words[reply + TUPLE_DPORT]!) &&
    (o.status === undefined || ((p.r[R_CTSTATUS]! & o.status.value) !== 0) !== o.status.inverted) &&
    (o.expires === undefined || rangeHolds(o.expires, expiresSeconds()))
  );
}

function addressHolds(wanted: Test<AddressMask>, words: Int32Array, at: number): boolean {
  if (wanted === undefined) return true;
  const { address, mask } = wanted.value;
  let same = true;
  for (let i = 0; i < 4; i++) same &&= ((words[at + i]! ^ address[i]!) & mask[i]!) === 0;
  return same !== wanted.inverted;
}

function rangeHolds(wanted: Test<readonly [number, number]>, value: number): boolean {
  if (wanted === undefined) return true;
  return (value >= wanted.value[0] && value <= wanted.value[1]) !== wanted.inverted;
}

/** Only the state and the status are registers. */
function compile(o: ConntrackOptions, e: Emitter): boolean {
  const { states, status } = o;
  if (states === undefined) return false;
  const others = { ...o, states: undefined, status: undefined };
  if (Object.values(others).some((value) => value !== undefined) || status !== undefined) return false;
  const infos: number[] = [];
  if ((states.value & STATES.ESTABLISHED) !== 0) infos.push(0, 0, 3, 3);
  if ((states.value & STATES.RELATED) !== 0) infos.push(1, 1, 4, 4);
  if ((states.value & STATES.NEW) !== 0) infos.push(2, 2, 5, 5);
  if ((states.value & STATES.UNTRACKED) !== 0) infos.push(CT_UNTRACKED, CT_UNTRACKED);
  if ((states.value & STATES.INVALID) !== 0) infos.push(0xffffffff, 0xffffffff);
  const pairs = sortedPairs(infos);
  const natBits =
    ((states.value & STATES.SNAT) !== 0 ? IPS_SRC_NAT : 0) |
    ((states.value & STATES.DNAT) !== 0 ? IPS_DST_NAT : 0);
  const body = (b: Emitter) => {
    const anyNat = (n: Emitter) => n.not((m) => m.masked(R_CTSTATUS, natBits, 0));
    if (natBits === 0) b.ranges(R_CTINFO, pairs);
    else if (pairs.length === 0) anyNat(b);
    else b.anyOf((x) => x.ranges(R_CTINFO, pairs), anyNat);
  };
  if (states.inverted) e.not(body);
  else body(e);
  return true;
}

function sortedPairs(flat: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
  return pairs.sort((a, b) => a[0] - b[0]).flat();
}

const common = {
  families: [4, 6],
  bringsConntrack: true,
  scope: (o) => (o.expires === undefined && o.status === undefined ? 'connection' : 'packet'),
  reads: (o) => ['ctinfo', 'ct', 'ctstatus', ...(o.expires === undefined ? [] : (['time'] as const))],
  prepare,
  evaluate,
  compile,
} satisfies Omit<MatchDefinition<ConntrackOptions, ConntrackState>, 'name' | 'syntax'>;

/** `-m conntrack`. Linux: net/netfilter/xt_conntrack.c, conntrack_mt() (revision 3). */
export const conntrack = defineMatch<ConntrackOptions, ConntrackState>({
  ...common,
  name: 'conntrack',
  syntax,
});

/** `-m state`: the old name of `-m conntrack --ctstate`, under which it is saved. */
export const state = defineMatch<ConntrackOptions, ConntrackState>({
  ...common,
  name: 'state',
  syntax: defineSyntax({
    options: { '--state': custom(parseStateMatch, { invertible: true, mandatory: true }) },
    build: (v): ConntrackOptions => ({ ...NO_TESTS, states: test(v['--state']) }),
    save: (o) =>
      `${o.states!.inverted ? ' !' : ''} --state ${statesToText(o.states!.value, STATE_MATCH_STATES)}`,
    list: (o) =>
      `${o.states!.inverted ? '! ' : ''}state ${statesToText(o.states!.value, STATE_MATCH_STATES)}`,
  }),
});
