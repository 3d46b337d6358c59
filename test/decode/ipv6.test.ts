import { describe, expect, test } from 'vitest';
import { hashTuple6 } from '../../src/base/hash.ts';
import {
  CHECKSUM_GOOD,
  DECODE_BAD_CHAIN,
  DECODE_FRAGMENT,
  DECODE_INTERFACE_CHECK,
  DECODE_L4_CUT,
  DECODE_L4_SHORT,
  DECODE_MORE_FRAGMENTS,
  DECODE_OPTIONS,
  DECODE_PAYLOAD_CUT,
  NO_OFFSET,
  PKT_HOST,
  PKT_OTHERHOST,
} from '../../src/batch/layout.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { dropReason } from '../../src/decode/drop-reasons.ts';
import { interfaceDropReason } from '../../src/decode/interface-checks.ts';
import {
  be16,
  be32,
  bytes,
  DADDR6,
  ethernet,
  extension,
  fragmentHeader,
  ipv6,
  join,
  SADDR6,
  sealed,
  tcp,
  tcp6,
  udp,
} from './build.ts';
import { batchOf, decodeOne } from './run.ts';

const raw = (data: Uint8Array, origLen = data.length) => decodeOne({ data, origLen, linktype: 101 });
const words = (address: readonly number[]) =>
  Int32Array.from({ length: 4 }, (_, i) => new DataView(Uint8Array.from(address).buffer).getInt32(4 * i));

const HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const ESP = 50;
const AH = 51;
const NONE = 59;
const DESTINATION = 60;

describe('IPv6', () => {
  test('a TCP segment', () => {
    const packet = tcp6({ sport: 1, dport: 2 }, bytes(9));
    packet.set(be32(0x6abcdef1), 0);
    const row = decodeOne(ethernet(0x86dd, packet));
    const s = words(SADDR6);
    const d = words(DADDR6);
    expect(row).toMatchObject({
      family: 6,
      reason: '',
      l4proto: 6,
      tos: 0xab,
      ttl: 64,
      ipId: 0xcdef1,
      etherType: 0x86dd,
      l3Offset: 14,
      l3CapLen: 61,
      length: 61,
      l4Offset: 54,
      sport: 1,
      dport: 2,
      tcpFlags: 0x18,
      checksum: CHECKSUM_GOOD,
      decodeFlags: 0,
      saddr: [...s],
      daddr: [...d],
      tupleHash: hashTuple6(s, 0, d, 0, 1, 2, 6),
    });
  });

  test('padding and cuts', () => {
    expect(decodeOne(ethernet(0x86dd, join(tcp6(), bytes(1, 2, 3))))).toMatchObject({
      length: 60,
      l3CapLen: 60,
      checksum: CHECKSUM_GOOD,
    });
    const whole = tcp6({}, new Uint8Array(500));
    expect(raw(whole.subarray(0, 80), whole.length)).toMatchObject({
      reason: '',
      length: 560,
      l3CapLen: 80,
      checksum: 0,
      decodeFlags: DECODE_PAYLOAD_CUT,
    });
    expect(raw(whole.subarray(0, 39), whole.length)).toMatchObject({ family: 6, reason: 'header-cut' });
    const cut = raw(whole.subarray(0, 44), whole.length);
    expect(cut).toMatchObject({ sport: 40000, dport: 443, decodeFlags: DECODE_PAYLOAD_CUT | DECODE_L4_CUT });
  });

  const group = (scope: number) => [0xff, scope, ...new Array<number>(13).fill(0), 1];
  const loopback = [...new Array<number>(15).fill(0), 1];
  test.each([
    ['ipv6-short', bytes(0x60, 0, 0, 0)],
    ['ipv6-version', ipv6({ nextHeader: 17, first: 0x50000000 }, udp())],
    ['ipv6-scope-reserved', ipv6({ nextHeader: 17, daddr: group(0) }, udp())],
    ['ipv6-source-multicast', ipv6({ nextHeader: 17, saddr: group(2) }, udp())],
    ['ipv6-truncated', ipv6({ nextHeader: 17, payloadLength: 9 }, udp())],
    // Weakened in 2021: the check of mapped sources is made by sockets, not on arrival.
    ['', ipv6({ nextHeader: 17, saddr: [...new Array<number>(10).fill(0), 255, 255, 1, 2, 3, 4] }, udp())],
    ['', ipv6({ nextHeader: 17, daddr: group(1) }, udp())],
    ['', ipv6({ nextHeader: 17, daddr: group(0x12) }, udp())],
    ['', ipv6({ nextHeader: 17, saddr: loopback }, udp())],
    ['', ipv6({ nextHeader: 17, payloadLength: 0 }, udp())],
  ])('ip6_rcv: %s', (reason, data) => {
    expect(decodeOne(ethernet(0x86dd, data))).toMatchObject({ family: 6, reason });
  });

  test('checks that depend on the interface', () => {
    const ask = (data: Uint8Array, pktType: number, isLoopback: boolean): string => {
      const batch = batchOf([{ data, linktype: 101 }]);
      decodeBatch(batch);
      return dropReason(interfaceDropReason(batch.columns, 0, pktType, isLoopback))?.name ?? '';
    };
    const from = ipv6({ nextHeader: 17, saddr: loopback }, udp());
    const to = ipv6({ nextHeader: 17, daddr: loopback }, udp());
    const local = ipv6({ nextHeader: 17, daddr: group(0x31) }, udp());
    const both = ipv6({ nextHeader: 17, saddr: loopback, daddr: group(1) }, udp());
    const other = ipv6({ nextHeader: 17 }, udp());
    expect([from, to, local, both, other].map((data) => ask(data, PKT_HOST, false))).toEqual([
      'ipv6-loopback',
      'ipv6-loopback',
      'ipv6-scope-interface',
      'ipv6-loopback',
      '',
    ]);
    expect([from, to, local, both, other].map((data) => ask(data, PKT_HOST, true))).toEqual([
      '',
      '',
      '',
      '',
      '',
    ]);
    expect(ask(other, PKT_OTHERHOST, false)).toBe('otherhost');
    expect((raw(from).decodeFlags as number) & DECODE_INTERFACE_CHECK).toBe(DECODE_INTERFACE_CHECK);
  });

  describe('the search for the transport header (ipv6_find_hdr)', () => {
    const segment = () => sealed(udp(bytes(1, 2, 3)), 6, 17, SADDR6, DADDR6);
    test('over hop-by-hop, destination, routing, authentication headers', () => {
      const packet = ipv6(
        { nextHeader: HOP },
        join(
          extension(DESTINATION, [1, 4]),
          extension(ROUTING, [1, 4]),
          extension(AH, [0, 0]),
          bytes(DESTINATION, 4, ...new Array<number>(22).fill(0)),
          extension(17, [1, 12, ...new Array<number>(12).fill(0)]),
          segment(),
        ),
      );
      expect(raw(packet)).toMatchObject({
        reason: '',
        l4proto: 17,
        sport: 5353,
        dport: 53,
        l4Offset: packet.length - 11,
        decodeFlags: DECODE_OPTIONS,
        checksum: CHECKSUM_GOOD,
      });
    });

    test('ends at ESP, at "no next header" and at what is not known', () => {
      for (const proto of [ESP, NONE, 253, 135, 4, 41]) {
        const row = raw(
          ipv6({ nextHeader: DESTINATION }, join(extension(proto, [1, 4]), new Uint8Array(20))),
        );
        expect(row).toMatchObject({ l4proto: proto, l4Offset: 48, sport: 0, dport: 0, checksum: 0 });
      }
    });

    test('a first fragment has a transport header, a later one only the protocol', () => {
      const first = raw(
        ipv6({ nextHeader: FRAGMENT }, join(fragmentHeader(17, 0, true, 0xdeadbeef), segment())),
      );
      expect(first).toMatchObject({
        l4proto: 17,
        sport: 5353,
        fragOffset: 0,
        ipId: 0xdeadbeef,
        l4Offset: 48,
        checksum: 0,
      });
      expect(first.decodeFlags).toBe(DECODE_OPTIONS | DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS);
      const later = raw(ipv6({ nextHeader: FRAGMENT }, join(fragmentHeader(17, 1448, false, 7), segment())));
      expect(later).toMatchObject({
        l4proto: 17,
        sport: 0,
        dport: 0,
        fragOffset: 1448,
        ipId: 7,
        l4Offset: NO_OFFSET,
      });
      expect(later.decodeFlags).toBe(DECODE_OPTIONS | DECODE_FRAGMENT);
      const none = raw(ipv6({ nextHeader: FRAGMENT }, join(fragmentHeader(NONE, 8, false, 7), segment())));
      expect(none).toMatchObject({
        l4proto: NONE,
        l4Offset: NO_OFFSET,
        decodeFlags: DECODE_OPTIONS | DECODE_FRAGMENT,
      });
    });

    test('an atomic fragment is whole', () => {
      const row = raw(ipv6({ nextHeader: FRAGMENT }, join(fragmentHeader(17, 0, false, 1), segment())));
      expect(row).toMatchObject({
        sport: 5353,
        checksum: CHECKSUM_GOOD,
        decodeFlags: DECODE_OPTIONS | DECODE_FRAGMENT,
      });
    });

    test('a later fragment of an extension header has no protocol', () => {
      const row = raw(
        ipv6({ nextHeader: FRAGMENT }, join(fragmentHeader(DESTINATION, 8, false, 1), new Uint8Array(8))),
      );
      expect(row.decodeFlags).toBe(DECODE_OPTIONS | DECODE_FRAGMENT | DECODE_BAD_CHAIN);
      expect(row.l4Offset).toBe(NO_OFFSET);
    });

    test('a chain that runs past the packet', () => {
      for (const [nextHeader, payload] of [
        [DESTINATION, bytes()],
        [DESTINATION, bytes(17)],
        [ROUTING, bytes(17, 0, 0)],
        [FRAGMENT, bytes(17, 0, 0)],
        [DESTINATION, bytes(DESTINATION, 1, 1, 4, 0, 0, 0, 0)],
      ] as const) {
        const row = raw(ipv6({ nextHeader }, payload));
        expect((row.decodeFlags as number) & DECODE_BAD_CHAIN).toBe(DECODE_BAD_CHAIN);
        expect(row.l4Offset).toBe(NO_OFFSET);
      }
    });

    test('a last extension header that claims more than there is: the protocol is known, its header is short', () => {
      const row = raw(ipv6({ nextHeader: DESTINATION }, bytes(17, 3, 1, 4, 0, 0, 0, 0)));
      expect(row).toMatchObject({
        l4proto: 17,
        l4Offset: NO_OFFSET,
        decodeFlags: DECODE_OPTIONS | DECODE_L4_SHORT,
      });
    });

    test('a capture that ends in the chain', () => {
      const packet = ipv6({ nextHeader: DESTINATION }, join(extension(17, [1, 4]), segment()));
      for (const kept of [40, 41, 47, 48, 51]) {
        const row = raw(packet.subarray(0, kept), packet.length);
        expect(
          (row.decodeFlags as number) & (DECODE_L4_CUT | DECODE_BAD_CHAIN | DECODE_L4_SHORT),
          `${kept}`,
        ).toBe(DECODE_L4_CUT);
        expect(row.l4proto).toBe(kept < 42 ? DESTINATION : 17);
      }
    });
  });

  describe('hop-by-hop options', () => {
    const reasonOf = (body: readonly number[]) =>
      raw(ipv6({ nextHeader: HOP }, join(extension(17, body), udp()))).reason;
    const none: number[][] = [
      [1, 4, 0, 0, 0, 0],
      [5, 2, 0, 0, 1, 0],
      [0x1e, 4, 9, 9, 9, 9],
      [0, 0, 0, 0, 0, 0],
      [1, 0, 49, 2, 0, 0],
      [1, 4, 0, 0, 0, 0, 5, 2, 0, 0, 1, 2, 0, 0],
      [7, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    test.each(none.map((body) => [body]))('good: %j', (body) => expect(reasonOf(body)).toBe(''));
    const malformed: number[][] = [
      [1, 5, 0, 0, 0, 0],
      [1, 4, 0, 0, 1, 0],
      [1, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0],
      [1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      [5, 3, 0, 0, 0, 0],
      [0x1e, 9, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0x1e],
      [49, 2, 0, 0, 0, 0],
      [7, 4, 0, 0, 0, 1],
      [7, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],
      [0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0, 0, 0, 0],
    ];
    test.each(malformed.map((body) => [body]))('malformed: %j', (body) =>
      expect(reasonOf(body)).toBe('ipv6-hop-by-hop'),
    );
    test.each([0x5e, 0x9e, 0xde])('unknown: %d', (type) =>
      expect(reasonOf([type, 4, 0, 0, 0, 0])).toBe('ipv6-hop-by-hop-unknown'),
    );
    test('longer than the packet', () => {
      expect(raw(ipv6({ nextHeader: HOP }, bytes(17, 1, 1, 4, 0, 0, 0, 0))).reason).toBe('ipv6-hop-by-hop');
      expect(raw(ipv6({ nextHeader: HOP }, bytes(17, 0, 1, 4))).reason).toBe('ipv6-hop-by-hop');
    });
    test('what was not captured is taken as good', () => {
      const packet = ipv6({ nextHeader: HOP }, join(extension(17, [0x5e, 4, 0, 0, 0, 0]), udp()));
      for (const kept of [40, 41, 42, 43, 45])
        expect(raw(packet.subarray(0, kept), packet.length).reason).toBe('');
      expect(raw(packet.subarray(0, 48), packet.length).reason).toBe('ipv6-hop-by-hop-unknown');
    });
  });

  describe('jumbo payload', () => {
    const jumbo = (length: number, options: { payload?: number; shift?: boolean; bytes?: number } = {}) => {
      const option = [0xc2, options.bytes ?? 4, ...be32(length)];
      const body = options.shift === true ? [0, 0, ...option, 1, 4, 0, 0, 0, 0] : option;
      const header = extension(6, body);
      const segment = sealed(
        tcp({}, new Uint8Array((options.payload ?? 70_000) - 20)),
        16,
        6,
        SADDR6,
        DADDR6,
      );
      return ipv6({ nextHeader: HOP, payloadLength: 0 }, join(header, segment));
    };

    test('gives the length; what follows is padding', () => {
      const packet = jumbo(70_008);
      expect(raw(packet)).toMatchObject({
        reason: '',
        length: 70_048,
        l4Offset: 48,
        checksum: CHECKSUM_GOOD,
        sport: 40000,
      });
      expect(raw(join(packet, bytes(1, 2)))).toMatchObject({ reason: '', length: 70_048 });
      expect(raw(packet.subarray(0, 96), packet.length)).toMatchObject({
        reason: '',
        length: 70_048,
        l3CapLen: 96,
      });
    });

    test('must be larger than 65535, whole, aligned, and the only length', () => {
      expect(raw(jumbo(65_535)).reason).toBe('ipv6-jumbo');
      expect(raw(jumbo(70_009)).reason).toBe('ipv6-truncated');
      expect(raw(jumbo(70_016, { shift: true })).reason).toBe('ipv6-jumbo');
      const two = jumbo(70_008);
      two.set(be16(100), 4);
      expect(raw(two).reason).toBe('ipv6-jumbo');
    });

    test('without the option a length of 0 takes all the frame holds', () => {
      const packet = ipv6(
        { nextHeader: HOP, payloadLength: 0 },
        join(extension(17, [1, 4]), udp(), new Uint8Array(5)),
      );
      expect(raw(packet)).toMatchObject({ reason: '', length: 61, l4proto: 17 });
    });

    test('BIG TCP without the header (Linux 6.19 and later)', () => {
      const packet = ipv6(
        { nextHeader: 6, payloadLength: 0 },
        sealed(tcp({}, new Uint8Array(70_000)), 16, 6, SADDR6, DADDR6),
      );
      expect(raw(packet)).toMatchObject({ reason: '', length: 70_060, checksum: CHECKSUM_GOOD });
      expect(raw(tcp6().fill(0, 4, 6))).toMatchObject({
        reason: '',
        length: 40,
        decodeFlags: DECODE_L4_SHORT,
      });
    });
  });

  test('ICMPv6: type, code, and the identifier of queries', () => {
    const icmp = (type: number, code = 0) =>
      raw(ipv6({ nextHeader: 58 }, bytes(type, code, 0, 0, 0x12, 0x34, 0, 1)));
    for (const type of [128, 129, 139, 140])
      expect(icmp(type)).toMatchObject({ sport: 0x1234, dport: type << 8 });
    expect(icmp(1, 4)).toMatchObject({ sport: 0, dport: 0x0104 });
    expect(icmp(135)).toMatchObject({ sport: 0, dport: 135 << 8 });
  });
});
