import type { OptionCall } from '../extension/syntax.ts';

/** The types of SCTP chunks and their flags, read and printed as extensions/libxt_sctp.c does. */
export interface ChunkFlags {
  readonly type: number;
  readonly value: number;
  readonly mask: number;
}

export interface Chunks {
  readonly mode: 'all' | 'any' | 'only';
  /** Types asked for, ascending. */
  readonly types: readonly number[];
  readonly flags: readonly ChunkFlags[];
  readonly inverted: boolean;
}

/** Name, type, and letters of the flags from bit 7 to bit 0. The order is that of iptables' table. */
const CHUNKS: readonly (readonly [name: string, type: number, flags: string])[] = [
  ['DATA', 0, '----IUBE'],
  ['INIT', 1, '--------'],
  ['INIT_ACK', 2, '--------'],
  ['SACK', 3, '--------'],
  ['HEARTBEAT', 4, '--------'],
  ['HEARTBEAT_ACK', 5, '--------'],
  ['ABORT', 6, '-------T'],
  ['SHUTDOWN', 7, '--------'],
  ['SHUTDOWN_ACK', 8, '--------'],
  ['ERROR', 9, '--------'],
  ['COOKIE_ECHO', 10, '--------'],
  ['COOKIE_ACK', 11, '--------'],
  ['ECN_ECNE', 12, '--------'],
  ['ECN_CWR', 13, '--------'],
  ['SHUTDOWN_COMPLETE', 14, '-------T'],
  ['I_DATA', 64, '----IUBE'],
  ['RE_CONFIG', 130, '--------'],
  ['PAD', 132, '--------'],
  ['ASCONF', 193, '--------'],
  ['ASCONF_ACK', 128, '--------'],
  ['FORWARD_TSN', 192, '--------'],
  ['I_FORWARD_TSN', 194, '--------'],
];

export const ALL_TYPES: readonly number[] = Array.from({ length: 256 }, (_, type) => type);

export function parseChunks(text: string, call: OptionCall): Omit<Chunks, 'inverted'> {
  const list = call.nextWord() ?? call.fail('--chunk-types requires two args');
  const mode = (['all', 'any', 'only'] as const).find((one) => one === text.toLowerCase());
  if (mode === undefined) call.fail('Match type has to be one of "ALL", "ANY" or "ONLY"');
  if (list.toUpperCase() === 'ALL') return { mode, types: ALL_TYPES, flags: [] };
  if (list.toUpperCase() === 'NONE') return { mode, types: [], flags: [] };
  const types = new Set<number>();
  const flags: { type: number; value: number; mask: number }[] = [];
  // strtok() passes over empty parts.
  for (const part of list.split(',').filter((one) => one !== '')) {
    const colon = part.indexOf(':');
    const name = (colon < 0 ? part : part.slice(0, colon)).toUpperCase();
    const index = CHUNKS.findIndex(([known]) => known === name);
    if (index < 0) call.fail(`Unknown sctp chunk \`${colon < 0 ? part : part.slice(0, colon)}'`);
    const [, type, letters] = CHUNKS[index]!;
    types.add(type);
    for (const letter of colon < 0 ? '' : part.slice(colon + 1)) {
      const place = letters.indexOf(letter.toUpperCase());
      if (place < 0 || letter === '-') call.fail(`Invalid flags for chunk type ${index}`);
      // iptables files the flags under the place in its table: those of I_DATA reach no chunk.
      addFlag(flags, index, 1 << (7 - place), letter !== letter.toLowerCase());
    }
  }
  return { mode, types: [...types].sort((a, b) => a - b), flags };
}

function addFlag(
  flags: { type: number; value: number; mask: number }[],
  type: number,
  bit: number,
  isSet: boolean,
): void {
  let known = flags.find((one) => one.type === type);
  if (known === undefined) {
    known = { type, value: 0, mask: 0 };
    flags.push(known);
  }
  known.mask |= bit;
  if (isSet) known.value |= bit;
}

/** ` any DATA:Be,INIT`, with names, or with numbers as `iptables -L -n` prints it. */
export function formatChunks(o: Chunks, numeric: boolean): string {
  if (o.types.length === 256) return ` ${o.mode} ALL`;
  if (o.types.length === 0) return ` ${o.mode} NONE`;
  const types = o.types.map((type) => {
    const name = numeric
      ? `0x${type.toString(16).toUpperCase().padStart(4, '0')}`
      : CHUNKS.find(([, known]) => known === type)![0];
    return name + formatFlags(o, type);
  });
  return ` ${o.mode} ${types.join(',')}`;
}

function formatFlags(o: Chunks, type: number): string {
  const flags = o.flags.find((one) => one.type === type);
  if (flags === undefined) return '';
  const letters = CHUNKS.find(([, known]) => known === type)![2];
  let text = ':';
  for (let place = 0; place < 8; place++) {
    const bit = 1 << (7 - place);
    if ((flags.mask & bit) === 0) continue;
    text += (flags.value & bit) !== 0 ? letters[place]! : letters[place]!.toLowerCase();
  }
  return text;
}
