import { expectAtPort, followMaster } from '../../../nat/helper.ts';
import { TUPLE_DPORT } from '../../../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../../packet/packet.ts';
import { EXPECT_BUSY, EXPECT_OK, EXPECT_PERMANENT, type Expectation } from '../../expect.ts';
import type { Dialogue, Spot } from './dialogue.ts';
import { part, type Value } from './per.ts';

/** What a message of H.245 says of media. All of these are false when the packet is to be dropped. */

/** process_h245(). */
export function readControl(dialogue: Dialogue, message: Value | undefined): boolean {
  const channel = part(message, 'request', 'openLogicalChannel');
  if (channel !== undefined) return readOpening(dialogue, channel);
  const ack = part(message, 'response', 'openLogicalChannelAck');
  return ack === undefined || readOpeningAck(dialogue, ack);
}

/** process_olc(). */
export function readOpening(dialogue: Dialogue, channel: Value): boolean {
  const forward = part(channel, 'forwardLogicalChannelParameters');
  const reverse = part(channel, 'reverseLogicalChannelParameters');
  if (!readChannel(dialogue, h2250(forward)) || !readChannel(dialogue, h2250(reverse))) return false;
  const t120 = part(forward, 'dataType', 'data', 'application', 't120', 'separateLANStack');
  return t120 === undefined || expectT120(dialogue, part(channel, 'separateStack'));
}

/** process_olca(). */
function readOpeningAck(dialogue: Dialogue, ack: Value): boolean {
  const forward = part(ack, 'forwardMultiplexAckParameters', 'h2250LogicalChannelAckParameters');
  return (
    readChannel(dialogue, h2250(part(ack, 'reverseLogicalChannelParameters'))) &&
    readChannel(dialogue, forward) &&
    expectT120(dialogue, part(ack, 'separateStack'))
  );
}

function h2250(parameters: Value | undefined): Value | undefined {
  return part(parameters, 'multiplexParameters', 'h2250LogicalChannelParameters');
}

/** process_h245_channel(). */
function readChannel(dialogue: Dialogue, channel: Value | undefined): boolean {
  return (
    expectMedia(dialogue, dialogue.mediaSpot(part(channel, 'mediaChannel'))) &&
    expectMedia(dialogue, dialogue.mediaSpot(part(channel, 'mediaControlChannel')))
  );
}

/** expect_rtp_rtcp(): media at an even port, their control at the next. */
function expectMedia(dialogue: Dialogue, spot: Spot | undefined): boolean {
  if (spot === undefined || !dialogue.isSender(spot) || spot.port === 0) return true;
  const rtp = ownExpectation(dialogue, IPPROTO_UDP, spot.port & ~1);
  const rtcp = ownExpectation(dialogue, IPPROTO_UDP, spot.port | 1);
  if (dialogue.isSenderTranslated) return translateMedia(dialogue, spot, rtp, rtcp);
  const { expectations } = dialogue.call;
  if (expectations.related(rtp) !== EXPECT_OK) return false;
  if (expectations.related(rtcp) === EXPECT_OK) return true;
  expectations.unexpect(rtp);
  return false;
}

/** nat_rtp_rtcp(). Where no pair of ports is to be had, the message goes on as it is. */
function translateMedia(dialogue: Dialogue, spot: Spot, rtp: Expectation, rtcp: Expectation): boolean {
  const { call, memory } = dialogue;
  const { dir, expectations } = call;
  const rtpPort = spot.port & ~1;
  follow(dialogue, rtp);
  follow(dialogue, rtcp);
  const slot = memory.rtpPorts.findIndex((ports) => ports[dir] === rtpPort || ports[dir] === 0);
  if (slot < 0) return true;
  let port = rtpPort;
  for (; port <= 0xffff; port += 2) {
    rtp.tuple[TUPLE_DPORT] = port;
    rtcp.tuple[TUPLE_DPORT] = port + 1;
    const refused = expectations.relatedPair(rtp, rtcp);
    if (refused === EXPECT_OK) break;
    if (refused !== EXPECT_BUSY) return true;
  }
  if (port > 0xffff) return true;
  const written = dialogue.write(spot, call.daddr(1 - dir), spot.port & 1 ? port + 1 : port);
  if (!written) {
    expectations.unexpect(rtp);
    expectations.unexpect(rtcp);
    return false;
  }
  memory.rtpPorts[slot]![dir] = rtpPort;
  memory.rtpPorts[slot]![1 - dir] = port;
  return true;
}

/** expect_t120(), and nat_t120(): any number of data connections to one port. */
function expectT120(dialogue: Dialogue, separateStack: Value | undefined): boolean {
  const spot = dialogue.mediaSpot(part(separateStack, 'networkAddress', 'localAreaAddress'));
  if (spot === undefined || !dialogue.isSender(spot) || spot.port === 0) return true;
  const { call } = dialogue;
  const expectation = ownExpectation(dialogue, IPPROTO_TCP, spot.port);
  expectation.flags = EXPECT_PERMANENT;
  if (!dialogue.isSenderTranslated) return call.expectations.related(expectation) === EXPECT_OK;
  follow(dialogue, expectation);
  const port = expectAtPort(call, expectation, spot.port);
  if (port === 0 || dialogue.write(spot, call.daddr(1 - call.dir), port)) return true;
  call.expectations.unexpect(expectation);
  return false;
}

/** A connection from the other end of this one to the sender. */
export function ownExpectation({ call }: Dialogue, l4proto: number, port: number): Expectation {
  const other = 1 - call.dir;
  return call.expectation(0, l4proto, call.saddr(other), call.daddr(other), undefined, port);
}

/** It is translated as its master is, back to the port that the sender knows. */
export function follow({ call }: Dialogue, expectation: Expectation): void {
  expectation.savedPort = expectation.tuple[TUPLE_DPORT]!;
  expectation.expectfn = followMaster;
  expectation.dir = call.dir === 0 ? 1 : 0;
}
