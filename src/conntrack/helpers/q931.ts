import { makeRouteResult } from '../../host/result.ts';
import { ROUTE_MULTICAST, type RouteResult } from '../../host/types.ts';
import { address, addressAndPort, expectAtPort } from '../../nat/helper.ts';
import type { Nat } from '../../nat/nat.ts';
import { MANIP_DST, MANIP_SRC, TUPLE_DADDR, TUPLE_SADDR } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP, type Packet } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../packet/verdict.ts';
import { EXPECT_OK, type Expectation } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { RECORD_SHIFT, REPLY_STRIDE } from '../layout.ts';
import { h245 } from './h245.ts';
import { Dialogue, type H323Memory, newMemory, type Spot } from './h323/dialogue.ts';
import { userInformation } from './h323/h225-syntax.ts';
import { follow, ownExpectation, readControl, readOpening } from './h323/media.ts';
import { items, part, readPer, type Value } from './h323/per.ts';
import { framedMessages } from './h323/tpkt.ts';
import { sameAddress } from './sip-message.ts';

const PROTOCOL_DISCRIMINATOR = 0x08;
const USER_USER_ELEMENT = 0x7e;

/**
 * Q.931 as H.323 uses it, the signalling of a call: where its control channel is, its media where they are agreed on at
 * once, and where it is forwarded to. net/netfilter/nf_conntrack_h323_main.c, net/ipv4/netfilter/nf_nat_h323.c.
 *
 * The module's parameters are not known, and have their defaults (callforward_filter 1).
 */
export const q931: Helper<H323Memory> = {
  name: 'Q.931',
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  port: 1720,
  policies: [{ maxExpected: 20, timeoutSeconds: 240 }],
  remember: newMemory,
  help(call, memory) {
    if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
    for (const { at, bytes } of framedMessages(call, memory)) {
      const dialogue = new Dialogue(call, memory, at);
      const information = readQ931(call.p.bytes, dialogue.base, bytes);
      if (information === undefined) break;
      if (!readInformation(dialogue, part(information, 'h323UuPdu'))) return VERDICT_DROP;
    }
    return VERDICT_ACCEPT;
  },
};

/** DecodeQ931(): H323-UserInformation from among the elements of a message, or undefined. */
function readQ931(bytes: Uint8Array, base: number, length: number): Value | undefined {
  const end = base + length;
  let at = base;
  if (length < 1 || bytes[at++] !== PROTOCOL_DISCRIMINATOR) return undefined;
  if (at >= end) return undefined;
  const referenceBytes = bytes[at++]!;
  if (end - at < referenceBytes) return undefined;
  at += referenceBytes;
  if (end - at < 2) return undefined;
  at++;
  // An octet with its top bit set is an element by itself, but only here.
  if ((bytes[at]! & 0x80) !== 0) at++;
  while (at < end) {
    if (bytes[at] === USER_USER_ELEMENT) {
      if (end - at < 3) return undefined;
      const elementBytes = bytes[at + 1]! * 256 + bytes[at + 2]!;
      at += 3;
      // The first is the protocol discriminator of the element.
      if (end - at < elementBytes || elementBytes <= 1) return undefined;
      return readPer(bytes, base, at + 1, at + elementBytes, userInformation);
    }
    at++;
    if (at >= end) return undefined;
    const elementBytes = bytes[at++]!;
    if (end - at < elementBytes) return undefined;
    at += elementBytes;
  }
  return undefined;
}

/** process_q931(). */
function readInformation(dialogue: Dialogue, pdu: Value | undefined): boolean {
  const body = part(pdu, 'messageBody');
  const setup = part(body, 'setup');
  const facility = part(body, 'facility');
  let passes = true;
  if (setup !== undefined) passes = readSetup(dialogue, setup);
  else if (part(facility, 'reason', 'callForwarded') !== undefined)
    passes = expectForwarded(dialogue, dialogue.signalSpot(part(facility, 'alternativeAddress')));
  else {
    const progressing =
      facility ??
      part(body, 'callProceeding') ??
      part(body, 'connect') ??
      part(body, 'alerting') ??
      part(body, 'progress');
    passes = readProgress(dialogue, progressing);
  }
  return passes && items(part(pdu, 'h245Control')).every((message) => readControl(dialogue, message));
}

/** process_setup(). */
function readSetup(dialogue: Dialogue, setup: Value): boolean {
  const { call } = dialogue;
  const other = 1 - call.dir;
  return (
    expectControl(dialogue, dialogue.signalSpot(part(setup, 'h245Address'))) &&
    correct(dialogue, part(setup, 'destCallSignalAddress'), call.saddr(other), call.sport(other)) &&
    correct(dialogue, part(setup, 'sourceCallSignalAddress'), call.daddr(other), call.dport(other)) &&
    readFastStart(dialogue, setup)
  );
}

/** process_callproceeding(), process_connect(), process_alerting(), process_facility(), process_progress(). */
function readProgress(dialogue: Dialogue, message: Value | undefined): boolean {
  return (
    expectControl(dialogue, dialogue.signalSpot(part(message, 'h245Address'))) &&
    readFastStart(dialogue, message)
  );
}

function readFastStart(dialogue: Dialogue, message: Value | undefined): boolean {
  return items(part(message, 'fastStart')).every((channel) => readOpening(dialogue, channel));
}

/** One end of the call is named by the address under which the other side knows it. */
function correct(dialogue: Dialogue, named: Value | undefined, addressAt: number, port: number): boolean {
  if (!dialogue.isTranslated) return true;
  const spot = dialogue.signalSpot(named);
  if (spot === undefined || sameAddress(spot.address, 0, dialogue.call.words, addressAt)) return true;
  return dialogue.write(spot, addressAt, port);
}

/** expect_h245(), and nat_h245(). */
function expectControl(dialogue: Dialogue, spot: Spot | undefined): boolean {
  if (spot === undefined || !dialogue.isSender(spot) || spot.port === 0) return true;
  const expectation = ownExpectation(dialogue, IPPROTO_TCP, spot.port);
  expectation.assignHelper = h245 as Helper;
  if (!dialogue.isSenderTranslated) return dialogue.call.expectations.related(expectation) === EXPECT_OK;
  follow(dialogue, expectation);
  return translateSignal(dialogue, spot, expectation) !== undefined;
}

/**
 * The greater part of nat_h245() and nat_q931(): the connection is expected at the sender's outer address, and the
 * message says so. The port there; 0 where none is to be had, and the message goes on as it is; undefined when it
 * cannot be written.
 */
export function translateSignal(
  dialogue: Dialogue,
  spot: Spot,
  expectation: Expectation,
): number | undefined {
  const { call } = dialogue;
  const { signalPort } = dialogue.memory;
  const { dir } = call;
  const known = signalPort[dir] === spot.port ? signalPort[1 - dir]! : spot.port;
  const port = expectAtPort(call, expectation, known);
  if (port === 0) return port;
  if (!dialogue.write(spot, call.daddr(1 - dir), port)) {
    call.expectations.unexpect(expectation);
    return undefined;
  }
  signalPort[dir] = spot.port;
  signalPort[1 - dir] = port;
  return port;
}

/** expect_callforwarding(), and nat_callforwarding(): the caller will call somebody else. */
function expectForwarded(dialogue: Dialogue, spot: Spot | undefined): boolean {
  const { call } = dialogue;
  if (spot === undefined || spot.port === 0 || isSameWay(call, spot)) return true;
  const other = 1 - call.dir;
  const expectation = call.expectation(0, IPPROTO_TCP, call.saddr(other), spot.address, undefined, spot.port);
  expectation.assignHelper = q931 as Helper;
  if (!dialogue.isSenderTranslated) return call.expectations.related(expectation) === EXPECT_OK;
  follow(dialogue, expectation);
  expectation.expectfn = translateForwarded;
  expectation.savedAddr.set(spot.address);
  for (let i = 0; i < 4; i++) expectation.tuple[TUPLE_DADDR + i] = call.words[call.daddr(other) + i]!;
  const port = expectAtPort(call, expectation, spot.port);
  if (port === 0 || dialogue.write(spot, call.daddr(other), port)) return true;
  call.expectations.unexpect(expectation);
  return false;
}

const CALLEE = 4;
const CALLER = 8;
const there = makeRouteResult();
const back = makeRouteResult();
/** Where from (anywhere), and the two to be reached. */
const ends = new Int32Array(12);

/** callforward_do_filter(): the caller reaches whom it is forwarded to without coming by here. */
function isSameWay(call: HelperCall, { address: callee }: Spot): boolean {
  ends.set(callee, CALLEE);
  const caller = call.saddr(1 - call.dir);
  for (let i = 0; i < 4; i++) ends[CALLER + i] = call.words[caller + i]!;
  route(call, CALLEE, there);
  route(call, CALLER, back);
  if (there.kind > ROUTE_MULTICAST || back.kind > ROUTE_MULTICAST || there.oif !== back.oif) return false;
  const via = (way: RouteResult, at: number) => (way.hasGateway ? way.gateway : ends.subarray(at, at + 4));
  return sameAddress(via(there, CALLEE), 0, via(back, CALLER), 0);
}

function route({ host, family }: HelperCall, daddrAt: number, out: RouteResult): void {
  host.routeOutput(family, ends, 0, daddrAt, 0, 0, 0, 0, 0, 0, out);
}

/** ip_nat_callforwarding_expect(). */
function translateForwarded(nat: Nat, ct: number, expectation: Expectation, p: Packet): void {
  const own = (ct << RECORD_SHIFT) + (expectation.dir === 0 ? REPLY_STRIDE : 0);
  nat.setup(p, MANIP_SRC, address(nat.words, own + TUPLE_SADDR), ct);
  nat.setup(p, MANIP_DST, addressAndPort(expectation.savedAddr, 0, expectation.savedPort), ct);
}
