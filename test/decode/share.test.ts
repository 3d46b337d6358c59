/** Dealing packets into shares: each packet in one share, and what belongs together in the same one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import { decodeBatch, decodeShare } from '../../src/decode/decode.ts';
import { NotSharable, ownerOf, type Share } from '../../src/decode/share.ts';
import { icmp, icmpError, icmpv6, icmpv6Error, ip, raw, sctp, tcp, udp } from '../kernel/packets.ts';
import { captured } from './arbitrary.ts';
import { batchOf, type Captured, kernelBatchOf, rowOf } from './run.ts';

const COUNT = 3;
const WAYS: readonly Share['by'][] = ['addresses', 'ports'];
const LINKTYPE_RAW = 101;
const options = { checksum: 'verify' } as const;

/** Rows of a share by their place in the capture; undefined when it cannot be shared. */
function rowsOf(batch: Batch, share: Share): Map<number, ReturnType<typeof rowOf>> | undefined {
  try {
    decodeShare(batch, options, share);
  } catch (error) {
    if (error instanceof NotSharable) return undefined;
    throw error;
  }
  const rows = new Map<number, ReturnType<typeof rowOf>>();
  for (let j = 0; j < batch.count; j++) {
    const { foreign, ordinal } = batch.columns;
    if (foreign[j] === 0) rows.set(ordinal[j]!, rowOf(batch, j));
  }
  return rows;
}

function ownerIn(batch: Batch, by: Share['by']): number {
  return ownerOf(batch, 0, { index: 0, count: 1000, by });
}

/** Owner of one packet among many shares, by the kernels, and by the general path. */
function owner(data: Uint8Array, by: Share['by']): number {
  const one = [{ data, linktype: LINKTYPE_RAW }];
  const slow = batchOf(one);
  decodeBatch(slow);
  const expected = ownerIn(slow, by);
  for (const index of [expected, (expected + 1) % 1000]) {
    const rows = rowsOf(kernelBatchOf(one), { index, count: 1000, by });
    expect(rows!.size).toBe(index === expected ? 1 : 0);
  }
  return expected;
}

describe.each(WAYS)('shares by %s', (by) => {
  test('of any packets, each is in one share, decoded as ever', () => {
    let shared = 0;
    fc.assert(
      fc.property(fc.array(captured, { minLength: 1, maxLength: 12 }), (list: Captured[]) => {
        const whole = batchOf(list);
        decodeBatch(whole);
        const all = Array.from({ length: COUNT }, (_, index) =>
          rowsOf(kernelBatchOf(list), { index, count: COUNT, by }),
        );
        const refused = all.filter((rows) => rows === undefined).length;
        expect([0, COUNT]).toContain(refused);
        if (refused > 0) return;
        shared++;
        const seen = all.flatMap((rows) => [...rows!.keys()]).sort((a, b) => a - b);
        expect(seen).toEqual(list.map((_, i) => i));
        for (const rows of all) for (const [i, row] of rows!) expect(row).toEqual(rowOf(whole, i));
      }),
      { numRuns: 1500 },
    );
    expect(shared).toBeGreaterThan(300);
  });

  test('both directions of a connection are in one, and errors about it', () => {
    for (const [a, b] of [
      ['10.0.0.1', '10.9.8.7'],
      ['2001:db8::1', '2001:db8:5::9'],
    ] as const) {
      const isIpv4 = !a.includes(':');
      const router = isIpv4 ? '192.0.2.1' : '2001:db8:ffff::1';
      for (let port = 40000; port < 40040; port++) {
        const layers = [
          [tcp({ sport: port, dport: 443 }), tcp({ sport: 443, dport: port })],
          [udp({ sport: port, dport: 53 }), udp({ sport: 53, dport: port })],
          [sctp({ sport: port, dport: 9, chunks: [] }), sctp({ sport: 9, dport: port, chunks: [] })],
          [raw(200), raw(200)],
          isIpv4
            ? [icmp({ type: 8, id: port }), icmp({ type: 0, id: port })]
            : [icmpv6({ type: 128, id: port }), icmpv6({ type: 129, id: port })],
        ] as const;
        for (const [forth, back] of layers) {
          const sent = ip({ saddr: a, daddr: b }, forth);
          const expected = owner(sent, by);
          expect(owner(ip({ saddr: b, daddr: a }, back), by)).toBe(expected);
          const about = isIpv4
            ? icmpError({ type: 3, code: 1 }, sent)
            : icmpv6Error({ type: 1, code: 0 }, sent);
          expect(owner(ip({ saddr: router, daddr: a }, about), by)).toBe(expected);
        }
      }
    }
  });

  test('connections are spread evenly', () => {
    const counts = [0, 0, 0, 0];
    for (let port = 20000; port < 24000; port++) {
      const batch = batchOf([
        {
          data: ip({ saddr: '10.0.0.1', daddr: '10.0.0.2' }, tcp({ sport: port, dport: 80 })),
          linktype: 101,
        },
      ]);
      decodeBatch(batch);
      counts[ownerOf(batch, 0, { index: 0, count: 4, by })]!++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

test('what has fragments of TCP, or by ports any, is not shared', () => {
  const cut = ip({ saddr: '10.0.0.1', daddr: '10.0.0.2' }, tcp({ sport: 1, dport: 2 }));
  cut[6] = 0x20;
  const datagram = ip({ saddr: '10.0.0.1', daddr: '10.0.0.2' }, udp({ sport: 1, dport: 2 }));
  datagram[6] = 0x20;
  for (const by of WAYS)
    expect(rowsOf(kernelBatchOf([{ data: cut, linktype: 101 }]), { index: 0, count: 2, by })).toBeUndefined();
  const fragments = [{ data: datagram, linktype: 101 }];
  expect(rowsOf(kernelBatchOf(fragments), { index: 0, count: 2, by: 'ports' })).toBeUndefined();
  expect(rowsOf(kernelBatchOf(fragments), { index: 0, count: 2, by: 'addresses' })).toBeDefined();
});
