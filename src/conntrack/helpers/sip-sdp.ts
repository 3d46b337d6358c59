import { TUPLE_DADDR, TUPLE_DPORT, TUPLE_PROTO, TUPLE_WORDS } from '../../packet/conntrack-access.ts';
import { IPPROTO_UDP } from '../../packet/packet.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_ALREADY, EXPECT_OK, type Expectation, SKIP_MASTER, zoneId } from '../expect.ts';
import type { HelperCall } from '../helper.ts';
import { RECORD_SHIFT } from '../layout.ts';
import { protoWord } from '../tuple.ts';
import { SIP_AUDIO, SIP_IMAGE, SIP_VIDEO, type SipMessage, sameAddress } from './sip-message.ts';
import { translateMedia, writeMediaAddress, writeMediaPort, writeSession } from './sip-nat.ts';
import { FOUND, findSdp, type Match, sdpAddress, unsigned } from './sip-parse.ts';

/** Media descriptions that are looked at: as many as there are types (sdp_media_types). */
const MEDIA_TYPES: readonly (readonly [word: string, expectClass: number])[] = [
  ['audio ', SIP_AUDIO],
  ['video ', SIP_VIDEO],
  ['image ', SIP_IMAGE],
];

const match: Match = { at: 0, length: 0 };
const sessionAddress = new Int32Array(4);
const mediaAddress = new Int32Array(4);

/**
 * process_sdp() in net/netfilter/nf_conntrack_sip.c: expects a stream, and its RTCP at the port above, for each media
 * description of the session in a message's body.
 */
export function readSession(message: SipMessage): Verdict {
  const { call, family } = message;
  if (findSdp(message.text, 0, 'version', undefined, family, match) !== FOUND) return VERDICT_ACCEPT;
  const start = match.at;
  const hasSession = sdpAddress(message.text, start, 'connection', 'media', family, match, sessionAddress);
  /** Where the media go; the one of the last description stands for the whole session. */
  let address: Int32Array | undefined = hasSession ? sessionAddress.slice() : undefined;
  let at = start;
  for (let described = 0; described < MEDIA_TYPES.length; ) {
    if (findSdp(message.text, at, 'media', undefined, family, match) !== FOUND) break;
    at = match.at;
    const type = MEDIA_TYPES.find(
      ([word]) => match.length >= word.length && message.text.startsWith(word, at),
    );
    if (type === undefined) {
      at += match.length;
      continue;
    }
    const [word, expectClass] = type;
    at += word.length;
    const portBytes = match.length - word.length;
    const { value: port, next } = unsigned(message.text, at);
    // An inactive stream.
    if (port === 0 || next === at) continue;
    if (port < 1024 || port > 0xffff) return VERDICT_DROP;
    const ownAddress = sdpAddress(message.text, at, 'connection', 'media', family, match, mediaAddress);
    if (!ownAddress && !hasSession) return VERDICT_DROP;
    address = ownAddress ? mediaAddress.slice() : sessionAddress.slice();
    const verdict = expectStreams(message, address, port, expectClass, at, portBytes);
    if (verdict !== VERDICT_ACCEPT) return verdict;
    if (ownAddress && call.isTranslated && !writeMediaAddress(message, at, address)) return VERDICT_DROP;
    described++;
  }
  if (!call.isTranslated || address === undefined) return VERDICT_ACCEPT;
  return writeSession(message, start, address) ? VERDICT_ACCEPT : VERDICT_DROP;
}

const tuple = new Int32Array(TUPLE_WORDS);

/**
 * set_expected_rtp_rtcp(): `port` stands at `at` of the message. `address` becomes the one that the other end is told.
 */
function expectStreams(
  message: SipMessage,
  address: Int32Array,
  port: number,
  expectClass: number,
  at: number,
  portBytes: number,
): Verdict {
  const { call, family } = message;
  const { dir, words } = call;
  if (!sameAddress(address, 0, words, call.saddr(dir))) return VERDICT_ACCEPT;
  const peer = call.saddr(1 - dir);
  for (let i = 0; i < 4; i++) {
    tuple[i] = words[peer + i]!;
    tuple[TUPLE_DADDR + i] = address[i]!;
  }
  tuple[TUPLE_PROTO] = protoWord(IPPROTO_UDP, family);
  tuple[TUPLE_DPORT] = port;
  // Somebody else may have been told of the same stream: then both ends may reach each other directly.
  let isDirect = false;
  for (;;) {
    const known = call.expectations.find(tuple, 0, zoneId(words, call.ct));
    if (known === undefined || !isOfSameKind(call, known, expectClass)) break;
    if (isDirect || !isMoved(known) || !call.isTranslated)
      return finishKnown(message, isDirect, at, portBytes);
    address.set(known.savedAddr);
    tuple.set(known.savedAddr, TUPLE_DADDR);
    tuple[TUPLE_DPORT] = known.savedPort;
    isDirect = true;
  }
  const base = tuple[TUPLE_DPORT]! & ~1;
  if (isDirect && !writeMediaPort(message, at, portBytes, base)) return VERDICT_DROP;
  const rtp = call.expectation(expectClass, IPPROTO_UDP, peer, address, undefined, base);
  const rtcp = call.expectation(expectClass, IPPROTO_UDP, peer, address, undefined, base + 1);
  if (call.isTranslated && !isDirect) return translateMedia(message, rtp, rtcp, at, portBytes, address);
  const first = call.expectations.related(rtp, SKIP_MASTER);
  if (first !== EXPECT_OK && first !== EXPECT_ALREADY) return VERDICT_DROP;
  const second = call.expectations.related(rtcp, SKIP_MASTER);
  if (second === EXPECT_OK || second === EXPECT_ALREADY) return VERDICT_ACCEPT;
  if (first === EXPECT_OK) call.expectations.unexpect(rtp);
  return VERDICT_DROP;
}

/** The stream is expected already; where it goes directly, the message has to say so. */
function finishKnown(message: SipMessage, isDirect: boolean, at: number, portBytes: number): Verdict {
  if (!isDirect) return VERDICT_ACCEPT;
  return writeMediaPort(message, at, portBytes, tuple[TUPLE_DPORT]! & ~1) ? VERDICT_ACCEPT : VERDICT_DROP;
}

/** It belongs to another connection with this helper, and is of the same class. */
function isOfSameKind(call: HelperCall, known: Expectation, expectClass: number): boolean {
  const proto = call.words[(known.master << RECORD_SHIFT) + TUPLE_PROTO]! & 255;
  return (
    known.master !== call.ct &&
    known.helper === call.helper &&
    proto === call.l4proto &&
    known.class === expectClass
  );
}

function isMoved(known: Expectation): boolean {
  return (
    !sameAddress(known.savedAddr, 0, known.tuple, TUPLE_DADDR) || known.savedPort !== known.tuple[TUPLE_DPORT]
  );
}
