/** PPTP: calls that a control connection agrees on, and GRE that belongs to them. */

import type { Case, CasePacket } from '../judge.ts';
import { be16, be32, concat, filler, gre, icmpError, ip, type Layer } from '../packets.ts';
import { addresses, arrives } from './build.ts';
import { dnat, helperCase, MASQUERADE, rulesFor } from './helpers.ts';
import { destinationTranslated, type Ends, masqueraded, plain, TcpTalk } from './talk.ts';

const PORT = 1723;

/** A control message: its type, and what stands behind the headers, filled up to the size that it has. */
function control(
  type: number,
  size: number,
  ...fields: readonly (readonly [offset: number, value: number, bytes: 1 | 2])[]
): string {
  const body = new Uint8Array(size);
  for (const [offset, value, bytes] of fields) {
    if (bytes === 2) body[offset] = value >> 8;
    body[offset + bytes - 1] = value & 255;
  }
  const packet = concat(be16(12 + size), be16(1), be32(0x1a2b3c4d), be16(type), be16(0), body);
  return String.fromCharCode(...packet);
}

const startRequest = control(1, 144);
const startReply = (result = 1) => control(2, 144, [2, result, 1]);
const stopRequest = control(3, 4);
const stopReply = control(4, 4, [0, 1, 1]);
const echo = control(5, 4);
const outRequest = (id: number) => control(7, 156, [0, id, 2]);
const outReply = (id: number, peer: number, result = 1) =>
  control(8, 20, [0, id, 2], [2, peer, 2], [4, result, 1]);
const inRequest = (id: number) => control(9, 208, [0, id, 2]);
const inReply = (id: number, peer: number, result = 1) =>
  control(10, 12, [0, id, 2], [2, peer, 2], [4, result, 1]);
const inConnect = (peer: number) => control(11, 16, [0, peer, 2]);
const clear = (id: number) => control(12, 4, [0, id, 2]);
const disconnect = (id: number) => control(13, 136, [0, id, 2]);
const error = (peer: number) => control(14, 28, [0, peer, 2]);
const link = (peer: number) => control(15, 12, [0, peer, 2]);

const PNS = 0x1111;
const PAC = 0x2222;

/** GRE of a call; it names the receiver's number. */
function data(ends: Ends, fromClient: boolean, callId: number, layer: Layer = gre({ callId })): CasePacket {
  return fromClient
    ? arrives(ends.clientIface, ip({ saddr: ends.client, daddr: ends.serverSeenAs }, layer))
    : arrives(ends.serverIface, ip({ saddr: ends.server, daddr: ends.clientSeenAs }, layer));
}

function talk(ends: Ends, sport = 40000): TcpTalk {
  return new TcpTalk(ends, PORT, { sport }).open().says(startRequest).answers(startReply());
}

/** The client calls, as both ends have the numbers; `seen` is the client's as the server has it. */
function calls(ends: Ends, seen = PNS): TcpTalk {
  return talk(ends).says(outRequest(PNS)).answers(outReply(PAC, seen));
}

export function pptpCases(): Case[] {
  const rules = rulesFor('pptp', 'tcp', PORT);
  const here = plain(4);
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules, more: Partial<Case> = {}): void => {
    cases.push(helperCase(`pptp/${id}`, 4, own, packets, more));
  };
  const both = (ends: Ends, seen = PNS) => [
    data(ends, true, PAC),
    data(ends, false, seen),
    data(ends, true, PAC),
    data(ends, false, seen),
  ];
  add('pending', calls(here).packets);
  add('out-call', [...calls(here).packets, ...both(here)]);
  add('out-call/server-first', [...calls(here).packets, data(here, false, PNS), data(here, true, PAC)]);
  add(
    'out-call/refused',
    talk(here)
      .says(outRequest(PNS))
      .answers(outReply(PAC, PNS, 4)).packets,
  );
  add('out-call/other-peer', talk(here).says(outRequest(PNS)).answers(outReply(PAC, 0x3333)).packets);
  add('out-call/not-asked', talk(here).answers(outReply(PAC, PNS)).packets);
  add('out-call/answered-again', calls(here).answers(outReply(PAC, PNS)).packets);
  add('out-call/other-answer', calls(here).answers(outReply(0x2223, PNS)).packets);
  add('out-call/second', calls(here).says(outRequest(0x1112)).answers(outReply(0x2223, 0x1112)).packets);
  add('no-session', new TcpTalk(here, PORT).open().says(outRequest(PNS)).answers(outReply(PAC, PNS)).packets);
  add(
    'session-refused',
    new TcpTalk(here, PORT)
      .open()
      .says(startRequest)
      .answers(startReply(4))
      .says(outRequest(PNS))
      .answers(outReply(PAC, PNS)).packets,
  );
  add('in-call', [
    ...talk(here).answers(inRequest(PAC)).says(inReply(PNS, PAC)).answers(inConnect(PNS)).packets,
    ...both(here),
  ]);
  add(
    'in-call/refused',
    talk(here)
      .answers(inRequest(PAC))
      .says(inReply(PNS, PAC, 3))
      .answers(inConnect(PNS)).packets,
  );
  add(
    'in-call/other-peer',
    talk(here).answers(inRequest(PAC)).says(inReply(PNS, 0x3333)).answers(inConnect(PNS)).packets,
  );
  add('other-call', [...calls(here).packets, data(here, true, 0x4444), data(here, false, 0x4444)]);
  const disconnected = calls(here);
  disconnected.packets.push(...both(here));
  add('disconnected', [
    ...disconnected.answers(disconnect(PAC)).packets,
    data(here, true, PAC),
    data(here, false, PNS),
  ]);
  add('disconnected-before', [...calls(here).answers(disconnect(PAC)).packets, data(here, true, PAC)]);
  const cleared = calls(here);
  cleared.packets.push(...both(here));
  add(
    'cleared',
    cleared.says(clear(PNS)).answers(disconnect(PAC)).says(stopRequest).answers(stopReply).close().packets,
  );
  const reset = calls(here);
  reset.packets.push(...both(here));
  reset.client('R', '', {});
  add('reset', [...reset.packets, data(here, true, PAC), data(here, false, PNS)]);
  add('echo-and-link', calls(here).says(echo).answers(link(PNS)).answers(error(PNS)).says(link(PAC)).packets);
  add('short-message', talk(here).says(outRequest(PNS).slice(0, 60)).answers(outReply(PAC, PNS)).packets);
  add(
    'other-cookie',
    talk(here).says(outRequest(PNS).replace('\x1a', '\x1b')).answers(outReply(PAC, PNS)).packets,
  );
  add(
    'unknown-message',
    talk(here).says(control(16, 20)).says(control(0, 20)).answers(control(99, 4)).packets,
  );
  // Without a call: version 0, with a key; and version 1 that nobody agreed on.
  add('plain-gre', [
    data(here, true, 0, gre()),
    data(here, false, 0, gre({ key: 7 })),
    data(here, true, 5),
    data(here, true, 5, gre({ callId: 5, protocol: 0x0800 })),
  ]);
  // A host on the way says something about a packet of the call: only with the sender's number it is known.
  const quoted = ip({ saddr: here.client, daddr: here.server }, gre({ callId: PAC, payload: filler(20) }));
  add('error-about-a-call', [
    ...calls(here).packets,
    ...both(here),
    arrives(
      'eth0',
      ip({ saddr: addresses(4).far2, daddr: here.client }, icmpError({ type: 3, code: 1 }, quoted)),
    ),
  ]);

  const behind = masqueraded(4);
  const masquerade = rulesFor('pptp', 'tcp', PORT, MASQUERADE);
  // Outside the call has the number of the port.
  add('masqueraded', [...calls(behind, 40000).packets, ...both(behind, 40000)], masquerade);
  add('masqueraded/pending', calls(behind, 40000).packets, masquerade);
  add(
    'masqueraded/server-first',
    [
      ...calls(behind, 40000).packets,
      data(behind, false, 40000),
      data(behind, true, PAC),
      data(behind, false, 40000),
    ],
    masquerade,
  );
  const ends = calls(behind, 40000);
  ends.packets.push(...both(behind, 40000));
  add(
    'masqueraded/messages',
    ends.says(link(PAC)).answers(link(40000)).answers(error(40000)).says(clear(PNS)).answers(disconnect(PAC))
      .packets,
    masquerade,
  );
  add(
    'masqueraded/in-call',
    [
      ...talk(behind).answers(inRequest(PAC)).says(inReply(PNS, PAC)).answers(inConnect(PNS)).packets,
      ...both(behind, PNS),
    ],
    masquerade,
  );
  // Two clients with the same number.
  const other = { ...behind, client: addresses(4).inside2 };
  const second = new TcpTalk(other, PORT, { sport: 40001, packets: calls(behind, 40000).packets })
    .open()
    .says(startRequest)
    .answers(startReply())
    .says(outRequest(PNS))
    .answers(outReply(PAC + 1, 40001));
  add(
    'masqueraded/two-clients',
    [...second.packets, ...both(behind, 40000), data(other, true, PAC + 1), data(other, false, 40001)],
    masquerade,
  );
  const outside = destinationTranslated(4);
  const translated = rulesFor('pptp', 'tcp', PORT, dnat(4, 'tcp', PORT));
  add('dnat', [...calls(outside, 40000).packets, ...both(outside, 40000)], translated);
  add(
    'dnat/server-first',
    [...calls(outside, 40000).packets, data(outside, false, 40000), data(outside, true, PAC)],
    translated,
  );
  // GRE that belongs to nothing, translated by rules; too short to be, and of an unknown version.
  const a = addresses(4);
  const greRules = rulesFor(
    'pptp',
    'tcp',
    PORT,
    MASQUERADE,
    `PREROUTING -d ${a.self} -p gre -j DNAT --to ${a.inside}`,
  );
  add(
    'gre-by-rules',
    [
      data(behind, true, 5),
      data(behind, true, 0, gre({ payload: filler(0) })),
      data(behind, false, 6),
      data({ ...behind, server: a.far2 }, false, 0, gre({ payload: filler(0) })),
      data({ ...behind, server: a.outside }, false, 0, gre({ payload: filler(20) })),
    ],
    greRules,
  );
  return cases;
}
