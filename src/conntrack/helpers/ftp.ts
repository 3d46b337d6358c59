import { formatIpv4 } from '../../base/inet.ts';
import { expectAtPort, followMaster, manglePayload } from '../../nat/helper.ts';
import { TUPLE_DPORT } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_OK, type Expectation } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { readIpv6, startsWith, tryNumbers } from './text.ts';

/** Where an FTP command or answer says that the data connection will be. */
interface Announced {
  /** IPv4 in the first word; of EPSV, which names none, that of the packet's sender. */
  readonly address: Int32Array;
  port: number;
}

interface Pattern {
  readonly word: string;
  /** What has to be skipped up to, and is followed by the numbers; '' for none. */
  readonly skip: string;
  /** Reads the numbers at `at`: their place and length, undefined when they are not whole. */
  read(text: string, at: number, family: number, to: Announced): { at: number; length: number } | undefined;
  write(address: Int32Array, at: number, port: number, family: number): string;
}

/** By direction: what the client says, and what the server answers. */
const PATTERNS: readonly (readonly Pattern[])[] = [
  [
    { word: 'PORT', skip: ' ', read: (text, at, _, to) => readSix(text, at, '\r', to), write: writeSix },
    { word: 'EPRT', skip: ' ', read: readEprt, write: writeEprt },
  ],
  [
    { word: '227 ', skip: '', read: readPasv, write: writeSix },
    { word: '229 ', skip: '(', read: readEpsv, write: (_, __, port) => `|||${port}|` },
  ],
];

const LINES = 2;

/** struct nf_ct_ftp_master: sequence numbers behind which a line begins, by direction. */
interface Memory {
  readonly lineStarts: readonly number[][];
  /** The first packet of the direction is taken for the beginning of a line (NF_CT_FTP_SEQ_PICKUP). */
  readonly picksUp: boolean[];
}

/**
 * FTP: `PORT` and `EPRT` of the client, answers 227 and 229 of the server announce a data connection the other way.
 * net/netfilter/nf_conntrack_ftp.c, and nf_nat_ftp.c for translated connections, where the address and, if need be, the
 * port are replaced. A command counts where a line begins; a packet that ends within one is dropped.
 *
 * Modules may be loaded with `loose` (addresses of third parties) and other ports; neither is known, the defaults count.
 */
export const ftp: Helper<Memory> = {
  name: 'ftp',
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  port: 21,
  policies: [{ maxExpected: 1, timeoutSeconds: 300 }],
  remember: (isSeeded) => ({ lineStarts: [[], []], picksUp: [isSeeded, isSeeded] }),
  help(call, memory) {
    if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
    if (!call.hasPayload()) return VERDICT_ACCEPT;
    const text = call.text();
    const seq = call.p.view.getInt32(call.p.l4Offset + 4);
    const starts = memory.lineStarts[call.dir]!;
    let isLine = starts.includes(seq);
    if (!isLine && memory.picksUp[call.dir]!) {
      memory.picksUp[call.dir] = false;
      isLine = true;
    }
    const verdict = isLine ? readLine(call, text) : VERDICT_ACCEPT;
    if (verdict === undefined) return VERDICT_DROP;
    // In the sender's own numbers, whatever the translation does to the length.
    if (text.endsWith('\n')) noteLineStart(starts, (seq + text.length) | 0);
    return verdict;
  },
};

/** What becomes of the packet; undefined: dropped, since it holds a part of a command. */
function readLine(call: HelperCall, text: string): Verdict | undefined {
  const { family, words } = call;
  const own = call.saddr(call.dir);
  const to: Announced = { address: words.slice(own, own + 4), port: 0 };
  for (const pattern of PATTERNS[call.dir]!) {
    const found = findPattern(text, pattern, family, to);
    if (found === NOT_HERE) continue;
    return found === undefined ? undefined : expectData(call, pattern, found, to);
  }
  return VERDICT_ACCEPT;
}

const NOT_HERE = 'not here';

/** find_pattern(): where the numbers are, NOT_HERE, or undefined for a part of the pattern. */
function findPattern(
  text: string,
  { word, skip, read }: Pattern,
  family: number,
  to: Announced,
): { at: number; length: number } | undefined | typeof NOT_HERE {
  if (text.length <= word.length) {
    return startsWith(word, 0, text) ? undefined : NOT_HERE;
  }
  if (!startsWith(text, 0, word)) return NOT_HERE;
  let at = word.length;
  if (skip !== '') {
    at = text.indexOf(skip, at);
    // The skipped character as the last one is found all the same.
    if (at < 0) return undefined;
    at++;
  }
  return read(text, at, family, to);
}

function expectData(
  call: HelperCall,
  pattern: Pattern,
  found: { at: number; length: number },
  to: Announced,
): Verdict {
  const { dir, words } = call;
  const own = call.saddr(dir);
  // An address of somebody else is not believed (`loose` is off).
  for (let i = 0; i < 4; i++) if (to.address[i] !== words[own + i]) return VERDICT_ACCEPT;
  const expectation = call.expectation(
    0,
    IPPROTO_TCP,
    call.saddr(1 - dir),
    call.daddr(1 - dir),
    undefined,
    to.port,
  );
  if (!call.isTranslated) {
    return call.expectations.related(expectation) === EXPECT_OK ? VERDICT_ACCEPT : VERDICT_DROP;
  }
  return translate(call, pattern, found, expectation);
}

/** nf_nat_ftp(). */
function translate(
  call: HelperCall,
  pattern: Pattern,
  found: { at: number; length: number },
  expectation: Expectation,
): Verdict {
  const { dir, words, family } = call;
  expectation.savedPort = expectation.tuple[TUPLE_DPORT]!;
  expectation.dir = dir === 0 ? 1 : 0;
  expectation.expectfn = followMaster;
  const port = expectAtPort(call, expectation, expectation.savedPort);
  if (port === 0) return VERDICT_DROP;
  const text = pattern.write(words, call.daddr(1 - dir), port, family);
  if (manglePayload(call, found.at, found.length, text)) return VERDICT_ACCEPT;
  call.expectations.unexpect(expectation);
  return VERDICT_DROP;
}

/** update_nl_seq(): the two latest are kept. */
function noteLineStart(starts: number[], seq: number): void {
  if (starts.includes(seq)) return;
  if (starts.length < LINES) {
    starts.push(seq);
    return;
  }
  const oldest = ((starts[0]! - starts[1]!) | 0) < 0 ? 0 : 1;
  if (((seq - starts[oldest]!) | 0) > 0) starts[oldest] = seq;
}

/** try_rfc959(): 192,168,1,1,5,6 and then `end`, or anything where that is ''. */
function readSix(
  text: string,
  at: number,
  end: string,
  to: Announced,
): { at: number; length: number } | undefined {
  const numbers = tryNumbers(text, at, 6, ',', end);
  if (numbers === undefined) return undefined;
  const [a, b, c, d, high, low] = numbers.values as [number, number, number, number, number, number];
  to.address.fill(0);
  to.address[0] = (a << 24) | (b << 16) | (c << 8) | d;
  to.port = ((high << 8) | low) & 0xffff;
  return { at, length: numbers.length };
}

/** try_rfc1123(): the numbers begin at the first digit, whatever stands around them. */
function readPasv(text: string, from: number, _: number, to: Announced) {
  let at = from;
  while (at < text.length && !isDigit(text, at)) at++;
  return at === text.length ? undefined : readSix(text, at, '', to);
}

/** try_eprt(): |1|132.235.1.2|6275| or |2|3ffe::1|6275|, with any delimiter. */
function readEprt(text: string, at: number, family: number, to: Announced) {
  if (text.length - at <= 3) return undefined;
  const delimiter = text[at]!;
  if (!isDelimiter(text, at) || text[at + 2] !== delimiter) return undefined;
  if (text[at + 1] !== (family === 4 ? '1' : '2')) return undefined;
  let length = 0;
  if (family === 4) {
    const numbers = tryNumbers(text, at + 3, 4, '.', delimiter);
    if (numbers === undefined) return undefined;
    const [a, b, c, d] = numbers.values as [number, number, number, number];
    to.address.fill(0);
    to.address[0] = (a << 24) | (b << 16) | (c << 8) | d;
    length = numbers.length;
  } else {
    length = readIpv6(text, at + 3, delimiter, to.address);
    if (length === 0) return undefined;
  }
  return readPort(text, at, 3 + length + 1, delimiter, to);
}

/** try_epsv_response(): |||6446|. */
function readEpsv(text: string, at: number, _: number, to: Announced) {
  if (text.length - at <= 3) return undefined;
  const delimiter = text[at]!;
  if (!isDelimiter(text, at) || text[at + 1] !== delimiter || text[at + 2] !== delimiter) return undefined;
  return readPort(text, at, 3, delimiter, to);
}

/** get_port(): a number of 16 bits up to a delimiter, which belongs to what is replaced. */
function readPort(text: string, at: number, start: number, delimiter: string, to: Announced) {
  let port = 0;
  for (let i = at + start; i < text.length; i++) {
    if (text[i] === delimiter) {
      if (port === 0) return undefined;
      to.port = port;
      return { at, length: i + 1 - at };
    }
    if (!isDigit(text, i)) return undefined;
    port = (port * 10 + text.charCodeAt(i) - 48) & 0xffff;
  }
  return undefined;
}

function isDelimiter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return !isDigit(text, at) && code >= 33 && code <= 126;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function writeSix(words: Int32Array, at: number, port: number): string {
  return `${formatIpv4(words[at]!).replaceAll('.', ',')},${port >> 8},${port & 255}`;
}

function writeEprt(words: Int32Array, at: number, port: number, family: number): string {
  return family === 4 ? `|1|${formatIpv4(words[at]!)}|${port}|` : `|2|${longIpv6(words, at)}|${port}|`;
}

/** %pI6 of printk(): all eight groups, each of four digits. */
function longIpv6(words: Int32Array, at: number): string {
  const groups: string[] = [];
  for (let i = 0; i < 4; i++) {
    const word = words[at + i]! >>> 0;
    groups.push((word >>> 16).toString(16).padStart(4, '0'), (word & 0xffff).toString(16).padStart(4, '0'));
  }
  return groups.join(':');
}
