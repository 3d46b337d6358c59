import { IPS_EXPECTED, TUPLE_DADDR, TUPLE_DPORT, TUPLE_PROTO } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_INACTIVE, EXPECT_OK, EXPECT_PERMANENT } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { C_STATUS } from '../layout.ts';
import { SECOND_NS } from '../timeouts.ts';
import { SIP_SIGNALLING, type SipMemory, SipMessage, sameAddress } from './sip-message.ts';
import { translateContact, translateMessage } from './sip-nat.ts';
import {
  type Endpoint,
  FOUND,
  findHeader,
  firstUri,
  hasOwnTransport,
  isAlpha,
  type Match,
  nextUri,
  numericParameter,
  UNREADABLE,
  unsigned,
} from './sip-parse.ts';
import { readSession } from './sip-sdp.ts';
import { startsWith } from './text.ts';

/** How long a connection that speaks SIP lives (module parameter sip_timeout). */
const SESSION_TIMEOUT_NS = 3600 * SECOND_NS;
const SHORTEST = 'SIP/2.0 200'.length;
const ANSWER = 'SIP/2.0 ';

const match: Match = { at: 0, length: 0 };
const endpoint: Endpoint = { address: new Int32Array(4), port: 0 };

/**
 * SIP: calls announce where their media will flow, registrations where calls will come to.
 * net/netfilter/nf_conntrack_sip.c; its counterpart in NAT is in sip-nat.ts.
 *
 * The module's parameters are not known, and have their defaults: media and calls come only from whom the connection
 * is with (sip_direct_media, sip_direct_signalling 1, sip_external_media 0).
 */
export const sip: Helper<SipMemory> = {
  name: 'sip',
  families: [4, 6],
  protocols: [IPPROTO_UDP, IPPROTO_TCP],
  port: 5060,
  policies: [
    { name: 'signalling', maxExpected: 1, timeoutSeconds: 180 },
    { name: 'audio', maxExpected: 4, timeoutSeconds: 180 },
    { name: 'video', maxExpected: 4, timeoutSeconds: 180 },
    { name: 'image', maxExpected: 2, timeoutSeconds: 180 },
  ],
  remember: () => ({ registerCseq: 0, inviteCseq: 0, forcedDport: 0 }),
  help(call, memory) {
    if (call.l4proto === IPPROTO_TCP) return helpTcp(call, memory);
    if (call.payloadBytes <= 0) return VERDICT_ACCEPT;
    call.core.refreshTimeout(call.ct, SESSION_TIMEOUT_NS);
    if (call.payloadBytes < SHORTEST || !call.hasPayload()) return VERDICT_ACCEPT;
    return readMessage(new SipMessage(call, memory, 0, call.text()));
  },
};

/** sip_help_tcp(): a segment may hold several messages, told by their Content-Length. */
function helpTcp(call: HelperCall, memory: SipMemory): Verdict {
  if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
  if (call.payloadBytes <= 0) return VERDICT_ACCEPT;
  call.core.refreshTimeout(call.ct, SESSION_TIMEOUT_NS);
  if (call.payloadBytes < SHORTEST || !call.hasPayload()) return VERDICT_ACCEPT;
  let verdict: Verdict = VERDICT_ACCEPT;
  let growth = 0;
  for (let start = 0; verdict === VERDICT_ACCEPT; ) {
    const text = call.text().slice(start);
    const length = messageLength(text, call);
    if (length < 0) break;
    // A message that goes on in the next segment ends the look, and nothing is adjusted.
    if (length > text.length) return VERDICT_ACCEPT;
    const message = new SipMessage(call, memory, start, text.slice(0, length));
    verdict = readMessage(message);
    growth += message.text.length - length;
    start += message.text.length;
  }
  if (verdict === VERDICT_ACCEPT && call.isTranslated) {
    call.core.adjustments.set(call.ct, call.dir, call.p.view.getInt32(call.p.l4Offset + 4), growth);
  }
  return verdict;
}

/** Length of the message at the beginning of `text`; -1 where none can be told. */
function messageLength(text: string, call: HelperCall): number {
  if (findHeader(text, 0, 'contentLength', call.family, match) !== FOUND) return -1;
  const { value, next } = unsigned(text, match.at);
  if (next === match.at || value > text.length) return -1;
  const end = text.indexOf('\r\n\r\n', next);
  return end < 0 ? -1 : end + 4 + value;
}

/** process_sip_msg(). */
function readMessage(message: SipMessage): Verdict {
  const isAnswer = startsWith(message.text, 0, ANSWER);
  const verdict = isAnswer ? readAnswer(message) : readRequest(message);
  if (verdict !== VERDICT_ACCEPT || !message.call.isTranslated) return verdict;
  return translateMessage(message) ? VERDICT_ACCEPT : VERDICT_DROP;
}

interface Method {
  readonly name: string;
  readonly request?: (message: SipMessage, cseq: number) => Verdict;
  readonly answer?: (message: SipMessage, cseq: number, code: number) => Verdict;
}

const METHODS: readonly Method[] = [
  { name: 'INVITE', request: invite, answer: inviteAnswered },
  { name: 'UPDATE', request: readSession, answer: inviteAnswered },
  { name: 'ACK', request: readSession },
  { name: 'PRACK', request: readSession, answer: inviteAnswered },
  { name: 'BYE', request: bye },
  { name: 'REGISTER', request: register, answer: registerAnswered },
];

/** The number of CSeq, or undefined. `match` is its place. */
function readCseq(message: SipMessage): number | undefined {
  if (findHeader(message.text, 0, 'cseq', message.family, match) !== FOUND) return undefined;
  const { value, next } = unsigned(message.text, match.at);
  return next === match.at ? undefined : value;
}

/** process_sip_response(). */
function readAnswer(message: SipMessage): Verdict {
  const { text } = message;
  if (text.length < SHORTEST) return VERDICT_ACCEPT;
  const code = unsigned(text, ANSWER.length).value;
  if (code === 0) return VERDICT_DROP;
  const cseq = readCseq(message);
  if (cseq === undefined) return VERDICT_DROP;
  const at = match.at + match.length + 1;
  const method = METHODS.find(({ name, answer }) => answer !== undefined && startsWith(text, at, name));
  return method?.answer?.(message, cseq, code) ?? VERDICT_ACCEPT;
}

/** process_sip_request(). */
function readRequest(message: SipMessage): Verdict {
  const { text, call, memory, family } = message;
  const { dir, words } = call;
  // Phones that send from a high port and listen on 5060 say so in Via.
  if (
    firstUri(text, 'viaUdp', family, match, endpoint) > 0 &&
    endpoint.port !== call.sport(dir) &&
    sameAddress(endpoint.address, 0, words, call.saddr(dir))
  ) {
    memory.forcedDport = endpoint.port;
  }
  for (const { name, request } of METHODS) {
    if (request === undefined || text.length < name.length + 2 || !startsWith(text, 0, name)) continue;
    if (text[name.length] !== ' ' || !isAlpha(text, name.length + 1)) continue;
    const cseq = readCseq(message);
    return cseq === undefined ? VERDICT_DROP : request(message, cseq);
  }
  return VERDICT_ACCEPT;
}

function invite(message: SipMessage, cseq: number): Verdict {
  forgetExpectations(message.call, true);
  const verdict = readSession(message);
  if (verdict === VERDICT_ACCEPT) message.memory.inviteCseq = cseq;
  return verdict;
}

/** The answers to INVITE, UPDATE and PRACK; a refusal ends what was announced. */
function inviteAnswered(message: SipMessage, cseq: number, code: number): Verdict {
  if (code >= 100 && code <= 299) return readSession(message);
  if (message.memory.inviteCseq === cseq) forgetExpectations(message.call, true);
  return VERDICT_ACCEPT;
}

function bye(message: SipMessage): Verdict {
  forgetExpectations(message.call, true);
  return VERDICT_ACCEPT;
}

/**
 * process_register_request(): the phone will take calls. They are expected, for as long as it registers for, once the
 * registrar has agreed.
 */
function register(message: SipMessage, cseq: number): Verdict {
  const { text, call, memory, family } = message;
  const { dir, words } = call;
  // What was expected itself does not register again.
  if ((words[call.tuple(0) + C_STATUS]! & IPS_EXPECTED) !== 0) return VERDICT_ACCEPT;
  let expires = 0;
  if (findHeader(text, 0, 'expires', family, match) > 0) expires = unsigned(text, match.at).value;
  const contact = firstUri(text, 'contact', family, match, endpoint);
  if (contact !== FOUND) return contact === UNREADABLE ? VERDICT_DROP : VERDICT_ACCEPT;
  const at = match.at;
  const { length } = match;
  // Nobody registers for somebody else.
  if (!sameAddress(words, call.saddr(dir), endpoint.address, 0)) return VERDICT_ACCEPT;
  if (!hasOwnTransport(text, at + length, transportOf(message))) return VERDICT_ACCEPT;
  const parameter = numericParameter(text, at + length, 'expires=', match);
  if (parameter === UNREADABLE) return VERDICT_DROP;
  expires = parameter ?? expires;
  let verdict: Verdict = VERDICT_ACCEPT;
  if (expires !== 0) {
    const expectation = call.expectation(
      SIP_SIGNALLING,
      call.l4proto,
      call.saddr(1 - dir),
      endpoint.address,
      undefined,
      endpoint.port,
    );
    expectation.assignHelper = call.helper;
    expectation.flags = EXPECT_PERMANENT | EXPECT_INACTIVE;
    if (call.isTranslated) verdict = translateContact(message, expectation, at, length);
    else if (call.expectations.related(expectation) !== EXPECT_OK) verdict = VERDICT_DROP;
  }
  if (verdict === VERDICT_ACCEPT) memory.registerCseq = cseq;
  return verdict;
}

/** process_register_response(). */
function registerAnswered(message: SipMessage, cseq: number, code: number): Verdict {
  const { text, call, memory, family } = message;
  if (memory.registerCseq !== cseq || (code >= 100 && code <= 199)) return VERDICT_ACCEPT;
  if (code >= 200 && code <= 299) {
    let expires = 0;
    if (findHeader(text, 0, 'expires', family, match) > 0) expires = unsigned(text, match.at).value;
    const walk = { at: 0, inHeader: false };
    for (;;) {
      const contact = nextUri(text, walk, 'contact', family, match, endpoint);
      if (contact === UNREADABLE) return VERDICT_DROP;
      if (contact === 0) break;
      if (!sameAddress(call.words, call.daddr(call.dir), endpoint.address, 0)) continue;
      const behind = match.at + match.length;
      if (!hasOwnTransport(text, behind, transportOf(message))) continue;
      const parameter = numericParameter(text, behind, 'expires=', match);
      if (parameter === UNREADABLE) return VERDICT_DROP;
      const seconds = parameter ?? expires;
      if (seconds === 0) break;
      if (refreshCalls(call, seconds)) return VERDICT_ACCEPT;
    }
  }
  forgetExpectations(call, false);
  return VERDICT_ACCEPT;
}

function transportOf(message: SipMessage): 'TCP' | 'UDP' {
  return message.isTcp ? 'TCP' : 'UDP';
}

/** refresh_signalling_expectation(): calls to `endpoint` are expected for so long from now on. */
function refreshCalls(call: HelperCall, seconds: number): boolean {
  for (const expectation of call.expectations.of(call.ct)) {
    const { tuple } = expectation;
    if (
      expectation.class !== SIP_SIGNALLING ||
      !sameAddress(tuple, TUPLE_DADDR, endpoint.address, 0) ||
      (tuple[TUPLE_PROTO]! & 255) !== call.l4proto ||
      tuple[TUPLE_DPORT] !== endpoint.port
    ) {
      continue;
    }
    expectation.expiresNs = call.core.nowNs + seconds * SECOND_NS;
    expectation.flags &= ~EXPECT_INACTIVE;
    return true;
  }
  return false;
}

/** flush_expectations(): of the media, or the one for calls. */
function forgetExpectations(call: HelperCall, media: boolean): void {
  for (const expectation of [...call.expectations.of(call.ct)]) {
    if ((expectation.class !== SIP_SIGNALLING) !== media) continue;
    call.expectations.remove(expectation);
    if (!media) return;
  }
}
