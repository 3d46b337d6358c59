import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DPORT, R_LENGTH, R_SPORT } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { parsePortPair } from './port-pair.ts';
import {
  emitHasPorts,
  emitPort,
  listPort,
  type PortRange,
  portMatches,
  rangeOf,
  saveGivenPort,
  seesTransport,
} from './ports.ts';
import { type Chunks, formatChunks, parseChunks } from './sctp-chunks.ts';

interface SctpOptions {
  readonly sport: PortRange | undefined;
  readonly dport: PortRange | undefined;
  readonly chunks: Chunks | undefined;
}

const SCTP_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 4;

const port = (alias: `--${string}`, name: string) =>
  custom((text, call) => parsePortPair(text, 'sctp', call), {
    invertible: true,
    aliases: [alias],
    duplicatePhrase: `Only one \`${name}' allowed`,
  });

/** `-m sctp`. Linux: net/netfilter/xt_sctp.c, sctp_mt(). */
export const sctp = defineMatch<SctpOptions>({
  name: 'sctp',
  families: [4, 6],
  scope: (o) => (o.chunks === undefined ? 'connection' : 'packet'),
  reads: (o) => [
    'sport',
    'dport',
    'fragOffset',
    'decodeFlags',
    ...(o.chunks === undefined ? [] : (['payload', 'length'] as const)),
  ],
  syntax: defineSyntax({
    protocol: 132,
    options: {
      '--source-port': port('--sport', '--source-port'),
      '--destination-port': port('--dport', '--destination-port'),
      '--chunk-types': custom(parseChunks, {
        invertible: true,
        duplicatePhrase: "Only one `--chunk-types' allowed",
      }),
    },
    build: (v): SctpOptions => ({
      sport: rangeOf(v['--source-port']),
      dport: rangeOf(v['--destination-port']),
      chunks: v['--chunk-types'] && { ...v['--chunk-types'].value, inverted: v['--chunk-types'].inverted },
    }),
    save: (o) =>
      saveGivenPort('sport', o.sport) +
      saveGivenPort('dport', o.dport) +
      (o.chunks === undefined
        ? ''
        : `${o.chunks.inverted ? ' !' : ''} --chunk-types${formatChunks(o.chunks, false)}`),
    list: (o) =>
      'sctp' +
      (o.sport === undefined ? '' : listPort('spt', o.sport)) +
      (o.dport === undefined ? '' : listPort('dpt', o.dport)) +
      (o.chunks === undefined ? '' : `${o.chunks.inverted ? ' !' : ''}${formatChunks(o.chunks, true)}`),
  }),
  evaluate: (o, p) => {
    if (!seesTransport(p)) return false;
    if (o.sport !== undefined && !portMatches(o.sport, p.r[R_SPORT]!)) return false;
    if (o.dport !== undefined && !portMatches(o.dport, p.r[R_DPORT]!)) return false;
    return o.chunks === undefined || chunksMatch(o.chunks, p) !== o.chunks.inverted;
  },
  compile: (o, e) => {
    if (o.chunks !== undefined) return false;
    if (o.sport === undefined && o.dport === undefined) emitHasPorts(e);
    if (o.sport !== undefined) emitPort(e, R_SPORT, o.sport);
    if (o.dport !== undefined) emitPort(e, R_DPORT, o.dport);
    return true;
  },
});

/** match_packet(): goes through the chunks; one without a length, or cut short, drops the packet. */
function chunksMatch(o: Chunks, p: Packet): boolean {
  currentBytes(p);
  const end = p.l3Offset + p.r[R_LENGTH]!;
  const missing = new Set(o.types);
  let at = p.l4Offset + SCTP_HEADER_BYTES;
  do {
    const isCut = at + CHUNK_HEADER_BYTES > p.l3End;
    if (isCut && at + CHUNK_HEADER_BYTES <= end) return false;
    const lengthBytes = isCut ? 0 : p.view.getUint16(at + 2);
    if (lengthBytes === 0) {
      p.hotdrop = true;
      return false;
    }
    const type = p.view.getUint8(at);
    const isWanted = o.types.includes(type) && flagsMatch(o, type, p.view.getUint8(at + 1));
    if (o.mode === 'any' && isWanted) return true;
    if (o.mode === 'only' && !isWanted) return false;
    if (isWanted) missing.delete(type);
    at += (lengthBytes + 3) & ~3;
  } while (at < end);
  return o.mode === 'all' ? missing.size === 0 : o.mode === 'only';
}

function flagsMatch(o: Chunks, type: number, flags: number): boolean {
  const wanted = o.flags.find((one) => one.type === type);
  return wanted === undefined || (flags & wanted.mask) === wanted.value;
}
