/** Questions to a whole network, and SNMP that is translated. */

import type { Case, CasePacket } from '../judge.ts';
import { type Bytes, concat, ip, text, udp } from '../packets.ts';
import { addresses, arrives, leaves } from './build.ts';
import { dnat, helperCase, MASQUERADE, rulesFor } from './helpers.ts';
import { datagram, destinationTranslated, masqueraded } from './talk.ts';

const A = addresses(4);
const BROADCAST = '10.0.0.255';

function broadcastCases(name: string, port: number): Case[] {
  const rules = rulesFor(name, 'udp', port);
  const asks = (daddr = BROADCAST, sport = 40000, dport = port) =>
    leaves(
      'eth1',
      ip({ saddr: A.selfInside, daddr }, udp({ sport, dport, payload: text('who is there?') })),
      {
        bind: 'eth1',
      },
    );
  const answers = (saddr = A.inside, dport = 40000, sport = port) =>
    datagram('eth1', { saddr, daddr: A.selfInside, sport, dport }, 'I am');
  const cases: Case[] = [];
  const add = (id: string, packets: readonly CasePacket[], own = rules): void => {
    cases.push(helperCase(`${name}/${id}`, 4, own, packets));
  };
  add('pending', [asks()]);
  add('answers', [asks(), answers(), answers(A.inside2), answers(A.inside)]);
  add('from-another-port', [asks(), answers(A.inside, 40000, port + 1)]);
  add('to-another-port', [asks(), answers(A.inside, 40001)]);
  add('from-another-network', [asks(), answers(A.outside)]);
  add('asked-again', [asks(), asks(), answers()]);
  add('asked-twice', [asks(), asks(BROADCAST, 40001), answers(), answers(A.inside2, 40001)]);
  add('one-host', [asks(A.inside), answers(A.inside2)]);
  add('everybody', [asks('255.255.255.255'), answers()]);
  add('other-port-by-rule', [asks(BROADCAST, 40000, 1234), answers()], rulesFor(name, 'udp', 1234));
  // What is forwarded to a broadcast address is not made by this host.
  add('not-own', [
    arrives('eth0', ip({ saddr: A.outside, daddr: BROADCAST }, udp({ sport: 40000, dport: port }))),
    arrives('eth1', ip({ saddr: A.inside, daddr: BROADCAST }, udp({ sport: 40000, dport: port }))),
  ]);
  return cases;
}

// --- SNMP as BER ----------------------------------------------------------------------------------------------------

function tlv(tag: number, ...contents: readonly Bytes[]): Bytes {
  const body = concat(...contents);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return concat(Uint8Array.of(tag, ...length), body);
}

const integer = (value: number) => tlv(2, Uint8Array.of(value));
const address = (dotted: string) => tlv(0x40, Uint8Array.from(dotted.split('.'), Number));
const binding = (value: Bytes) => tlv(0x30, tlv(6, Uint8Array.of(43, 6, 1)), value);

interface Snmp {
  readonly version?: Bytes;
  readonly pdu?: number;
  readonly values?: readonly Bytes[];
  readonly behind?: Bytes;
}

function message({ version = integer(1), pdu = 0xa2, values = [], behind = text('') }: Snmp): Bytes {
  return concat(
    tlv(
      0x30,
      version,
      tlv(4, text('public')),
      tlv(pdu, integer(9), integer(0), integer(0), tlv(0x30, ...values.map(binding))),
    ),
    behind,
  );
}

function snmpCases(): Case[] {
  const cases: Case[] = [];
  const behind = masqueraded(4);
  const outside = destinationTranslated(4);
  const add = (id: string, packets: readonly CasePacket[], rules: string): void => {
    cases.push(helperCase(`snmp-nat/${id}`, 4, rules, packets));
  };
  const trap = (payload: Bytes) =>
    datagram('eth1', { saddr: behind.client, daddr: behind.server, sport: 40000, dport: 162 }, payload);
  const rules = rulesFor('snmp_trap', 'udp', 162, MASQUERADE);
  const own = address(behind.client);
  const messages: Readonly<Record<string, Bytes>> = {
    trap: message({ pdu: 0xa7, values: [own, address(A.inside2), own] }),
    'version-1': message({ pdu: 0xa7, version: integer(0), values: [own] }),
    'version-3': message({ pdu: 0xa7, version: integer(3), values: [own] }),
    'version-long': message({ pdu: 0xa7, version: tlv(2, Uint8Array.of(0, 1)), values: [own] }),
    'old-trap': message({ pdu: 0xa4, values: [own] }),
    'no-values': message({ pdu: 0xa7 }),
    'other-values': message({
      pdu: 0xa7,
      values: [
        integer(5),
        tlv(4, text('words')),
        tlv(5),
        tlv(6, Uint8Array.of(43)),
        tlv(0x41, text('1')),
        own,
      ],
    }),
    counters: message({
      pdu: 0xa7,
      values: [tlv(0x42, text('1')), tlv(0x43, text('1')), tlv(0x44, text('1')), tlv(0x46, text('1')), own],
    }),
    exceptions: message({ pdu: 0xa7, values: [tlv(0x80), tlv(0x81), tlv(0x82), own] }),
    'unknown-value': message({ pdu: 0xa7, values: [tlv(0x45, text('1')), own] }),
    'address-of-six': message({ pdu: 0xa7, values: [tlv(0x40, text('123456')), own] }),
    'data-behind': message({ pdu: 0xa7, values: [own], behind: text('more') }),
    'long-value': message({ pdu: 0xa7, values: [tlv(4, new Uint8Array(300)), own] }),
    cut: message({ pdu: 0xa7, values: [own] }).slice(0, -3),
    'no-snmp': text('this is no SNMP at all'),
    empty: text(''),
  };
  for (const [id, payload] of Object.entries(messages)) add(id, [trap(payload)], rules);
  // Of whom asks, answers are translated; of whom answers, nothing is.
  const asks = (iface: string, saddr: string, daddr: string, sport: number, dport: number, payload: Bytes) =>
    datagram(iface, { saddr, daddr, sport, dport }, payload);
  add(
    'manager-inside',
    [
      asks('eth1', behind.client, behind.server, 40000, 161, message({ pdu: 0xa0, values: [own] })),
      asks(
        'eth0',
        behind.server,
        behind.clientSeenAs,
        161,
        40000,
        message({ values: [own, address(behind.clientSeenAs)] }),
      ),
    ],
    rulesFor('snmp', 'udp', 161, MASQUERADE),
  );
  add(
    'agent-inside',
    [
      asks('eth0', outside.client, outside.serverSeenAs, 40000, 161, message({ pdu: 0xa0 })),
      asks(
        'eth1',
        outside.server,
        outside.client,
        161,
        40000,
        message({ values: [address(outside.server)] }),
      ),
      asks('eth1', outside.server, outside.client, 161, 40000, text('nonsense')),
    ],
    rulesFor('snmp', 'udp', 161, dnat(4, 'udp', 161)),
  );
  add('not-translated', [trap(messages['version-3']!)], rulesFor('snmp_trap', 'udp', 162));
  return cases;
}

export const broadcastHelperCases = (): Case[] => [
  ...broadcastCases('netbios-ns', 137),
  ...broadcastCases('snmp', 161),
  ...snmpCases(),
];
