/** The kernels in WebAssembly against the general path: the same columns, bit for bit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import { kernelsOf } from '../../src/batch/kernels.ts';
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  COLUMNS,
  type ColumnName,
} from '../../src/batch/layout.ts';
import {
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW_BSD,
} from '../../src/capture/linktype.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { captured } from './arbitrary.ts';
import {
  be16,
  be32,
  bytes,
  checksum,
  DADDR6,
  ethernet,
  ipv4,
  ipv6,
  join,
  SADDR6,
  sealed,
  tcp,
  tcp4,
  tcp6,
  udp4,
  udp6,
  vlan,
} from './build.ts';
import { batchOf, type Captured, kernelBatchOf, RUBBISH } from './run.ts';

const cooked2 = (ip: Uint8Array, etherType: number, packetType: number): Uint8Array =>
  join(be16(etherType), [0, 0], be32(7), be16(1), [packetType, 6], new Uint8Array(8), ip);
const cooked = (ip: Uint8Array, etherType: number, packetType: number): Uint8Array =>
  join(be16(packetType), be16(1), be16(6), new Uint8Array(8), be16(etherType), ip);

/** `captured` behind other link headers as well. */
const anyLink: fc.Arbitrary<Captured> = fc
  .record({
    one: captured,
    as: fc.constantFrom(
      0,
      0,
      LINKTYPE_LINUX_SLL,
      LINKTYPE_LINUX_SLL2,
      LINKTYPE_RAW_BSD,
      LINKTYPE_IPV4,
      LINKTYPE_IPV6,
    ),
    packetType: fc.nat(6),
    direction: fc.nat(2),
  })
  .map(({ one, as, packetType, direction }) => {
    if (as === 0) return { ...one, direction };
    const { linktype, origLen, data } = one;
    const ip = linktype === 1 ? data.subarray(Math.min(14, data.length)) : data;
    const etherType = ip.length > 0 && ip[0]! >>> 4 === 6 ? 0x86dd : 0x0800;
    const framed =
      as === LINKTYPE_LINUX_SLL
        ? cooked(ip, etherType, packetType)
        : as === LINKTYPE_LINUX_SLL2
          ? cooked2(ip, etherType, packetType)
          : ip;
    const cut = origLen! - data.length;
    return { data: framed, linktype: as, origLen: framed.length + cut, direction };
  });

/** Decodes header by header, and by the kernels; all columns must be the same. Returns how many rows the kernels left. */
function compare(list: readonly Captured[], checksum: 'verify' | 'trust'): number {
  const general = batchOf(list);
  decodeBatch(general, { checksum });
  const quick = kernelBatchOf(list);
  const left = kernelsOf(quick)!.decode(quick.place.offset, list.length, checksum === 'verify' ? 1 : 0);
  kernelBatchOf(list);
  decodeBatch(quick, { checksum });
  for (const [name, { perPacket }] of Object.entries(COLUMNS) as [ColumnName, { perPacket: number }][]) {
    if (name === 'odd') continue;
    const ours = quick.columns[name];
    const theirs = general.columns[name];
    const rows = perPacket * list.length;
    for (let k = 0; k < rows + 2 * perPacket; k++) {
      // Rows behind the last are as they were.
      if (ours[k] !== (k < rows ? theirs[k] : RUBBISH))
        throw new Error(`${name}, row ${Math.floor(k / perPacket)}: ${ours[k]}, not ${theirs[k]}`);
    }
  }
  return left;
}

describe('the decoder', () => {
  test('any packets', () => {
    let left = 0;
    let all = 0;
    fc.assert(
      fc.property(
        fc.array(anyLink, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('verify' as const, 'trust' as const),
        (list, checksum) => {
          left += compare(list, checksum);
          all += list.length;
        },
      ),
      { numRuns: 4000 },
    );
    // Much of what the generator makes is odd; enough is not.
    expect(left / all).toBeLessThan(0.9);
  });

  test('leaves no ordinary packet', () => {
    const echo = (type: number): Uint8Array => bytes(type, 0, 0, 0, 0x12, 0x34, 0, 1, 9, 9, 9);
    const list4 = [tcp4({}, bytes(1, 2, 3)), udp4(bytes(7)), ipv4({ proto: 1 }, echo(8))];
    const list6 = [tcp6({}, bytes(1)), udp6(bytes(7)), ipv6({ nextHeader: 58 }, echo(128))];
    const list: Captured[] = [
      ...list4.map((ip) => ({ data: ethernet(0x0800, ip) })),
      ...list6.map((ip) => ({ data: ethernet(0x86dd, ip) })),
      ...list4.map((ip) => ({ data: ethernet(0x8100, vlan(5, 0x0800, ip)) })),
      ...list4.map((ip) => ({ data: cooked2(ip, 0x0800, 4), linktype: LINKTYPE_LINUX_SLL2 })),
      ...list6.map((ip) => ({ data: cooked(ip, 0x86dd, 0), linktype: LINKTYPE_LINUX_SLL })),
      ...list4.map((data) => ({ data, linktype: LINKTYPE_IPV4 })),
    ];
    expect(compare(list, 'verify')).toBe(0);
  });

  test('options of TCP, well formed and not', () => {
    const option = fc.oneof(
      fc.constantFrom([1], [0], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [2, 4, 5, 0xb4], [4, 2], [3, 3, 7]),
      fc
        .array(fc.tuple(fc.integer(), fc.integer()), { minLength: 1, maxLength: 4 })
        .map((blocks) => [5, 2 + 8 * blocks.length, ...blocks.flatMap(([l, r]) => [...be32(l), ...be32(r)])]),
      fc.tuple(fc.nat(255), fc.nat(40)).map(([kind, size]) => [kind, size]),
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 5 }), fc.integer(), fc.nat(80), (options, ack, missing) => {
        const list = options.flat().slice(0, 40);
        const data = ethernet(0x0800, tcp4({ options: list, ack: ack >>> 0, flags: 16 }, bytes(1)));
        const kept = data.subarray(0, Math.max(54, data.length - missing));
        expect(compare([{ data: kept, origLen: data.length }], 'verify')).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('checksums', () => {
  /** A segment of `length` bytes of the protocol that begins at any place of the batch, with its checksum set right. */
  const segment = fc.record({
    protocol: fc.constantFrom(1, 6, 17, 58),
    family: fc.constantFrom(4, 6),
    length: fc.oneof(fc.integer({ min: 20, max: 200 }), fc.integer({ min: 200, max: 9000 })),
    seed: fc.nat(),
    before: fc.nat(40),
  });

  const rightPacket = ({
    protocol,
    family,
    length,
    seed,
  }: {
    protocol: number;
    family: number;
    length: number;
    seed: number;
  }) => {
    const content = new Uint8Array(length);
    for (let i = 0, x = seed; i < length; i++) {
      x = Math.imul(x, 1103515245) + 12345;
      content[i] = seed % 5 === 0 ? 0xff : x >>> 16;
    }
    const at = protocol === 6 ? 16 : protocol === 17 ? 6 : 2;
    if (protocol === 6) content.set(tcp().subarray(0, 20).subarray(0, 14));
    if (protocol === 17) content.set(be16(length), 4);
    content.set([0, 0], at);
    const [source, destination] = family === 4 ? [be32(0x0a000001), be32(0xc0000202)] : [SADDR6, DADDR6];
    if (protocol === 1) content.set(be16(checksum(content)), at);
    else sealed(content, at, protocol, source, destination);
    return {
      ip: family === 4 ? ipv4({ proto: protocol }, content) : ipv6({ nextHeader: protocol }, content),
      at,
    };
  };

  test('of any length at any place: right, wrong, left to the network card', () => {
    const seen = new Map<number, number>();
    fc.assert(
      fc.property(
        segment,
        fc.constantFrom('right', 'wrong', 'zero', 'pseudo'),
        fc.nat(),
        (one, kind, where) => {
          if ((one.protocol === 1) !== (one.family === 4) && (one.protocol === 1 || one.protocol === 58))
            return;
          const { ip, at } = rightPacket(one);
          const l4 = one.family === 4 ? 20 : 40;
          if (kind === 'wrong')
            ip[l4 + 20 * (one.protocol === 6 ? 1 : 0) + (where % (ip.length - l4 - 19))]! ^= 1 << (where & 7);
          if (kind === 'zero') ip.set([0, 0], l4 + at);
          if (kind === 'pseudo') ip.set(be16(where & 0xffff), l4 + at);
          const filler: Captured = { data: new Uint8Array(one.before) };
          const data = ethernet(one.family === 4 ? 0x0800 : 0x86dd, ip);
          compare([filler, { data }], 'verify');
          const verdict = kernelBatchAfter([filler, { data }]).columns.checksum[1]!;
          if (kind === 'right') expect(verdict).toBe(CHECKSUM_GOOD);
          seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        },
      ),
      { numRuns: 3000 },
    );
    for (const verdict of [CHECKSUM_GOOD, CHECKSUM_BAD, CHECKSUM_PARTIAL])
      expect(seen.get(verdict)).toBeGreaterThan(100);
  });
});

function kernelBatchAfter(list: readonly Captured[]): Batch {
  const batch = kernelBatchOf(list);
  decodeBatch(batch);
  return batch;
}
