import { formatIpv4, formatIpv6 } from '../../base/inet.ts';
import { addressAndPort, address as addressRange, expectAtPort, manglePayload } from '../../nat/helper.ts';
import type { Nat } from '../../nat/nat.ts';
import {
  MANIP_DST,
  MANIP_SRC,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../../packet/conntrack-access.ts';
import type { Packet } from '../../packet/packet.ts';
import { R_DPORT } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_BUSY, EXPECT_OK, type Expectation, SKIP_MASTER } from '../expect.ts';
import { RECORD_SHIFT, REPLY_STRIDE } from '../layout.ts';
import { SIP_SIGNALLING, type SipMessage, sameAddress } from './sip-message.ts';
import {
  addressParameter,
  type Endpoint,
  FOUND,
  findHeader,
  findSdp,
  firstUri,
  type HeaderName,
  type Match,
  nextUri,
  numericParameter,
  requestUri,
  type SdpName,
} from './sip-parse.ts';
import { startsWith } from './text.ts';

/**
 * SIP through NAT: net/netfilter/nf_nat_sip.c. Wherever a message names one of the connection's own ends, with its
 * port, it is given the address under which the other side knows it. False, or VERDICT_DROP, when that cannot be done.
 */

const match: Match = { at: 0, length: 0 };
const endpoint: Endpoint = { address: new Int32Array(4), port: 0 };

/** nf_nat_sip(): the message itself, after its session has been seen to. */
export function translateMessage(message: SipMessage): boolean {
  const { call, family } = message;
  const { dir, words } = call;
  const isRequest = !startsWith(message.text, 0, 'SIP/2.0');
  if (isRequest && requestUri(message.text, family, match, endpoint) > 0 && !mapEndpoint(message))
    return false;
  const via = message.isTcp ? 'viaTcp' : 'viaUdp';
  if (firstUri(message.text, via, family, match, endpoint) > 0) {
    const own = isRequest ? call.saddr(dir) : call.daddr(dir);
    const port = isRequest ? call.sport(dir) : call.dport(dir);
    const isOurs = sameAddress(endpoint.address, 0, words, own) && endpoint.port === port;
    if (isOurs && !translateVia(message)) return false;
  }
  // The walk goes on at the old offset: in Linux 6.18 an address that has become shorter may hide the next one.
  const walk = { at: 0, inHeader: false };
  while (nextUri(message.text, walk, 'contact', family, match, endpoint) > 0) {
    if (!mapEndpoint(message)) return false;
  }
  if (!mapHeader(message, 'from') || !mapHeader(message, 'to')) return false;
  return dir === 0 || message.memory.forcedDport === 0 || forceDport(message);
}

/** A phone gets its answers at the port that its Via named. */
function forceDport(message: SipMessage): boolean {
  const { call, memory } = message;
  if (message.isTcp) return false;
  call.p.r[R_DPORT] = memory.forcedDport;
  call.p.touch();
  return manglePayload(call, 0, 0, '', false);
}

/** The topmost Via header, which `match` and `endpoint` hold, and its parameters. */
function translateVia(message: SipMessage): boolean {
  const { call, family } = message;
  const { dir, words } = call;
  const before = message.text.length;
  const { at, length } = match;
  if (!mapEndpoint(message)) return false;
  const behind = at + length + message.text.length - before;
  const parameter = (name: string, strict: boolean) =>
    addressParameter(message.text, behind, name, family, strict, match, endpoint.address);
  if (
    parameter('maddr=', true) &&
    sameAddress(endpoint.address, 0, words, call.saddr(dir)) &&
    !sameAddress(endpoint.address, 0, words, call.daddr(1 - dir)) &&
    !message.replace(match.at, match.length, formatAddress(message, words, call.daddr(1 - dir), true))
  ) {
    return false;
  }
  if (
    parameter('received=', false) &&
    sameAddress(endpoint.address, 0, words, call.daddr(dir)) &&
    !sameAddress(endpoint.address, 0, words, call.saddr(1 - dir)) &&
    !message.replace(match.at, match.length, formatAddress(message, words, call.saddr(1 - dir), false))
  ) {
    return false;
  }
  const rport = numericParameter(message.text, behind, 'rport=', match);
  if (rport === undefined || rport < 1024 || rport !== call.dport(dir) || rport === call.sport(1 - dir))
    return true;
  return message.replace(match.at, match.length, String(call.sport(1 - dir)));
}

/** map_sip_addr(). */
function mapHeader(message: SipMessage, name: HeaderName): boolean {
  if (firstUri(message.text, name, message.family, match, endpoint) !== FOUND) return true;
  return mapEndpoint(message);
}

/** map_addr(): replaces `endpoint`, which stands at `match`, where it is one of the connection's ends. */
function mapEndpoint(message: SipMessage): boolean {
  const { call, memory } = message;
  const { dir, words } = call;
  const { address, port } = endpoint;
  let at: number;
  let newPort: number;
  if (sameAddress(words, call.saddr(dir), address, 0) && call.sport(dir) === port) {
    at = call.daddr(1 - dir);
    newPort = call.dport(1 - dir);
  } else if (sameAddress(words, call.daddr(dir), address, 0) && call.dport(dir) === port) {
    at = call.saddr(1 - dir);
    newPort = memory.forcedDport !== 0 ? memory.forcedDport : call.sport(1 - dir);
  } else return true;
  if (sameAddress(words, at, address, 0) && newPort === port) return true;
  return message.replace(match.at, match.length, formatEndpoint(message, words, at, newPort));
}

/** sip_sprintf_addr(). */
function formatAddress(message: SipMessage, words: Int32Array, at: number, brackets: boolean): string {
  if (message.family === 4) return formatIpv4(words[at]!);
  return brackets ? `[${formatIpv6(words, at)}]` : formatIpv6(words, at);
}

function formatEndpoint(message: SipMessage, words: Int32Array, at: number, port: number): string {
  return `${formatAddress(message, words, at, true)}:${port}`;
}

/** nf_nat_sip_expect(): the phone that registers will be called at the address and port that it is known by outside. */
export function translateContact(
  message: SipMessage,
  expectation: Expectation,
  at: number,
  length: number,
): Verdict {
  const { call, memory } = message;
  const { dir } = call;
  const { tuple } = expectation;
  const ownPort = memory.forcedDport !== 0 ? memory.forcedDport : call.sport(dir);
  const port = tuple[TUPLE_DPORT] === ownPort ? call.dport(1 - dir) : tuple[TUPLE_DPORT]!;
  moveTo(message, expectation);
  expectation.dir = dir === 0 ? 1 : 0;
  expectation.expectfn = expected;
  const chosen = expectAtPort(call, expectation, port);
  if (chosen === 0) return VERDICT_DROP;
  const isMoved =
    !sameAddress(tuple, TUPLE_DADDR, expectation.savedAddr, 0) || chosen !== expectation.savedPort;
  if (!isMoved || message.replace(at, length, formatEndpoint(message, tuple, TUPLE_DADDR, chosen))) {
    return VERDICT_ACCEPT;
  }
  call.expectations.unexpect(expectation);
  return VERDICT_DROP;
}

/** What is expected comes to the sender's outer address; where it really goes is saved. */
function moveTo(message: SipMessage, expectation: Expectation): void {
  const { call } = message;
  const { dir, words } = call;
  const { tuple } = expectation;
  expectation.savedAddr.set(tuple.subarray(TUPLE_DADDR, TUPLE_DADDR + 4));
  expectation.savedPort = tuple[TUPLE_DPORT]!;
  const outer = call.daddr(1 - dir);
  if (sameAddress(words, call.saddr(dir), words, outer)) return;
  for (let i = 0; i < 4; i++) tuple[TUPLE_DADDR + i] = words[outer + i]!;
}

/** nf_nat_sdp_media(): both streams come to a pair of ports of the outer address; `address` becomes that. */
export function translateMedia(
  message: SipMessage,
  rtp: Expectation,
  rtcp: Expectation,
  at: number,
  portBytes: number,
  address: Int32Array,
): Verdict {
  const { call } = message;
  for (const one of [rtp, rtcp]) {
    moveTo(message, one);
    one.dir = call.dir === 0 ? 1 : 0;
    one.expectfn = expected;
  }
  address.set(rtp.tuple.subarray(TUPLE_DADDR, TUPLE_DADDR + 4));
  let port = rtp.tuple[TUPLE_DPORT]!;
  for (; port !== 0; port = (port + 2) & 0xffff) {
    rtp.tuple[TUPLE_DPORT] = port;
    rtcp.tuple[TUPLE_DPORT] = (port + 1) & 0xffff;
    const refused = call.expectations.relatedPair(rtp, rtcp, SKIP_MASTER);
    if (refused === EXPECT_OK) break;
    if (refused !== EXPECT_BUSY) return VERDICT_DROP;
  }
  if (port === 0) return VERDICT_DROP;
  if (port === rtp.savedPort || writeMediaPort(message, at, portBytes, port)) return VERDICT_ACCEPT;
  call.expectations.unexpect(rtp);
  call.expectations.unexpect(rtcp);
  return VERDICT_DROP;
}

/** nf_nat_sip_expected(): the translation of a call or stream that has come as expected. */
function expected(nat: Nat, ct: number, expectation: Expectation, p: Packet): void {
  const { words, expectations } = nat;
  const at = ct << RECORD_SHIFT;
  const master = expectation.master << RECORD_SHIFT;
  nat.setup(p, MANIP_DST, addressAndPort(expectation.savedAddr, 0, expectation.savedPort), ct);
  if (expectation.class !== SIP_SIGNALLING) {
    // The other end's stream tells from where this one has to come.
    const pair = expectations
      .of(expectation.master)
      .find(
        ({ tuple, savedAddr, savedPort }) =>
          tuple[TUPLE_PROTO] === words[at + TUPLE_PROTO] &&
          sameAddress(words, at + TUPLE_SADDR, savedAddr, 0) &&
          words[at + TUPLE_SPORT] === savedPort,
      );
    if (pair !== undefined) {
      nat.setup(p, MANIP_SRC, addressAndPort(pair.tuple, TUPLE_DADDR, pair.tuple[TUPLE_DPORT]!), ct);
      return;
    }
  }
  const own = master + expectation.dir * REPLY_STRIDE;
  const other = master + (1 - expectation.dir) * REPLY_STRIDE;
  if (sameAddress(words, at + TUPLE_SADDR, words, own + TUPLE_SADDR)) {
    nat.setup(p, MANIP_SRC, addressRange(words, other + TUPLE_DADDR), ct);
  }
}

// --- the session ------------------------------------------------------------------------------------------------

/** nf_nat_sdp_port(). */
export function writeMediaPort(message: SipMessage, at: number, bytes: number, port: number): boolean {
  return message.replace(at, bytes, String(port)) && writeContentLength(message);
}

/** nf_nat_sdp_addr(): the address of one media description. */
export function writeMediaAddress(message: SipMessage, at: number, address: Int32Array): boolean {
  return replaceSdp(message, at, 'connection', address) === WRITTEN && writeContentLength(message);
}

/** nf_nat_sdp_session(): the session's owner and address; the latter may be missing. */
export function writeSession(message: SipMessage, start: number, address: Int32Array): boolean {
  if (replaceSdp(message, start, 'owner', address) !== WRITTEN) return false;
  if (replaceSdp(message, start, 'connection', address) === NOT_WRITTEN) return false;
  return writeContentLength(message);
}

const WRITTEN = 1;
const NOT_THERE = 0;
const NOT_WRITTEN = -1;

/** mangle_sdp_packet(). */
function replaceSdp(message: SipMessage, from: number, name: SdpName, address: Int32Array): number {
  if (findSdp(message.text, from, name, 'media', message.family, match) !== FOUND) return NOT_THERE;
  const by = formatAddress(message, address, 0, false);
  return message.replace(match.at, match.length, by) ? WRITTEN : NOT_WRITTEN;
}

/** mangle_content_len(). */
function writeContentLength(message: SipMessage): boolean {
  const { family } = message;
  if (findSdp(message.text, 0, 'version', undefined, family, match) !== FOUND) return false;
  const bytes = message.text.length - match.at + 2;
  if (findHeader(message.text, 0, 'contentLength', family, match) !== FOUND) return false;
  return message.replace(match.at, match.length, String(bytes));
}
