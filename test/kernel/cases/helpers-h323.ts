/** H.323: calls (Q.931), their control channels (H.245) and media, and the gatekeeper (RAS). */

import {
  admissionConfirm,
  admissionRequest,
  answer,
  capabilities,
  facility,
  framed,
  gatekeeperConfirm,
  gatekeeperRequest,
  infoRequestResponse,
  locationConfirm,
  locationRequest,
  opening,
  openingAck,
  type Place,
  progress,
  registrationConfirm,
  registrationRequest,
  setup,
  unregistrationRequest,
} from '../h323-messages.ts';
import type { Case, CasePacket } from '../judge.ts';
import { addresses, type Family } from './build.ts';
import { dnat, helperCase, MASQUERADE, rulesFor } from './helpers.ts';
import { connects, datagram, destinationTranslated, type Ends, masqueraded, plain, TcpTalk } from './talk.ts';

const CALL_PORT = 1720;
const RAS_PORT = 1719;
const CONTROL = 6000;
const MEDIA = 7000;

/** The places that an end names, as it knows itself. */
function at(family: Family, address: string, port: number): Place {
  return { family, address, port };
}

/** The connection that the server opens to the client's `port`; it speaks H.245 there. */
function controlBack(ends: Ends, port: number, packets: CasePacket[]): TcpTalk {
  const swapped: Ends = {
    clientIface: ends.serverIface,
    client: ends.server,
    clientSeenAs: ends.serverSeenAs,
    serverIface: ends.clientIface,
    server: ends.client,
    serverSeenAs: ends.clientSeenAs,
  };
  return new TcpTalk(swapped, port, { sport: 41000, packets }).open();
}

function controlForth(ends: Ends, port: number, packets: CasePacket[]): TcpTalk {
  return new TcpTalk(ends, port, { sport: 41000, packets }).open();
}

/** Media to the client's ports, and back. */
function mediaToCaller(ends: Ends): CasePacket[] {
  return [0, 1].flatMap((next) => {
    const [mine, theirs] = [MEDIA + next, 9000 + next];
    return [fromServer(ends, theirs, mine), fromClient(ends, mine, theirs)];
  });
}

/** Media to the server's ports, and back. */
function mediaToCallee(ends: Ends): CasePacket[] {
  return [0, 1].flatMap((next) => {
    const [mine, theirs] = [9000 + next, MEDIA + next];
    return [fromClient(ends, mine, theirs), fromServer(ends, theirs, mine)];
  });
}

function fromServer(ends: Ends, sport: number, dport: number): CasePacket {
  return datagram(ends.serverIface, { saddr: ends.server, daddr: ends.clientSeenAs, sport, dport }, 'media');
}

function fromClient(ends: Ends, sport: number, dport: number): CasePacket {
  return datagram(ends.clientIface, { saddr: ends.client, daddr: ends.serverSeenAs, sport, dport }, 'media');
}

interface World {
  readonly name: string;
  readonly family: Family;
  readonly ends: Ends;
  readonly nat: (proto: string, dport: number) => string[];
  /** What is announced cannot come: NAT does not translate the messages. */
  readonly isDeaf?: boolean;
  /** Cases that differ here from what they are elsewhere; all when absent. */
  readonly only?: RegExp;
}

const WORLDS: readonly World[] = [
  { name: 'plain', family: 4, ends: plain(4), nat: () => [] },
  {
    name: 'plain',
    family: 6,
    ends: plain(6),
    nat: () => [],
    only: /^(pending|caller-listens|connect|fast-start|data|forwarded.*|called|.*other-port|admission.*|location)$/,
  },
  { name: 'masquerade', family: 4, ends: masqueraded(4), nat: () => [MASQUERADE] },
  {
    name: 'dnat',
    family: 4,
    ends: destinationTranslated(4),
    nat: (proto, dport) => [dnat(4, proto, dport)],
  },
  // The kernel translates no H.323 over IPv6.
  {
    name: 'masquerade',
    family: 6,
    ends: masqueraded(6),
    nat: () => [MASQUERADE],
    isDeaf: true,
    only: /^(pending|fast-start|call-addresses|data|admission.*|information)$/,
  },
];

export function h323Cases(): Case[] {
  return [
    ...WORLDS.flatMap(callsIn),
    ...callOddities(),
    ...WORLDS.flatMap(registrationsIn),
    ...rasOddities(),
  ];
}

function callsIn({ name, family, ends, nat, isDeaf, only }: World): Case[] {
  const cases: Case[] = [];
  const rules = rulesFor('Q.931', 'tcp', CALL_PORT, ...nat('tcp', CALL_PORT));
  const add = (id: string, packets: readonly CasePacket[]): void => {
    if (only?.test(id) ?? true) cases.push(helperCase(`q931/${name}/${id}`, family, rules, packets));
  };
  const mine = (port: number) => at(family, ends.client, port);
  const theirs = (port: number) => at(family, ends.server, port);
  const call = () => new TcpTalk(ends, CALL_PORT).open();
  const toCaller = isDeaf ? [] : mediaToCaller(ends);
  const toCallee = isDeaf ? [] : mediaToCallee(ends);

  add('pending', call().says(framed(setup({ h245: mine(CONTROL) }))).packets);
  if (!isDeaf) {
    const { packets } = call().says(framed(setup({ h245: mine(CONTROL) })));
    const control = controlBack(ends, CONTROL, packets);
    control
      .says(framed(capabilities()))
      .answers(framed(opening({ media: mine(MEDIA), control: mine(MEDIA + 1) })));
    add('caller-listens', [...packets, ...toCaller]);
  }
  for (const kind of ['callProceeding', 'alerting', 'connect'] as const) {
    const { packets } = call()
      .says(framed(setup({})))
      .answers(framed(answer(kind, { h245: theirs(CONTROL) })));
    const control = controlForth(ends, CONTROL, packets);
    control.says(framed(opening({ media: mine(MEDIA), control: mine(MEDIA + 1) })));
    control.answers(framed(openingAck({ media: theirs(8000), control: theirs(8001) })));
    add(kind, [...packets, ...toCaller]);
  }
  const fast = [
    { media: mine(MEDIA), control: mine(MEDIA + 1) },
    { media: mine(MEDIA + 2), video: true },
  ];
  add('fast-start', [...call().says(framed(setup({ fastStart: fast }))).packets, ...toCaller]);
  add('fast-start/answer', [
    ...call()
      .says(framed(setup({ fastStart: [{ control: mine(MEDIA + 1) }] })))
      .answers(framed(answer('connect', { fastStart: [{ reverseMedia: theirs(MEDIA) }] }))).packets,
    ...toCallee,
  ]);
  add('progress', [
    ...call()
      .says(framed(setup({})))
      .answers(framed(progress({ h245: theirs(CONTROL), fastStart: [{ media: theirs(MEDIA) }] }))).packets,
    ...toCallee,
  ]);
  add('tunnelled', [
    ...call().says(framed(setup({ tunnelled: [capabilities(), opening({ media: mine(MEDIA) })] }))).packets,
    ...toCaller,
  ]);
  add('data', [
    ...call()
      .says(framed(setup({ tunnelled: [opening({ separateStack: mine(1503) })] })))
      .answers(framed(answer('connect', { tunnelled: [openingAck({ separateStack: theirs(1504) })] })))
      .packets,
  ]);
  add(
    'call-addresses',
    call().says(
      framed(
        setup({ callee: at(family, ends.serverSeenAs, CALL_PORT), caller: mine(40000), h245: mine(CONTROL) }),
      ),
    ).packets,
  );
  add('facility', call().answers(framed(facility(3, { h245: theirs(CONTROL), fastStart: fast }))).packets);
  add('same-twice', [
    ...call()
      .says(framed(setup({ h245: mine(CONTROL), fastStart: fast })))
      .says(framed(setup({ h245: mine(CONTROL), fastStart: fast }))).packets,
    ...toCaller,
  ]);
  const { outside, inside2 } = { outside: addresses(family).outside, inside2: addresses(family).inside };
  add('forwarded', call().answers(framed(facility(1, { forwarded: at(family, outside, 1720) }))).packets);
  add(
    'forwarded/inside',
    call().answers(framed(facility(1, { forwarded: at(family, inside2, 1721) }))).packets,
  );
  return cases;
}

function callOddities(): Case[] {
  const cases: Case[] = [];
  const ends = plain(4);
  const rules = rulesFor('Q.931', 'tcp', CALL_PORT);
  const mine = (port: number) => at(4, ends.client, port);
  const call = () => new TcpTalk(ends, CALL_PORT).open();
  const add = (id: string, packets: readonly CasePacket[]): void => {
    cases.push(helperCase(`q931/${id}`, 4, rules, packets));
  };
  const whole = framed(setup({ h245: mine(CONTROL) }));
  const other = framed(setup({ fastStart: [{ media: mine(MEDIA) }] }));
  add('two-in-one', call().says(whole + other).packets);
  add('two-in-one/second-cut', call().says(other + whole.slice(0, -3)).packets);
  add('header-alone', call().says(whole.slice(0, 4)).says(whole.slice(4)).packets);
  add(
    'header-alone/more-behind',
    call()
      .says(whole.slice(0, 4))
      .says(whole.slice(4) + other).packets,
  );
  add('header-alone/too-little', call().says(whole.slice(0, 4)).says(whole.slice(4, 40)).packets);
  add('split', call().says(whole.slice(0, 50)).says(whole.slice(50)).packets);
  add('no-header', call().says(whole.slice(4)).packets);
  add('foreign-address', call().says(framed(setup({ h245: at(4, ends.server, CONTROL) }))).packets);
  add('port-0', call().says(framed(setup({ h245: mine(0) }))).packets);
  add('other-family', call().says(framed(setup({ h245: at(6, addresses(6).inside, CONTROL) }))).packets);
  add('discriminator', call().says(`${whole.slice(0, 4)}\t${whole.slice(5)}`).packets);
  add('cut-short', call().says(framed(setup({ h245: mine(CONTROL) }).slice(0, 40))).packets);
  for (const length of [20, 60, 75, 90, 100, 110]) {
    const text = setup({ h245: mine(CONTROL), fastStart: [{ media: mine(MEDIA) }] });
    add(`shortened/${length}`, call().says(framed(shortened(text, length))).packets);
  }
  // A bitmap that ends with a fourth byte; and one that is longer than what the kernel knows of.
  const fastStart = [{ media: mine(MEDIA) }];
  add('additions/27', call().says(framed(setup({ h245: mine(CONTROL), fastStart, later: 19 }))).packets);
  for (const later of [4, 5, 6]) {
    const parts = { fastStart: [{ media: at(4, ends.server, MEDIA) }], later };
    add(`additions/newer/${later}`, call().answers(framed(answer('callProceeding', parts))).packets);
  }
  add(
    'many-channels',
    call().says(
      framed(setup({ fastStart: Array.from({ length: 12 }, (_, i) => ({ media: mine(MEDIA + 2 * i) })) })),
    ).packets,
  );
  const natted = masqueraded(4);
  cases.push(
    helperCase(
      'q931/masquerade/many-channels',
      4,
      rulesFor('Q.931', 'tcp', CALL_PORT, MASQUERADE),
      new TcpTalk(natted, CALL_PORT)
        .open()
        .says(
          framed(setup({ fastStart: Array.from({ length: 6 }, (_, i) => ({ media: mine(MEDIA + 2 * i) })) })),
        ).packets,
    ),
  );
  return cases;
}

/** The message with its user-user element ending after `length` bytes of it. */
function shortened(message: string, length: number): string {
  const at = message.indexOf('~') + 1;
  return (
    message.slice(0, at) +
    String.fromCharCode(length >> 8, length & 255) +
    message.slice(at + 2, at + 2 + length)
  );
}

function registrationsIn({ name, family, ends, nat, isDeaf, only }: World): Case[] {
  const cases: Case[] = [];
  const rules = rulesFor('RAS', 'udp', RAS_PORT, ...nat('udp', RAS_PORT));
  const add = (id: string, packets: readonly CasePacket[]): void => {
    if (only?.test(id) ?? true) cases.push(helperCase(`ras/${name}/${id}`, family, rules, packets));
  };
  const mine = (port: number) => at(family, ends.client, port);
  const theirs = (port: number) => at(family, ends.server, port);
  const asks = (text: string, sport = RAS_PORT) =>
    datagram(
      ends.clientIface,
      { saddr: ends.client, daddr: ends.serverSeenAs, sport, dport: RAS_PORT },
      text,
    );
  const says = (text: string, dport = RAS_PORT) =>
    datagram(
      ends.serverIface,
      { saddr: ends.server, daddr: ends.clientSeenAs, sport: RAS_PORT, dport },
      text,
    );
  const seen = (port: number) => at(family, ends.clientSeenAs, port);
  /** The gatekeeper calls the endpoint. */
  const called = () =>
    connects(
      { iface: ends.serverIface, address: ends.server, port: 5555, seenAs: ends.serverSeenAs },
      { iface: ends.clientIface, address: ends.client, port: CALL_PORT, seenAs: ends.clientSeenAs },
    );

  add('discovery', [asks(gatekeeperRequest(mine(RAS_PORT))), says(gatekeeperConfirm(theirs(RAS_PORT)))]);
  add('discovery/other-port', [
    asks(gatekeeperRequest(mine(RAS_PORT))),
    says(gatekeeperConfirm(theirs(1800))),
    datagram(
      ends.clientIface,
      { saddr: ends.client, daddr: ends.serverSeenAs, sport: RAS_PORT, dport: 1800 },
      registrationRequest([mine(CALL_PORT)], [mine(RAS_PORT)]),
    ),
  ]);
  const registration = [
    asks(registrationRequest([mine(CALL_PORT)], [mine(RAS_PORT)])),
    says(registrationConfirm([theirs(CALL_PORT)])),
  ];
  add('pending', registration);
  if (!isDeaf) add('called', [...registration, ...called(), ...called()]);
  add('lifetime', [
    asks(registrationRequest([mine(CALL_PORT)], [mine(RAS_PORT)], 600)),
    says(registrationConfirm([seen(CALL_PORT)], 900)),
  ]);
  add('unregistered', [...registration, asks(unregistrationRequest([mine(CALL_PORT)])), called()[0]!]);
  add('second-address', [
    asks(registrationRequest([at(family, loopback(family), 1), mine(CALL_PORT)], [mine(1), mine(RAS_PORT)])),
  ]);
  add('admission/calling', [
    ...registration,
    asks(admissionRequest({ caller: mine(CALL_PORT) })),
    says(admissionConfirm(at(family, addresses(family).outside, 1730))),
  ]);
  add('admission/answering', [
    ...registration,
    asks(admissionRequest({ callee: mine(CALL_PORT), caller: mine(3) })),
    says(admissionConfirm(seen(CALL_PORT))),
  ]);
  add('location', [
    asks(locationRequest(mine(RAS_PORT))),
    says(locationConfirm(at(family, addresses(family).outside, 1730), theirs(RAS_PORT))),
  ]);
  add('information', [
    ...registration,
    asks(infoRequestResponse(mine(RAS_PORT), [mine(9), mine(CALL_PORT)])),
  ]);
  return cases;
}

function loopback(family: Family): string {
  return family === 4 ? '127.0.0.1' : '::1';
}

function rasOddities(): Case[] {
  const ends = plain(4);
  const mine = at(4, ends.client, CALL_PORT);
  const whole = registrationRequest([mine], [at(4, ends.client, RAS_PORT)]);
  const timed = registrationRequest([mine], [at(4, ends.client, RAS_PORT)], 600);
  const asks = (text: string, dport = RAS_PORT) =>
    datagram(ends.clientIface, { saddr: ends.client, daddr: ends.server, sport: RAS_PORT, dport }, text);
  const fromGatekeeper = (sport: number, text: string) =>
    datagram(ends.serverIface, { saddr: ends.server, daddr: ends.client, sport, dport: RAS_PORT }, text);
  const texts = [...[20, 30, 40, 50, 60].map((length) => whole.slice(0, length)), timed.slice(0, -3)];
  const rules = rulesFor('RAS', 'udp', RAS_PORT);
  return [
    ...texts.map((text, i) => helperCase(`ras/shortened/${i}`, 4, rules, [asks(text)])),
    // What answers as expected announces no further port.
    helperCase('ras/discovery/expected', 4, rules, [
      asks(gatekeeperRequest(at(4, ends.client, RAS_PORT))),
      fromGatekeeper(RAS_PORT, gatekeeperConfirm(at(4, ends.server, 1800))),
      asks(gatekeeperRequest(at(4, ends.client, RAS_PORT)), 1800),
      fromGatekeeper(1800, gatekeeperConfirm(at(4, ends.server, 1900))),
    ]),
  ];
}
