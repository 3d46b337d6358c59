import { describe, expect, test } from 'vitest';
import { hashTuple4 } from '../../src/base/hash.ts';
import {
  CHECKSUM_GOOD,
  DECODE_BAD_IP_OPTIONS,
  DECODE_DONT_FRAGMENT,
  DECODE_FRAGMENT,
  DECODE_L4_CUT,
  DECODE_L4_SHORT,
  DECODE_MORE_FRAGMENTS,
  DECODE_OPTIONS,
  DECODE_PAYLOAD_CUT,
  NO_OFFSET,
  PKT_HOST,
  PLAIN_TCP4,
} from '../../src/batch/layout.ts';
import { be32, bytes, DADDR, ethernet, ipv4, join, SADDR, sealed, tcp, tcp4, udp, udp4 } from './build.ts';
import { decodeOne } from './run.ts';

const raw = (data: Uint8Array, origLen = data.length) => decodeOne({ data, origLen, linktype: 101 });

describe('IPv4', () => {
  test('every column of a TCP segment', () => {
    const fields = { sport: 1234, dport: 80, seq: 0xfffffff0, ack: 0x80000001, flags: 0xc2, window: 0xffff };
    const packet = tcp4(fields, bytes(1, 2, 3), { tos: 0xb8, id: 0xbeef, ttl: 3 });
    expect(decodeOne(ethernet(0x0800, packet))).toEqual({
      recordDirection: 0,
      family: 4,
      drop: 0,
      reason: '',
      l4proto: 6,
      tos: 0xb8,
      ttl: 3,
      tcpFlags: 0xc2,
      checksum: CHECKSUM_GOOD,
      decodeFlags: DECODE_DONT_FRAGMENT,
      fragOffset: 0,
      vlan: 0xffff,
      etherType: 0x0800,
      pktType: 255,
      macOffset: 0,
      l3Offset: 14,
      l3CapLen: 43,
      length: 43,
      l4Offset: 34,
      sport: 1234,
      dport: 80,
      tcpSeq: 0xfffffff0,
      tcpAck: 0x80000001,
      tcpWindow: 0xffff,
      saddr: [SADDR | 0, 0, 0, 0],
      daddr: [DADDR | 0, 0, 0, 0],
      ipId: 0xbeef,
      tupleHash: hashTuple4(SADDR | 0, DADDR | 0, 1234, 80, 6),
      ifindex: 0,
      plain: PLAIN_TCP4,
      payloadBytes: 3,
      tcpSack: 0x80000001 | 0,
    });
  });

  test('Ethernet padding is no part of the packet', () => {
    const row = decodeOne(ethernet(0x0800, join(udp4(bytes(7)), new Uint8Array(17).fill(0x55))));
    expect(row).toMatchObject({
      length: 29,
      l3CapLen: 29,
      l4proto: 17,
      sport: 5353,
      dport: 53,
      checksum: CHECKSUM_GOOD,
      reason: '',
    });
  });

  test('a capture cut by the snap length is not short', () => {
    const whole = tcp4({}, new Uint8Array(1000));
    for (const kept of [20, 21, 24, 28, 32, 33, 35, 36, 39, 40, 41, 500]) {
      const row = raw(whole.subarray(0, kept), whole.length);
      expect(row).toMatchObject({
        family: 4,
        reason: '',
        length: 1040,
        l3CapLen: kept,
        l4Offset: 20,
        checksum: 0,
      });
      const flags = DECODE_DONT_FRAGMENT | DECODE_PAYLOAD_CUT | (kept < 40 ? DECODE_L4_CUT : 0);
      expect(row.decodeFlags, `${kept}`).toBe(flags);
      expect(row.sport).toBe(kept >= 24 ? 40000 : 0);
      expect(row.tcpSeq).toBe(kept >= 28 ? 0x01020304 : 0);
      expect(row.tcpAck).toBe(kept >= 32 ? 0x0a0b0c0d : 0);
      expect(row.tcpFlags).toBe(kept >= 34 ? 0x18 : 0);
      expect(row.tcpWindow).toBe(kept >= 36 ? 502 : 0);
    }
    expect(raw(whole.subarray(0, 19), whole.length)).toMatchObject({
      family: 4,
      reason: 'header-cut',
      length: 1040,
    });
  });

  test.each([
    ['ipv4-short', bytes(0x45, 0, 0, 20), undefined],
    ['ipv4-version', ipv4({ proto: 6, versionAndLength: 0x55 }, tcp()), undefined],
    ['ipv4-header-length', ipv4({ proto: 6, versionAndLength: 0x44 }, tcp()), undefined],
    ['ipv4-header-length', ipv4({ proto: 6, versionAndLength: 0x4f }, bytes(1, 2)), undefined],
    ['ipv4-checksum', ipv4({ proto: 6, headerChecksum: 0x1234 }, tcp()), 40],
    ['ipv4-truncated', ipv4({ proto: 6, totalLength: 41 }, tcp()), 40],
    ['ipv4-total-length', ipv4({ proto: 6, totalLength: 19 }, tcp()), 20],
    ['ipv4-total-length', ipv4({ proto: 6, totalLength: 0 }, tcp()), 20],
    ['', ipv4({ proto: 6, totalLength: 20 }, tcp()), 20],
  ])('ip_rcv: %s', (reason, data, length) => {
    const row = decodeOne(ethernet(0x0800, data));
    expect(row.reason).toBe(reason);
    expect(row.family).toBe(4);
    if (length !== undefined) expect(row.length).toBe(length);
  });

  test('a refused packet is read on, for outbound ones are not checked', () => {
    const row = decodeOne(ethernet(0x0800, ipv4({ proto: 17, headerChecksum: 0 }, udp(bytes(1)))));
    expect(row).toMatchObject({ reason: 'ipv4-checksum', sport: 5353, dport: 53, length: 29, l4proto: 17 });
  });

  test('checksum trust: neither header nor transport checksum counts', () => {
    const data = ethernet(0x0800, ipv4({ proto: 17, headerChecksum: 0 }, udp(bytes(1))));
    expect(decodeOne(data, { checksum: 'trust' })).toMatchObject({ reason: '', checksum: 0 });
  });

  test('total length 0: a large TCP packet has the length of its frame, others are broken', () => {
    const big = ipv4(
      { proto: 6, totalLength: 0 },
      sealed(tcp({}, new Uint8Array(80_000)), 16, 6, be32(SADDR), be32(DADDR)),
    );
    expect(raw(big)).toMatchObject({ reason: '', length: 80_040, l3CapLen: 80_040, checksum: CHECKSUM_GOOD });
    expect(raw(big.subarray(0, 96), big.length)).toMatchObject({ reason: '', length: 80_040, l3CapLen: 96 });
    expect(raw(ipv4({ proto: 17, totalLength: 0 }, udp(new Uint8Array(3000))))).toMatchObject({
      reason: 'ipv4-total-length',
    });
  });

  test('fragments: ports only of the first', () => {
    const first = decodeOne(ethernet(0x0800, ipv4({ proto: 17, fragment: 0x2000 }, udp(new Uint8Array(16)))));
    expect(first).toMatchObject({ fragOffset: 0, sport: 5353, dport: 53, l4Offset: 34, checksum: 0 });
    expect(first.decodeFlags).toBe(DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS);
    const later = decodeOne(ethernet(0x0800, ipv4({ proto: 17, fragment: 0x2003 }, udp(new Uint8Array(16)))));
    expect(later).toMatchObject({ fragOffset: 24, sport: 0, dport: 0, l4Offset: NO_OFFSET, l4proto: 17 });
    expect(later.decodeFlags).toBe(DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS);
    const last = decodeOne(ethernet(0x0800, ipv4({ proto: 17, fragment: 0x1fff }, udp())));
    expect(last).toMatchObject({ fragOffset: 65528, l4Offset: NO_OFFSET });
    expect(last.decodeFlags).toBe(DECODE_FRAGMENT);
    const tiny = decodeOne(ethernet(0x0800, ipv4({ proto: 6, fragment: 0x2000 }, tcp().subarray(0, 8))));
    expect(tiny).toMatchObject({ sport: 40000, dport: 443, tcpSeq: 0x01020304, tcpFlags: 0 });
    expect(tiny.decodeFlags).toBe(DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS | DECODE_L4_SHORT);
  });

  test.each([
    ['TCP', 6, 20],
    ['UDP', 17, 8],
    ['UDP-Lite', 136, 8],
    ['SCTP', 132, 12],
    ['DCCP', 33, 12],
    ['ICMP', 1, 8],
    ['ESP', 50, 8],
    ['AH', 51, 12],
    ['GRE', 47, 4],
  ])('%s: too short for its header, or cut', (_name, proto, needed) => {
    const payload = new Uint8Array(needed);
    const whole = ipv4({ proto }, payload);
    const flagsOf = (data: Uint8Array, origLen?: number) =>
      (raw(data, origLen).decodeFlags as number) & (DECODE_L4_SHORT | DECODE_L4_CUT);
    expect(flagsOf(whole)).toBe(0);
    expect(flagsOf(ipv4({ proto }, payload.subarray(1)))).toBe(DECODE_L4_SHORT);
    expect(flagsOf(whole.subarray(0, -1), whole.length)).toBe(DECODE_L4_CUT);
  });

  describe('options', () => {
    const flagsOf = (options: readonly number[]) =>
      (decodeOne(ethernet(0x0800, ipv4({ proto: 17, options }, udp()))).decodeFlags as number) &
      ~DECODE_DONT_FRAGMENT;
    const good: [string, number[]][] = [
      ['end', [0]],
      ['no-operation', [1, 1, 1, 0]],
      ['garbage behind the end', [0, 7, 7, 7]],
      ['router alert', [148, 4, 0, 0]],
      ['record route', [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0]],
      ['record route, full', [7, 7, 8, 1, 2, 3, 4]],
      ['loose source route', [131, 7, 4, 1, 2, 3, 4]],
      ['time stamp', [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
      ['time stamp, full, overflow 14', [68, 8, 9, 0xe0, 0, 0, 0, 0]],
      ['time stamp, full, prespecified, overflow 15', [68, 4, 5, 0xf3]],
      ['unknown', [200, 4, 9, 9]],
    ];
    test.each(good)('%s', (_name, options) => expect(flagsOf(options)).toBe(DECODE_OPTIONS));

    const bad: [string, number[]][] = [
      ['one byte left', [1, 1, 1, 7]],
      ['length 0', [200, 0, 0, 0]],
      ['length 1', [200, 1, 0, 0]],
      ['length beyond the header', [200, 5, 0, 0]],
      ['record route without pointer', [7, 2, 0, 0]],
      ['record route, pointer 3', [7, 7, 3, 0, 0, 0, 0]],
      ['record route, half a place', [7, 7, 6, 0, 0, 0, 0]],
      ['record route twice', [7, 7, 8, 0, 0, 0, 0, 7, 7, 8, 0, 0, 0, 0]],
      ['loose and strict source route', [131, 3, 4, 137, 3, 4]],
      ['time stamp, pointer 4', [68, 8, 4, 0, 0, 0, 0, 0]],
      ['time stamp, half a place', [68, 8, 7, 0, 0, 0, 0, 0]],
      ['time stamp with address, no room', [68, 8, 5, 1, 0, 0, 0, 0]],
      ['time stamp, overflow 15', [68, 8, 9, 0xf0, 0, 0, 0, 0]],
      ['router alert of 3', [148, 3, 0]],
    ];
    test.each(bad)('%s', (_name, options) =>
      expect(flagsOf(options)).toBe(DECODE_OPTIONS | DECODE_BAD_IP_OPTIONS),
    );

    test('are stepped over; a capture that ends in them has no transport header', () => {
      const packet = ipv4(
        { proto: 17, options: [148, 4, 0, 0, 1, 1, 1, 1] },
        sealed(udp(bytes(5)), 6, 17, be32(SADDR), be32(DADDR)),
      );
      expect(raw(packet)).toMatchObject({
        l4Offset: 28,
        sport: 5353,
        checksum: CHECKSUM_GOOD,
        reason: '',
        pktType: PKT_HOST,
      });
      const cut = raw(packet.subarray(0, 26), packet.length);
      expect(cut).toMatchObject({ l4Offset: NO_OFFSET, sport: 0, reason: '', l4proto: 17 });
      expect((cut.decodeFlags as number) & DECODE_L4_CUT).toBe(DECODE_L4_CUT);
    });
  });

  test('ICMP: type, code, and the identifier of queries', () => {
    const icmp = (type: number, code = 0) =>
      raw(ipv4({ proto: 1 }, bytes(type, code, 0, 0, 0x12, 0x34, 0, 1)));
    for (const type of [0, 8, 13, 14, 15, 16, 17, 18])
      expect(icmp(type)).toMatchObject({ sport: 0x1234, dport: type << 8 });
    expect(icmp(3, 4)).toMatchObject({ sport: 0, dport: 0x0304 });
    expect(icmp(40)).toMatchObject({ sport: 0, dport: 40 << 8 });
    expect(icmp(255, 255)).toMatchObject({ sport: 0, dport: 0xffff });
    expect(raw(ipv4({ proto: 1 }, bytes(8, 0, 0, 0, 7)))).toMatchObject({ sport: 0, dport: 0x0800 });
    expect(raw(ipv4({ proto: 1 }, bytes(8)))).toMatchObject({ sport: 0, dport: 0 });
  });

  test('GRE: the call id of PPTP', () => {
    const gre = (...header: number[]) => raw(ipv4({ proto: 47 }, Uint8Array.from(header)));
    expect(gre(0x30, 0x81, 0x88, 0x0b, 0, 4, 0xab, 0xcd)).toMatchObject({ sport: 0, dport: 0xabcd });
    expect(gre(0x20, 0x00, 0x08, 0x00, 0, 4, 0xab, 0xcd)).toMatchObject({ sport: 0, dport: 0 });
    expect(gre(0x30, 0x81, 0x08, 0x00, 0, 4, 0xab, 0xcd)).toMatchObject({ sport: 0, dport: 0 });
    expect(gre(0x30, 0x81, 0x88, 0x0b, 0, 4, 0xab)).toMatchObject({ dport: 0 });
  });
});
