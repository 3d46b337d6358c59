import { UserError } from '../base/errors.ts';

/**
 * What a file is, by its first bytes. Numbers of the capture formats: libpcap's sf-pcap.c and Wireshark's wiretap
 * document them; RFC 8878 for Zstandard, RFC 1952 for gzip.
 */
export type FileKind = 'pcap' | 'pcapng' | 'gzip' | 'zstd' | 'unknown';

/** Bytes that `identify` wants to see; fewer are enough for a short file. */
export const MAGIC_BYTES = 16;

export const PCAP_MAGIC = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;
export const PCAPNG_SECTION = 0x0a0d0d0a;

/** Relatives of pcap with other record headers, and other capture formats: known by name, refused by name. */
const REFUSED: readonly { readonly magic: number; readonly name: string }[] = [
  { magic: 0xa1b2cd34, name: "Alexey Kuznetzov's modified pcap" },
  { magic: 0xa1b234cd, name: "Francisco Mesquita's modified pcap" },
  { magic: 0xa12b3c4d, name: 'Navtel pcap' },
  { magic: 0x1c0001ac, name: 'IXIA hardware capture' },
  { magic: 0x1c0001ab, name: 'IXIA software capture' },
  { magic: 0x736e6f6f, name: 'snoop' },
  { magic: 0x52545353, name: 'Microsoft Network Monitor 1.x' },
  { magic: 0x474d4255, name: 'Microsoft Network Monitor 2.x' },
  { magic: 0x5452534e, name: 'Network General Sniffer' },
];

const swap32 = (word: number): number =>
  (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;

/** The first four bytes as a big-endian word, or -1 when there are fewer. */
function firstWord(bytes: Uint8Array): number {
  if (bytes.length < 4) return -1;
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}

export function identify(bytes: Uint8Array): FileKind {
  if (bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  const word = firstWord(bytes);
  if (word === PCAPNG_SECTION) return 'pcapng';
  for (const magic of [PCAP_MAGIC, PCAP_MAGIC_NS]) {
    if (word === magic || word === swap32(magic)) return 'pcap';
  }
  // A Zstandard frame, or a skippable frame in front of one.
  const swapped = swap32(word);
  if (word >= 0 && (swapped === 0xfd2fb528 || (swapped & 0xfffffff0) >>> 0 === 0x184d2a50)) return 'zstd';
  return 'unknown';
}

/** Refuses by name what is a capture, but of a format that is not read. */
export function refuseKnownFormats(bytes: Uint8Array, file: string): void {
  const word = firstWord(bytes);
  const known = REFUSED.find(({ magic }) => word === magic || word === swap32(magic));
  if (known === undefined) return;
  throw new UserError(`${file}: ${known.name} format (magic 0x${word.toString(16)}) is not read`, {
    hint: 'convert it with `editcap -F pcapng`',
  });
}
