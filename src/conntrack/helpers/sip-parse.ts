import { type Family, parseIpv4, parseIpv6 } from '../../base/inet.ts';
import { startsWith } from './text.ts';

/**
 * SIP and SDP as the kernel's helper reads them: what it takes for a header, an address, a port. It is more lenient than
 * RFC 3261 in some places and stricter in others, and all that counts here is what it finds. The functions named
 * ct_sip_* and sip_* of net/netfilter/nf_conntrack_sip.c.
 *
 * Text is the message, a character a byte; results go to the caller's Match and Endpoint.
 */

/** Offset and length of what was found. */
export interface Match {
  at: number;
  length: number;
}

export interface Endpoint {
  /** IPv4 in the first word. */
  readonly address: Int32Array;
  port: number;
}

export const SIP_PORT = 5060;

/** What the search functions say besides "not there", 0. */
export const FOUND = 1;
export const UNREADABLE = -1;
export type Found = 1 | 0 | -1;

interface Header {
  readonly name: string;
  /** The compact form; '' for none. */
  readonly short: string;
  /** What stands in front of the value; '' for nothing. */
  readonly search: string;
  /** Length of the value at `at`, 0 when there is none; may skip what stands in front of it, by `skipped`. */
  length(text: string, at: number, family: Family): number;
}

let skipped = 0;

export const HEADERS = {
  cseq: { name: 'CSeq', short: '', search: '', length: digits },
  from: { name: 'From', short: 'f', search: 'sip:', length: userAndAddress },
  to: { name: 'To', short: 't', search: 'sip:', length: userAndAddress },
  contact: { name: 'Contact', short: 'm', search: 'sip:', length: userAndAddress },
  viaUdp: { name: 'Via', short: 'v', search: 'UDP ', length: addressAndPort },
  viaTcp: { name: 'Via', short: 'v', search: 'TCP ', length: addressAndPort },
  expires: { name: 'Expires', short: '', search: '', length: digits },
  contentLength: { name: 'Content-Length', short: 'l', search: '', length: digits },
} as const satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

// --- pieces -----------------------------------------------------------------------------------------------------

/** isalpha() of the kernel, which knows Latin 1. */
export function isAlpha(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  const upper = code & ~32;
  return (upper >= 65 && upper <= 90) || (code >= 192 && code !== 215 && code !== 247);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === '\r' || text[at] === '\n';
}

function letters(text: string, at: number): number {
  let next = at;
  while (next < text.length && isAlpha(text, next)) next++;
  return next - at;
}

function digits(text: string, at: number): number {
  let next = at;
  while (next < text.length && isDigit(text, next)) next++;
  return next - at;
}

/** media_len(): `audio 5004`. */
function media(text: string, at: number): number {
  const word = letters(text, at);
  return text[at + word] === ' ' ? word + 1 + digits(text, at + word + 1) : 0;
}

/** sip_strtouint(): a decimal number of at most 32 bits; `next` is `at` when there is none. */
export function unsigned(text: string, at: number): { value: number; next: number } {
  let next = at;
  let value = 0;
  while (next < text.length && isDigit(text, next)) {
    value = value * 10 + text.charCodeAt(next) - 48;
    next++;
    if (next - at > MAX_DIGITS || value > 0xffffffff) return { value: 0, next: at };
  }
  return { value, next };
}

/** sizeof("4294967295") counts the terminator. */
const MAX_DIGITS = 11;

/**
 * in4_pton() and in6_pton() with any delimiter: the address at `at` goes to `out`; the offset behind it, or -1. A
 * character that could be part of a longer address makes it none.
 */
function readAddress(text: string, at: number, family: Family, out: Int32Array): number {
  let next = at;
  while (next < text.length && (family === 4 ? isDotted(text, next) : isHexOrColon(text, next))) next++;
  const word = text.slice(at, next);
  out.fill(0);
  if (family === 6) {
    const address = parseIpv6(word);
    if (address === undefined) return -1;
    out.set(address);
    return next;
  }
  // Leading zeros do no harm, four numbers have to be there, and no letter of a hexadecimal number behind them.
  const address = parseIpv4(word.replace(/(^|\.)0+(?=\d)/g, '$1'));
  if (address === undefined || (next < text.length && /[a-f]/i.test(text[next]!))) return -1;
  out[0] = address;
  return next;
}

function isDotted(text: string, at: number): boolean {
  return isDigit(text, at) || text[at] === '.';
}

function isHexOrColon(text: string, at: number): boolean {
  return /[0-9a-f:.]/i.test(text[at]!);
}

/** sip_parse_addr(): IPv6 stands in brackets, and has to where `strict`. The offset behind it, or -1. */
export function sipAddress(
  text: string,
  at: number,
  family: Family,
  strict: boolean,
  out: Int32Array,
): number {
  if (family === 4) return readAddress(text, at, 4, out);
  let from = at;
  if (text[at] === '[') from++;
  else if (strict) return -1;
  const next = readAddress(text, from, 6, out);
  if (next < 0) return -1;
  if (text[next] === ']') return next + 1;
  return strict ? -1 : next;
}

/** sip_parse_port(): a port that may be missing, then 5060. The offset behind it, or -1; `to` gets the port. */
function sipPort(text: string, at: number, to: Endpoint | undefined): number {
  if (at >= text.length) return -1;
  if (text[at] !== ':') {
    if (to !== undefined) to.port = SIP_PORT;
    return at;
  }
  const count = digits(text, at + 1);
  const next = at + 1 + count;
  if (count === 0 || count > 5 || next >= text.length) return -1;
  const port = Number(text.slice(at + 1, next));
  if (port < 1024 || port > 0xffff) return -1;
  if (to !== undefined) to.port = port;
  return next;
}

const unused = new Int32Array(4);

/** epaddr_len(): an address and maybe a port. */
function addressAndPort(text: string, at: number, family: Family): number {
  const behind = sipAddress(text, at, family, true, unused);
  if (behind < 0) return 0;
  const next = sipPort(text, behind, undefined);
  return next < 0 ? 0 : next - at;
}

/** skp_epaddr_len(): the same behind `user@`. */
function userAndAddress(text: string, at: number, family: Family): number {
  let next = at;
  while (next < text.length && text[next] !== '@' && !isLineEnd(text, next)) next++;
  const start = text[next] === '@' ? next + 1 : at;
  skipped = start - at;
  return addressAndPort(text, start, family);
}

// --- headers of SIP ---------------------------------------------------------------------------------------------

/** sip_follow_continuation(): the offset of what follows on the next line, if that continues this one; else -1. */
function continuation(text: string, at: number, limit: number): number {
  let next = at + 1;
  if (next >= limit) return -1;
  if (text[next - 1] === '\r' && text[next] === '\n' && ++next >= limit) return -1;
  if (!isBlank(text, next)) return -1;
  while (next < limit && isBlank(text, next)) next++;
  return next;
}

/** sip_skip_whitespace(). */
function skipBlanks(text: string, at: number): number {
  let next = at;
  while (next < text.length && isBlank(text, next)) next++;
  if (next < text.length && isLineEnd(text, next)) next = continuation(text, next, text.length);
  return next < text.length ? next : -1;
}

/** ct_sip_header_search(): `needle` in the value of a header that may go on over several lines; -1 when it is not there. */
function searchHeader(text: string, from: number, end: number, needle: string): number {
  const limit = end - needle.length;
  for (let at = from; at < limit; at++) {
    if (isLineEnd(text, at)) {
      at = continuation(text, at, limit);
      if (at < 0) return -1;
      continue;
    }
    if (startsWith(text, at, needle)) return at;
  }
  return -1;
}

/** The next line's beginning, from a character of a line's end at `at`: -1 where the text is over. */
function lineBehind(text: string, at: number): number {
  let next = at + 1;
  if (next >= text.length) return -1;
  if (text[at] === '\r' && text[next] === '\n' && ++next >= text.length) return -1;
  return next;
}

/** ct_sip_get_header(): the first header of that name behind `from` and its value. */
export function findHeader(
  text: string,
  from: number,
  name: HeaderName,
  family: Family,
  match: Match,
): Found {
  const header: Header = HEADERS[name];
  for (let at = from; at < text.length; at++) {
    if (!isLineEnd(text, at)) continue;
    at = lineBehind(text, at);
    if (at < 0) break;
    if (isBlank(text, at)) continue;
    if (startsWith(text, at, header.name)) at += header.name.length;
    else if (isShortForm(text, at, header.short)) at += header.short.length;
    else continue;
    at = skipBlanks(text, at);
    if (at < 0 || text[at] !== ':' || ++at >= text.length) break;
    at = skipBlanks(text, at);
    if (at < 0) break;
    match.at = at;
    if (header.search !== '') {
      at = searchHeader(text, at, text.length, header.search);
      if (at < 0) return UNREADABLE;
      at += header.search.length;
    }
    return measure(text, at, header, family, match);
  }
  return 0;
}

function isShortForm(text: string, at: number, short: string): boolean {
  if (short === '' || text.length - at < short.length + 1) return false;
  return startsWith(text, at, short) && !isAlpha(text, at + short.length);
}

/** Sets `match` to the value at `at`. When it cannot be read, its place is left as it was. */
function measure(text: string, at: number, header: Header, family: Family, match: Match): Found {
  skipped = 0;
  match.length = header.length(text, at, family);
  if (match.length === 0) return UNREADABLE;
  match.at = at + skipped;
  return FOUND;
}

/** ct_sip_next_header(): the next value of a list with commas. */
function nextValue(text: string, from: number, name: HeaderName, family: Family, match: Match): Found {
  const header: Header = HEADERS[name];
  const comma = searchHeader(text, from, text.length, ',');
  if (comma < 0) return 0;
  const at = searchHeader(text, comma, text.length, header.search);
  if (at < 0) return 0;
  match.at = at + header.search.length;
  return measure(text, match.at, header, family, match);
}

/** Where a walk through the headers of one name stands: see nextUri. */
export interface Walk {
  at: number;
  inHeader: boolean;
}

/** ct_sip_walk_headers(): passes over headers that cannot be read. */
function walkHeaders(text: string, walk: Walk, name: HeaderName, family: Family, match: Match): Found {
  let from = walk.at;
  while (walk.inHeader) {
    const found = nextValue(text, from, name, family, match);
    if (found > 0) return found;
    if (found === 0) walk.inHeader = false;
    else from = match.at;
  }
  for (;;) {
    const found = findHeader(text, from, name, family, match);
    if (found === 0) return 0;
    if (found > 0) break;
    from = match.at;
  }
  walk.inHeader = true;
  return FOUND;
}

/** ct_sip_parse_header_uri(), of the next header of that name; the walk goes on behind it. */
export function nextUri(
  text: string,
  walk: Walk,
  name: HeaderName,
  family: Family,
  match: Match,
  to: Endpoint,
): Found {
  const found = walkHeaders(text, walk, name, family, match);
  if (found === 0) return 0;
  const behind = sipAddress(text, match.at, family, true, to.address);
  if (behind < 0) return UNREADABLE;
  const next = sipPort(text, behind, to);
  if (next < 0) return UNREADABLE;
  walk.at = next;
  return FOUND;
}

/** The same, of the first that can be read. */
export function firstUri(text: string, name: HeaderName, family: Family, match: Match, to: Endpoint): Found {
  return nextUri(text, { at: 0, inHeader: false }, name, family, match, to);
}

/** ct_sip_parse_request(): the address in a request's first line. */
export function requestUri(text: string, family: Family, match: Match, to: Endpoint): Found {
  const method = letters(text, 0);
  let at = method + 1;
  if (method === 0 || at >= text.length) return 0;
  for (; at < text.length - 4; at++) {
    if (isLineEnd(text, at)) return UNREADABLE;
    if (startsWith(text, at, 'sip:')) {
      at += 4;
      break;
    }
  }
  if (userAndAddress(text, at, family) === 0) return 0;
  match.at = at + skipped;
  const behind = sipAddress(text, match.at, family, true, to.address);
  const next = behind < 0 ? -1 : sipPort(text, behind, to);
  if (next < 0) return UNREADABLE;
  match.length = next - match.at;
  return FOUND;
}

// --- parameters -------------------------------------------------------------------------------------------------

/** Offset behind `name` among the parameters of the value that goes on at `from`; -1 when it is not there. */
function parameter(text: string, from: number, name: string): number {
  const comma = searchHeader(text, from, text.length, ',');
  const at = searchHeader(text, from, comma < 0 ? text.length : comma, name);
  return at < 0 ? -1 : at + name.length;
}

/** ct_sip_parse_address_param(). */
export function addressParameter(
  text: string,
  from: number,
  name: string,
  family: Family,
  strict: boolean,
  match: Match,
  out: Int32Array,
): boolean {
  const at = parameter(text, from, name);
  if (at < 0) return false;
  const next = sipAddress(text, at, family, strict, out);
  if (next < 0) return false;
  match.at = at;
  match.length = next - at;
  return true;
}

/** ct_sip_parse_numerical_param(): the number, undefined when it is not there, UNREADABLE when it is none. */
export function numericParameter(text: string, from: number, name: string, match: Match): number | undefined {
  const at = parameter(text, from, name);
  if (at < 0) return undefined;
  const { value, next } = unsigned(text, at);
  if (next === at) return UNREADABLE;
  match.at = at;
  match.length = next - at;
  return value;
}

/** ct_sip_parse_transport(): false when the `transport` parameter says another protocol than the connection's own. */
export function hasOwnTransport(text: string, from: number, ownName: 'TCP' | 'UDP'): boolean {
  const at = parameter(text, from, 'transport=');
  return at < 0 || startsWith(text, at, ownName);
}

// --- SDP --------------------------------------------------------------------------------------------------------

export type SdpName = 'version' | 'owner' | 'connection' | 'media';

const SDP_NAMES: Readonly<Record<SdpName, string>> = {
  version: 'v=',
  owner: 'o=',
  connection: 'c=',
  media: 'm=',
};

/** ct_sip_get_sdp_header(): the first such line behind `from`, and not behind one named `stop`. */
export function findSdp(
  text: string,
  from: number,
  name: SdpName,
  stop: SdpName | undefined,
  family: Family,
  match: Match,
): Found {
  for (let at = from; at < text.length; at++) {
    if (!isLineEnd(text, at)) continue;
    at = lineBehind(text, at);
    if (at < 0) break;
    if (stop !== undefined && startsWith(text, at, SDP_NAMES[stop])) break;
    if (!startsWith(text, at, SDP_NAMES[name])) continue;
    at += SDP_NAMES[name].length;
    match.at = at;
    if (name === 'owner' || name === 'connection') {
      at = searchLine(text, at, `IN IP${family} `);
      if (at < 0) return UNREADABLE;
      at += 7;
      const next = readAddress(text, at, family, unused);
      match.length = next < 0 ? 0 : next - at;
    } else match.length = name === 'version' ? digits(text, at) : media(text, at);
    if (match.length === 0) return UNREADABLE;
    match.at = at;
    return FOUND;
  }
  return 0;
}

/** ct_sdp_header_search(): in one line. */
function searchLine(text: string, from: number, needle: string): number {
  const limit = text.length - needle.length;
  for (let at = from; at < limit && !isLineEnd(text, at); at++) if (text.startsWith(needle, at)) return at;
  return -1;
}

/** ct_sip_parse_sdp_addr(). */
export function sdpAddress(
  text: string,
  from: number,
  name: 'owner' | 'connection',
  stop: SdpName | undefined,
  family: Family,
  match: Match,
  out: Int32Array,
): boolean {
  if (findSdp(text, from, name, stop, family, match) !== FOUND) return false;
  return readAddress(text, match.at, family, out) >= 0;
}
