import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DECODE_BAD_CHAIN, DECODE_FRAGMENT, NO_OFFSET } from '../../src/batch/layout.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { dropReason } from '../../src/decode/drop-reasons.ts';
import { captured } from './arbitrary.ts';
import { be16, bytes, extension, ipv6, join } from './build.ts';
import { decodeSlowly } from './reference.ts';
import { batchOf, rowOf } from './run.ts';

const LINKTYPES = [0, 1, 9, 12, 14, 50, 51, 101, 108, 113, 228, 229, 239, 276];

const options = { numRuns: 3000 };

describe('any packet', () => {
  test('random bytes of every link type: never an exception, never a read of what was not captured', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(...LINKTYPES),
        fc.nat(100),
        (data, linktype, more) => {
          const batch = batchOf([{ data, linktype, origLen: data.length + more }]);
          decodeBatch(batch);
        },
      ),
      options,
    );
  });

  test('the decoder agrees with the slow one', () => {
    fc.assert(
      fc.property(captured, (one) => {
        const batch = batchOf([one]);
        decodeBatch(batch);
        const row = rowOf(batch, 0);
        if (row.etherType === 0x8864) return;
        const flags = row.decodeFlags as number;
        expect({
          family: row.family,
          reason: dropReason(row.drop as number)?.name ?? '',
          length: row.length,
          l3CapLen: row.l3CapLen,
          l4proto: row.l4proto,
          fragOffset: row.fragOffset,
          isFragment: (flags & DECODE_FRAGMENT) !== 0,
          l4Offset: row.l4Offset === NO_OFFSET ? undefined : row.l4Offset,
          sport: row.sport,
          dport: row.dport,
          tcpFlags: row.tcpFlags,
          badChain: (flags & DECODE_BAD_CHAIN) !== 0,
        }).toEqual(decodeSlowly(one.data, one.origLen!, one.linktype!));
      }),
      options,
    );
  });

  test('the answer does not depend on the other packets of the batch', () => {
    fc.assert(
      fc.property(fc.array(captured, { minLength: 2, maxLength: 5 }), (list) => {
        const together = batchOf(list);
        decodeBatch(together);
        for (const [i, one] of list.entries()) {
          const alone = batchOf([one]);
          decodeBatch(alone);
          expect(rowOf(together, i)).toEqual(rowOf(alone, 0));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('an empty batch', () => {
    const batch = batchOf([]);
    expect(() => decodeBatch(batch)).not.toThrow();
  });

  test('the generator reaches what it is for', () => {
    const seen = new Set<string>();
    for (const one of fc.sample(captured, { numRuns: 4000, seed: 7 })) {
      const reference = decodeSlowly(one.data, one.origLen!, one.linktype!);
      seen.add(reference.reason);
      if (reference.badChain) seen.add('bad chain');
      if (reference.length > 65_535) seen.add('jumbo');
    }
    for (const expected of [
      '',
      'ipv4-checksum',
      'ipv4-truncated',
      'ipv6-hop-by-hop',
      'ipv6-jumbo',
      'ipv6-hop-by-hop-unknown',
      'ipv6-version',
      'header-cut',
      'bad chain',
      'jumbo',
    ]) {
      expect(seen).toContain(expected);
    }
  });
});

test('a jumbogram agrees too', () => {
  for (const length of [70_000, 69_000, 71_000]) {
    const header = extension(17, [194, 4, 0, 1, ...be16(length - 65_536)]);
    const data = ipv6({ nextHeader: 0, payloadLength: 0 }, join(header, bytes(0, 53, 0, 54, 0, 0, 0, 0)));
    const one = { data, origLen: 70_040, linktype: 101 };
    const batch = batchOf([one]);
    decodeBatch(batch);
    const row = rowOf(batch, 0);
    const slow = decodeSlowly(data, 70_040, 101);
    expect([row.length, dropReason(row.drop as number)?.name ?? '']).toEqual([slow.length, slow.reason]);
  }
});
