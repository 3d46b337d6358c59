/** Conntrack helpers: what they expect, and what they make of packets that are translated. */

import type { Case, CasePacket } from '../judge.ts';
import { type Bytes, concat, tcpOption, text } from '../packets.ts';
import { addresses, type Family, onRouter, table } from './build.ts';
import { connects, datagram, destinationTranslated, type Ends, masqueraded, plain, TcpTalk } from './talk.ts';

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'];

/** What a helper's work shows in: states, the status EXPECTED, the master's helper and mark; lengths at both ends. */
export function rulesFor(helper: string, proto: string, dport: number, ...nat: readonly string[]): string {
  const match = `-p ${proto} --dport ${dport}`;
  return (
    table('raw', `PREROUTING ${match} -j CT --helper ${helper}`, `OUTPUT ${match} -j CT --helper ${helper}`) +
    table(
      'mangle',
      `PREROUTING ${match} -m conntrack --ctstate NEW -j CONNMARK --set-mark 7`,
      ...STATES.map((state) => `PREROUTING -m conntrack --ctstate ${state}`),
      'POSTROUTING -o eth0',
      'POSTROUTING -o eth1',
    ) +
    (nat.length === 0 ? '' : table('nat', ...nat)) +
    table(
      'filter',
      ...STATES.map((state) => `FORWARD -m conntrack --ctstate ${state}`),
      'FORWARD -m conntrack --ctstatus EXPECTED',
      `FORWARD -m helper --helper ${helper}`,
      'FORWARD -m connmark --mark 7',
    )
  );
}

export const MASQUERADE = 'POSTROUTING -o eth0 -j MASQUERADE';

export function dnat(family: Family, proto: string, dport: number): string {
  const { self, inside } = addresses(family);
  return `PREROUTING -d ${self} -p ${proto} --dport ${dport} -j DNAT --to-destination ${inside}`;
}

/**
 * A case whose packets, connections and expectations are all looked at. Helpers know nothing of how rules are loaded,
 * so few cases ask the other back end, too.
 */
export function helperCase(
  id: string,
  family: Family,
  rules: string,
  packets: readonly CasePacket[],
  more: Partial<Case> = {},
): Case {
  return onRouter(`${id}/${family}`, family === 4 ? { v4: rules } : { v6: rules }, packets, {
    capture: true,
    expectations: true,
    ...(/\/pending$/.test(id) ? {} : { backend: 'legacy' as const }),
    ...more,
  });
}

// --- FTP --------------------------------------------------------------------------------------------------------

/** `a,b,c,d,p,q`. */
function six(address: string, port: number): string {
  return `${address.replaceAll('.', ',')},${port >> 8},${port & 255}`;
}

function eprt(family: Family, address: string, port: number): string {
  return `|${family === 4 ? 1 : 2}|${address}|${port}|`;
}

function ftp(ends: Ends): TcpTalk {
  return new TcpTalk(ends, 21).open().answers('220 ready\r\n').says('USER me\r\n').answers('331 who?\r\n');
}

/** The server's data connection to the client, at port `port` of the client, as the server sees it at `seenPort`. */
function active(ends: Ends, port: number, seenPort = port, sport = 20): CasePacket[] {
  return connects(
    { iface: ends.serverIface, address: ends.server, port: sport, seenAs: ends.serverSeenAs },
    { iface: ends.clientIface, address: ends.client, port, seenAs: ends.clientSeenAs, seenPort },
  );
}

/** The client's data connection to the server. */
function passive(ends: Ends, port: number, seenPort = port, sport = 41000): CasePacket[] {
  return connects(
    { iface: ends.clientIface, address: ends.client, port: sport, seenAs: ends.clientSeenAs },
    { iface: ends.serverIface, address: ends.server, port, seenAs: ends.serverSeenAs, seenPort },
  );
}

export const grows = (before: string, after: string): number => after.length - before.length;

function ftpCases(family: Family): Case[] {
  const rules = rulesFor('ftp', 'tcp', 21);
  const here = plain(family);
  const a = addresses(family);
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], more: Partial<Case> = {}, own = rules): void => {
    cases.push(helperCase(`ftp/${id}`, family, own, packets, more));
  };
  const command = (port: number) => `EPRT ${eprt(family, here.client, port)}\r\n`;

  add('eprt', [...ftp(here).says(command(50000)).packets, ...active(here, 50000)]);
  add('epsv', [...ftp(here).answers('229 Extended (|||50001|)\r\n').packets, ...passive(here, 50001)]);
  add('pending', ftp(here).says(command(50000)).packets);
  // Lower case, other delimiters, and a command that is not at the beginning of a line.
  add('lower-case', ftp(here).says(command(50000).toLowerCase()).packets);
  add('other-delimiter', ftp(here).says(command(50000).replaceAll('|', '!')).packets);
  add('digit-delimiter', ftp(here).says(command(50000).replaceAll('|', '7')).packets);
  add('mid-line', ftp(here).says('NOOP', { quiet: true }).says(command(50000)).packets);
  add('behind-another', ftp(here).says(`NOOP\r\n${command(50000)}`).packets);
  add('first-line-unknown', new TcpTalk(here, 21).open().says(command(50000)).packets);
  add('second-line', new TcpTalk(here, 21).open().says('NOOP\r\n').says(command(50000)).packets);
  add('port-0', ftp(here).says(command(0)).packets);
  add('port-too-big', ftp(here).says(command(70000)).packets);
  add('no-end', ftp(here).says(command(50000).slice(0, -3)).packets);
  add('half-a-command', ftp(here).says('EPR', { quiet: true }).packets);
  add('half-an-address', ftp(here).says(command(50000).slice(0, 9), { quiet: true }).packets);
  add('wrong-family', ftp(here).says(`EPRT |${family === 4 ? 2 : 1}|${here.client}|50000|\r\n`).packets);
  add('somebody-else', [
    ...ftp(here).says(`EPRT ${eprt(family, a.inside2, 50000)}\r\n`).packets,
    ...connects(
      { iface: 'eth0', address: a.far, port: 20 },
      { iface: 'eth1', address: a.inside2, port: 50000 },
    ),
  ]);
  add('from-somebody-else', [
    ...ftp(here).says(command(50000)).packets,
    ...connects(
      { iface: 'eth0', address: a.far2, port: 20 },
      { iface: 'eth1', address: a.inside, port: 50000 },
    ),
  ]);
  add('other-port', [...ftp(here).says(command(50000)).packets, ...active(here, 50002)]);
  add('twice', [
    ...ftp(here).says(command(50000)).packets,
    ...active(here, 50000),
    ...active(here, 50000, 50000, 21),
  ]);
  // The second announcement takes the place of the first.
  add('max-expected', [
    ...ftp(here).says(command(50000)).says(command(50002)).packets,
    ...active(here, 50000),
    ...active(here, 50002),
  ]);
  add('same-again', [...ftp(here).says(command(50000)).says(command(50000)).packets, ...active(here, 50000)]);
  add('wrong-side', ftp(here).answers(command(50000)).packets);
  add('answer-of-client', ftp(here).says('229 Extended (|||50001|)\r\n').packets);
  add('after-close', [...ftp(here).says(command(50000)).close().packets, ...active(here, 50000)]);
  const reset = ftp(here).says(command(50000));
  reset.client('R', '', {});
  add('after-reset', [...reset.packets, ...active(here, 50000)]);
  add('retransmitted', ftp(here).says(command(50000)).says(command(50000), { again: 1010 }).packets);
  add('no-space', ftp(here).answers('229(|||50001|)\r\n').packets);
  add('no-parenthesis', ftp(here).answers('229 Extended |||50001|\r\n', { quiet: true }).packets);

  const behind = masqueraded(family);
  const masquerade = rulesFor('ftp', 'tcp', 21, MASQUERADE);
  const outside = destinationTranslated(family);
  const translated = rulesFor('ftp', 'tcp', 21, dnat(family, 'tcp', 21));
  const long = (address: string) => (family === 4 ? address : LONG[address as keyof typeof LONG]);
  const grown = (own: string, seen: string) => grows(own, long(seen));
  add(
    'masqueraded/eprt',
    [
      ...ftp(behind).says(command(50000), { grows: grown(behind.client, behind.clientSeenAs) }).packets,
      ...active(behind, 50000),
    ],
    {},
    masquerade,
  );
  add(
    'masqueraded/epsv',
    [
      ...ftp(behind).answers('229 Extended (|||50001|)\r\n').says('QUIT\r\n').packets,
      ...passive(behind, 50001),
    ],
    {},
    masquerade,
  );
  const several = ftp(behind);
  for (const port of [50000, 50002, 50004]) {
    several.says(command(port), { grows: grown(behind.client, behind.clientSeenAs) }).answers('200 ok\r\n');
  }
  add('masqueraded/several', [...several.packets, ...active(behind, 50004)], {}, masquerade);
  const again = ftp(behind);
  const seq = again.clientSeq;
  again.says(command(50000), { grows: grown(behind.client, behind.clientSeenAs) });
  again.says(command(50000), { again: seq }).says('NOOP\r\n').answers('200 ok\r\n');
  add('masqueraded/retransmitted', again.packets, {}, masquerade);
  const sacked = ftp(behind).says(command(50000), { grows: grown(behind.client, behind.clientSeenAs) });
  sacked.server('A', '', { options: concat(tcpOption.nop(), tcpOption.nop(), tcpOption.sack(1100, 1200)) });
  sacked.says('NOOP\r\n');
  add('masqueraded/sack', sacked.packets, {}, masquerade);
  add(
    'dnat/epsv',
    [...ftp(outside).answers('229 Extended (|||50001|)\r\n').packets, ...passive(outside, 50001)],
    {},
    translated,
  );
  add(
    'dnat/eprt',
    [
      ...ftp(outside).says(`EPRT ${eprt(family, outside.client, 50000)}\r\n`, {
        grows: grown(outside.client, outside.client),
      }).packets,
      ...active(outside, 50000),
    ],
    {},
    translated,
  );
  if (family === 4) {
    add('port', [...ftp(here).says(`PORT ${six(here.client, 50000)}\r\n`).packets, ...active(here, 50000)]);
    add('pasv', [
      ...ftp(here).answers(`227 Entering (${six(here.server, 50001)}).\r\n`).packets,
      ...passive(here, 50001),
    ]);
    add('pasv-without-parentheses', ftp(here).answers(`227 ${six(here.server, 50001)}\r\n`).packets);
    add('pasv-cut', ftp(here).answers(`227 Entering (${six(here.server, 50001)}`, { quiet: true }).packets);
    add('port-numbers-too-big', ftp(here).says(`PORT ${six(here.client, 50000)}9\r\n`).packets);
    add('port-five-numbers', ftp(here).says('PORT 10,0,0,9,5\r\n', { quiet: true }).packets);
    const port = `PORT ${six(behind.client, 50000)}\r\n`;
    const grownPort = grows(six(behind.client, 50000), six(behind.clientSeenAs, 50000));
    add(
      'masqueraded/port',
      [...ftp(behind).says(port, { grows: grownPort }).packets, ...active(behind, 50000)],
      {},
      masquerade,
    );
    // Translated to a shorter address, and to a connection from a translated port.
    const shorter = { ...behind, clientSeenAs: '192.0.2.1', client: '10.0.0.109' };
    add(
      'masqueraded/shrinks',
      [
        ...ftp(shorter)
          .says(`PORT ${six(shorter.client, 50000)}\r\n`, {
            grows: grows(shorter.client, shorter.clientSeenAs),
          })
          .answers('200 ok\r\n')
          .says('NOOP\r\n').packets,
        ...active(shorter, 50000),
      ],
      {},
      masquerade,
    );
    // The port is taken by the expectation of another, and another one is drawn.
    const other = { ...behind, client: addresses(4).inside2 };
    const taken: CasePacket[] = ftp(behind).says(port, { grows: grownPort }).packets;
    const talk = new TcpTalk(other, 21, { sport: 40001, packets: taken }).open().says('USER you\r\n');
    talk.says(`PORT ${six(other.client, 50000)}\r\n`, { quiet: true });
    add('masqueraded/port-taken', taken, { varies: ['output', 'conntrack'] }, masquerade);
    const inside = `227 Entering (${six(outside.server, 50001)}).\r\n`;
    add(
      'dnat/pasv',
      [
        ...ftp(outside).answers(inside, {
          grows: grows(six(outside.server, 1), six(outside.serverSeenAs, 1)),
        }).packets,
        ...passive(outside, 50001),
      ],
      {},
      translated,
    );
  }
  return cases;
}

/** As %pI6 writes them. */
const LONG = {
  '2001:db8::1': '2001:0db8:0000:0000:0000:0000:0000:0001',
  '2001:db8:f::7': '2001:0db8:000f:0000:0000:0000:0000:0007',
} as const;

// --- TFTP -------------------------------------------------------------------------------------------------------

const READ: Bytes = text('\0\x01file\0octet\0');
const WRITE: Bytes = text('\0\x02file\0octet\0');
const DATA: Bytes = text('\0\x03\0\x01some bytes');

function tftpCases(family: Family): Case[] {
  const rules = rulesFor('tftp', 'udp', 69);
  const a = addresses(family);
  const asks = (payload: Bytes, ends: Ends) =>
    datagram(
      ends.clientIface,
      { saddr: ends.client, daddr: ends.serverSeenAs, sport: 40000, dport: 69 },
      payload,
    );
  const sends = (ends: Ends, sport = 3000, dport = 40000, saddr = ends.server) =>
    datagram(ends.serverIface, { saddr, daddr: ends.clientSeenAs, sport, dport }, DATA);
  const acknowledges = (ends: Ends, dport = 3000) =>
    datagram(
      ends.clientIface,
      { saddr: ends.client, daddr: ends.serverSeenAs, sport: 40000, dport },
      '\0\x04\0\x01',
    );
  const transfer = (payload: Bytes, ends: Ends) => [
    asks(payload, ends),
    sends(ends),
    acknowledges(ends),
    sends(ends),
    acknowledges(ends),
  ];
  const here = plain(family);
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules): void => {
    cases.push(helperCase(`tftp/${id}`, family, own, packets));
  };
  add('read', transfer(READ, here));
  add('write', transfer(WRITE, here));
  add('pending', [asks(READ, here)]);
  add('asked-again', [asks(READ, here), asks(READ, here), ...transfer(READ, here)]);
  add('data-to-69', [asks(DATA, here), sends(here)]);
  add('too-short', [asks(text('\0'), here), sends(here)]);
  add('from-somebody-else', [asks(READ, here), sends(here, 3000, 40000, a.far2), sends(here)]);
  add('other-port', [asks(READ, here), sends(here, 3000, 40001)]);
  add('from-69', [asks(READ, here), sends(here, 69), asks(READ, here), sends(here)]);
  add('masqueraded', transfer(READ, masqueraded(family)), rulesFor('tftp', 'udp', 69, MASQUERADE));
  add(
    'dnat',
    transfer(READ, destinationTranslated(family)),
    rulesFor('tftp', 'udp', 69, dnat(family, 'udp', 69)),
  );
  return cases;
}

// --- IRC --------------------------------------------------------------------------------------------------------

function ircCases(): Case[] {
  const rules = rulesFor('irc', 'tcp', 6667);
  const here = plain(4);
  const number = (dotted: string) => dotted.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const talk = (ends: Ends) => new TcpTalk(ends, 6667).open().says('NICK me\r\n').answers(':s 001 me\r\n');
  const offer = (address: string, port: number, command = 'SEND') =>
    `PRIVMSG you :\x01DCC ${command} file ${number(address)} ${port} 1000\x01\r\n`;
  // A translated connection comes from the server, as its master's address says: that is how nf_nat_irc.c has it.
  const comes = (ends: Ends, port: number) =>
    connects(
      {
        iface: 'eth0',
        address: addresses(4).far2,
        port: 3333,
        ...(ends.client === ends.clientSeenAs ? {} : { seenAs: ends.server }),
      },
      { iface: ends.clientIface, address: ends.client, port, seenAs: ends.clientSeenAs },
    );
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules, more: Partial<Case> = {}): void => {
    cases.push(helperCase(`irc/${id}`, 4, own, packets, more));
  };
  for (const command of ['SEND', 'CHAT', 'MOVE', 'TSEND', 'SCHAT']) {
    add(command.toLowerCase(), [
      ...talk(here).says(offer(here.client, 50000, command)).packets,
      ...comes(here, 50000),
    ]);
  }
  add('resume', talk(here).says(offer(here.client, 50000, 'RESUME')).packets);
  add('pending', talk(here).says(offer(here.client, 50000)).packets);
  add('forged', talk(here).says(offer(addresses(4).inside2, 50000)).packets);
  add('port-0', talk(here).says(offer(here.client, 0)).packets);
  add('from-the-server', talk(here).answers(offer(here.server, 50000)).packets);
  add('no-newline', talk(here).says(offer(here.client, 50000).slice(0, -2)).packets);
  add('lower-case', talk(here).says(offer(here.client, 50000).replace('PRIVMSG', 'privmsg')).packets);
  add('leading-blanks', talk(here).says(` \r\n${offer(here.client, 50000)}`).packets);
  add('no-message', talk(here).says('JOIN #here :\x01DCC SEND f 167772169 50000 1\x01\r\n').packets);
  add('several', [
    ...Array.from({ length: 10 }, (_, i) => offer(here.client, 50000 + i)).reduce(
      (sofar, words) => sofar.says(words),
      talk(here),
    ).packets,
    ...comes(here, 50000),
    ...comes(here, 50009),
  ]);
  const behind = masqueraded(4);
  const masquerade = rulesFor('irc', 'tcp', 6667, MASQUERADE);
  const more = { grows: grows(String(number(behind.client)), String(number(behind.clientSeenAs))) };
  add(
    'masqueraded',
    [
      ...talk(behind).says(offer(behind.client, 50000), more).says('PING\r\n').packets,
      ...comes(behind, 50000),
    ],
    masquerade,
  );
  // The client knows its outer address, and says it.
  add(
    'masqueraded/outer-address',
    [...talk(behind).says(offer(behind.clientSeenAs, 50000)).packets, ...comes(behind, 50000)],
    masquerade,
  );
  return cases;
}

// --- SANE, Amanda -----------------------------------------------------------------------------------------------

function saneCases(family: Family): Case[] {
  const rules = rulesFor('sane', 'tcp', 6566);
  const here = plain(family);
  const start = '\0\0\0\x07\0\0\0\x01';
  const port = (high: number, low: number) => `\0\0\0\0\0\0${String.fromCharCode(high, low)}\0\0\0\0`;
  const talk = () => new TcpTalk(here, 6566).open().says('\0\0\0\0\0\0\0\x01').answers('\0\0\0\0');
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules): void => {
    cases.push(helperCase(`sane/${id}`, family, own, packets));
  };
  add('start', [...talk().says(start).answers(port(0x40, 1)).packets, ...passive(here, 0x4001)]);
  add('not-asked', [...talk().answers(port(0x40, 1)).packets, ...passive(here, 0x4001)]);
  add('asked-otherwise', talk().says(start).says('\0\0\0\x06\0\0\0\x01').answers(port(0x40, 1)).packets);
  add('refused', talk().says(start).answers('\0\0\0\x0b\0\0\x40\x01').answers(port(0x40, 2)).packets);
  add('short-answer', talk().says(start).answers('\0\0\0\0\0\0').answers(port(0x40, 2)).packets);
  add('not-zero', talk().says(start).answers('\0\0\0\0\0\x01\x40\x01').packets);
  const outside = destinationTranslated(family);
  const translated = new TcpTalk(outside, 6566).open().says(start).answers(port(0x40, 1));
  add(
    'dnat',
    [...translated.packets, ...passive(outside, 0x4001)],
    rulesFor('sane', 'tcp', 6566, dnat(family, 'tcp', 6566)),
  );
  return cases;
}

function amandaCases(family: Family): Case[] {
  const rules = rulesFor('amanda', 'udp', 10080);
  const here = plain(family);
  const asks = (ends: Ends, words = 'Amanda 2.4 REQ HANDLE 00 SEQ 1\nSERVICE sendbackup\n') =>
    datagram(
      ends.clientIface,
      { saddr: ends.client, daddr: ends.serverSeenAs, sport: 850, dport: 10080 },
      words,
    );
  const answers = (ends: Ends, words: string) =>
    datagram(
      ends.serverIface,
      { saddr: ends.server, daddr: ends.clientSeenAs, sport: 10080, dport: 850 },
      words,
    );
  const ports = 'Amanda 2.4 REP HANDLE 00 SEQ 1\nCONNECT DATA 50001 MESG 50002 INDEX 50003\nOPTIONS ;\n';
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules, more: Partial<Case> = {}): void => {
    cases.push(helperCase(`amanda/${id}`, family, own, packets, more));
  };
  add('connect', [
    asks(here),
    answers(here, ports),
    ...passive(here, 50001),
    ...passive(here, 50003, 50003, 41001),
  ]);
  add('pending', [asks(here), answers(here, ports)]);
  add('state', [asks(here), answers(here, ports.replace('INDEX', 'STATE'))]);
  add('from-the-server', [asks(here, ports)]);
  add('two-lines', [asks(here), answers(here, ports.replace(' MESG', '\nMESG'))]);
  add('port-0', [asks(here), answers(here, ports.replace('50002', '0'))]);
  add('five-digits', [asks(here), answers(here, ports.replace('50002', '500022'))]);
  add('no-newline', [asks(here), answers(here, ports.slice(0, 60))]);
  const outside = destinationTranslated(family);
  add(
    'dnat',
    [asks(outside), answers(outside, ports), ...passive(outside, 50001)],
    rulesFor('amanda', 'udp', 10080, dnat(family, 'udp', 10080)),
  );
  const behind = masqueraded(family);
  add(
    'masqueraded',
    [asks(behind), answers(behind, ports), ...passive(behind, 50001)],
    rulesFor('amanda', 'udp', 10080, MASQUERADE),
  );
  return cases;
}

export const helperCases = (): Case[] => [
  ...ftpCases(4),
  ...ftpCases(6),
  ...tftpCases(4),
  ...tftpCases(6),
  ...ircCases(),
  ...saneCases(4),
  ...saneCases(6),
  ...amandaCases(4),
  ...amandaCases(6),
];
