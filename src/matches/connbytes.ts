import { defineMatch } from '../extension/define.ts';
import { strtoumax } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { type ConntrackAccess, IPS_TEMPLATE } from '../packet/conntrack-access.ts';
import { R_CT } from '../packet/registers.ts';
import { isU64 } from './u64.ts';

const DIRECTIONS = ['original', 'reply', 'both'] as const;
const MODES = ['packets', 'bytes', 'avgpkt'] as const;

interface ConnbytesOptions {
  readonly from: bigint;
  readonly to: bigint;
  readonly inverted: boolean;
  readonly direction: (typeof DIRECTIONS)[number];
  readonly mode: (typeof MODES)[number];
}

const MAX = 0xffffffffffffffffn;

/** `5`, `5:10`, `:10`, `5:` of 64 bits (XTTYPE_UINT64RC). */
function parseRange(text: string, call: OptionCall): readonly [bigint, bigint] {
  const parts = text.split(':');
  const numbers = parts.map((part, i) => {
    if (part === '') return i === 0 ? 0n : MAX;
    const number = strtoumax(part);
    if (number === undefined || number.end !== part.length || !isU64(part)) {
      const rest = parts.slice(i).join(':');
      call.fail(`connbytes: bad value for option "--connbytes" near "${rest}", or out of range (0-${MAX}).`);
    }
    return number.value;
  });
  if (numbers.length > 2) call.fail('connbytes: Too many components for option "--connbytes" (max: 2)');
  const [from = 0n, to = MAX] = numbers;
  if (from > to) call.fail(`${from} should be less than ${to}`);
  return [from, to];
}

/**
 * `-m connbytes`: how much a connection has carried so far. Loading it turns accounting on. Linux:
 * net/netfilter/xt_connbytes.c, connbytes_mt().
 */
export const connbytes = defineMatch<ConnbytesOptions, ConntrackAccess>({
  name: 'connbytes',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'global',
  reads: ['ct'],
  syntax: defineSyntax({
    options: {
      '--connbytes': custom(parseRange, { mandatory: true, invertible: true }),
      '--connbytes-dir': custom(
        (text, call) =>
          DIRECTIONS.find((one) => one === text) ?? call.fail(`Unknown --connbytes-dir \`${text}'`),
        { mandatory: true },
      ),
      '--connbytes-mode': custom(
        (text, call) => MODES.find((one) => one === text) ?? call.fail(`Unknown --connbytes-mode \`${text}'`),
        { mandatory: true },
      ),
    },
    build: (v): ConnbytesOptions => {
      const [from, to] = v['--connbytes']!.value;
      return {
        from,
        to,
        // `!` is said to the kernel by exchanging the two, which nobody sees when they are the same.
        inverted: v['--connbytes']!.inverted && from !== to,
        direction: v['--connbytes-dir']!.value,
        mode: v['--connbytes-mode']!.value,
      };
    },
    save: (o) =>
      `${not(o)} --connbytes ${range(o)} --connbytes-mode ${o.mode} --connbytes-dir ${o.direction}`,
    list: (o) =>
      `${not(o)} connbytes ${range(o)} connbytes mode ${o.mode} connbytes direction ${o.direction}`.trim(),
  }),
  prepare: (_, environment) => {
    environment.conntrack.enableAccounting();
    return environment.conntrack;
  },
  evaluate: (o, p, conntrack) => {
    const ct = p.r[R_CT]!;
    // A template of the CT target counts nothing.
    if (ct < 0 || (conntrack.status(ct) & IPS_TEMPLATE) !== 0) return false;
    const sum = (count: 'packets' | 'bytes') =>
      (o.direction === 'reply' ? 0 : conntrack[count](ct, 0)) +
      (o.direction === 'original' ? 0 : conntrack[count](ct, 1));
    let what = o.mode === 'packets' ? sum('packets') : sum('bytes');
    if (o.mode === 'avgpkt') {
      const packets = sum('packets');
      what = packets === 0 ? 0 : Math.floor(what / packets);
    }
    return (what >= o.from && what <= o.to) !== o.inverted;
  },
});

function not(o: ConnbytesOptions): string {
  return o.inverted ? ' !' : '';
}

function range(o: ConnbytesOptions): string {
  return o.to === MAX ? `${o.from}` : `${o.from}:${o.to}`;
}
