import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_INBOUND, RECORD_OUTBOUND, RECORD_UNKNOWN } from '../../src/batch/layout.ts';
import { packetsArbitrary, SECOND } from './arbitrary.ts';
import { concat, PcapngWriter, pcapng, type TestPacket } from './generate.ts';
import { got, plain, readAll, scratch, stdinOf } from './read.ts';

const { file } = scratch();
const bytesOf = (...values: number[]) => Uint8Array.from(values);
const T = 1_700_000_000n;

describe('pcapng', () => {
  test('any packets, any batch size, both byte orders, from a file and from standard input', async () => {
    await fc.assert(
      fc.asyncProperty(
        packetsArbitrary(),
        fc.boolean(),
        fc.constantFrom(6, 9),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 500 }),
        async (list, littleEndian, resolution, capacity, dataBytes, chunkBytes) => {
          const bytes = pcapng(list, littleEndian, resolution);
          const fromFile = await readAll([file('any.pcapng', bytes)], { capacity, dataBytes });
          expect(got(fromFile.packets)).toEqual(plain(list));
          expect(fromFile.damage).toEqual([]);
          const fromStdin = await readAll(['-'], { capacity, dataBytes, stdin: stdinOf(bytes, chunkBytes) });
          expect(got(fromStdin.packets)).toEqual(plain(list));
          expect(fromStdin.damage).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('sections of both byte orders, each with its own interfaces', async () => {
    const little = new PcapngWriter(true)
      .section()
      .interface({ name: 'eth0', linktype: 1 })
      .interface({ name: 'tun0', linktype: 101, snaplen: 96 })
      .enhanced(T * 1_000_000n, bytesOf(1), { iface: 1 })
      .enhanced(T * 1_000_000n + 1n, bytesOf(2));
    const big = new PcapngWriter(false)
      .section(1, 2)
      .interface({ name: 'any', linktype: 276, resolution: 9 })
      .enhanced(T * SECOND + 7n, bytesOf(3, 4));
    const { packets, sources, damage } = await readAll([
      file('s.pcapng', concat(little.done(), big.done(), little.done())),
    ]);
    expect(damage).toEqual([]);
    expect(
      sources.map(({ index, ifaceName, linktype, snaplen }) => [index, ifaceName, linktype, snaplen]),
    ).toEqual([
      [0, 'eth0', 1, 0],
      [1, 'tun0', 101, 96],
      [2, 'any', 276, 0],
    ]);
    expect(
      packets.map(({ source, linktype, data, timeNs }) => [source, linktype, data[0], timeNs - T * SECOND]),
    ).toEqual([
      [1, 101, 1, 0n],
      [0, 1, 2, 1000n],
      [2, 276, 3, 7n],
      [1, 101, 1, 0n],
      [0, 1, 2, 1000n],
    ]);
  });

  test('a name in the argument goes before if_name', async () => {
    const bytes = new PcapngWriter().section().interface({ name: 'eth0' }).enhanced(0n, bytesOf(1)).done();
    const { sources } = await readAll([`wan:out=${file('n.pcapng', bytes)}`]);
    expect(sources[0]).toMatchObject({ ifaceName: 'wan', ifaceGiven: true, direction: 'out' });
    const named = await readAll([file('n.pcapng', bytes)]);
    expect(named.sources[0]).toMatchObject({ ifaceName: 'eth0', ifaceGiven: false, direction: undefined });
    const nameless = new PcapngWriter().section().interface({ name: '' }).enhanced(0n, bytesOf(1)).done();
    expect((await readAll([file('n.pcapng', nameless)])).sources[0]!.ifaceName).toBeUndefined();
  });

  test('interfaces that are described later, and packets in between', async () => {
    const w = new PcapngWriter().section().interface({ name: 'a' }).enhanced(1n, bytesOf(1));
    for (let i = 1; i <= 20; i++)
      w.interface({ name: `i${i}` }).enhanced(BigInt(i), bytesOf(i), { iface: i });
    const { packets, sources } = await readAll([file('l.pcapng', w.done())], { capacity: 3, dataBytes: 150 });
    expect(sources).toHaveLength(21);
    expect(packets.map(({ source }) => sources[source]!.ifaceName)).toEqual([
      'a',
      ...Array.from({ length: 20 }, (_, i) => `i${i + 1}`),
    ]);
  });

  test.each([
    ['seconds', 0, 1n],
    ['milliseconds', 3, 1000n],
    ['microseconds', 6, 1_000_000n],
    ['nanoseconds', 9, SECOND],
    ['picoseconds', 12, 1000n * SECOND],
    ['2^-10 s', 0x80 | 10, 1n << 10n],
    ['2^-20 s', 0x80 | 20, 1n << 20n],
    ['2^-32 s', 0x80 | 32, 1n << 32n],
    ['2^-0 s', 0x80, 1n],
  ])('if_tsresol: %s', async (_name, resolution, perSecond) => {
    const seconds = resolution === 12 ? 10_000_000n : T;
    const ticks = [seconds * perSecond, seconds * perSecond + 1n, (seconds + 3n) * perSecond - 1n];
    for (const littleEndian of [true, false]) {
      const w = new PcapngWriter(littleEndian).section().interface({ resolution });
      for (const tick of ticks) w.enhanced(tick, bytesOf(1));
      const { packets } = await readAll([file('r.pcapng', w.done())]);
      expect(packets.map(({ timeNs }) => timeNs)).toEqual(ticks.map((tick) => (tick * SECOND) / perSecond));
    }
  });

  test('times beyond 2106 and the whole 64 bits', async () => {
    const late = (1n << 33n) * 1_000_000n + 123_456n;
    const w = new PcapngWriter()
      .section()
      .interface()
      .enhanced(late, bytesOf(1))
      .enhanced(late + 1n, bytesOf(1));
    const { packets } = await readAll([file('2106.pcapng', w.done())]);
    expect(packets.map(({ timeNs }) => timeNs)).toEqual([late * 1000n, (late + 1n) * 1000n]);
    const last = (1n << 64n) - 1n;
    const all = await readAll([
      file(
        'all.pcapng',
        new PcapngWriter()
          .section()
          .interface({ resolution: 9 })
          .enhanced(last - 5n, bytesOf(1))
          .enhanced(last, bytesOf(1))
          .done(),
      ),
    ]);
    expect(all.packets.map(({ timeNs }) => timeNs)).toEqual([last - 5n, last]);
  });

  test('if_tsoffset is added, forwards and backwards', async () => {
    for (const offsetSeconds of [3600n, -3600n, 1_600_000_000n]) {
      const w = new PcapngWriter().section().interface({ offsetSeconds, resolution: 6 });
      w.enhanced(10_000_000_007n, bytesOf(1)).enhanced(10_000_000_006n, bytesOf(1));
      const { packets } = await readAll([file('o.pcapng', w.done())]);
      expect(packets.map(({ timeNs }) => timeNs)).toEqual([
        10_000_000_007_000n + offsetSeconds * SECOND,
        10_000_000_006_000n + offsetSeconds * SECOND,
      ]);
    }
  });

  test('epb_flags and pack_flags say the direction', async () => {
    for (const littleEndian of [true, false]) {
      const w = new PcapngWriter(littleEndian).section().interface();
      const comment = { code: 1, value: new TextEncoder().encode('a comment') };
      for (const flags of [0, 1, 2, 3, 0x10001, 0x2a])
        w.enhanced(1n, bytesOf(1, 2, 3), { options: [comment, w.flags(flags)] });
      w.enhanced(1n, bytesOf(1), { options: [comment] });
      w.enhanced(1n, bytesOf(1), { options: [{ code: 1, value: new Uint8Array(0) }] });
      w.old(1n, bytesOf(1), 0, 1, [w.flags(2)]);
      const { packets } = await readAll([file('f.pcapng', w.done())]);
      expect(packets.map(({ direction }) => direction)).toEqual([
        RECORD_UNKNOWN,
        RECORD_INBOUND,
        RECORD_OUTBOUND,
        RECORD_UNKNOWN,
        RECORD_INBOUND,
        RECORD_OUTBOUND,
        RECORD_UNKNOWN,
        RECORD_UNKNOWN,
        RECORD_OUTBOUND,
      ]);
    }
  });

  test('the old packet block', async () => {
    const w = new PcapngWriter(false).section().interface().interface({ name: 'second', resolution: 3 });
    w.old(T * 1000n + 5n, bytesOf(1, 2, 3, 4, 5), 1, 99).enhanced(T * 1_000_000n, bytesOf(6));
    const { packets, sources } = await readAll([file('old.pcapng', w.done())]);
    expect(packets[0]).toMatchObject({ timeNs: T * SECOND + 5_000_000n, origLen: 99, timeInvalid: 0 });
    expect(packets[0]!.data).toEqual(bytesOf(1, 2, 3, 4, 5));
    expect(sources[packets[0]!.source]!.ifaceName).toBe('second');
  });

  test('the simple packet block has no time: it takes over the last one and says so', async () => {
    const w = new PcapngWriter().section().interface({ snaplen: 4 });
    w.enhanced(T * 1_000_000n, bytesOf(1)).enhanced(T * 1_000_000n + 3n, bytesOf(2));
    w.simple(bytesOf(3, 3, 3, 3), 100)
      .simple(bytesOf(4, 4))
      .enhanced(T * 1_000_000n + 9n, bytesOf(5));
    const { packets } = await readAll([file('simple.pcapng', w.done())], { capacity: 2 });
    expect(
      packets.map(({ data, origLen, timeInvalid, relativeNs }) => [
        data.length,
        origLen,
        timeInvalid,
        relativeNs,
      ]),
    ).toEqual([
      [1, 1, 0, 0],
      [1, 1, 0, 3000],
      [4, 100, 1, 3000],
      [2, 2, 1, 3000],
      [1, 1, 0, 9000],
    ]);
    const only = await readAll([
      file('only.pcapng', new PcapngWriter().section().interface().simple(bytesOf(1)).done()),
    ]);
    expect(only.packets).toMatchObject([{ timeNs: 0n, timeInvalid: 1 }]);
  });

  test('blocks that are not known are passed over, however long', async () => {
    const w = new PcapngWriter().section().interface();
    w.block(5, (b) => b.bytes(new Uint8Array(40)))
      .block(4, (b) => b.u32(0))
      .block(0x0bad, (b) => b.bytes(new Uint8Array(50_000)));
    w.enhanced(7n, bytesOf(1))
      .block(0x8bad, () => {})
      .block(10, (b) => b.bytes(new Uint8Array(3000)))
      .enhanced(8n, bytesOf(2));
    for (const dataBytes of [64, 100, 1 << 17]) {
      const { packets, damage } = await readAll([file('u.pcapng', w.done())], { dataBytes });
      expect(packets.map(({ data }) => data[0])).toEqual([1, 2]);
      expect(damage).toEqual([]);
    }
  });

  test('a packet larger than a batch', async () => {
    const giant: TestPacket = { timeNs: T * SECOND, data: new Uint8Array(600_000).map((_, i) => i % 253) };
    const small: TestPacket = { timeNs: T * SECOND, data: bytesOf(1, 2) };
    const { packets, damage } = await readAll([file('g.pcapng', pcapng([small, giant, small]))], {
      dataBytes: 512,
    });
    expect(got(packets)).toEqual(plain([small, giant, small]));
    expect(damage).toEqual([]);
  });

  test('an interface of another link type matters only when it has packets', async () => {
    const w = new PcapngWriter()
      .section()
      .interface({ linktype: 253, name: 'nlmon0' })
      .interface({ name: 'eth0' });
    w.enhanced(1n, bytesOf(1), { iface: 1 });
    expect((await readAll([file('nl.pcapng', w.done())])).packets).toHaveLength(1);
    for (const data of [bytesOf(9), bytesOf()]) {
      w.enhanced(1n, data);
      await expect(readAll([file('nl.pcapng', w.done())])).rejects.toThrow(
        'interface nlmon0: link type NETLINK (253) cannot be replayed',
      );
    }
  });
});

describe('a damaged pcapng is read as far as it is sound', () => {
  const sound = () =>
    new PcapngWriter()
      .section()
      .interface({ name: 'e' })
      .enhanced(5n, bytesOf(1, 2, 3));
  const start = sound().done().length;

  const cases: [string, (w: PcapngWriter) => unknown, string][] = [
    [
      'a tail that disagrees',
      (w) => w.block(6, (b) => b.bytes(new Uint8Array(24)), { tail: 40 }),
      'a block claims a length of 36 bytes at its beginning and of 40 at its end',
    ],
    [
      'a tail that disagrees, of an unknown block',
      (w) => w.block(99, (b) => b.u32(1), { tail: 20 }),
      'a block claims a length of 16 bytes at its beginning and of 20 at its end',
    ],
    ['length 0', (w) => w.block(99, () => {}, { head: 0 }), 'block type 99 claims a length of 0 bytes'],
    [
      'length 13',
      (w) => w.block(99, (b) => b.u32(0), { head: 13 }),
      'block type 99 claims a length of 13 bytes',
    ],
    [
      'a packet block too short',
      (w) => w.block(6, (b) => b.u32(0)),
      'a packet block claims a length of 16 bytes',
    ],
    [
      'an interface that is not there',
      (w) => w.enhanced(1n, bytesOf(1), { iface: 1 }),
      'a packet of interface 1, which no interface block describes',
    ],
    [
      'captured length beyond the block',
      (w) => w.enhanced(1n, bytesOf(1), { capLen: 5 }),
      'a packet block of 36 bytes claims 5 captured bytes',
    ],
    [
      'captured length beyond all bounds',
      (w) => w.enhanced(1n, bytesOf(1), { capLen: 0xffffffff }),
      'a packet block claims 4294967295 captured bytes, more than 16777216',
    ],
    [
      'block length beyond all bounds',
      (w) => w.block(6, (b) => b.bytes(new Uint8Array(24)), { head: 0x7ffffff0 }),
      'a packet block claims a length of 2147483632 bytes',
    ],
    [
      'block length beyond the file',
      (w) => w.block(6, (b) => b.bytes(new Uint8Array(24)), { head: 4000 }),
      'the file ends in a block: at least 3964 bytes are missing',
    ],
    [
      'unknown block beyond the file',
      (w) => w.block(9, (b) => b.bytes(new Uint8Array(24)), { head: 4000 }),
      'the file ends in a block: at least 3964 bytes are missing',
    ],
    [
      'interface block too long',
      (w) => w.block(1, (b) => b.u32(1).u32(0), { head: 0x00200000 }),
      'an interface block claims a length of 2097152 bytes',
    ],
    ['interface block too short', (w) => w.block(1, () => {}), 'an interface block is too short'],
    [
      'interface option too long',
      (w) => w.block(1, (b) => b.u32(1).u32(0).u16(2).u16(500).u32(0)),
      'option 2 of an interface block is longer than the block',
    ],
    [
      'if_tsresol of 2 bytes',
      (w) => w.interface({ more: [{ code: 9, value: bytesOf(1, 2) }] }),
      'if_tsresol has 2 bytes instead of 1',
    ],
    [
      'if_tsoffset of 4 bytes',
      (w) => w.interface({ more: [{ code: 14, value: new Uint8Array(4) }] }),
      'if_tsoffset has 4 bytes instead of 8',
    ],
    [
      'byte-order magic',
      (w) => w.block(0x0a0d0d0a, (b) => b.u32(0x01020304).u32(1).i64(-1n)),
      'a section header block with the byte-order magic 0x4030201',
    ],
    ['version', (w) => w.section(2, 0), 'pcapng version 2.0 is not known'],
    [
      'section too short',
      (w) => w.block(0x0a0d0d0a, (b) => b.u32(0x1a2b3c4d).u32(1), { head: 20 }).block(9, (b) => b.u32(0)),
      'a section header block claims a length of 20 bytes',
    ],
    ['a few bytes', (w) => w.w.u32(6).u8(1), 'the file ends in a block header: at least 3 bytes are missing'],
  ];

  test.each(cases)('%s', async (_name, damage, message) => {
    const w = sound();
    damage(w);
    for (const [capacity, dataBytes] of [
      [1, 64],
      [100, 4096],
    ] as const) {
      const { packets, damage: found } = await readAll([file('d.pcapng', w.done())], { capacity, dataBytes });
      expect(packets).toHaveLength(1);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ packetNumber: 2, message });
      if (!message.includes('ends in a block:') && !message.includes('unknown')) {
        const skipped = message.includes('at its end') && message.includes('16 bytes') ? 12 : 0;
        expect(found[0]!.byteOffset).toBe(start + skipped);
      }
    }
  });

  test('a file that begins with another block', async () => {
    const bytes = sound().done();
    const { damage } = await readAll([file('b.pcapng', concat(bytes.subarray(0, 28), bytes))]);
    expect(damage).toEqual([]);
    const { damage: broken } = await readAll([file('b.pcapng', concat(bytes.subarray(0, 8), bytes))]);
    expect(broken).toHaveLength(1);
  });

  test('cut at every byte: the packets before are read, one damage is told', async () => {
    const w = sound().enhanced(6n, bytesOf(9, 9, 9, 9, 9), { options: [{ code: 1, value: bytesOf(65) }] });
    w.block(99, (b) => b.u32(5)).simple(bytesOf(1, 2, 3));
    const bytes = w.done();
    const boundaries: number[] = [0];
    for (let at = 0; at < bytes.length; ) {
      at += new DataView(bytes.buffer).getUint32(at + 4, true);
      boundaries.push(at);
    }
    const packetEnds = [boundaries[3]!, boundaries[4]!, boundaries[6]!];
    for (let cut = 1; cut < bytes.length; cut++) {
      for (const [capacity, dataBytes] of [
        [1, 70],
        [100, 4096],
      ] as const) {
        const { packets, damage } = await readAll([file('c.pcapng', bytes.subarray(0, cut))], {
          capacity,
          dataBytes,
        });
        expect(packets.length, `cut at ${cut}`).toBe(packetEnds.filter((end) => end <= cut).length);
        expect(damage.length, `cut at ${cut}`).toBe(boundaries.includes(cut) ? 0 : 1);
      }
    }
  });

  test('any byte changed: never an exception but a UserError, and the same whatever the batch size', async () => {
    const w = sound()
      .enhanced(6n, bytesOf(9, 9, 9), { options: [w0().flags(1)] })
      .block(99, (b) => b.u32(5));
    w.interface({ name: 'f', resolution: 9, offsetSeconds: 5n }).old(5n, bytesOf(7), 1).simple(bytesOf(1, 2));
    const bytes = w.done();
    const outcome = async (path: string, capacity: number, dataBytes: number) => {
      try {
        const { packets, damage } = await readAll([path], { capacity, dataBytes });
        return { packets, damage };
      } catch (error) {
        expect((error as Error).name).toBe('UserError');
        return (error as Error).message;
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 300 }),
        async (changes, capacity, dataBytes) => {
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at] = value;
          const path = file('x.pcapng', changed);
          expect(await outcome(path, capacity, dataBytes)).toEqual(await outcome(path, 100, 4096));
        },
      ),
      // A section that claims two gigabytes once made a batch of that size.
      {
        numRuns: 500,
        examples: [
          [
            [
              [4, 0],
              [7, 128],
            ],
            1,
            1,
          ],
          [[[103, 128]], 1, 1],
        ],
      },
    );
  });
});

const w0 = () => new PcapngWriter();
