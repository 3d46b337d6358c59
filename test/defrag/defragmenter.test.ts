import { describe, expect, test } from 'vitest';
import { DECODE_PAYLOAD_CUT } from '../../src/batch/layout.ts';
import { Defragmenter } from '../../src/defrag/defragmenter.ts';
import { combineEcn } from '../../src/defrag/fragment-queue.ts';
import { Packet } from '../../src/packet/packet.ts';
import { R_DECODE_FLAGS, R_DPORT, R_FRAG_OFFSET, R_LENGTH, R_SPORT } from '../../src/packet/registers.ts';
import { rawBatch, stubHost } from '../conntrack/harness.ts';
import { type Bytes, filler, fragment4, fragment6, ipv4, ipv6, raw, udp } from '../kernel/packets.ts';

const whole4 = ipv4(
  { saddr: '10.1.0.9', daddr: '10.2.0.9', id: 7 },
  udp({ sport: 1000, dport: 53, payload: filler(100) }),
);
const whole6 = ipv6(
  { saddr: '2001:db8::9', daddr: '2001:db8::1' },
  udp({ sport: 1000, dport: 53, payload: filler(100) }),
);

function add(defragmenter: Defragmenter, p: Packet, bytes: Bytes, at = 0, captured = bytes.length): boolean {
  return defragmenter.add(rawBatch([{ bytes, at, captured }]), 0, p);
}

describe('putting fragments together', () => {
  test.each([
    ['IPv4', 4, whole4, fragment4(whole4, 40, 80)],
    ['IPv6', 6, whole6, fragment6(whole6, 7, [40, 80])],
  ] as const)('%s: the whole is what was cut', (_name, family, whole, fragments) => {
    const p = new Packet();
    for (const order of [fragments, [...fragments].reverse()]) {
      const defragmenter = new Defragmenter(family, stubHost());
      expect(order.map((bytes) => add(defragmenter, p, bytes))).toEqual([false, false, true]);
      expect([...p.bytes.slice(p.l3Offset, p.l3End)]).toEqual([...whole]);
      expect([p.r[R_SPORT], p.r[R_DPORT], p.r[R_FRAG_OFFSET], p.r[R_LENGTH]]).toEqual([
        1000,
        53,
        0,
        whole.length,
      ]);
      expect([defragmenter.pending, defragmenter.wholes, defragmenter.voided]).toEqual([0, 1, 0]);
    }
  });

  test('an incomplete packet is forgotten after 30 s, and late fragments begin another', () => {
    const fragments = fragment4(whole4, 40, 80);
    const defragmenter = new Defragmenter(4, stubHost());
    const p = new Packet();
    expect(add(defragmenter, p, fragments[0]!, 0)).toBe(false);
    expect(add(defragmenter, p, fragments[1]!, 29.9)).toBe(false);
    expect(add(defragmenter, p, fragments[2]!, 30)).toBe(false);
    expect([defragmenter.timedOut, defragmenter.pending]).toEqual([1, 1]);
  });

  test('hooks do not mix', () => {
    const [a, b] = fragment4(whole4, 40);
    const defragmenter = new Defragmenter(4, stubHost());
    const p = new Packet();
    expect(defragmenter.add(rawBatch([{ bytes: a! }]), 0, p, 0)).toBe(false);
    expect(defragmenter.add(rawBatch([{ bytes: b! }]), 0, p, 1)).toBe(false);
    expect(defragmenter.add(rawBatch([{ bytes: b! }]), 0, p, 0)).toBe(true);
  });

  test('fragments that the capture cut: the lengths are right, the payload ends where it was cut', () => {
    const [a, b] = fragment4(whole4, 40);
    const defragmenter = new Defragmenter(4, stubHost());
    const p = new Packet();
    add(defragmenter, p, a!, 0, 20 + 30);
    expect(add(defragmenter, p, b!)).toBe(true);
    expect(p.r[R_LENGTH]).toBe(whole4.length);
    expect(p.l3End - p.l3Offset).toBe(50);
    expect(p.r[R_DECODE_FLAGS]! & DECODE_PAYLOAD_CUT).not.toBe(0);
    expect(p.r[R_DPORT]).toBe(53);
  });

  test('more than 64 fragments of the sender in between: begun anew (ipfrag_max_dist)', () => {
    const piece = (id: number, fragmentOffset: number, mf: boolean) =>
      ipv4({ saddr: '10.1.0.9', daddr: '10.2.0.9', id, fragmentOffset, mf }, raw(201, filler(8)));
    for (const [between, complete] of [
      [63, true],
      [64, false],
    ] as const) {
      const defragmenter = new Defragmenter(4, stubHost());
      const p = new Packet();
      add(defragmenter, p, piece(1, 0, true));
      for (let i = 0; i < between; i++) add(defragmenter, p, piece(1000 + i, 0, true));
      expect(add(defragmenter, p, piece(1, 8, false)), `${between}`).toBe(complete);
    }
  });

  test('memory is bounded', () => {
    const defragmenter = new Defragmenter(
      4,
      stubHost({ sysctls: { 'net.ipv4.ipfrag_high_thresh': 100_000 } }),
    );
    const p = new Packet();
    for (let id = 1; id < 1000; id++) {
      const bytes = ipv4(
        { saddr: `10.1.${id % 250}.9`, daddr: '10.2.0.9', id, mf: true },
        raw(201, filler(800)),
      );
      add(defragmenter, p, bytes);
    }
    expect(defragmenter.pending).toBeLessThan(100);
    expect(defragmenter.voided).toBeGreaterThan(800);
  });

  test.each([
    // not-ECT 1, ECT(1) 2, ECT(0) 4, CE 8
    [1, 0],
    [4, 0],
    [6, 0],
    [8, 0],
    [12, 3],
    [14, 3],
    [5, -1],
    [9, -1],
  ])('ECN fields %i together make %i', (seen, expected) => {
    expect(combineEcn(seen)).toBe(expected);
  });
});
