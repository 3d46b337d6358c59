import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DECODE_BAD_CHAIN, DECODE_FRAGMENT, NO_OFFSET } from '../../src/batch/layout.ts';
import { verifyChecksums } from '../../src/decode/checksum.loop.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { dropReason } from '../../src/decode/drop-reasons.ts';
import { Frame } from '../../src/decode/frame.ts';
import { decodeRow } from '../../src/decode/row.ts';
import {
  be16,
  bytes,
  ethernet,
  extension,
  fragmentHeader,
  ipv4,
  ipv6,
  join,
  tcp,
  tcp4,
  tcp6,
  udp,
  udp4,
  vlan,
} from './build.ts';
import { decodeSlowly } from './reference.ts';
import { batchOf, type Captured, DECODE_COLUMNS, rowOf } from './run.ts';

const LINKTYPES = [0, 1, 9, 12, 14, 50, 51, 101, 108, 113, 228, 229, 239, 276];

const payload = fc.uint8Array({ maxLength: 40 });
const transport: fc.Arbitrary<{ proto: number; segment: Uint8Array }> = fc.oneof(
  fc
    .record({ flags: fc.nat(255), body: payload })
    .map(({ flags, body }) => ({ proto: 6, segment: tcp({ flags }, body) })),
  payload.map((body) => ({ proto: 17, segment: udp(body) })),
  fc.record({ proto: fc.constantFrom(1, 58, 33, 47, 50, 51, 59, 132, 136, 4, 41, 255), segment: payload }),
);
const chain: fc.Arbitrary<{ next: number; bytes: Uint8Array }> = fc
  .record({
    last: transport,
    headers: fc.array(
      fc.record({
        type: fc.constantFrom(0, 43, 44, 51, 60),
        body: fc.uint8Array({ maxLength: 22 }),
        offset: fc.constantFrom(0, 0, 8, 1448),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ last, headers }) => {
    let next = last.proto;
    let all: Uint8Array = last.segment;
    for (const { type, body, offset } of headers) {
      if (type === 44) all = join(fragmentHeader(next, offset, body.length % 2 === 0, 77), all);
      else all = join(extension(next, [...body]), all);
      next = type;
    }
    return { next, bytes: all };
  });
const hopByHopOptions = fc
  .array(
    fc.record({ type: fc.constantFrom(0, 1, 5, 7, 49, 194, 30, 94), value: fc.uint8Array({ maxLength: 6 }) }),
    { maxLength: 5 },
  )
  .map((list) =>
    list.flatMap(({ type, value }) =>
      type === 0 ? [0] : [type, value.length, ...(type === 1 ? value.map(() => 0) : value)],
    ),
  );
const packet: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .record({
      t: transport,
      fragment: fc.constantFrom(0, 0, 0x4000, 0x2000, 0x2001, 5),
      options: fc.constantFrom([], [], [1, 1, 1, 0], [7, 7, 4, 0, 0, 0, 0]),
    })
    .map(({ t, fragment, options }) => ipv4({ proto: t.proto, fragment, options }, t.segment)),
  payload.map((body) => tcp4({}, body)),
  fc
    .record({ t: transport, wrong: fc.integer({ min: -2, max: 2 }), few: fc.nat(40), isFew: fc.boolean() })
    .map(({ t, wrong, few, isFew }) => {
      const totalLength = isFew ? few : 20 + t.segment.length + wrong;
      return ipv4({ proto: t.proto, totalLength }, t.segment);
    }),
  payload.map((body) => udp4(body)),
  payload.map((body) => tcp6({}, body)),
  chain.map(({ next, bytes: rest }) => ipv6({ nextHeader: next }, rest)),
  fc
    .record({ c: chain, options: hopByHopOptions })
    .map(({ c, options }) => ipv6({ nextHeader: 0 }, join(extension(c.next, options), c.bytes))),
  fc.uint8Array({ maxLength: 60 }),
);

/** A packet, framed, then some bytes changed, cut by the snap length, padded. */
const captured: fc.Arbitrary<Captured> = fc
  .record({
    ip: packet,
    tags: fc.constantFrom(0, 0, 0, 1, 2),
    raw: fc.boolean(),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    snaplen: fc.option(fc.nat(100), { nil: undefined }),
    padding: fc.constantFrom(0, 0, 0, 7, 70_000),
    to: fc.constantFrom([2, 0, 0, 0, 0, 1], [255, 255, 255, 255, 255, 255], [1, 0, 94, 0, 0, 1]),
  })
  .map(({ ip, tags, raw, changes, snaplen, padding, to }) => {
    let data: Uint8Array = ip;
    if (!raw) {
      const type = ip.length > 0 && ip[0]! >> 4 === 6 ? 0x86dd : 0x0800;
      for (let i = 0; i < tags; i++) data = vlan(100 + i, i === 0 ? type : 0x8100, data);
      data = ethernet(tags === 0 ? type : 0x8100, data, to);
    }
    data = data.slice();
    for (const [at, value] of changes) if (data.length > 0) data[at % data.length] = value;
    const origLen = data.length + padding;
    // Of large padding nothing is captured: it stands for a large packet.
    if (padding < 100) data = join(data, new Uint8Array(padding));
    if (snaplen !== undefined) data = data.subarray(0, snaplen);
    return { data, origLen: Math.max(origLen, data.length), linktype: raw ? 101 : 1 };
  });

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

  test('the fast path writes what the general one writes, and neither touches another row or column', () => {
    fc.assert(
      fc.property(fc.array(captured, { minLength: 1, maxLength: 6 }), fc.boolean(), (list, verify) => {
        const fast = batchOf(list);
        decodeBatch(fast, { checksum: verify ? 'verify' : 'trust' });
        const general = batchOf(list);
        const frame = new Frame();
        frame.setBatch(general);
        frame.verify = verify;
        for (let i = 0; i < list.length; i++) decodeRow(frame, i);
        if (verify) verifyChecksums(general, 0, list.length);
        for (let i = 0; i < list.length; i++) expect(rowOf(fast, i)).toEqual(rowOf(general, i));
        for (const [name, column] of Object.entries(fast.columns)) {
          if (!(DECODE_COLUMNS as string[]).includes(name)) {
            expect(column, name).toEqual(general.columns[name as keyof typeof general.columns]);
          }
        }
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
