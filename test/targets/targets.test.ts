import { describe, expect, test } from 'vitest';
import type { Host } from '../../src/host/types.ts';
import {
  type ConntrackAccess,
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM,
  NAT_PROTO_SPECIFIED,
  type NatRange,
} from '../../src/packet/conntrack-access.ts';
import type { Packet } from '../../src/packet/packet.ts';
import {
  CT_UNTRACKED,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  R_CT_TEMPLATE,
  R_CTINFO,
  R_CTMARK,
  R_LENGTH,
  R_MARK,
  R_PRIORITY,
  R_TOS,
  R_TRACE,
  R_TTL,
} from '../../src/packet/registers.ts';
import { currentBytes } from '../../src/packet/rewrite.ts';
import {
  VERDICT_ACCEPT,
  VERDICT_CONTINUE,
  VERDICT_DROP,
  VERDICT_QUEUE,
  type Verdict,
} from '../../src/packet/verdict.ts';
import { packet, ready } from '../matches/packets.ts';

describe('CONNMARK', () => {
  /** Connection mark and packet mark after the rule, from 0x1234 and 0xabcd. */
  function marks(words: string): string {
    let mark = 0x1234;
    const conntrack = { mark: () => mark, setMark: (_: number, to: number) => (mark = to) };
    const [rule] = ready(
      [`-j CONNMARK ${words}`],
      {},
      { conntrack: conntrack as unknown as ConntrackAccess },
    );
    const p = packet({ ct: 0, mark: 0xabcd, ctmark: mark });
    expect(rule!.apply(p)).toBe(VERDICT_CONTINUE);
    expect(p.r[R_CTMARK]).toBe(mark);
    return `${(mark >>> 0).toString(16)} ${(p.r[R_MARK]! >>> 0).toString(16)}`;
  }

  test.each([
    ['--set-mark 5', '5 abcd'],
    ['--set-mark 5/0xff', '1205 abcd'],
    ['--set-xmark 5/0xff', '1205 abcd'],
    ['--set-xmark 0xf0/0xf', '12c0 abcd'],
    ['--and-mark 0xff', '34 abcd'],
    ['--or-mark 0xff', '12ff abcd'],
    ['--xor-mark 0xff', '12cb abcd'],
    ['--save-mark', 'abcd abcd'],
    ['--save-mark --mask 0xff', '12cd abcd'],
    ['--save-mark --nfmask 0xff --ctmask 0xffff', 'cd abcd'],
    ['--restore-mark', '1234 1234'],
    ['--restore-mark --mask 0xff', '1234 ab34'],
    ['--restore-mark --nfmask 0 --ctmask 0xff', '1234 abf9'],
    ['--set-mark 0xff000000 --left-shift-mark 4', 'f0000000 abcd'],
    ['--set-mark 0xff000000 --right-shift-mark 4', 'ff00000 abcd'],
    ['--save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8', 'cd34 abcd'],
    ['--restore-mark --ctmask 0xff00 --nfmask 0xff --right-shift-mark 8', '1234 ab12'],
  ])('%s', (words, after) => {
    expect(marks(words)).toBe(after);
  });

  test('leaves a packet without a connection alone', () => {
    const [rule] = ready(['-j CONNMARK --restore-mark'], {}, { conntrack: {} as ConntrackAccess });
    const p = packet({ mark: 3 });
    rule!.apply(p);
    expect(p.r[R_MARK]).toBe(3);
  });
});

describe('header fields', () => {
  test.each([
    ['TOS --set-tos 0x10', 0x10],
    ['TOS --set-tos 0x10/0x3f', 0xd0],
    ['TOS --and-tos 0x0f', 0x0c],
    ['TOS --or-tos 3', 0xdf],
    ['TOS --xor-tos 0xff', 0x23],
    ['DSCP --set-dscp 0', 0],
    ['DSCP --set-dscp-class EF', 0xb8],
    ['ECN --ecn-ip-ect 1', 0xdd],
  ])('-j %s, of 0xdc', (words, tos) => {
    const [rule] = ready([`-j ${words}`]);
    const p = packet({ tos: 0xdc });
    expect(rule!.apply(p)).toBe(VERDICT_CONTINUE);
    expect(p.r[R_TOS]).toBe(tos);
    expect(p.touched).toBe(true);
  });

  test.each([
    ['TTL --ttl-set 5', 64, 5],
    ['TTL --ttl-inc 5', 64, 69],
    ['TTL --ttl-inc 5', 253, 255],
    ['TTL --ttl-dec 5', 64, 59],
    ['TTL --ttl-dec 5', 3, 0],
  ])('-j %s, of %d', (words, before, after) => {
    const [rule] = ready([`-j ${words}`]);
    const p = packet({ ttl: before });
    rule!.apply(p);
    expect(p.r[R_TTL]).toBe(after);
  });

  test('CLASSIFY, TRACE', () => {
    const p = packet();
    ready(['-j CLASSIFY --set-class 1:ffff'])[0]!.apply(p);
    ready(['-j TRACE'], { table: 'raw', chain: 'PREROUTING' })[0]!.apply(p);
    expect(p.r[R_PRIORITY]).toBe(0x1ffff);
    expect(p.r[R_TRACE]).toBe(1);
  });
});

test('NFQUEUE stops, or with --queue-bypass lets pass; NFLOG and AUDIT go on', () => {
  const verdicts = ready([
    '-j NFQUEUE',
    '-j NFQUEUE --queue-balance 0:3 --queue-bypass',
    '-j NFLOG --nflog-group 1',
    '-j AUDIT --type drop',
  ]).map((rule) => rule.apply(packet()));
  expect(verdicts).toEqual([VERDICT_QUEUE, VERDICT_ACCEPT, VERDICT_CONTINUE, VERDICT_CONTINUE]);
});

describe('CT', () => {
  const templates: object[] = [];
  const conntrack = {
    makeTemplate: (template: object) => templates.push(template) - 1,
    templateEntry: () => 0,
  };
  const raw = (rules: string[]) =>
    ready(
      rules,
      { table: 'raw', chain: 'PREROUTING' },
      { conntrack: conntrack as unknown as ConntrackAccess },
    );

  test('the first rule holds', () => {
    const [template, notrack, alias] = raw(['-j CT --zone 4', '-j CT --notrack', '-j NOTRACK']);
    const p = packet();
    template!.apply(p);
    expect(templates[p.r[R_CT_TEMPLATE]!]).toMatchObject({
      zoneOriginal: 4,
      zoneReply: 4,
      zoneFromMark: false,
    });
    notrack!.apply(p);
    expect(p.r[R_CTINFO]).not.toBe(CT_UNTRACKED);
    const q = packet();
    alias!.apply(q);
    template!.apply(q);
    expect(q.r[R_CTINFO]).toBe(CT_UNTRACKED);
    expect(q.r[R_CT_TEMPLATE]).toBe(-1);
  });

  test('zones of directions', () => {
    templates.length = 0;
    raw(['-j CT --zone-orig 4', '-j CT --zone-reply 5', '-j CT --zone mark', '-j CT --zone-orig mark']);
    expect(templates).toMatchObject([
      { zoneOriginal: 4, zoneReply: 0, zoneFromMark: false },
      { zoneOriginal: 0, zoneReply: 5, zoneFromMark: false },
      { zoneOriginal: 0, zoneReply: 0, zoneFromMark: true },
      { zoneOriginal: -1, zoneReply: 0, zoneFromMark: true },
    ]);
  });
});

describe('NAT', () => {
  interface Asked {
    what: 'source' | 'destination' | 'masquerade' | 'redirect' | 'netmap';
    range: NatRange;
  }

  /** What a rule asks conntrack for. */
  function asked(rule: string, chain: string, p: Packet): Asked {
    let seen: Asked | undefined;
    const note = (what: Asked['what'], range: NatRange): Verdict => {
      seen = { what, range: structuredClone(range) };
      return VERDICT_ACCEPT;
    };
    const conntrack: Partial<ConntrackAccess> = {
      natSetup: (_, manip, range) => note(manip === MANIP_SRC ? 'source' : 'destination', range),
      masquerade: (_, range) => note('masquerade', range),
      redirect: (_, range) => note('redirect', range),
      netmap: (_, range) => note('netmap', range),
    };
    const [one] = ready([rule], { table: 'nat', chain }, { conntrack: conntrack as ConntrackAccess });
    expect(one!.apply(p)).toBe(VERDICT_ACCEPT);
    return seen!;
  }

  const at = (hook: number, more = {}) => packet({ hook, ct: 0, ...more });

  test('DNAT with a shifted range', () => {
    const rule = '-p udp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90/1000 --random';
    expect(asked(rule, 'PREROUTING', at(HOOK_PREROUTING))).toMatchObject({
      what: 'destination',
      range: {
        flags: NAT_MAP_IPS | NAT_PROTO_SPECIFIED | NAT_PROTO_OFFSET | NAT_PROTO_RANDOM,
        minPort: 80,
        maxPort: 90,
        basePort: 1000,
        minAddr: Int32Array.of(0x0a000001, 0, 0, 0),
        maxAddr: Int32Array.of(0x0a000009, 0, 0, 0),
      },
    });
  });

  test('SNAT to ports only keeps the address', () => {
    const { what, range } = asked(
      '-p udp -j SNAT --to-source :1000-2000',
      'POSTROUTING',
      at(HOOK_POSTROUTING),
    );
    expect(what).toBe('source');
    expect(range.flags).toBe(NAT_PROTO_SPECIFIED);
  });

  test('NETMAP brings its network, host bits 0 and 1', () => {
    expect(asked('-j NETMAP --to 10.1.0.0/16', 'PREROUTING', at(HOOK_PREROUTING))).toMatchObject({
      what: 'netmap',
      range: { minAddr: Int32Array.of(0x0a010000, 0, 0, 0), maxAddr: Int32Array.of(0x0a01ffff, -1, -1, -1) },
    });
  });

  test('REDIRECT and MASQUERADE bring ports and flags, and leave the address to conntrack', () => {
    expect(
      asked('-p udp -j REDIRECT --to-ports 53 --random', 'PREROUTING', at(HOOK_PREROUTING)),
    ).toMatchObject({
      what: 'redirect',
      range: { flags: NAT_PROTO_SPECIFIED | NAT_PROTO_RANDOM, minPort: 53, maxPort: 53 },
    });
    expect(asked('-p udp -j MASQUERADE --to-ports 5-9', 'POSTROUTING', at(HOOK_POSTROUTING))).toMatchObject({
      what: 'masquerade',
      range: { flags: NAT_PROTO_SPECIFIED, minPort: 5, maxPort: 9 },
    });
  });
});

describe('TCPMSS', () => {
  /** A SYN with these options (a multiple of four bytes), of IPv4. */
  function syn(options: readonly number[], payload = 0): Packet {
    const headerBytes = 20 + options.length;
    const bytes = new Uint8Array(20 + headerBytes + payload);
    bytes[0] = 0x45;
    bytes[3] = bytes.length;
    bytes[8] = 64;
    bytes[9] = 6;
    bytes[20 + 12] = (headerBytes / 4) << 4;
    bytes[20 + 13] = 2;
    bytes.set(options, 40);
    const p = packet({ l4proto: 6, length: bytes.length, tcpFlags: 2, oif: 1 });
    p.bytes = bytes;
    p.view = new DataView(bytes.buffer);
    p.l3Offset = 0;
    p.l4Offset = 20;
    p.l3End = bytes.length;
    return p;
  }

  const host = {
    interfaces: [undefined, { mtu: 1400 }, { mtu: 1300 }],
    routeOutput: (...words: Parameters<Host['routeOutput']>) => {
      words[10].kind = 1;
      words[10].oif = 2;
    },
  } as unknown as Host;
  const apply = (words: string, p: Packet) =>
    ready([`-p tcp --syn -j TCPMSS ${words}`], {}, { host })[0]!.apply(p);
  const options = (p: Packet) => [...currentBytes(p).subarray(p.l4Offset + 20, p.l3End)];

  test('lowers, and never raises', () => {
    const p = syn([1, 1, 1, 1, 2, 4, 0x05, 0xb4]);
    expect(apply('--set-mss 1000', p)).toBe(VERDICT_CONTINUE);
    expect(options(p)).toEqual([1, 1, 1, 1, 2, 4, 0x03, 0xe8]);
    apply('--set-mss 1400', p);
    expect(options(p).slice(4)).toEqual([2, 4, 0x03, 0xe8]);
    expect(p.r[R_LENGTH]).toBe(48);
  });

  test('the smaller MTU of both ways', () => {
    const p = syn([2, 4, 0x05, 0xb4]);
    apply('--clamp-mss-to-pmtu', p);
    expect(options(p)).toEqual([2, 4, 1260 >> 8, 1260 & 255]);
  });

  test('adds the option: the packet grows by four bytes', () => {
    const p = syn([1, 1, 1, 1]);
    apply('--set-mss 1400', p);
    expect(options(p)).toEqual([2, 4, 536 >> 8, 536 & 255, 1, 1, 1, 1]);
    expect(p.r[R_LENGTH]).toBe(48);
    expect(p.view.getUint16(2)).toBe(48);
    expect(p.view.getUint8(20 + 12) >> 4).toBe(7);
  });

  test('adds nothing where there is payload or no room', () => {
    const p = syn([], 4);
    apply('--set-mss 1400', p);
    expect(p.r[R_LENGTH]).toBe(44);
    const full = syn(new Array(40).fill(1));
    apply('--set-mss 1400', full);
    expect(full.r[R_LENGTH]).toBe(80);
  });

  test('drops a TCP header that is none', () => {
    const p = syn([]);
    p.view.setUint8(20 + 12, 0x40);
    expect(apply('--set-mss 1400', p)).toBe(VERDICT_DROP);
  });
});
