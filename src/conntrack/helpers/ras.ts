import { IPS_EXPECTED } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../packet/packet.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../packet/verdict.ts';
import { EXPECT_OK, EXPECT_PERMANENT } from '../expect.ts';
import type { Helper } from '../helper.ts';
import { C_STATUS } from '../layout.ts';
import { SECOND_NS } from '../timeouts.ts';
import { Dialogue, type H323Memory, newMemory, type Spot } from './h323/dialogue.ts';
import { rasMessage } from './h323/h225-syntax.ts';
import { follow, ownExpectation } from './h323/media.ts';
import { items, part, readPer, type Value } from './h323/per.ts';
import { q931, translateSignal } from './q931.ts';

/** How long a registration lives that does not say (module parameter default_rrq_ttl). */
const DEFAULT_REGISTRATION_SECONDS = 300;
/** A connection has so long after it has been given up. */
const UNREGISTERED_SECONDS = 30;

/**
 * RAS, between an H.323 endpoint and its gatekeeper: where calls will come to, and where they may go.
 * net/netfilter/nf_conntrack_h323_main.c, net/ipv4/netfilter/nf_nat_h323.c.
 *
 * The module's parameters are not known, and have their defaults (gkrouted_only 1: calls come from the gatekeeper).
 */
export const ras: Helper<H323Memory> = {
  name: 'RAS',
  families: [4, 6],
  protocols: [IPPROTO_UDP],
  port: 1719,
  policies: [{ maxExpected: 32, timeoutSeconds: 240 }],
  remember: newMemory,
  help(call, memory) {
    if (call.payloadBytes <= 0 || !call.hasPayload()) return VERDICT_ACCEPT;
    const dialogue = new Dialogue(call, memory, 0);
    const { base } = dialogue;
    const message = readPer(call.p.bytes, base, base, base + call.payloadBytes, rasMessage);
    if (message === undefined) return VERDICT_ACCEPT;
    for (const [name, process] of Object.entries(MESSAGES)) {
      const value = part(message, name);
      if (value !== undefined && !process(dialogue, value)) return VERDICT_DROP;
    }
    return VERDICT_ACCEPT;
  },
};

/** process_ras(): false when the packet is to be dropped. */
const MESSAGES: Readonly<Record<string, (dialogue: Dialogue, message: Value) => boolean>> = {
  gatekeeperRequest: (dialogue, message) => translateRas(dialogue, [part(message, 'rasAddress')]),
  gatekeeperConfirm: gatekeeperFound,
  registrationRequest: register,
  registrationConfirm: registered,
  unregistrationRequest: unregister,
  admissionRequest: askAdmission,
  admissionConfirm: admitted,
  locationRequest: (dialogue, message) => translateRas(dialogue, [part(message, 'replyAddress')]),
  locationConfirm: (dialogue, message) => expectCall(dialogue, part(message, 'callSignalAddress')),
  infoRequestResponse: (dialogue, message) =>
    translateRas(dialogue, [part(message, 'rasAddress')]) &&
    translateCallAddress(dialogue, items(part(message, 'callSignalAddress'))),
};

/** set_ras_addr(): the sender's own port for RAS is given as the other side knows it. */
function translateRas(dialogue: Dialogue, values: readonly (Value | undefined)[]): boolean {
  if (!dialogue.isTranslated) return true;
  const { call } = dialogue;
  const { dir } = call;
  const own = values
    .map((value) => dialogue.signalSpot(value))
    .find((spot) => spot !== undefined && dialogue.isSender(spot) && spot.port === call.sport(dir));
  return own === undefined || dialogue.write(own, call.daddr(1 - dir), call.dport(1 - dir));
}

/** set_sig_addr(): so is the port for calls, of the endpoint to the gatekeeper and of the gatekeeper to the endpoint. */
function translateCallAddress(dialogue: Dialogue, values: readonly (Value | undefined)[]): boolean {
  if (!dialogue.isTranslated) return true;
  const { call } = dialogue;
  const { dir } = call;
  const { signalPort } = dialogue.memory;
  const spots = values.map((value) => dialogue.signalSpot(value));
  for (const spot of spots) {
    if (spot === undefined || spot.port !== signalPort[dir]) continue;
    if (dialogue.isSender(spot)) {
      // Some name their loopback address first.
      const first = spots[0];
      const shown = first !== undefined && isLoopback(first) ? first : spot;
      return dialogue.write(shown, call.daddr(1 - dir), signalPort[1 - dir]!);
    }
    if (dialogue.isReceiver(spot)) return dialogue.write(spot, call.saddr(1 - dir), signalPort[1 - dir]!);
  }
  return true;
}

function isLoopback({ address }: Spot): boolean {
  return address[0]! >>> 24 === 127;
}

/** process_gcf(): the gatekeeper is registered with at another port than the one it was found at. */
function gatekeeperFound(dialogue: Dialogue, message: Value): boolean {
  const { call } = dialogue;
  const spot = dialogue.signalSpot(part(message, 'rasAddress'));
  if (spot === undefined || (dialogue.isSender(spot) && spot.port === call.sport(call.dir))) return true;
  if ((call.words[call.tuple(0) + C_STATUS]! & IPS_EXPECTED) !== 0) return true;
  const expectation = call.expectation(
    0,
    IPPROTO_UDP,
    call.saddr(1 - call.dir),
    spot.address,
    undefined,
    spot.port,
  );
  expectation.assignHelper = ras as Helper;
  return call.expectations.related(expectation) === EXPECT_OK;
}

/** process_rrq(). */
function register(dialogue: Dialogue, message: Value): boolean {
  if (!expectOwnCalls(dialogue, items(part(message, 'callSignalAddress')))) return false;
  if (!translateRas(dialogue, items(part(message, 'rasAddress')))) return false;
  const seconds = part(message, 'timeToLive');
  dialogue.memory.timeoutSeconds = typeof seconds === 'number' ? seconds : DEFAULT_REGISTRATION_SECONDS;
  return true;
}

/** expect_q931(), and nat_q931(): calls to the first address that is the sender's own. */
function expectOwnCalls(dialogue: Dialogue, values: readonly Value[]): boolean {
  const { call, memory } = dialogue;
  const { dir } = call;
  const spots = values.map((value) => dialogue.signalSpot(value));
  const own = spots.find((spot) => spot !== undefined && dialogue.isSender(spot) && spot.port !== 0);
  if (own === undefined) return true;
  const expectation = ownExpectation(dialogue, IPPROTO_TCP, own.port);
  expectation.assignHelper = q931 as Helper;
  expectation.flags = EXPECT_PERMANENT;
  if (!dialogue.isTranslated) {
    if (call.expectations.related(expectation) !== EXPECT_OK) return false;
    memory.signalPort[dir] = own.port;
    return true;
  }
  follow(dialogue, expectation);
  const port = translateSignal(dialogue, own, expectation);
  if (port === undefined) return false;
  const first = spots[0];
  if (port === 0 || first === undefined || first === own || !isLoopback(first)) return true;
  if (dialogue.write(first, call.daddr(1 - dir), port)) return true;
  call.expectations.unexpect(expectation);
  return false;
}

/**
 * process_rcf(). It would prolong the expectation too, but looks for one that knows nothing of its source, and this
 * one does.
 */
function registered(dialogue: Dialogue, message: Value): boolean {
  const { call, memory } = dialogue;
  if (!translateCallAddress(dialogue, items(part(message, 'callSignalAddress')))) return false;
  const seconds = part(message, 'timeToLive');
  if (typeof seconds === 'number') memory.timeoutSeconds = seconds;
  if (memory.timeoutSeconds > 0) call.core.refreshTimeout(call.ct, memory.timeoutSeconds * SECOND_NS);
  return true;
}

/** process_urq(). */
function unregister(dialogue: Dialogue, message: Value): boolean {
  const { call, memory } = dialogue;
  if (!translateCallAddress(dialogue, items(part(message, 'callSignalAddress')))) return false;
  call.expectations.removeAll(call.ct);
  memory.signalPort.fill(0);
  call.core.refreshTimeout(call.ct, UNREGISTERED_SECONDS * SECOND_NS);
  return true;
}

/** process_arq(). */
function askAdmission(dialogue: Dialogue, message: Value): boolean {
  if (!dialogue.isTranslated) return true;
  const { call } = dialogue;
  const { dir } = call;
  const { signalPort } = dialogue.memory;
  const called = dialogue.signalSpot(part(message, 'destCallSignalAddress'));
  if (called !== undefined && dialogue.isSender(called) && called.port === signalPort[dir])
    return dialogue.write(called, call.daddr(1 - dir), signalPort[1 - dir]!);
  const caller = dialogue.signalSpot(part(message, 'srcCallSignalAddress'));
  if (caller === undefined || !dialogue.isSender(caller)) return true;
  return dialogue.write(caller, call.daddr(1 - dir), caller.port);
}

/** process_acf(): a call may come, or go. */
function admitted(dialogue: Dialogue, message: Value): boolean {
  const value = part(message, 'destCallSignalAddress');
  const spot = dialogue.signalSpot(value);
  if (spot !== undefined && dialogue.isReceiver(spot)) return translateCallAddress(dialogue, [value]);
  return expectCall(dialogue, value);
}

/** Any number of calls from the endpoint to the address that the gatekeeper gives: process_acf(), process_lcf(). */
function expectCall(dialogue: Dialogue, value: Value | undefined): boolean {
  const spot = dialogue.signalSpot(value);
  if (spot === undefined) return true;
  const { call } = dialogue;
  const caller = call.saddr(1 - call.dir);
  const expectation = call.expectation(0, IPPROTO_TCP, caller, spot.address, undefined, spot.port);
  expectation.flags = EXPECT_PERMANENT;
  expectation.assignHelper = q931 as Helper;
  return call.expectations.related(expectation) === EXPECT_OK;
}
