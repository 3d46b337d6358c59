/** Copies of a packet's bytes that are written to: of the right bytes wherever they lie, and of nobody else. */
import { expect, test } from 'vitest';
import { Packet } from '../../src/packet/packet.ts';
import { makePrivate, putBack, setAside } from '../../src/packet/rewrite.ts';

const CAPTURE_BYTES = 40_000;

/** As the capture has them: in shared memory. */
const capture = new Uint8Array(new SharedArrayBuffer(CAPTURE_BYTES + 8), 8);
for (let i = 0; i < CAPTURE_BYTES; i++) capture[i] = (i * 31 + (i >> 8)) & 255;

/** One packet object for all, as in a run. */
const p = new Packet();

function load(begin: number, lengthBytes: number, linkBytes = 14): void {
  p.bytes = capture;
  p.view = new DataView(capture.buffer, capture.byteOffset);
  p.macOffset = linkBytes > 0 ? begin : -1;
  p.l3Offset = begin + linkBytes;
  p.l4Offset = p.l3Offset + 20;
  p.l3End = p.l3Offset + lengthBytes;
}

function bytesOf(from: number, to: number): number[] {
  return Array.from(p.bytes.subarray(from, to));
}

test('a copy has the packet, link header and all, wherever it lies and however long it is', () => {
  const before = capture.slice();
  for (const lengthBytes of [20, 28, 40, 1500, 4095, 4096, 9000, 30_000]) {
    for (let begin = 0; begin < 17; begin++) {
      for (const linkBytes of [0, 14]) {
        load(begin, lengthBytes, linkBytes);
        const expected = Array.from(capture.subarray(begin, begin + linkBytes + lengthBytes));
        makePrivate(p);
        expect(p.bytes.buffer).not.toBe(capture.buffer);
        expect(bytesOf(linkBytes > 0 ? p.macOffset : p.l3Offset, p.l3End)).toEqual(expected);
        expect(p.l3End - p.l3Offset).toBe(lengthBytes);
        expect(p.l4Offset - p.l3Offset).toBe(20);
        expect(p.view.getUint32(p.l3Offset)).toBe(
          new DataView(capture.buffer, capture.byteOffset).getUint32(begin + linkBytes),
        );
        p.view.setUint8(p.l3Offset, 0xaa);
        expect(p.bytes[p.l3Offset]).toBe(0xaa);
        // A second time it is the same copy.
        makePrivate(p);
        expect(p.bytes[p.l3Offset]).toBe(0xaa);
      }
    }
  }
  expect(capture).toEqual(before);
});

test('bytes that were set aside stay as they were, whoever writes', () => {
  load(3, 100);
  makePrivate(p);
  p.view.setUint8(p.l3Offset, 1);
  const aside = setAside(p);
  makePrivate(p);
  p.view.setUint8(p.l3Offset, 2);
  putBack(p, aside);
  expect(p.bytes[p.l3Offset]).toBe(1);
  makePrivate(p);
  p.view.setUint8(p.l3Offset, 3);
  // The next packet.
  load(200, 100);
  makePrivate(p);
  p.view.setUint8(p.l3Offset, 4);
  putBack(p, aside);
  expect(p.bytes[p.l3Offset]).toBe(1);
});
