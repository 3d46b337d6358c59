import { describe, expect, test } from 'vitest';
import {
  DECODE_GROUP_MAC,
  DECODE_PPPOE,
  NO_OFFSET,
  PKT_BROADCAST,
  PKT_HOST,
  PKT_MULTICAST,
  PKT_OUTGOING,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
  RECORD_UNKNOWN,
} from '../../src/batch/layout.ts';
import { describeNotIp } from '../../src/decode/ether-types.ts';
import { be16, be32, bytes, ethernet, join, MAC_A, tcp6, udp4, vlan } from './build.ts';
import { decodeOne } from './run.ts';

const v4 = udp4(bytes(1, 2, 3));
const v6 = tcp6();
const BROADCAST = [255, 255, 255, 255, 255, 255];
const on = (linktype: number, ...parts: (Uint8Array | readonly number[])[]) =>
  decodeOne({ linktype, data: join(...parts) });

describe('Ethernet', () => {
  test('group addresses', () => {
    const flags = DECODE_GROUP_MAC;
    for (const [to, pktType] of [
      [BROADCAST, PKT_BROADCAST],
      [[1, 0, 0x5e, 0, 0, 1], PKT_MULTICAST],
      [[255, 255, 255, 255, 255, 254], PKT_MULTICAST],
    ] as const) {
      for (const packet of [ethernet(0x0800, v4, to), ethernet(0x86dd, v6, to)]) {
        const row = decodeOne(packet);
        expect(row).toMatchObject({ pktType, macOffset: 0, l3Offset: 14 });
        expect((row.decodeFlags as number) & flags).toBe(flags);
      }
    }
    expect(decodeOne(ethernet(0x0800, v4, MAC_A))).toMatchObject({ pktType: PKT_UNKNOWN });
  });

  test('VLAN tags, one in the other: the innermost identifier', () => {
    expect(decodeOne(ethernet(0x8100, vlan(5, 0x0800, v4)))).toMatchObject({
      family: 4,
      vlan: 5,
      l3Offset: 18,
      length: 31,
    });
    expect(decodeOne(ethernet(0x88a8, vlan(100, 0x8100, vlan(4095, 0x86dd, v6))))).toMatchObject({
      family: 6,
      vlan: 4095,
      l3Offset: 22,
    });
    expect(decodeOne(ethernet(0x8100, vlan(0, 0x0800, v4)))).toMatchObject({ family: 4, vlan: 0 });
    const deep = Array.from({ length: 9 }).reduce<Uint8Array>(
      (inner, _, i) => vlan(i, i === 0 ? 0x0800 : 0x8100, inner),
      v4,
    );
    expect(decodeOne(ethernet(0x8100, deep))).toMatchObject({ family: 4, vlan: 0, l3Offset: 14 + 36 });
  });

  test.each([
    ['ARP', ethernet(0x0806, new Uint8Array(28)), 0x0806],
    ['MPLS', ethernet(0x8847, join([0, 1, 0x01, 64], v4)), 0x8847],
    ['MPLS multicast', ethernet(0x8848, v4), 0x8848],
    ['LLC (802.2)', ethernet(38, join([0x42, 0x42, 3], new Uint8Array(35))), 4],
    ['LLC (802.2)', ethernet(100, join([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], v4)), 4],
    ['802.3 (Novell)', ethernet(100, bytes(0xff, 0xff, 0, 30)), 1],
    ['QinQ (0x9100), which Linux does not take off', ethernet(0x9100, vlan(5, 0x0800, v4)), 0x9100],
    ['VLAN tag cut short (802.1Q)', ethernet(0x8100, bytes(0, 5, 8)), 0x8100],
    ['no protocol (frame too short)', bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8), 0],
    ['PPPoE discovery', ethernet(0x8863, new Uint8Array(20)), 0x8863],
    ['Ethertype 0x1234', ethernet(0x1234, bytes()), 0x1234],
  ])('not IP: %s', (name, data, etherType) => {
    const row = decodeOne(data);
    expect(row).toMatchObject({
      family: 0,
      drop: 0,
      etherType,
      l4Offset: NO_OFFSET,
      length: 0,
      saddr: [0, 0, 0, 0],
    });
    expect(describeNotIp(row.etherType as number)).toBe(name);
  });
});

describe('PPPoE sessions', () => {
  const session = (payload: Uint8Array, length = payload.length, versionAndCode = [0x11, 0]) =>
    join(versionAndCode, be16(7), be16(length), payload);
  test('are taken off; their length cuts padding', () => {
    const packet = ethernet(0x8864, join(session(join([0x00, 0x21], v4)), new Uint8Array(9)));
    const row = decodeOne(packet);
    expect(row).toMatchObject({ family: 4, l3Offset: 22, length: 31, l3CapLen: 31, sport: 5353 });
    expect((row.decodeFlags as number) & DECODE_PPPOE).toBe(DECODE_PPPOE);
    expect(decodeOne(ethernet(0x8100, vlan(3, 0x8864, session(join([0x57], v6)))))).toMatchObject({
      family: 6,
      vlan: 3,
    });
  });

  test('of something else, broken, or longer than the frame are not IP', () => {
    const whole = session(join([0x00, 0x21], v4));
    for (const payload of [
      session(join([0xc0, 0x21], bytes(9, 1, 0, 8, 0, 0, 0, 0))),
      session(join([0x00, 0x21], v4), v4.length + 3),
      session(join([0x00, 0x21], v4), v4.length + 2, [0x11, 9]),
      session(join([0x00, 0x21], v4), v4.length + 2, [0x21, 0]),
      session(bytes()),
      whole.subarray(0, 5),
    ]) {
      expect(decodeOne(ethernet(0x8864, payload))).toMatchObject({ family: 0, etherType: 0x8864 });
    }
  });

  test('without Ethernet (link type 51)', () => {
    expect(on(51, session(join([0x00, 0x21], v4)))).toMatchObject({ family: 4, macOffset: NO_OFFSET });
  });
});

describe('Linux cooked', () => {
  const sll = (type: number, protocol: number, payload: Uint8Array) =>
    join(be16(type), be16(1), be16(6), MAC_A, [0, 0], be16(protocol), payload);
  const sll2 = (type: number, protocol: number, ifindex: number, payload: Uint8Array) =>
    join(be16(protocol), [0, 0], be32(ifindex), be16(1), [type, 6], MAC_A, [0, 0], payload);

  test('the packet type is pkt_type and direction', () => {
    for (const type of [0, 1, 2, 3, 4]) {
      const direction = type === PKT_OUTGOING ? RECORD_OUTBOUND : RECORD_INBOUND;
      const expected = { family: 4, pktType: type, recordDirection: direction, macOffset: NO_OFFSET };
      expect(on(113, sll(type, 0x0800, v4))).toMatchObject({ ...expected, l3Offset: 16, ifindex: 0 });
      expect(on(276, sll2(type, 0x0800, 3, v4))).toMatchObject({ ...expected, l3Offset: 20, ifindex: 3 });
    }
    expect(on(113, sll(7, 0x0800, v4))).toMatchObject({
      pktType: PKT_UNKNOWN,
      recordDirection: RECORD_UNKNOWN,
    });
  });

  test('what the file states about the direction goes before', () => {
    const row = decodeOne({ data: sll(4, 0x0800, v4), linktype: 113, direction: RECORD_INBOUND });
    expect(row).toMatchObject({ recordDirection: RECORD_INBOUND, pktType: PKT_OUTGOING });
  });

  test('VLAN tags, other protocols, cuts', () => {
    expect(on(113, sll(0, 0x8100, vlan(9, 0x86dd, v6)))).toMatchObject({ family: 6, vlan: 9 });
    expect(on(276, sll2(0, 0x0806, 0xffffffff, v4))).toMatchObject({
      family: 0,
      etherType: 0x0806,
      ifindex: 0xffffffff,
    });
    expect(on(113, sll(0, 4, v4))).toMatchObject({ family: 0, etherType: 4 });
    expect(on(113, sll(0, 0x0c, v4))).toMatchObject({ family: 0, etherType: 4 });
    expect(on(113, new Uint8Array(15))).toMatchObject({ family: 0, etherType: 0 });
    expect(on(276, new Uint8Array(19))).toMatchObject({ family: 0, etherType: 0, ifindex: 0 });
  });
});

describe('without a link address', () => {
  test.each([12, 14, 101])('raw IP (%d): the version tells', (linktype) => {
    expect(on(linktype, v4)).toMatchObject({
      family: 4,
      l3Offset: 0,
      pktType: PKT_HOST,
      macOffset: NO_OFFSET,
    });
    expect(on(linktype, v6)).toMatchObject({ family: 6, l3Offset: 0 });
    expect(on(linktype, bytes(0x10, 1))).toMatchObject({ family: 0 });
    expect(on(linktype, bytes())).toMatchObject({ family: 0 });
  });

  test('IPv4 (228) and IPv6 (229) are that, whatever the version says', () => {
    expect(on(228, v4)).toMatchObject({ family: 4, reason: '' });
    expect(on(228, v6)).toMatchObject({ family: 4, reason: 'ipv4-version' });
    expect(on(229, v6)).toMatchObject({ family: 6, reason: '' });
    expect(on(229, v4)).toMatchObject({ family: 6, reason: expect.stringMatching(/ipv6-(short|version)/) });
  });

  test('BSD loopback: NULL in either byte order, LOOP in network order', () => {
    expect(on(0, [2, 0, 0, 0], v4)).toMatchObject({ family: 4, l3Offset: 4 });
    expect(on(0, [0, 0, 0, 2], v4)).toMatchObject({ family: 4 });
    for (const family of [10, 24, 28, 30]) {
      expect(on(0, [family, 0, 0, 0], v6)).toMatchObject({ family: 6 });
      expect(on(0, [0, 0, 0, family], v6)).toMatchObject({ family: 6 });
      expect(on(108, [0, 0, 0, family], v6)).toMatchObject({ family: 6 });
    }
    expect(on(108, [0, 0, 0, 2], v4)).toMatchObject({ family: 4 });
    expect(on(108, [2, 0, 0, 0], v4)).toMatchObject({ family: 0 });
    expect(on(0, [7, 0, 0, 0], v4)).toMatchObject({ family: 0, etherType: 4 });
    expect(on(0, [2, 0, 0])).toMatchObject({ family: 0, etherType: 0 });
  });

  test('PPP with and without framing, protocol compressed or not', () => {
    expect(on(9, [0xff, 3, 0, 0x21], v4)).toMatchObject({ family: 4, l3Offset: 4 });
    expect(on(9, [0, 0x21], v4)).toMatchObject({ family: 4, l3Offset: 2 });
    expect(on(9, [0x21], v4)).toMatchObject({ family: 4, l3Offset: 1 });
    expect(on(9, [0xff, 3, 0x57], v6)).toMatchObject({ family: 6, l3Offset: 3 });
    expect(on(9, [0x02, 0x81], v4)).toMatchObject({ family: 0, etherType: 0x8847 });
    expect(on(9, [0xc0, 0x21], v4)).toMatchObject({ family: 0, etherType: 0x8864 });
    expect(on(9, [0])).toMatchObject({ family: 0 });
    expect(on(50, [0xff, 3, 0, 0x21], v4)).toMatchObject({ family: 4 });
    expect(on(50, [0x0f, 0, 8, 0], v4)).toMatchObject({ family: 4 });
    expect(on(50, [0x8f, 0, 0x86, 0xdd], v6)).toMatchObject({ family: 6 });
  });

  test('NFLOG: the payload attribute, in either byte order', () => {
    for (const littleEndian of [true, false]) {
      const u16 = (value: number) => (littleEndian ? be16(value).reverse() : be16(value));
      const attribute = (type: number, value: Uint8Array | readonly number[]) => {
        const padded = join(u16(value.length + 4), u16(type), value);
        return join(padded, new Uint8Array((4 - (padded.length % 4)) % 4));
      };
      const packet = join(
        [2, 0, 0, 5],
        attribute(1, [8, 0, 1, 0]),
        attribute(10, bytes(65, 0)),
        attribute(5, be32(9)),
        attribute(4, be32(3)),
        attribute(9, v4),
        attribute(3, be32(1)),
      );
      expect(on(239, packet)).toMatchObject({ family: 4, length: 31, l3CapLen: 31, ifindex: 3, sport: 5353 });
      expect(on(239, join([10, 0, 0, 5], attribute(9, v6)))).toMatchObject({ family: 6, ifindex: 0 });
      expect(on(239, join([7, 0, 0, 5], attribute(9, v4)))).toMatchObject({ family: 0, etherType: 4 });
      expect(on(239, join([2, 0, 0, 5], u16(3), u16(9), v4))).toMatchObject({ family: 0, etherType: 0 });
      const cut = decodeOne({
        linktype: 239,
        data: packet.subarray(0, packet.length - 20),
        origLen: packet.length,
      });
      expect(cut).toMatchObject({ family: 4, length: 31, reason: '' });
    }
  });

  test('a link type that nobody knows is not IP', () => {
    expect(on(147, v4)).toMatchObject({ family: 0, etherType: 0 });
  });
});
