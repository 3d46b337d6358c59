import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packetsArbitrary, SECOND } from './arbitrary.ts';
import { pcap, pcapng, type TestPacket } from './generate.ts';
import { got, plain, readAll, scratch, stdinOf } from './read.ts';

const { file, folder } = scratch();
const at = (seconds: number, ...bytes: number[]): TestPacket => ({
  timeNs: BigInt(Math.round(seconds * 1e6)) * 1000n,
  data: Uint8Array.from(bytes),
});

/** Merges by comparing heads, one packet at a time; of equal ones the first list goes first. */
function mergeSlowly(lists: readonly (readonly TestPacket[])[]): TestPacket[] {
  const left = lists.map((list) => [...list]);
  const merged: TestPacket[] = [];
  for (;;) {
    let first: TestPacket[] | undefined;
    for (const list of left) {
      if (list.length > 0 && (first === undefined || list[0]!.timeNs < first[0]!.timeNs)) first = list;
    }
    if (first === undefined) return merged;
    merged.push(first.shift()!);
  }
}

describe('several captures', () => {
  test('are merged by time; ties in the order given', async () => {
    const a = file('a', pcap([at(1, 1), at(3, 3), at(3, 33), at(9, 9)]));
    const b = file('b', pcap([at(2, 20), at(3, 30), at(4, 40)], { linktype: 101 }));
    const ab = await readAll([`eth0=${a}`, `tun0:in=${b}`]);
    expect(ab.packets.map(({ data, source, linktype }) => [data[0], source, linktype])).toEqual([
      [1, 0, 1],
      [20, 1, 101],
      [3, 0, 1],
      [33, 0, 1],
      [30, 1, 101],
      [40, 1, 101],
      [9, 0, 1],
    ]);
    expect(ab.packets.map(({ relativeNs }) => relativeNs / 1e9)).toEqual([0, 1, 2, 2, 2, 3, 8]);
    expect(ab.sources.map(({ ifaceName, direction }) => [ifaceName, direction])).toEqual([
      ['eth0', undefined],
      ['tun0', 'in'],
    ]);
    const ba = await readAll([`tun0=${b}`, `eth0=${a}`]);
    expect(ba.packets.map(({ data }) => data[0])).toEqual([1, 20, 30, 3, 33, 40, 9]);
  });

  test('one whose times go back keeps its order: heads are compared', async () => {
    const a = file('a', pcap([at(5, 1), at(1, 2), at(7, 3)]));
    const b = file('b', pcap([at(4, 10), at(6, 11)]));
    const { packets, reader } = await readAll([a, b]);
    expect(packets.map(({ data }) => data[0])).toEqual([10, 1, 2, 11, 3]);
    expect(reader.clock.baseNs).toBe(4n * SECOND);
  });

  test('any captures of any format, any batch size, one of them standard input', async () => {
    await fc.assert(
      fc.asyncProperty(
        packetsArbitrary(60),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 60, max: 2000 }),
        async (all, count, capacity, dataBytes) => {
          const lists: TestPacket[][] = Array.from({ length: count }, () => []);
          for (const [i, packet] of all.entries()) {
            // Few different times, so that there are ties.
            const timeNs = all[0]!.timeNs + BigInt((i * 7) % 13) * 1000n;
            lists[(i * i + packet.data.length) % count]!.push({ ...packet, timeNs });
          }
          const bytes = lists.map(
            (list, i) => [pcap(list), pcapng(list), gzipSync(pcapng(list, false, 6))][i % 3]!,
          );
          const args = bytes.map((content, i) => (i === 1 ? 'x=-' : file(`m${i}`, content)));
          const { packets, damage } = await readAll(args, { capacity, dataBytes, stdin: stdinOf(bytes[1]!) });
          expect(got(packets)).toEqual(plain(mergeSlowly(lists)));
          expect(damage).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('more packets than are held of a capture at a time, and a giant', async () => {
    const long = Array.from({ length: 5000 }, (_, i) => at(1 + i / 1000, i & 255, i >> 8));
    const other = [at(2.5, 7), { ...at(3, 8), data: new Uint8Array(400_000).fill(8) }, at(3.2, 9)];
    const { packets, damage } = await readAll([
      file('long', pcap(long)),
      file('other', pcap(other, { snaplen: 0 })),
    ]);
    expect(got(packets)).toEqual(plain(mergeSlowly([long, other])));
    expect(damage).toEqual([]);
  });

  test('a damaged one is left where it broke, the others go on', async () => {
    const a = file('a', pcap([at(1, 1), at(2, 2)]).subarray(0, -1));
    const b = file('b', pcap([at(1.5, 10), at(3, 11)]));
    const none = file('none', new TextEncoder().encode('not a capture'));
    const { packets, damage } = await readAll([a, b, none]);
    expect(packets.map(({ data }) => data[0])).toEqual([1, 10, 11]);
    expect(damage.map(({ file: name, packetNumber }) => [name, packetNumber])).toEqual([
      [none, 1],
      [a, 2],
    ]);
  });

  test('an empty capture among them', async () => {
    const { packets, sources } = await readAll([file('e', pcap([])), file('a', pcap([at(1, 1)]))]);
    expect(packets).toHaveLength(1);
    expect(sources).toHaveLength(2);
  });

  test('progress', async () => {
    const a = pcap([at(1, 1)]);
    const b = pcapng([at(2, 2)]);
    const { reader } = await readAll([file('a', a), file('b', b)]);
    expect(reader.position).toEqual({
      fileBytes: a.length + b.length,
      fileBytesTotal: a.length + b.length,
      packets: 2,
    });
    const { reader: withPipe } = await readAll([file('a', a), '-'], { stdin: stdinOf(b) });
    expect(withPipe.position).toEqual({
      fileBytes: a.length + b.length,
      fileBytesTotal: undefined,
      packets: 2,
    });
  });
});

describe('a directory', () => {
  test('of rolled files is one capture in time order; what is no capture is left out', async () => {
    file('rolled/b.pcap', pcap([at(1, 1), at(2, 2)]));
    file('rolled/a.pcap.gz', gzipSync(pcap([at(3, 3), at(5, 5)])));
    file('rolled/0', pcapng([at(4, 4), at(6, 6)]));
    file('rolled/notes.txt', new TextEncoder().encode('captured on Monday'));
    file('rolled/empty', new Uint8Array(0));
    mkdirSync(join(folder, 'rolled/subfolder'), { recursive: true });
    const { packets, sources, damage } = await readAll([`eth1:out=${join(folder, 'rolled')}`]);
    expect(packets.map(({ data }) => data[0])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(sources.every(({ ifaceName, direction }) => ifaceName === 'eth1' && direction === 'out')).toBe(
      true,
    );
    expect(damage).toEqual([]);
  });

  test('files of equal first times go by name', async () => {
    for (const name of ['z', 'y', 'x']) file(`ties/${name}`, pcap([at(1, name.charCodeAt(0))]));
    const { packets } = await readAll([join(folder, 'ties')]);
    expect(String.fromCharCode(...packets.map(({ data }) => data[0]!))).toBe('xyz');
  });

  test('without a capture is an error', async () => {
    file('nothing/readme', new TextEncoder().encode('none here'));
    await expect(readAll([join(folder, 'nothing')])).rejects.toThrow('no capture file in this directory');
  });

  test('of hundreds of files needs few descriptors and little memory', async () => {
    for (let i = 0; i < 300; i++) file(`many/${i}`, pcap([at(i, 1), at(i + 0.5, 2)]));
    const { packets } = await readAll([join(folder, 'many')]);
    expect(packets).toHaveLength(600);
    expect(packets.every(({ timeNs }, i) => i === 0 || timeNs >= packets[i - 1]!.timeNs)).toBe(true);
  });
});

test.skipIf(process.platform === 'win32')('a named pipe', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const source = file('piped', pcap([at(1, 1), at(2, 2)]));
  spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', source, fifo]);
  const { packets, reader } = await readAll([`eth0=${fifo}`]);
  expect(packets.map(({ data }) => data[0])).toEqual([1, 2]);
  expect(reader.position.fileBytesTotal).toBeUndefined();
});
