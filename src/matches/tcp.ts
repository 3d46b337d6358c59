import { defineMatch } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, customFlag } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DPORT, R_SPORT, R_TCP_FLAGS } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { parsePortPair } from './port-pair.ts';
import {
  ANY_PORT,
  emitHasPorts,
  emitPort,
  isFlagOverwrite,
  listPort,
  type PortRange,
  portMatches,
  rangeOf,
  savePort,
  seesTransport,
} from './ports.ts';

interface TcpFlags {
  readonly mask: number;
  readonly compare: number;
  readonly inverted: boolean;
}

export interface TcpOptions {
  readonly sport: PortRange;
  readonly dport: PortRange;
  readonly flags: TcpFlags;
  /** Kind of the TCP option that must be there; 0 when none is asked for. */
  readonly option: number;
  readonly optionInverted: boolean;
}

const FLAG_NAMES: readonly (readonly [string, number])[] = [
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
];
const ALL_FLAGS = 0x3f;
const TCP_HEADER_BYTES = 20;

function port(alias: `--${string}`, name: string) {
  return custom((text, call) => parsePortPair(text, 'tcp', call), {
    invertible: true,
    aliases: [alias],
    duplicatePhrase: `Only one \`${name}' allowed`,
  });
}

function parseFlag(text: string, call: OptionCall): number {
  let bits = 0;
  // strtok() passes over empty parts.
  for (const name of text.split(',').filter((part) => part !== '')) {
    const upper = name.toUpperCase();
    const known = FLAG_NAMES.find(([flagName]) => flagName === upper);
    if (known !== undefined) bits |= known[1];
    else if (upper === 'ALL') bits |= ALL_FLAGS;
    else if (upper !== 'NONE')
      call.fail(`Unknown TCP flag \`${name}'`, 'Known: SYN ACK FIN RST URG PSH ALL NONE.');
  }
  return bits;
}

const ONE_FLAGS_OPTION = "Only one of `--syn' or `--tcp-flags'  allowed";

/** `-m tcp`. Linux: net/netfilter/xt_tcpudp.c, tcp_mt(). */
export const tcp = defineMatch<TcpOptions>({
  name: 'tcp',
  families: [4, 6],
  scope: (o) => (o.flags.mask === 0 && o.option === 0 ? 'connection' : 'packet'),
  reads: (o) => [
    'sport',
    'dport',
    'fragOffset',
    'decodeFlags',
    ...(o.flags.mask === 0 ? [] : (['tcpFlags'] as const)),
    ...(o.option === 0 ? [] : (['payload'] as const)),
  ],
  syntax: defineSyntax({
    protocol: 6,
    options: {
      '--source-port': port('--sport', '--source-port'),
      '--destination-port': port('--dport', '--destination-port'),
      '--syn': customFlag(
        (call) => {
          if (call.given['--tcp-flags'] !== undefined) call.fail(ONE_FLAGS_OPTION);
        },
        { invertible: true, duplicatePhrase: ONE_FLAGS_OPTION },
      ),
      '--tcp-flags': custom(
        (text, call): readonly [number, number] => {
          if (call.given['--syn'] !== undefined) call.fail(ONE_FLAGS_OPTION);
          const compare = call.nextWord() ?? call.fail('--tcp-flags requires two args.');
          return [parseFlag(text, call), parseFlag(compare, call)];
        },
        { invertible: true, duplicatePhrase: ONE_FLAGS_OPTION },
      ),
      '--tcp-option': custom((text, call) => strtoui(text, 1, 255) ?? call.fail(`Bad TCP option "${text}"`), {
        invertible: true,
        duplicatePhrase: "Only one `--tcp-option' allowed",
      }),
    },
    build: (v): TcpOptions => ({
      sport: rangeOf(v['--source-port']) ?? ANY_PORT,
      dport: rangeOf(v['--destination-port']) ?? ANY_PORT,
      flags:
        v['--tcp-flags'] !== undefined
          ? {
              mask: v['--tcp-flags'].value[0],
              compare: v['--tcp-flags'].value[1],
              inverted: v['--tcp-flags'].inverted,
            }
          : v['--syn'] !== undefined
            ? { mask: 0x17, compare: 0x02, inverted: v['--syn'].inverted }
            : { mask: 0, compare: 0, inverted: false },
      option: v['--tcp-option']?.value ?? 0,
      optionInverted: v['--tcp-option']?.inverted ?? false,
    }),
    save: (o) =>
      savePort('sport', o.sport) +
      savePort('dport', o.dport) +
      (o.option !== 0 || o.optionInverted ? `${o.optionInverted ? ' !' : ''} --tcp-option ${o.option}` : '') +
      saveFlags(o.flags),
    list: (o) =>
      `tcp${listPort('spt', o.sport)}${listPort('dpt', o.dport)}` +
      (o.option !== 0 || o.optionInverted ? ` option=${o.optionInverted ? '!' : ''}${o.option}` : '') +
      listFlags(o.flags),
  }),
  evaluate: (o, p) => {
    if (isFlagOverwrite(p)) p.hotdrop = true;
    if (!seesTransport(p)) return false;
    if (!portMatches(o.sport, p.r[R_SPORT]!) || !portMatches(o.dport, p.r[R_DPORT]!)) return false;
    if (((p.r[R_TCP_FLAGS]! & o.flags.mask) === o.flags.compare) === o.flags.inverted) return false;
    return o.option === 0 || hasOption(o, p);
  },
  compile: (o, e) => {
    if (o.option !== 0) return false;
    const { mask, compare, inverted } = o.flags;
    let tested = false;
    for (const [register, ports] of [
      [R_SPORT, o.sport],
      [R_DPORT, o.dport],
    ] as const) {
      if (ports.low === 0 && ports.high === 0xffff && !ports.inverted) continue;
      emitPort(e, register, ports);
      tested = true;
    }
    if (!tested) emitHasPorts(e);
    if (mask === 0 && compare === 0) {
      if (inverted) e.never();
    } else if (inverted) {
      e.not((n) => n.masked(R_TCP_FLAGS, mask, compare));
    } else {
      e.masked(R_TCP_FLAGS, mask, compare);
    }
    return true;
  },
});

/** tcp_find_option(): an option list that runs out of the captured header drops the packet. */
function hasOption(o: TcpOptions, p: Packet): boolean {
  const bytes = currentBytes(p);
  const headerBytes = (bytes[p.l4Offset + 12]! >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES) {
    p.hotdrop = true;
    return false;
  }
  const end = p.l4Offset + headerBytes;
  if (end > p.l3End) {
    p.hotdrop = true;
    return false;
  }
  let i = p.l4Offset + TCP_HEADER_BYTES;
  while (i < end) {
    const kind = bytes[i]!;
    if (kind === o.option) return !o.optionInverted;
    // End of list and no-operation are one byte; a length of 0 would never end.
    i += kind < 2 ? 1 : i + 1 < end ? bytes[i + 1]! || 1 : 1;
  }
  return o.optionInverted;
}

function flagNames(bits: number): string {
  const names = FLAG_NAMES.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? 'NONE' : names.join(',');
}

function saveFlags(flags: TcpFlags): string {
  if (flags.mask === 0 && !flags.inverted) return '';
  return `${flags.inverted ? ' !' : ''} --tcp-flags ${flagNames(flags.mask)} ${flagNames(flags.compare)}`;
}

function listFlags(flags: TcpFlags): string {
  if (flags.mask === 0 && !flags.inverted) return '';
  const hex = (bits: number) => `0x${bits.toString(16).toUpperCase().padStart(2, '0')}`;
  return ` flags:${flags.inverted ? '!' : ''}${hex(flags.mask)}/${hex(flags.compare)}`;
}
