import fc from 'fast-check';
import {
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
import type { Captured } from './run.ts';

const payload = fc.uint8Array({ maxLength: 40 });
const transport: fc.Arbitrary<{ proto: number; segment: Uint8Array }> = fc.oneof(
  fc
    .record({ flags: fc.nat(255), body: payload })
    .map(({ flags, body }) => ({ proto: 6, segment: tcp({ flags }, body) })),
  payload.map((body) => ({ proto: 17, segment: udp(body) })),
  fc
    .record({ proto: fc.constantFrom(1, 58), type: fc.constantFrom(0, 8, 128, 129), body: payload })
    .map(({ proto, type, body }) => ({ proto, segment: join(Uint8Array.of(type, 0, 0, 0, 1, 2), body) })),
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
export const captured: fc.Arbitrary<Captured> = fc
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
