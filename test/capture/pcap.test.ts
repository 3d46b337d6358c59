import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packetsArbitrary, SECOND } from './arbitrary.ts';
import { concat, pcap, pcapHeader, type TestPacket } from './generate.ts';
import { got, plain, readAll, scratch, stdinOf } from './read.ts';

const { file } = scratch();

const three: TestPacket[] = [
  { timeNs: 1_700_000_000n * SECOND + 5000n, data: Uint8Array.of(1, 2, 3, 4, 5) },
  { timeNs: 1_700_000_001n * SECOND, data: new Uint8Array(60).fill(7), origLen: 1514 },
  { timeNs: 1_700_000_000n * SECOND, data: new Uint8Array(0), origLen: 9 },
];

describe('classic pcap', () => {
  for (const littleEndian of [true, false]) {
    for (const nanoseconds of [true, false]) {
      test(`${littleEndian ? 'little' : 'big'} endian, ${nanoseconds ? 'nano' : 'micro'}seconds`, async () => {
        const path = file('x.pcap', pcap(three, { littleEndian, nanoseconds, linktype: 113, snaplen: 96 }));
        const { packets, sources, damage, reader } = await readAll([`eth0:in=${path}`]);
        expect(got(packets)).toEqual(plain(three));
        expect(packets.map(({ relativeNs }) => relativeNs)).toEqual([0, 999_995_000, -5000]);
        expect(
          packets.every(
            ({ source, linktype, direction }) => source === 0 && linktype === 113 && direction === 0,
          ),
        ).toBe(true);
        expect(sources).toEqual([
          {
            index: 0,
            file: path,
            ifaceName: 'eth0',
            ifaceGiven: true,
            direction: 'in',
            linktype: 113,
            snaplen: 96,
            unitsPerSecond: nanoseconds ? 1_000_000_000n : 1_000_000n,
          },
        ]);
        expect(damage).toEqual([]);
        expect(reader.position).toEqual({
          fileBytes: 24 + 3 * 16 + 65,
          fileBytesTotal: 24 + 3 * 16 + 65,
          packets: 3,
        });
      });
    }
  }

  test('any packets, any batch size, from a file and from standard input', async () => {
    await fc.assert(
      fc.asyncProperty(
        packetsArbitrary(),
        fc.record({ littleEndian: fc.boolean(), nanoseconds: fc.boolean() }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 500 }),
        async (list, options, capacity, dataBytes, chunkBytes) => {
          const bytes = pcap(list, options);
          const fromFile = await readAll([file('any.pcap', bytes)], { capacity, dataBytes });
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

  test('a plain file is read without a Promise', async () => {
    const { openCaptures } = await import('../../src/capture/open.ts');
    const { allocateBatch } = await import('../../src/batch/batch.ts');
    const reader = await openCaptures([file('sync.pcap', pcap(three))]);
    expect(reader.fill(allocateBatch(10, 1000))).toBe(3);
    expect(reader.fill(allocateBatch(10, 1000))).toBe(0);
    reader.close();
  });

  test('a packet larger than a batch asks for a larger batch and is not cut', async () => {
    const giant = { timeNs: 1_700_000_000n * SECOND, data: new Uint8Array(700_000).map((_, i) => i % 251) };
    const path = file('giant.pcap', pcap([three[0]!, giant, three[1]!], { snaplen: 0 }));
    const { packets, damage } = await readAll([path], { dataBytes: 1000 });
    expect(got(packets)).toEqual(plain([three[0]!, giant, three[1]!]));
    expect(damage).toEqual([]);
  });

  test('old versions: 2.2 has the lengths in the other order, 2.3 either', async () => {
    const old = await readAll([file('2.2.pcap', pcap(three, { version: [2, 2] }))]);
    expect(got(old.packets)).toEqual(plain(three));
    for (const writer of [2, 4] as const) {
      const bytes = pcap(three, { version: [2, writer] });
      bytes[6] = 3;
      expect(got((await readAll([file('2.3.pcap', bytes)])).packets)).toEqual(plain(three));
    }
  });

  test('time stamps whose fraction is a second or more are marked and added up', async () => {
    for (const nanoseconds of [true, false]) {
      const w = pcapHeader({ nanoseconds });
      w.u32(10).u32(5).u32(1).u32(1).u8(1);
      w.u32(10)
        .u32(nanoseconds ? 1_000_000_000 : 1_000_000)
        .u32(1)
        .u32(1)
        .u8(2);
      const { packets } = await readAll([file('invalid.pcap', w.done())]);
      expect(packets.map(({ timeInvalid }) => timeInvalid)).toEqual([0, 1]);
      expect(packets[1]!.timeNs).toBe(11n * SECOND);
    }
  });

  test('seconds last until 2106', async () => {
    const late = [{ timeNs: 0xffffffffn * SECOND + 999_999_000n, data: Uint8Array.of(1) }];
    expect((await readAll([file('late.pcap', pcap(late))])).packets[0]!.timeNs).toBe(late[0]!.timeNs);
  });

  test('an original length below the captured one counts as the captured one', async () => {
    const { packets } = await readAll([
      file('short.pcap', pcap([{ timeNs: 0n, data: new Uint8Array(9), origLen: 3 }])),
    ]);
    expect(packets[0]!.origLen).toBe(9);
  });

  test('link type: the bits for the frame check sequence are no part of it', async () => {
    const { sources } = await readAll([file('fcs.pcap', pcap(three, { linktype: 0x24000001 }))]);
    expect(sources[0]!.linktype).toBe(1);
  });

  test.each([
    ['link type', pcap(three, { linktype: 160 }), 'link type USER13 (160) cannot be replayed'],
    ['Kuznetzov', pcap(three, { magic: 0xa1b2cd34 }), "Alexey Kuznetzov's modified pcap"],
    ['Kuznetzov, big endian', pcap(three, { magic: 0xa1b2cd34, littleEndian: false }), "Alexey Kuznetzov's"],
    ['Mesquita', pcap(three, { magic: 0xa1b234cd }), 'Francisco Mesquita'],
    ['Navtel', pcap(three, { magic: 0xa12b3c4d }), 'Navtel pcap'],
    ['snoop', new TextEncoder().encode('snoop\0\0\0\0\0\0\x02\0\0\0\x04........'), 'snoop format'],
    ['version 1', pcap(three, { version: [1, 4] }), 'pcap version 1.4 is not read'],
    ['version 3', pcap(three, { version: [3, 0] }), 'pcap version 3.0 is not read'],
    ['AIX', pcap(three, { version: [2, 543] }), 'pcap version 2.543 (AIX) is not read'],
  ])('refuses by name: %s', async (_name, bytes, message) => {
    await expect(readAll([file('refused.pcap', bytes)])).rejects.toThrow(message);
  });

  test('a file that is not there', async () => {
    await expect(readAll(['eth0=/nowhere/x.pcap'])).rejects.toThrow('/nowhere/x.pcap: no such file');
    await expect(readAll(['-', 'eth0=-'])).rejects.toThrow('only once');
    await expect(readAll([])).rejects.toThrow('no CAPTURE');
  });
});

describe('a damaged pcap is read as far as it is sound', () => {
  const bytes = pcap(three);
  const starts = [24, 24 + 16 + 5, 24 + 2 * 16 + 65];

  test('cut at every byte', async () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const path = file('cut.pcap', bytes.subarray(0, cut));
      for (const dataBytes of [20, 4096]) {
        const { packets, damage } = await readAll([path], { dataBytes });
        const whole = [...starts.slice(1), bytes.length].filter((end) => end <= cut).length;
        expect(got(packets), `cut at ${cut}`).toEqual(plain(three.slice(0, whole)));
        const clean =
          cut === starts[0] || (whole > 0 && cut === [...starts.slice(1), bytes.length][whole - 1]);
        if (clean) {
          expect(damage).toEqual([]);
          continue;
        }
        const at = cut < 24 ? (cut < 4 ? 0 : cut) : starts[whole]!;
        expect(damage, `cut at ${cut}`).toHaveLength(1);
        expect(damage[0]).toMatchObject({ file: path, byteOffset: at, packetNumber: whole + 1 });
      }
    }
  });

  test('messages', async () => {
    const message = async (damaged: Uint8Array) =>
      (await readAll([file('m.pcap', damaged)])).damage[0]!.message;
    expect(await message(new Uint8Array(0))).toBe('the file is empty');
    expect(await message(Uint8Array.of(1, 2, 3, 4, 5))).toBe('not a capture: it begins with 0x01020304');
    expect(await message(bytes.subarray(0, 20))).toBe('the file ends in its header');
    expect(await message(bytes.subarray(0, 50))).toBe(
      'the file ends in a record header: at least 11 bytes are missing',
    );
    expect(await message(bytes.subarray(0, 70))).toBe(
      'the file ends in a packet: at least 51 bytes are missing',
    );
    const long = concat(
      bytes,
      pcapHeader().u32(1).u32(2).u32(300_000).u32(4).done().subarray(24),
      new Uint8Array(99),
    );
    expect(await message(long)).toBe('the record header claims 300000 captured bytes, more than 262144');
  });

  test('an impossible length ends the reading there', async () => {
    for (const littleEndian of [true, false]) {
      const sound = pcap(three, { littleEndian });
      const broken = concat(
        sound,
        pcapHeader({ littleEndian }).u32(1).u32(2).u32(0xffffffff).u32(4).done().subarray(24),
        new Uint8Array(5000),
      );
      for (const [capacity, dataBytes] of [
        [1, 100],
        [3, 4096],
        [100, 77],
      ] as const) {
        const { packets, damage } = await readAll([file('long.pcap', broken)], { capacity, dataBytes });
        expect(got(packets)).toEqual(plain(three));
        expect(damage).toMatchObject([{ byteOffset: sound.length, packetNumber: 4 }]);
      }
    }
  });

  test('a length is possible up to the snap length of the file', async () => {
    const data = new Uint8Array(400_000);
    const sound = await readAll([file('snap.pcap', pcap([{ timeNs: 0n, data }], { snaplen: 400_000 }))]);
    expect(sound.packets).toHaveLength(1);
    const broken = await readAll([file('snap.pcap', pcap([{ timeNs: 0n, data }], { snaplen: 399_999 }))]);
    expect(broken.damage).toHaveLength(1);
  });

  test('any bytes behind a header: never an exception, and the same whatever the batch size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 300 }),
        async (junk, capacity, dataBytes) => {
          const path = file('junk.pcap', concat(pcap(three.slice(0, 1)), junk));
          const a = await readAll([path], { capacity, dataBytes });
          const b = await readAll([path]);
          expect(a.packets).toEqual(b.packets);
          expect(a.damage).toEqual(b.damage);
        },
      ),
      { numRuns: 300 },
    );
  });
});
