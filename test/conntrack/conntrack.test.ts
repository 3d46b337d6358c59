import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { INVALID_PHRASES } from '../../src/conntrack/invalid.ts';
import { SCTP_STATE_NAMES } from '../../src/conntrack/sctp.ts';
import { TCP_STATE_NAMES } from '../../src/conntrack/tcp-states.ts';
import { ROW_INVALID, ROW_NOT_HANDLED } from '../../src/conntrack/track-row.ts';
import { IPS_ASSURED, IPS_CONFIRMED, IPS_SEEN_REPLY } from '../../src/packet/conntrack-access.ts';
import { Packet } from '../../src/packet/packet.ts';
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  CT_NONE,
  CT_RELATED_REPLY,
  CT_UNTRACKED,
  HOOK_PREROUTING,
  R_CT,
  R_CT_TEMPLATE,
  R_CTINFO,
  R_MARK,
} from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../src/packet/verdict.ts';
import { icmp, ip, tcp, udp } from '../kernel/packets.ts';
import { listing, Machine, rawBatch, stubHost } from './harness.ts';
import { converse, Dice } from './tcp-conversations.ts';

const A = '10.1.0.9';
const B = '10.2.0.9';
const client = (flags: string, seq = 0, ack = 0, sport = 1000) =>
  ip({ saddr: A, daddr: B }, tcp({ sport, dport: 80, flags, seq, ack }));
const server = (flags: string, seq = 0, ack = 0, dport = 1000) =>
  ip({ saddr: B, daddr: A }, tcp({ sport: 80, dport, flags, seq, ack }));
const question = (sport = 5000) => ip({ saddr: A, daddr: B }, udp({ sport, dport: 53 }));

describe('the life of an entry', () => {
  test('a handshake', () => {
    const machine = new Machine();
    expect(machine.pass(client('S', 9)).ctinfo).toBe(CT_NEW);
    expect(machine.pass(server('SA', 99, 10)).ctinfo).toBe(CT_ESTABLISHED_REPLY);
    const third = machine.pass(client('A', 10, 100));
    expect(third.ctinfo).toBe(CT_ESTABLISHED);
    expect(third.status).toBe(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
    expect(machine.conntrack.dump(0)).toEqual([
      'ipv4     2 tcp      6 432000 ESTABLISHED src=10.1.0.9 dst=10.2.0.9 sport=1000 dport=80 ' +
        'src=10.2.0.9 dst=10.1.0.9 sport=80 dport=1000 [ASSURED] mark=0 use=1',
    ]);
  });

  test('a dropped first packet leaves nothing behind', () => {
    const machine = new Machine({ rules: { filter: () => VERDICT_DROP } });
    for (let i = 0; i < 100; i++) expect(machine.pass(question()).ctinfo).toBe(CT_NEW);
    expect(listing(machine)).toEqual([]);
    expect(machine.conntrack.core.inUse).toBe(0);
  });

  test('an expired entry is not found', () => {
    const machine = new Machine();
    machine.pass(question());
    expect(machine.pass(question(), { at: 29.9 }).ctinfo).toBe(CT_NEW);
    expect(listing(machine, 59.8)).toHaveLength(1);
    expect(listing(machine, 59.9)).toHaveLength(0);
    const first = machine.pass(question(), { at: 59.9 });
    expect(first.status).toBe(0);
  });

  test('the table is full: new connections are dropped, but not for those that nobody answered', () => {
    const host = stubHost({
      sysctls: { 'net.netfilter.nf_conntrack_max': 10, 'net.netfilter.nf_conntrack_buckets': 4 },
    });
    const machine = new Machine({ host });
    for (let port = 1; port <= 30; port++) expect(machine.pass(question(port)).verdict).toBe(VERDICT_ACCEPT);
    expect(machine.conntrack.core.inUse).toBe(10);
    const assured = new Machine({ host });
    for (let port = 1; port <= 10; port++) {
      assured.pass(client('S', 9, 0, port));
      assured.pass(server('SA', 99, 10, port));
      assured.pass(client('A', 10, 100, port));
    }
    const refused = assured.pass(question());
    expect(refused.verdict).toBe(VERDICT_DROP);
    expect(INVALID_PHRASES[refused.reason]).toMatch(/table full/);
    // An established connection goes on, and when the others have expired there is room again.
    expect(assured.pass(client('A', 10, 100, 3)).ctinfo).toBe(CT_ESTABLISHED);
    expect(assured.pass(question(), { at: 500_000 }).verdict).toBe(VERDICT_ACCEPT);
  });

  test('a full table has room again at the moment at which one of its connections expires', () => {
    const host = stubHost({
      sysctls: { 'net.netfilter.nf_conntrack_max': 10, 'net.netfilter.nf_conntrack_buckets': 4 },
    });
    const machine = new Machine({ host });
    for (let port = 1; port <= 10; port++) {
      machine.pass(client('S', 9, 0, port));
      machine.pass(server('SA', 99, 10, port));
      machine.pass(client('A', 10, 100, port));
    }
    const asks = (at: number) => machine.pass(question(), { at }).verdict;
    expect(asks(0)).toBe(VERDICT_DROP);
    // A reset gives a connection ten seconds to live: less than any had when the table was looked through.
    machine.pass(client('R', 10, 100, 3), { at: 0.5 });
    expect([0.6, 5, 10.499, 10.5].map(asks)).toEqual([
      VERDICT_DROP,
      VERDICT_DROP,
      VERDICT_DROP,
      VERDICT_ACCEPT,
    ]);
  });

  test('more connections than the program holds, fewer than the host allows: an error with status 4', () => {
    const machine = new Machine({ maxTableBytes: 200_000 });
    expect(() => {
      for (let port = 1; port < 2000; port++) machine.pass(question(port));
    }).toThrow(expect.objectContaining({ exitStatus: 4 }));
  });

  test('a record that is held is not used again', () => {
    const machine = new Machine({ rules: { filter: () => VERDICT_DROP } });
    const { ct } = machine.pass(client('S', 9));
    machine.conntrack.core.hold(ct);
    const others = Array.from({ length: 50 }, (_, i) => machine.pass(question(i + 1)).ct);
    expect(others).not.toContain(ct);
    machine.conntrack.core.unhold(ct);
    expect(Array.from({ length: 50 }, (_, i) => machine.pass(question(i + 1)).ct)).toContain(ct);
  });

  test('REJECT: the answer belongs to the packet, the other way round', () => {
    const machine = new Machine();
    const { ct } = machine.pass(client('S', 9));
    const p = new Packet();
    p.load(rawBatch([{ bytes: server('RA', 0, 10) }]), 0, 0);
    machine.conntrack.attach(p, ct, CT_NEW);
    expect(p.r[R_CTINFO]).toBe(CT_RELATED_REPLY);
    expect(machine.conntrack.track(p, HOOK_PREROUTING)).toBe(VERDICT_ACCEPT);
    expect(p.r[R_CT]).toBe(ct);
  });
});

describe('templates', () => {
  test('untracked packets have no entry', () => {
    const machine = new Machine({ rules: { raw: (p) => p.r.fill(CT_UNTRACKED, R_CTINFO, R_CTINFO + 1) } });
    expect(machine.pass(question()).ctinfo).toBe(CT_UNTRACKED);
    expect(listing(machine)).toEqual([]);
  });

  test('zones keep connections with the same addresses apart', () => {
    let template = -1;
    const machine: Machine = new Machine({
      rules: { raw: (p) => p.r.fill(template, R_CT_TEMPLATE, R_CT_TEMPLATE + 1) },
    });
    const options = { zoneFromMark: false, helper: undefined, timeoutPolicy: undefined };
    const zone5 = machine.conntrack.makeTemplate({ ...options, zoneOriginal: 5, zoneReply: 5 });
    const original6 = machine.conntrack.makeTemplate({ ...options, zoneOriginal: 6, zoneReply: 0 });
    const answer = ip({ saddr: B, daddr: A }, udp({ sport: 53, dport: 5000 }));
    template = zone5;
    expect(machine.pass(question()).ctinfo).toBe(CT_NEW);
    template = -1;
    expect(machine.pass(answer).ctinfo).toBe(CT_NEW);
    template = zone5;
    expect(machine.pass(answer).ctinfo).toBe(CT_ESTABLISHED_REPLY);
    template = original6;
    const other = ip({ saddr: A, daddr: B }, udp({ sport: 6000, dport: 53 }));
    expect(machine.pass(other).ctinfo).toBe(CT_NEW);
    template = -1;
    expect(machine.pass(ip({ saddr: B, daddr: A }, udp({ sport: 53, dport: 6000 }))).ctinfo).toBe(
      CT_ESTABLISHED_REPLY,
    );
    expect(
      listing(machine)
        .filter((line) => line.includes('zone'))
        .map((line) => line.replace(/.*(zone\S*).*/, '$1')),
    ).toEqual(['zone=5', 'zone-orig=6']);
  });

  test('a zone from the mark, and a helper', () => {
    const machine: Machine = new Machine({
      rules: {
        raw: (p) => {
          p.r[R_MARK] = 0x10007;
          p.r[R_CT_TEMPLATE] = template;
        },
      },
    });
    const template = machine.conntrack.makeTemplate({
      zoneOriginal: 0,
      zoneReply: 0,
      zoneFromMark: true,
      helper: 'ftp',
      timeoutPolicy: undefined,
    });
    const { ct } = machine.pass(client('S'));
    expect(machine.conntrack.zone(ct, 0)).toBe(7);
    expect(machine.conntrack.helperName(ct)).toBe('ftp');
    expect(listing(machine)[0]).toContain('zone=7 helper=ftp use=1');
  });
});

describe('connections that the capture did not see begin', () => {
  test('kernel: picked up as NEW by an ACK, INVALID for anything else', () => {
    expect(new Machine().pass(client('A', 5, 5)).ctinfo).toBe(CT_NEW);
    for (const flags of ['FA', 'R', 'SA', 'RA'])
      expect(new Machine().pass(client(flags, 5, 5)).ctinfo).toBe(CT_NONE);
  });

  test('established: taken as answered, from whichever side', () => {
    for (const flags of ['A', 'PA', 'FA', 'RA', 'SA']) {
      const machine = new Machine({ midstream: 'established' });
      expect(machine.pass(client(flags, 5, 5)).ctinfo, flags).toBe(CT_ESTABLISHED);
      if (flags === 'A' || flags === 'PA')
        expect(machine.pass(server('A', 5, 5)).ctinfo).toBe(CT_ESTABLISHED_REPLY);
    }
    const machine = new Machine({ midstream: 'established' });
    expect(machine.pass(client('S', 5)).ctinfo).toBe(CT_NEW);
    expect(machine.pass(client('', 5)).ctinfo).toBe(CT_NONE);
  });
});

describe('conntrack -L', () => {
  const text = [
    'ipv4     2 tcp      6 431999 ESTABLISHED src=10.1.0.9 dst=10.2.0.9 sport=1000 dport=80 src=10.2.0.77 dst=203.0.113.5 sport=8080 dport=1000 [ASSURED] mark=7 use=1',
    'ipv4     2 udp      17 29 src=10.1.0.9 dst=10.2.0.9 sport=5000 dport=53 [UNREPLIED] src=10.2.0.9 dst=10.1.0.9 sport=53 dport=5000 mark=0 zone=5 use=1',
    'ipv4     2 icmp     1 12 src=10.1.0.9 dst=10.2.0.9 type=8 code=0 id=77 src=10.2.0.9 dst=10.1.0.9 type=0 code=0 id=77 mark=0 use=1',
    'ipv6     10 sctp     132 200 ESTABLISHED src=2001:db8::9 dst=2001:db8::1 sport=1 dport=2 src=2001:db8::1 dst=2001:db8::9 sport=2 dport=1 [ASSURED] mark=0 use=1',
    'ipv4     2 gre      47 29 src=10.1.0.9 dst=10.2.0.9 srckey=0x0 dstkey=0xff [UNREPLIED] src=10.2.0.9 dst=10.1.0.9 srckey=0xff dstkey=0x0 mark=0 use=1',
    'ipv4     2 unknown  50 599 src=10.1.0.9 dst=10.2.0.9 [UNREPLIED] src=10.2.0.9 dst=10.1.0.9 mark=0 use=1',
    'ipv4     2 tcp      6 100 ESTABLISHED src=10.1.0.8 dst=10.2.0.9 sport=1000 dport=21 zone-orig=3 src=10.2.0.9 dst=10.1.0.8 sport=21 dport=1000 [ASSURED] mark=0 helper=ftp use=1',
  ];

  test('what is read is printed again', () => {
    const machine = new Machine();
    expect(
      machine.conntrack.seed(`${text.join('\n')}\nconntrack v1.4.7: 7 flow entries have been shown.\n`, 0),
    ).toBe(7);
    expect(machine.conntrack.dump(0)).toEqual(text);
  });

  test('every state, zone, label and flag', () => {
    const tuple = (sport: number, zones: readonly [string, string] = ['', '']) =>
      `src=10.1.0.9 dst=10.2.0.9 sport=${sport} dport=80${zones[0]} [UNREPLIED] src=10.2.0.9 dst=10.1.0.9 sport=80 dport=${sport}${zones[1]}`;
    const tuple6 = (sport: number) =>
      `src=2001:db8::9 dst=::1 sport=${sport} dport=80 src=::1 dst=2001:db8::9 sport=80 dport=${sport} [ASSURED]`;
    const lines = [
      ...TCP_STATE_NAMES.slice(1).map(
        (state, i) => `ipv4     2 tcp      6 ${100 + i} ${state} ${tuple(i + 1)} mark=${i} use=1`,
      ),
      ...SCTP_STATE_NAMES.slice(1).map(
        (state, i) => `ipv6     10 sctp     132 ${100 + i} ${state} ${tuple6(i + 1)} mark=4294967295 use=1`,
      ),
      `ipv4     2 udp      17 5 ${tuple(1, [' zone-orig=3', ''])} mark=0 use=1`,
      `ipv4     2 udp      17 5 ${tuple(2, ['', ' zone-reply=65535'])} mark=0 use=1`,
      `ipv4     2 udp      17 5 ${tuple(3, [' zone-orig=3', ' zone-reply=4'])} mark=0 use=1`,
      `ipv4     2 udplite  136 5 ${tuple(1)} mark=0 zone=9 helper=tftp use=1 labels=0,31,32,127`,
      'ipv6     10 icmpv6   58 5 src=fe80::1 dst=ff02::1 type=128 code=0 id=65535 src=ff02::1 dst=fe80::1 type=129 code=0 id=65535 mark=0 use=1',
    ];
    const machine = new Machine();
    expect(machine.conntrack.seed(lines.join('\n'), 0)).toBe(lines.length);
    expect(machine.conntrack.dump(0)).toEqual(lines);
    expect(() => new Machine().conntrack.seed(`${lines[0]} labels=128`, 0)).toThrow(/labels are numbers/);
  });

  test('an offloaded connection has no timeout, and stays', () => {
    const line =
      'ipv4     2 tcp      6 src=10.1.0.9 dst=10.2.0.9 sport=1 dport=80 src=10.2.0.9 dst=10.1.0.9 sport=80 dport=1 [OFFLOAD] mark=0 use=2';
    const machine = new Machine();
    machine.conntrack.seed(line, 0);
    expect(listing(machine, 1000)).toHaveLength(1);
  });

  test("the kernel's own listings", () => {
    const recorded = JSON.parse(
      readFileSync(new URL('../kernel/recorded/random-nat.legacy.json', import.meta.url), 'utf8'),
    ) as { results: Record<string, { conntrack: string[] }> };
    for (const [id, { conntrack }] of Object.entries(recorded.results)) {
      const machine = new Machine({ host: stubHost({ sysctls: { 'net.netfilter.nf_conntrack_acct': 1 } }) });
      expect(machine.conntrack.seed(conntrack.join('\n'), 0), id).toBe(conntrack.length);
      expect(listing(machine), id).toEqual([...conntrack].sort());
    }
  });

  test('with counters', () => {
    const line =
      'ipv4     2 udp      17 29 src=10.1.0.9 dst=10.2.0.9 sport=5000 dport=53 packets=3 bytes=90 src=10.2.0.9 dst=10.1.0.9 sport=53 dport=5000 packets=1 bytes=40 mark=0 use=1';
    const machine = new Machine({ host: stubHost({ sysctls: { 'net.netfilter.nf_conntrack_acct': 1 } }) });
    machine.conntrack.seed(line, 0);
    expect(machine.conntrack.dump(0)).toEqual([line]);
    machine.pass(question());
    expect(machine.conntrack.dump(0)[0]).toContain('packets=4 bytes=118');
  });

  test('a seeded connection goes on', () => {
    const machine = new Machine({ rules: { nat: () => VERDICT_ACCEPT } });
    machine.conntrack.seed(text.join('\n'), 0);
    const out = machine.pass(client('A', 12345, 54321));
    expect(out.ctinfo).toBe(CT_ESTABLISHED);
    // Translated as before: 203.0.113.5:1000 to 10.2.0.77:8080.
    expect([out.r[0]! >>> 0, out.r[4]! >>> 0, out.r[11]]).toEqual([0xcb007105, 0x0a02004d, 8080]);
    const back = machine.pass(
      ip(
        { saddr: '10.2.0.77', daddr: '203.0.113.5' },
        tcp({ sport: 8080, dport: 1000, flags: 'A', seq: 54321, ack: 12345 }),
      ),
    );
    expect(back.ctinfo).toBe(CT_ESTABLISHED_REPLY);
    expect([back.r[0]! >>> 0, back.r[4]! >>> 0, back.r[10]]).toEqual([0x0a020009, 0x0a010009, 80]);
  });

  test('all mistakes are told at once, with their lines', () => {
    const machine = new Machine();
    const wrong = [text[0]!, 'tcp 6 12 src=…', text[1]!.replace('10.1.0.9', '10.1.0.999'), text[0]!].join(
      '\n',
    );
    expect(() => machine.conntrack.seed(wrong, 0, 'conntrack.txt')).toThrow(
      /conntrack\.txt:2:1: error: a connection begins with[\s\S]*conntrack\.txt:3:1: error: '10\.1\.0\.999' is no IPv4 address[\s\S]*conntrack\.txt:4:1: error: the same connection/,
    );
  });
});

describe('the short way for rows', () => {
  test('says what the long way says', () => {
    const dice = new Dice(77);
    const slow = new Machine();
    const fast = new Machine();
    let handled = 0;
    for (let i = 0; i < 60; i++) {
      const [a, b] = i % 4 === 3 ? ['2001:db8:1::9', '2001:db8:2::9'] : [A, B];
      const talk = converse(dice, { client: a!, server: b!, clientPort: 1000 + i, serverPort: 80 }, 25);
      for (const { bytes } of talk) {
        const expected = slow.pass(bytes);
        const batch = rawBatch([{ bytes }]);
        const row = fast.conntrack.trackRow(batch.columns, batch.view, 0, HOOK_PREROUTING);
        if (row === ROW_NOT_HANDLED) {
          expect(fast.pass(bytes).ctinfo).toBe(expected.ctinfo);
          continue;
        }
        handled++;
        expect(row === ROW_INVALID ? CT_NONE : row & 7).toBe(expected.ctinfo);
        expect(fast.conntrack.lastInvalidReason).toBe(expected.reason);
      }
    }
    expect(handled).toBeGreaterThan(800);
    expect(listing(fast)).toEqual(listing(slow));
  });

  test('leaves to the long way what it does not know', () => {
    const machine = new Machine();
    const row = (bytes: Uint8Array) => {
      const batch = rawBatch([{ bytes }]);
      return machine.conntrack.trackRow(batch.columns, batch.view, 0, HOOK_PREROUTING);
    };
    expect(row(client('S'))).toBe(ROW_NOT_HANDLED);
    expect(row(ip({ saddr: A, daddr: B }, icmp({ type: 8 })))).toBe(ROW_NOT_HANDLED);
  });
});
