import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNKNOWN,
  DECODE_BAD_CHAIN,
  DECODE_BAD_IP_OPTIONS,
  DECODE_FRAGMENT,
  DECODE_INTERFACE_CHECK,
  DECODE_L4_SHORT,
  DECODE_OPTIONS,
  NO_OFFSET,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
  PLAIN_UDP4,
  PLAIN_UDP6,
} from '../../src/batch/layout.ts';
import { Sharing } from '../../src/compile/sharing.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { highestSack } from '../../src/decode/tcp-sack.ts';
import type { Host } from '../../src/host/types.ts';
import { MtuClasses } from '../../src/netfilter/mtu-classes.ts';
import { QuickColumns } from '../../src/netfilter/quick-columns.loop.ts';
import { entranceOf } from '../../src/netfilter/quick-way.loop.ts';
import { Ways } from '../../src/netfilter/ways.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, Packet } from '../../src/packet/packet.ts';
import {
  R_DECODE_FLAGS,
  R_FRAG_OFFSET,
  R_LENGTH,
  R_PKT_TYPE,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
} from '../../src/packet/registers.ts';
import { captured } from '../decode/arbitrary.ts';
import { ethernet, tcp4, tcp6, udp4, udp6 } from '../decode/build.ts';
import { batchOf } from '../decode/run.ts';

const mtus = new MtuClasses({
  interfaces: [
    { ifindex: 1, mtu: 1500 },
    { ifindex: 2, mtu: 60 },
  ],
} as unknown as Host);

/** What rules may ask of the registers that a signature is made of. */
const looks = fc.array(
  fc.record({
    register: fc.constantFrom(R_TCP_FLAGS, R_TOS, R_TTL, R_PKT_TYPE, R_DECODE_FLAGS, R_LENGTH, R_FRAG_OFFSET),
    mask: fc.constantFrom(2, 7, 0x17, 0x3f, 255),
    value: fc.nat(255),
    most: fc.nat(200),
  }),
  { maxLength: 3 },
);

function sharingOf(list: typeof looks extends fc.Arbitrary<infer T> ? T : never): Sharing {
  const sharing = new Sharing();
  for (const { register, mask, value, most } of list) {
    if (register === R_LENGTH || register === R_FRAG_OFFSET) sharing.range(register, value, value + most);
    else sharing.masked(register, mask, value & mask);
  }
  sharing.seal();
  return sharing;
}

test('the columns say what the packet itself says', () => {
  const seen = { quick: 0, plain: 0, others: 0 };
  const row = fc.record({
    packet: captured,
    direction: fc.constantFrom(0, 0, 0, 1, 4),
    pktType: fc.constantFrom(0, 0, 0, 1, 3),
    port: fc.constantFrom(0, 0, 7),
    checksum: fc.constantFrom(undefined, CHECKSUM_GOOD, CHECKSUM_GOOD, CHECKSUM_BAD, CHECKSUM_PARTIAL),
  });
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 6 }),
      fc.option(looks),
      fc.option(looks),
      fc.constantFrom('auto' as const, 'verify' as const),
      (list, looks4, looks6, option) => {
        const sharing4 = looks4 === null ? undefined : sharingOf(looks4);
        const sharing6 = looks6 === null ? undefined : sharingOf(looks6);
        const batch = batchOf(list.map(({ packet }) => packet));
        decodeBatch(batch);
        const c = batch.columns;
        for (const [i, { direction, pktType, port, checksum }] of list.entries()) {
          c.direction[i] = direction;
          c.skbPktType[i] = pktType;
          c.ifaceId[i] = 3;
          c.portId[i] = port;
          if (checksum !== undefined) c.checksum[i] = checksum;
        }
        const ways = new Ways();
        new QuickColumns(mtus, ways, sharing4, sharing6, option).fill(batch);
        const p = new Packet();
        for (const [i, { direction, pktType, port }] of list.entries()) {
          const sharing = c.family[i] === 4 ? sharing4 : sharing6;
          const passes: number[] = [CHECKSUM_GOOD, CHECKSUM_UNKNOWN];
          if (option === 'auto') passes.push(CHECKSUM_PARTIAL);
          const plain = plainOf(batch, i);
          expect(c.plain[i]).toBe(plain);
          const isQuick =
            sharing !== undefined && direction === 0 && pktType === 0 && passes.includes(c.checksum[i]!);
          expect(c.quick[i]).toBe(isQuick ? plain : 0);
          seen.plain += plain === 0 ? 0 : 1;
          seen.others += plain === 0 ? 1 : 0;
          if (c.quick[i] === 0) continue;
          seen.quick++;
          p.load(batch, i, 0);
          p.r[R_PKT_TYPE] = pktType;
          const entrance = entranceOf(port === 0 ? 3 : port, direction, p.r[R_TOS]!, pktType, p.r[R_TTL]!);
          const mtuClass = mtus.classOf(p.r[R_LENGTH]!, p.r[R_DECODE_FLAGS]!);
          expect(c.way[i]).toBe(ways.idOf(sharing!.signature(p.r), entrance, mtuClass));
        }
      },
    ),
    { numRuns: 2000 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(150);
});

/** PLAIN_* of row `i`, from what its columns and bytes say. */
function plainOf({ columns: c, view }: ReturnType<typeof batchOf>, i: number): number {
  const odd =
    DECODE_FRAGMENT |
    DECODE_INTERFACE_CHECK |
    DECODE_BAD_CHAIN |
    DECODE_BAD_IP_OPTIONS |
    DECODE_OPTIONS |
    DECODE_L4_SHORT;
  const l4 = c.l4Offset[i]!;
  if (c.family[i] === 0 || c.drop[i] !== 0 || l4 === NO_OFFSET || (c.decodeFlags[i]! & odd) !== 0) return 0;
  const l4Length = c.l3Offset[i]! + c.length[i]! - l4;
  const end = c.l3Offset[i]! + c.l3CapLen[i]!;
  if (c.l4proto[i] === IPPROTO_TCP) {
    if (l4 + 20 > end) return 0;
    const headerBytes = (view.getUint8(l4 + 12) >> 4) * 4;
    if (headerBytes < 20 || headerBytes > l4Length) return 0;
    expect(c.payloadBytes[i]).toBe(l4Length - headerBytes);
    expect(c.tcpSack[i]).toBe(highestSack(view, l4, headerBytes, end, c.tcpAck[i]! | 0));
    return c.family[i] === 4 ? PLAIN_TCP4 : PLAIN_TCP6;
  }
  if (l4 + 8 > end) return 0;
  const type = view.getUint8(l4);
  if (c.l4proto[i] === IPPROTO_ICMP && c.family[i] === 4) return type === 0 || type === 8 ? PLAIN_ECHO4 : 0;
  if (c.l4proto[i] === IPPROTO_ICMPV6 && c.family[i] === 6)
    return type === 128 || type === 129 ? PLAIN_ECHO6 : 0;
  if (c.l4proto[i] !== IPPROTO_UDP) return 0;
  const stated = view.getUint16(l4 + 4);
  if (stated < 8 || stated > l4Length) return 0;
  expect(c.payloadBytes[i]).toBe(l4Length - 8);
  expect(c.tcpSack[i]).toBe(0);
  return c.family[i] === 4 ? PLAIN_UDP4 : PLAIN_UDP6;
}

test('ordinary packets are plain', () => {
  const payload = new Uint8Array(100);
  const frames = [tcp4({}, payload), udp4(payload)].map((ip) => ({ data: ethernet(0x800, ip) }));
  frames.push({ data: ethernet(0x86dd, tcp6({}, payload)) }, { data: ethernet(0x86dd, udp6(payload)) });
  const batch = batchOf(frames);
  decodeBatch(batch);
  expect([...batch.columns.plain]).toEqual([PLAIN_TCP4, PLAIN_UDP4, PLAIN_TCP6, PLAIN_UDP6]);
  expect([...batch.columns.payloadBytes]).toEqual([100, 100, 100, 100]);
});
