/** SIP: calls and registrations, over UDP and TCP, and what translation makes of their addresses. */

import type { Case, CasePacket } from '../judge.ts';
import { text } from '../packets.ts';
import { addresses, type Family } from './build.ts';
import { dnat, grows, helperCase, MASQUERADE, rulesFor } from './helpers.ts';
import { datagram, destinationTranslated, type Ends, masqueraded, plain, TcpTalk } from './talk.ts';

const CRLF = '\r\n';

/** A message with its length; lines without their ends. */
function message(lines: readonly string[], body: readonly string[] = []): string {
  const content = body.map((line) => line + CRLF).join('');
  return [...lines, `Content-Length: ${content.length}`, '', ''].join(CRLF) + content;
}

function host(family: Family, address: string): string {
  return family === 4 ? address : `[${address}]`;
}

interface Session {
  /** Where the media come to; undefined: no such line. */
  readonly address?: string | undefined;
  readonly owner?: string;
  /** `m=` lines, and those that belong to them. */
  readonly media?: readonly string[];
}

function sdp(
  family: Family,
  { address, owner = address, media = ['m=audio 5004 RTP/AVP 0'] }: Session,
): string[] {
  return [
    'v=0',
    `o=- 1 1 IN IP${family} ${owner}`,
    's=-',
    ...(address === undefined ? [] : [`c=IN IP${family} ${address}`]),
    't=0 0',
    ...media,
  ];
}

interface Request {
  readonly method?: string;
  readonly cseq?: number;
  readonly via?: string;
  readonly contact?: string | undefined;
  readonly body?: readonly string[];
  readonly more?: readonly string[];
  readonly to?: string;
  readonly protocol?: 'UDP' | 'TCP';
}

/** A phone at `own`:5060 that talks to `peer`:5060. */
function request(family: Family, own: string, peer: string, of: Request = {}): string {
  const { method = 'INVITE', cseq = 1, protocol = 'UDP' } = of;
  const [a, b] = [host(family, own), host(family, peer)];
  const contact = 'contact' in of ? of.contact : `<sip:alice@${a}:5060>`;
  return message(
    [
      `${method} sip:bob@${b}:5060 SIP/2.0`,
      `Via: SIP/2.0/${protocol} ${of.via ?? `${a}:5060`};branch=z9hG4bK1`,
      'Max-Forwards: 70',
      `From: <sip:alice@${a}:5060>;tag=1`,
      `To: <sip:bob@${of.to ?? `${b}:5060`}>`,
      'Call-ID: 1@phone',
      `CSeq: ${cseq} ${method}`,
      ...(contact === undefined ? [] : [`Contact: ${contact}`]),
      ...(of.more ?? []),
    ],
    of.body,
  );
}

interface Answer {
  readonly code?: number;
  readonly method?: string;
  readonly cseq?: number;
  readonly via?: string;
  readonly contact?: string | undefined;
  readonly body?: readonly string[];
  readonly more?: readonly string[];
  readonly protocol?: 'UDP' | 'TCP';
}

/** The answer of `own` to a request of `peer`. */
function answer(family: Family, own: string, peer: string, of: Answer = {}): string {
  const { code = 200, method = 'INVITE', cseq = 1, protocol = 'UDP' } = of;
  const [a, b] = [host(family, own), host(family, peer)];
  const contact = 'contact' in of ? of.contact : `<sip:bob@${a}:5060>`;
  return message(
    [
      `SIP/2.0 ${code} Some Words`,
      `Via: SIP/2.0/${protocol} ${of.via ?? `${b}:5060`};branch=z9hG4bK1`,
      `From: <sip:alice@${b}:5060>;tag=1`,
      `To: <sip:bob@${a}:5060>;tag=2`,
      'Call-ID: 1@phone',
      `CSeq: ${cseq} ${method}`,
      ...(contact === undefined ? [] : [`Contact: ${contact}`]),
      ...(of.more ?? []),
    ],
    of.body,
  );
}

/** Datagrams between the two ends, the client's first. */
class Call {
  readonly packets: CasePacket[] = [];
  readonly #ends: Ends;
  readonly #sport: number;

  constructor(ends: Ends, sport = 5060) {
    this.#ends = ends;
    this.#sport = sport;
  }

  client(words: string, sport = this.#sport, dport = 5060): this {
    const e = this.#ends;
    this.packets.push(
      datagram(e.clientIface, { saddr: e.client, daddr: e.serverSeenAs, sport, dport }, words),
    );
    return this;
  }

  server(words: string, sport = 5060, dport = this.#sport): this {
    const e = this.#ends;
    this.packets.push(
      datagram(e.serverIface, { saddr: e.server, daddr: e.clientSeenAs, sport, dport }, words),
    );
    return this;
  }

  /** Media of both ends and their control. */
  media(clientPort: number, serverPort: number): this {
    return this.client('rtp', clientPort, serverPort)
      .server('rtp', serverPort, clientPort)
      .server('rtcp', serverPort + 1, clientPort + 1)
      .client('rtcp', clientPort + 1, serverPort + 1);
  }
}

function callCases(family: Family): Case[] {
  const rules = rulesFor('sip', 'udp', 5060);
  const here = plain(family);
  const { client, server } = here;
  const a = addresses(family);
  const cases: Case[] = [];
  const add = (
    id: string,
    call: Call | readonly CasePacket[],
    more: Partial<Case> = {},
    own = rules,
  ): void => {
    cases.push(helperCase(`sip/${id}`, family, own, call instanceof Call ? call.packets : call, more));
  };
  const asks = (of: Request = {}) =>
    request(family, client, server, { body: sdp(family, { address: client }), ...of });
  const agrees = (of: Answer = {}) =>
    answer(family, server, client, {
      body: sdp(family, { address: server, media: ['m=audio 6004 RTP/AVP 0'] }),
      ...of,
    });
  const ringing = (code = 180) => answer(family, server, client, { code });
  const media = (...lines: readonly string[]) => ({ body: sdp(family, { address: client, media: lines }) });

  add('pending', new Call(here).client(asks()));
  add(
    'call',
    new Call(here).client(asks()).server(ringing(100)).server(ringing()).server(agrees()).media(5004, 6004),
  );
  add(
    'early-media',
    new Call(here)
      .client(asks())
      .server(agrees({ code: 183 }))
      .media(5004, 6004),
  );
  add('only-from-the-peer', [
    ...new Call(here).client(asks()).packets,
    datagram('eth0', { saddr: a.far2, daddr: client, sport: 6004, dport: 5004 }, 'rtp'),
    datagram('eth0', { saddr: server, daddr: client, sport: 6004, dport: 5006 }, 'rtp'),
    datagram('eth0', { saddr: server, daddr: client, sport: 6004, dport: 5004 }, 'rtp'),
  ]);
  add('media-of-somebody-else', new Call(here).client(asks({ body: sdp(family, { address: a.inside2 }) })));
  add(
    'address-of-the-media',
    new Call(here).client(
      asks({
        body: sdp(family, {
          address: undefined,
          owner: client,
          media: ['m=audio 5004 RTP/AVP 0', `c=IN IP${family} ${client}`],
        }),
      }),
    ),
  );
  add(
    'address-of-the-second-media',
    new Call(here).client(
      asks({
        body: sdp(family, {
          address: a.inside2,
          media: ['m=audio 5004 RTP/AVP 0', 'm=video 5006 RTP/AVP 31', `c=IN IP${family} ${client}`],
        }),
      }),
    ),
  );
  add(
    'no-address',
    new Call(here).client(asks({ body: sdp(family, { address: undefined, owner: client }) })),
  );
  add(
    'three-media',
    new Call(here).client(
      asks(media('m=audio 5004 RTP/AVP 0', 'm=video 5006 RTP/AVP 31', 'm=image 5008 udptl t38')),
    ),
  );
  add(
    'four-media',
    new Call(here).client(
      asks(media(...[5004, 5006, 5008, 5010].map((port) => `m=audio ${port} RTP/AVP 0`))),
    ),
  );
  add(
    'other-media',
    new Call(here).client(asks(media('m=application 5004 RTP/AVP 0', 'm=audio 5006 RTP/AVP 0'))),
  );
  add('inactive', new Call(here).client(asks(media('m=audio 0 RTP/AVP 0', 'm=video 5006 RTP/AVP 31'))));
  add('odd-port', new Call(here).client(asks(media('m=audio 5005 RTP/AVP 0'))));
  add('low-port', new Call(here).client(asks(media('m=audio 1023 RTP/AVP 0'))));
  add('big-port', new Call(here).client(asks(media('m=audio 70000 RTP/AVP 0'))));
  add('no-port', new Call(here).client(asks(media('m=audio RTP/AVP 0'))));
  add('upper-case-media', new Call(here).client(asks(media('M=AUDIO 5004 RTP/AVP 0'))));
  add('asked-again', new Call(here).client(asks()).client(asks()));
  add(
    'new-session',
    new Call(here)
      .client(asks())
      .server(agrees())
      .client(asks({ cseq: 2, ...media('m=audio 5014 RTP/AVP 0') })),
  );
  add(
    'bye',
    new Call(here)
      .client(asks())
      .server(agrees())
      .client(asks({ method: 'BYE', cseq: 2, body: [] })),
  );
  add('cancel', new Call(here).client(asks()).client(asks({ method: 'CANCEL', body: [] })));
  add('refused', new Call(here).client(asks()).server(answer(family, server, client, { code: 486 })));
  add(
    'other-refused',
    new Call(here).client(asks()).server(answer(family, server, client, { code: 486, cseq: 9 })),
  );
  for (const method of ['UPDATE', 'PRACK', 'ACK', 'OPTIONS', 'INFO']) {
    add(method.toLowerCase(), new Call(here).client(asks({ method })).server(agrees({ method })));
  }
  add('lower-case-method', new Call(here).client(asks({ method: 'invite' })));
  add('method-longer', new Call(here).client(asks().replace('INVITE sip', 'INVITED sip')));
  add('no-cseq', new Call(here).client(asks().replace('CSeq', 'XSeq')));
  add('bad-cseq', new Call(here).client(asks().replace('CSeq: 1', 'CSeq: x')));
  add('answer-without-code', new Call(here).client(asks()).server(agrees().replace('200', 'abc')));
  add('answer-without-cseq', new Call(here).client(asks()).server(agrees().replace('CSeq', 'XSeq')));
  add('folded', new Call(here).client(asks().replace('CSeq: 1', `CSeq:${CRLF} 1`)));
  add('bare-newlines', new Call(here).client(asks().replaceAll(CRLF, '\n')));
  add('spaces-before-colon', new Call(here).client(asks().replace('CSeq:', 'CSeq \t:')));
  add('short', new Call(here).client('INVITE').client('SIP/2.0 20'));
  add('nothing', new Call(here).client('').client(`${CRLF}${CRLF}`));
  add(
    'from-another-port',
    new Call(here, 40000).client(asks({ via: `${host(family, client)}:5060` })).server(agrees()),
  );

  // Registrations.
  const registers = (of: Request & { expires?: string } = {}) =>
    request(family, client, server, {
      method: 'REGISTER',
      more: [`Expires: ${of.expires ?? '3600'}`],
      ...of,
    });
  const registered = (of: Answer = {}) =>
    answer(family, server, client, {
      method: 'REGISTER',
      contact: `<sip:alice@${host(family, client)}:5060>;expires=1800`,
      more: ['Expires: 60'],
      ...of,
    });
  const comes = () =>
    request(family, server, client, {
      body: sdp(family, { address: server, media: ['m=audio 6004 RTP/AVP 0'] }),
    });
  const takes = () => answer(family, client, server, { body: sdp(family, { address: client }) });
  // From another port than the one that the phone has registered at: only then is the call another connection.
  const isCalled = (call: Call) => call.server(comes(), 5070, 5060).client(takes(), 5060, 5070);
  add('register/pending', new Call(here).client(registers()));
  add('register/agreed', new Call(here).client(registers()).server(registered()));
  add('register/called', isCalled(new Call(here).client(registers()).server(registered())).media(5004, 6004));
  add('register/called-too-early', isCalled(new Call(here).client(registers())));
  add('register/trying', new Call(here).client(registers()).server(registered({ code: 100 })));
  add('register/refused', new Call(here).client(registers()).server(registered({ code: 401 })));
  add('register/other-answer', new Call(here).client(registers()).server(registered({ cseq: 7 })));
  add(
    'register/again',
    new Call(here)
      .client(registers())
      .server(registered())
      .client(registers({ cseq: 2 })),
  );
  add('register/ends', [
    ...new Call(here)
      .client(registers())
      .server(registered())
      .client(registers({ cseq: 2, expires: '0' }))
      .server(registered({ cseq: 2, contact: undefined })).packets,
  ]);
  // A registration for one second: calls before and behind its end.
  for (const [id, late] of [
    ['in-time', 0.5],
    ['too-late', 1.8],
  ] as const) {
    const short = `<sip:alice@${host(family, client)}:5060>;expires=1`;
    const packets = isCalled(
      new Call(here).client(registers()).server(registered({ contact: short })),
    ).packets;
    add(
      `register/called-${id}`,
      packets.map((packet, i) => ({ ...packet, at: i < 2 ? 0.1 * i : late + 0.1 * i })),
    );
  }
  add(
    'register/expires-in-contact',
    new Call(here).client(
      registers({ contact: `<sip:alice@${host(family, client)}:5060>;expires=0`, expires: '3600' }),
    ),
  );
  add(
    'register/bad-expires',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, client)}:5060>;expires=x` })),
  );
  add(
    'register/other-port',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, client)}:5080>` })),
  );
  add(
    'register/no-port',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, client)}>` })),
  );
  add(
    'register/no-user',
    new Call(here).client(registers({ contact: `<sip:${host(family, client)}:5060>` })),
  );
  add('register/no-contact', new Call(here).client(registers({ contact: undefined })));
  add('register/name-in-contact', new Call(here).client(registers({ contact: '<sip:alice@phone.example>' })));
  add(
    'register/third-party',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, a.inside2)}:5060>` })),
  );
  add(
    'register/other-transport',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, client)}:5060;transport=tcp>` })),
  );
  add(
    'register/own-transport',
    new Call(here).client(registers({ contact: `<sip:alice@${host(family, client)}:5060;transport=UDP>` })),
  );
  add(
    'register/several-contacts',
    new Call(here).client(registers()).server(
      registered({
        contact: `<sip:alice@${host(family, a.inside2)}:5060>;expires=5,<sip:alice@${host(family, client)}:5060>;expires=50`,
      }),
    ),
  );
  add('register/compact', new Call(here).client(registers().replace('Contact:', 'm:')));
  add('register/compact-longer', new Call(here).client(registers().replace('Contact:', 'mm:')));

  // Translated.
  const behind = masqueraded(family);
  const masquerade = rulesFor('sip', 'udp', 5060, MASQUERADE);
  const outer = behind.clientSeenAs;
  const agreesTo = (of: Answer = {}) =>
    answer(family, server, outer, {
      body: sdp(family, { address: server, media: ['m=audio 6004 RTP/AVP 0'] }),
      ...of,
    });
  add('masqueraded/pending', new Call(behind).client(asks()), {}, masquerade);
  add(
    'masqueraded/call',
    new Call(behind)
      .client(asks())
      .server(agreesTo())
      .media(5004, 6004)
      .client(asks({ method: 'BYE', cseq: 2 })),
    {},
    masquerade,
  );
  add(
    'masqueraded/via-parameters',
    new Call(behind)
      .client(asks({ via: `${host(family, client)}:5060;maddr=${host(family, client)};rport` }))
      .server(
        agreesTo({
          via: `${host(family, outer)}:5060;received=${outer};rport=5060`,
        }),
      ),
    {},
    masquerade,
  );
  add(
    'masqueraded/other-contacts',
    new Call(behind).client(
      asks({
        contact: `<sip:a@${host(family, client)}:5061>, <sip:b@${host(family, client)}:5060>, <sip:c@phone.example>`,
      }),
    ),
    {},
    masquerade,
  );
  add(
    'masqueraded/two-contacts',
    new Call(behind).client(
      asks({
        contact: `<sip:a@${host(family, client)}:5060>,<sip:b@${host(family, client)}:5060>`,
      }),
    ),
    {},
    masquerade,
  );
  add(
    'masqueraded/two-contact-lines',
    new Call(behind).client(
      asks({
        more: [`Contact: <sip:a@${host(family, client)}:5060>`, `m: sip:${host(family, client)}:5060`],
      }),
    ),
    {},
    masquerade,
  );
  add(
    'masqueraded/three-media',
    new Call(behind).client(
      asks(
        media(
          'm=audio 5004 RTP/AVP 0',
          'm=video 5006 RTP/AVP 31',
          `c=IN IP${family} ${client}`,
          'm=image 5008 udptl t38',
        ),
      ),
    ),
    {},
    masquerade,
  );
  add('masqueraded/odd-port', new Call(behind).client(asks(media('m=audio 5005 RTP/AVP 0'))), {}, masquerade);
  add(
    'masqueraded/no-owner',
    new Call(behind).client(
      asks({ body: sdp(family, { address: client }).filter((line) => !line.startsWith('o=')) }),
    ),
    {},
    masquerade,
  );
  add(
    'masqueraded/no-session-address',
    new Call(behind).client(
      asks({
        body: sdp(family, {
          address: undefined,
          owner: client,
          media: ['m=audio 5004 RTP/AVP 0', `c=IN IP${family} ${client}`],
        }),
      }),
    ),
    {},
    masquerade,
  );
  add(
    'masqueraded/no-content-length',
    new Call(behind).client(asks().replace('Content-Length', 'Content-Lungs')),
    {},
    masquerade,
  );
  add(
    'masqueraded/media-of-somebody-else',
    new Call(behind).client(asks({ body: sdp(family, { address: a.inside2 }) })),
    {},
    masquerade,
  );
  // The media of one phone, told to two others: the second finds them expected.
  add(
    'masqueraded/two-calls',
    [
      ...new Call(behind).client(asks()).packets,
      datagram(
        'eth1',
        { saddr: a.inside2, daddr: server, sport: 5062, dport: 5060 },
        request(family, a.inside2, server, {
          via: `${host(family, a.inside2)}:5062`,
          contact: `<sip:c@${host(family, a.inside2)}:5062>`,
          body: sdp(family, { address: a.inside2 }),
        }),
      ),
    ],
    {},
    masquerade,
  );
  add(
    'masqueraded/register',
    isCalledOutside(
      new Call(behind).client(registers()).server(
        answer(family, server, outer, {
          method: 'REGISTER',
          contact: `<sip:alice@${host(family, outer)}:5060>;expires=1800`,
        }),
      ),
    ).media(5004, 6004),
    {},
    masquerade,
  );
  function isCalledOutside(call: Call): Call {
    return call
      .server(
        request(family, server, outer, {
          via: `${host(family, server)}:5070`,
          contact: `<sip:s@${host(family, server)}:5070>`,
          body: sdp(family, { address: server, media: ['m=audio 6004 RTP/AVP 0'] }),
        }),
        5070,
        5060,
      )
      .client(
        answer(family, client, server, {
          via: `${host(family, server)}:5070`,
          body: sdp(family, { address: client }),
        }),
        5060,
        5070,
      );
  }
  add(
    'masqueraded/register-other-port',
    new Call(behind).client(registers({ contact: `<sip:alice@${host(family, client)}:5080>` })),
    {},
    masquerade,
  );
  add(
    'masqueraded/from-another-port',
    new Call(behind, 40000)
      .client(asks({ via: `${host(family, client)}:5060` }))
      .server(agreesTo({ via: `${host(family, outer)}:40000` })),
    {},
    masquerade,
  );
  const outside = destinationTranslated(family);
  add(
    'dnat/call',
    new Call(outside)
      .client(
        request(family, outside.client, outside.serverSeenAs, {
          body: sdp(family, { address: outside.client }),
        }),
      )
      .server(
        answer(family, outside.server, outside.client, {
          body: sdp(family, { address: outside.server, media: ['m=audio 6004 RTP/AVP 0'] }),
        }),
      )
      .media(5004, 6004),
    {},
    rulesFor('sip', 'udp', 5060, dnat(family, 'udp', 5060)),
  );
  return cases;
}

function tcpCases(family: Family): Case[] {
  const rules = rulesFor('sip', 'tcp', 5060);
  const here = plain(family);
  const { client, server } = here;
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules): void => {
    cases.push(helperCase(`sip-tcp/${id}`, family, own, packets));
  };
  const via = `${host(family, client)}:5060`;
  const asks = (of: Request = {}) =>
    request(family, client, server, { protocol: 'TCP', via, body: sdp(family, { address: client }), ...of });
  const agrees = (seenAs: string) =>
    answer(family, server, seenAs, {
      protocol: 'TCP',
      body: sdp(family, { address: server, media: ['m=audio 6004 RTP/AVP 0'] }),
    });
  const talk = (ends: Ends) => new TcpTalk(ends, 5060, { sport: 5060 }).open();
  const media = (ends: Ends) => new Call(ends).media(5004, 6004).packets;
  add('call', [...talk(here).says(asks()).answers(agrees(client)).packets, ...media(here)]);
  add('pending', talk(here).says(asks()).packets);
  const options = asks({ method: 'OPTIONS', body: [] });
  add('two-in-one', talk(here).says(options + asks()).packets);
  add('split', talk(here).says(asks().slice(0, 300)).says(asks().slice(300)).packets);
  add('split-in-body', talk(here).says(asks().slice(0, -20)).says(asks().slice(-20)).packets);
  add('no-length', talk(here).says(asks().replace('Content-Length', 'Content-Lungs')).packets);
  add('too-long', talk(here).says(asks().replace(/Content-Length: \d+/, 'Content-Length: 900')).packets);
  add('first-not-established', talk(here).packets);
  const behind = masqueraded(family);
  const masquerade = rulesFor('sip', 'tcp', 5060, MASQUERADE);
  const outer = behind.clientSeenAs;
  const grown = (words: string) => {
    const replaced = words
      .replaceAll(`${host(family, client)}:5060`, `${host(family, outer)}:5060`)
      .replaceAll(`IN IP${family} ${client}`, `IN IP${family} ${outer}`);
    return grows(words, withLength(replaced));
  };
  add(
    'masqueraded/call',
    [
      ...talk(behind)
        .says(asks(), { grows: grown(asks()) })
        .answers(agrees(outer), { grows: -grown(agrees(client)) })
        .says(options, { grows: grown(options) }).packets,
      ...media(behind),
    ],
    masquerade,
  );
  add(
    'masqueraded/two-in-one',
    talk(behind)
      .says(options + asks(), { grows: grown(options) + grown(asks()) })
      .says(options, { grows: grown(options) }).packets,
    masquerade,
  );
  const register = request(family, client, server, {
    method: 'REGISTER',
    protocol: 'TCP',
    more: ['Expires: 60'],
  });
  add('masqueraded/register', talk(behind).says(register, { grows: grown(register) }).packets, masquerade);
  return cases;
}

/** The message with the length that its body has now. */
function withLength(words: string): string {
  const body = words.slice(words.indexOf(CRLF + CRLF) + 4);
  return body === '' ? words : words.replace(/Content-Length: \d+/, `Content-Length: ${text(body).length}`);
}

export const sipCases = (): Case[] => [...callCases(4), ...callCases(6), ...tcpCases(4), ...tcpCases(6)];
