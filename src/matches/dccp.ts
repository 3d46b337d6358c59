import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, portRange, uint8 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DPORT, R_LENGTH, R_SPORT } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import {
  isLaterFragment,
  listPort,
  type PortRange,
  portMatches,
  rangeOf,
  saveGivenPort,
  transportBytes,
} from './ports.ts';

interface DccpOptions {
  readonly sport: PortRange | undefined;
  readonly dport: PortRange | undefined;
  /** Bits by packet type. */
  readonly types: { readonly mask: number; readonly inverted: boolean } | undefined;
  readonly option: { readonly number: number; readonly inverted: boolean } | undefined;
}

const TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
] as const;
/** Types 10 to 15, which are not defined. */
const INVALID_TYPES = 0xfc00;
/** struct dccp_hdr; with the extended sequence number (X bit) 4 bytes more. */
const HEADER_BYTES = 12;

function parseTypes(text: string, call: OptionCall): number {
  let mask = 0;
  // strtok(): empty parts do not count.
  for (const name of text.split(',').filter((part) => part !== '')) {
    const upper = name.toUpperCase();
    const type = (TYPES as readonly string[]).indexOf(upper);
    if (type < 0 && upper !== 'INVALID') call.fail(`Unknown DCCP type \`${name}'`);
    mask |= type < 0 ? INVALID_TYPES : 1 << type;
  }
  return mask;
}

/** `-m dccp`. Linux: net/netfilter/xt_dccp.c, dccp_mt(). */
export const dccp = defineMatch<DccpOptions>({
  name: 'dccp',
  families: [4, 6],
  scope: 'packet',
  reads: ['sport', 'dport', 'fragOffset', 'decodeFlags', 'payload', 'length'],
  syntax: defineSyntax({
    protocol: 33,
    options: {
      '--source-port': portRange({ invertible: true, aliases: ['--sport'] }),
      '--destination-port': portRange({ invertible: true, aliases: ['--dport'] }),
      '--dccp-types': custom(parseTypes, { invertible: true }),
      '--dccp-option': uint8({ min: 1, invertible: true }),
    },
    build: (v): DccpOptions => ({
      sport: rangeOf(v['--source-port']),
      dport: rangeOf(v['--destination-port']),
      types: v['--dccp-types'] && { mask: v['--dccp-types'].value, inverted: v['--dccp-types'].inverted },
      option: v['--dccp-option'] && {
        number: v['--dccp-option'].value,
        inverted: v['--dccp-option'].inverted,
      },
    }),
    save: (o) =>
      saveGivenPort('sport', o.sport) +
      saveGivenPort('dport', o.dport) +
      (o.types === undefined
        ? ''
        : `${o.types.inverted ? ' !' : ''} --dccp-types${saveTypes(o.types.mask)}`) +
      (o.option === undefined ? '' : `${o.option.inverted ? ' !' : ''} --dccp-option ${o.option.number}`),
    list: (o) =>
      'dccp' +
      (o.sport === undefined ? '' : listPort('spt', o.sport)) +
      (o.dport === undefined ? '' : listPort('dpt', o.dport)) +
      (o.types === undefined ? '' : `${o.types.inverted ? ' !' : ''}${listTypes(o.types.mask)}`) +
      (o.option === undefined ? '' : ` option=${o.option.inverted ? '!' : ''}${o.option.number}`),
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    if (transportBytes(p) < HEADER_BYTES) {
      p.hotdrop = true;
      return false;
    }
    currentBytes(p);
    // Bytes that the capture has cut off cannot be compared: nothing matches.
    if (p.l4Offset + HEADER_BYTES > p.l3End && (o.types !== undefined || o.option !== undefined))
      return false;
    if (o.sport !== undefined && !portMatches(o.sport, p.r[R_SPORT]!)) return false;
    if (o.dport !== undefined && !portMatches(o.dport, p.r[R_DPORT]!)) return false;
    if (o.types !== undefined && ((o.types.mask & (1 << typeOf(p))) !== 0) === o.types.inverted) return false;
    // A packet that cannot be searched is dropped, whatever is said here.
    return o.option === undefined || hasOption(o.option.number, p) !== o.option.inverted;
  },
});

/** A byte of the transport header; what the capture has cut off reads as zero. */
function byte(p: Packet, offset: number): number {
  const at = p.l4Offset + offset;
  return at < p.l3End ? p.view.getUint8(at) : 0;
}

function typeOf(p: Packet): number {
  return (byte(p, 8) >> 1) & 15;
}

/** dccp_find_option(); __dccp_hdr_len() of include/linux/dccp.h. */
function hasOption(wanted: number, p: Packet): boolean {
  const begin = headerLength(p);
  const end = byte(p, 4) * 4;
  const packetEnd = p.r[R_LENGTH]! - (p.l4Offset - p.l3Offset);
  if (end < begin) {
    p.hotdrop = true;
    return false;
  }
  if (end === begin) return false;
  if (end > packetEnd) {
    p.hotdrop = true;
    return false;
  }
  for (let at = begin; at < end; ) {
    const option = byte(p, at);
    if (option === wanted) return true;
    // Options 0 and 1 are single bytes; a last one may lack its length.
    if (option < 2 || at === end - 1) at++;
    else at += byte(p, at + 1) || 1;
  }
  return false;
}

/** The generic header and what each packet type has behind it (dccp_packet_hdr_len()). */
function headerLength(p: Packet): number {
  const basic = (byte(p, 8) & 1) === 0 ? HEADER_BYTES : HEADER_BYTES + 4;
  const type = typeOf(p);
  if (type === 2) return basic;
  if (type === 3 || type === 4 || type === 8 || type === 9 || type === 5 || type === 6) return basic + 8;
  if (type === 0) return basic + 4;
  return basic + 12;
}

function saveTypes(mask: number): string {
  const names: string[] = TYPES.filter((_, type) => (mask & (1 << type)) !== 0);
  if ((mask & INVALID_TYPES) !== 0) names.push('INVALID');
  return names.length === 0 ? '' : ` ${names.join(',')}`;
}

function listTypes(mask: number): string {
  const types = Array.from({ length: 16 }, (_, type) => type).filter((type) => (mask & (1 << type)) !== 0);
  return types.length === 0 ? '' : ` ${types.join(',')}`;
}
