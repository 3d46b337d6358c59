import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHECKSUM_BAD, CHECKSUM_GOOD, CHECKSUM_PARTIAL, CHECKSUM_UNKNOWN } from '../../src/batch/layout.ts';
import { crc32c } from '../../src/decode/crc32c.ts';
import { internetSum } from '../../src/decode/internet-checksum.ts';
import {
  be16,
  be32,
  bytes,
  checksum,
  crc32cSlowly,
  DADDR,
  DADDR6,
  ipv4,
  ipv6,
  join,
  pseudoSum,
  SADDR,
  SADDR6,
  sealed,
  tcp,
  udp,
} from './build.ts';
import { decodeOne } from './run.ts';

const S4 = be32(SADDR);
const D4 = be32(DADDR);
const verdict4 = (proto: number, segment: Uint8Array) =>
  decodeOne({ linktype: 101, data: ipv4({ proto }, segment) }).checksum;
const verdict6 = (proto: number, segment: Uint8Array) =>
  decodeOne({ linktype: 101, data: ipv6({ nextHeader: proto }, segment) }).checksum;
const with16 = (segment: Uint8Array, at: number, value: number) => {
  const copy = segment.slice();
  copy.set(be16(value), at);
  return copy;
};
const payloads = fc.uint8Array({ maxLength: 100 });

describe('checksums', () => {
  test('internetSum is RFC 1071, at any offset and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (data, offset) => {
        const view = new DataView(join(new Uint8Array(offset), data).buffer);
        expect(0xffff - internetSum(view, offset, data.length, 0)).toBe(checksum(data));
      }),
    );
    const large = new Uint8Array(300_001).fill(255);
    expect(0xffff - internetSum(new DataView(large.buffer), 1, 300_000, 0xffff0)).toBe(0);
    large.fill(0xfe);
    expect(0xffff - internetSum(new DataView(large.buffer), 0, large.length, 0)).toBe(checksum(large));
  });

  test('crc32c', () => {
    expect(crc32c(new DataView(new TextEncoder().encode('123456789').buffer), 0, 9)).toBe(0xe3069283);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        expect(crc32c(new DataView(data.slice().buffer), 0, data.length)).toBe(crc32cSlowly(data));
      }),
    );
  });

  test('TCP: good, bad in any bit, partial', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (payload, bit) => {
        const segment = sealed(tcp({}, payload), 16, 6, S4, D4);
        expect(verdict4(6, segment)).toBe(CHECKSUM_GOOD);
        const flipped = segment.slice();
        const at = bit % (8 * segment.length);
        flipped[at >>> 3]! ^= 1 << (at & 7);
        // The check against offload looks at the field alone.
        const field = (flipped[16]! << 8) | flipped[17]!;
        const sum = pseudoSum(6, segment.length, S4, D4);
        const isPartial = [0, sum, pseudoSum(6, 0, S4, D4)].includes(field);
        expect(verdict4(6, flipped)).toBe(isPartial ? CHECKSUM_PARTIAL : CHECKSUM_BAD);
        expect(verdict4(6, with16(segment, 16, sum))).toBe(CHECKSUM_PARTIAL);
        expect(verdict4(6, with16(segment, 16, pseudoSum(6, 0, S4, D4)))).toBe(CHECKSUM_PARTIAL);
        expect(verdict6(6, sealed(tcp({}, payload), 16, 6, SADDR6, DADDR6))).toBe(CHECKSUM_GOOD);
        expect(verdict6(6, with16(segment, 16, pseudoSum(6, segment.length, SADDR6, DADDR6)))).toBe(
          CHECKSUM_PARTIAL,
        );
      }),
      { numRuns: 300 },
    );
    expect(verdict4(6, with16(tcp(), 16, 0))).toBe(CHECKSUM_PARTIAL);
  });

  test('UDP: zero means none', () => {
    expect(verdict4(17, udp(bytes(1, 2)))).toBe(CHECKSUM_GOOD);
    expect(verdict6(17, udp(bytes(1, 2)))).toBe(CHECKSUM_PARTIAL);
    expect(verdict4(17, sealed(udp(bytes(1, 2, 3)), 6, 17, S4, D4))).toBe(CHECKSUM_GOOD);
    expect(verdict6(17, sealed(udp(bytes(1, 2, 3)), 6, 17, SADDR6, DADDR6))).toBe(CHECKSUM_GOOD);
    expect(verdict4(17, with16(udp(bytes(1)), 6, 0x1234))).toBe(CHECKSUM_BAD);
    expect(verdict4(17, with16(udp(bytes(1)), 6, pseudoSum(17, 9, S4, D4)))).toBe(CHECKSUM_PARTIAL);
    expect(verdict6(17, with16(udp(bytes(1)), 6, pseudoSum(17, 9, SADDR6, DADDR6)))).toBe(CHECKSUM_PARTIAL);
  });

  test('UDP: all of the packet is summed, whatever the length field says, as the kernel does', () => {
    const segment = join(udp(bytes(1, 2)), bytes(9, 9));
    expect(verdict4(17, sealed(segment.slice(), 6, 17, S4, D4))).toBe(CHECKSUM_GOOD);
    const short = join(sealed(udp(bytes(1, 2)), 6, 17, S4, D4), bytes(9, 9));
    expect(verdict4(17, short)).toBe(CHECKSUM_BAD);
  });

  test('ICMP and ICMPv6', () => {
    const echo = bytes(8, 0, 0, 0, 1, 2, 3, 4, 5);
    const good = with16(echo, 2, checksum(echo));
    expect(verdict4(1, good)).toBe(CHECKSUM_GOOD);
    expect(verdict4(1, echo)).toBe(CHECKSUM_BAD);
    expect(verdict6(58, sealed(echo.slice(), 2, 58, SADDR6, DADDR6))).toBe(CHECKSUM_GOOD);
    expect(verdict6(58, good)).toBe(CHECKSUM_BAD);
  });

  test('UDP-Lite: its coverage', () => {
    const lite = (coverage: number, payload: Uint8Array) => {
      const segment = join(be16(1), be16(2), be16(coverage), [0, 0], payload);
      const covered = segment.slice(0, coverage === 0 ? segment.length : Math.min(coverage, segment.length));
      const sum = checksum(join(S4, D4, be32(segment.length), be32(136), covered));
      return with16(segment, 6, sum);
    };
    const payload = bytes(1, 2, 3, 4, 5);
    for (const coverage of [0, 8, 9, 13]) expect(verdict4(136, lite(coverage, payload))).toBe(CHECKSUM_GOOD);
    for (const coverage of [7, 14]) expect(verdict4(136, lite(coverage, payload))).toBe(CHECKSUM_BAD);
    const changed = lite(8, payload);
    changed[12] = 99;
    expect(verdict4(136, changed)).toBe(CHECKSUM_GOOD);
    expect(verdict4(136, with16(lite(8, payload), 6, 0))).toBe(CHECKSUM_BAD);
  });

  test('DCCP: header and coverage', () => {
    const dccp = (coverage: number, covered: number, payload: Uint8Array) => {
      const segment = join(be16(1), be16(2), [4, coverage, 0, 0], new Uint8Array(8), payload);
      const sum = checksum(join(S4, D4, be32(segment.length), be32(33), segment.slice(0, covered)));
      return with16(segment, 6, sum);
    };
    const payload = bytes(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(verdict4(33, dccp(0, 25, payload))).toBe(CHECKSUM_GOOD);
    expect(verdict4(33, dccp(1, 16, payload))).toBe(CHECKSUM_GOOD);
    expect(verdict4(33, dccp(3, 24, payload))).toBe(CHECKSUM_GOOD);
    expect(verdict4(33, dccp(3, 20, payload))).toBe(CHECKSUM_BAD);
    expect(verdict4(33, dccp(5, 25, payload))).toBe(CHECKSUM_BAD);
  });

  test('SCTP: CRC-32C, zero when offloaded', () => {
    const packet = join(be16(1), be16(2), be32(7), [0, 0, 0, 0], [1, 0, 0, 5, 9]);
    const sum = crc32cSlowly(packet);
    const good = packet.slice();
    good.set(be32(sum).reverse(), 8);
    expect(verdict4(132, good)).toBe(CHECKSUM_GOOD);
    expect(verdict6(132, good)).toBe(CHECKSUM_GOOD);
    expect(verdict4(132, packet)).toBe(CHECKSUM_PARTIAL);
    good[12]! ^= 1;
    expect(verdict4(132, good)).toBe(CHECKSUM_BAD);
  });

  test('unknown: another protocol, a cut, a fragment, a short header, trust', () => {
    const segment = sealed(tcp({}, bytes(1)), 16, 6, S4, D4);
    expect(verdict4(47, segment)).toBe(CHECKSUM_UNKNOWN);
    const whole = ipv4({ proto: 6 }, segment);
    expect(decodeOne({ linktype: 101, data: whole.subarray(0, -1), origLen: whole.length }).checksum).toBe(
      CHECKSUM_UNKNOWN,
    );
    expect(decodeOne({ linktype: 101, data: ipv4({ proto: 6, fragment: 0x2000 }, segment) }).checksum).toBe(
      CHECKSUM_UNKNOWN,
    );
    expect(verdict4(6, segment.subarray(0, 19))).toBe(CHECKSUM_UNKNOWN);
    expect(decodeOne({ linktype: 101, data: whole }, { checksum: 'trust' }).checksum).toBe(CHECKSUM_UNKNOWN);
  });
});
