import { describe, expect, test } from 'vitest';
import { DECODE_FRAGMENT } from '../../src/batch/layout.ts';
import { Defragmenter } from '../../src/defrag/defragmenter.ts';
import { Packet } from '../../src/packet/packet.ts';
import { R_LENGTH, R_TOS } from '../../src/packet/registers.ts';
import { rawBatch, stubHost } from '../conntrack/harness.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { askKernel, type Host, isJudgeAvailable } from '../kernel/judge.ts';
import { type Bytes, hex, unhex } from '../kernel/packets.ts';
import { fragmentTrain } from './fragments.ts';

/** Random fragments through the kernel and through us. DEFRAG_FUZZ_CASES and DEFRAG_FUZZ_SEED as elsewhere. */
const CASES = Number(process.env.DEFRAG_FUZZ_CASES ?? 6);
const SEED = Number(process.env.DEFRAG_FUZZ_SEED ?? 99);

const HOST: Host = {
  interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
  addresses: [
    '10.1.0.1/24 dev eth0',
    '10.2.0.1/24 dev eth1',
    '2001:db8:1::1/64 dev eth0',
    '2001:db8:2::1/64 dev eth1',
  ],
};
/** A rule that brings connection tracking, and with it defragmentation. */
const RULES = ['*filter', '-A FORWARD -m conntrack --ctstate NEW', 'COMMIT', ''].join('\n');

interface Whole {
  tos: number;
  payload: string;
}

/** What came out for a packet: on the way out a whole is cut up again, so the pieces are laid side by side. */
function wholeOf(pieces: readonly Bytes[]): Whole | undefined {
  const first = pieces[0];
  if (first === undefined) return undefined;
  const isIpv4 = first[0]! >> 4 === 4;
  const parts: { offset: number; data: Bytes }[] = [];
  for (const piece of pieces) {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    if (isIpv4) {
      parts.push({ offset: (view.getUint16(6) & 0x1fff) * 8, data: piece.subarray((piece[0]! & 15) * 4) });
      continue;
    }
    let next = piece[6]!;
    let at = 40;
    if (next === 0) {
      next = piece[at]!;
      at += 8;
    }
    if (next === 44) parts.push({ offset: view.getUint16(at + 2) & 0xfff8, data: piece.subarray(at + 8) });
    else parts.push({ offset: 0, data: piece.subarray(at) });
  }
  parts.sort((a, b) => a.offset - b.offset);
  const tos = isIpv4 ? first[1]! : ((first[0]! & 15) << 4) | (first[1]! >> 4);
  return { tos, payload: parts.map(({ offset, data }) => `${offset === 0 ? '' : ''}${hex(data)}`).join('') };
}

describe.skipIf(!isJudgeAvailable())('defragmentation against the kernel', () => {
  for (const family of [4, 6] as const) {
    test(`IPv${family}: ${CASES} mixes of fragments from seed ${SEED}`, async () => {
      const mixes = Array.from({ length: CASES }, (_, i) => fragmentTrain(new Dice(SEED + i), family, 60));
      const results = await askKernel(
        mixes.map((fragments, i) => ({
          id: `seed ${SEED + i}`,
          host: HOST,
          ...(family === 4 ? { rules4: RULES } : { rules6: RULES }),
          packets: fragments.map((bytes) => ({ iface: 'eth0', dir: 'in' as const, hex: hex(bytes) })),
          capture: true,
        })),
      );
      const differences: string[] = [];
      let wholes = 0;
      for (const [i, result] of results.entries()) {
        expect(result.refused).toBeUndefined();
        const out = new Map<number, Bytes[]>();
        for (const [number, iface, packet] of result.output!) {
          // What the kernel says to the sender by itself leaves by eth0.
          if (iface === 'eth1') out.set(number, [...(out.get(number) ?? []), unhex(packet)]);
        }
        const defragmenter = new Defragmenter(family, stubHost());
        const p = new Packet();
        for (const [number, bytes] of mixes[i]!.entries()) {
          const ours = ourWhole(defragmenter, p, bytes);
          const theirs = wholeOf(out.get(number) ?? []);
          if (theirs !== undefined) wholes++;
          if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
            differences.push(
              `seed ${SEED + i}, fragment ${number} (${hex(bytes.subarray(0, 60))}): kernel ${JSON.stringify(theirs)}, we ${JSON.stringify(ours)}`,
            );
          }
        }
      }
      expect(differences).toEqual([]);
      expect(wholes).toBeGreaterThan(10 * CASES);
    });
  }
});

function ourWhole(defragmenter: Defragmenter, p: Packet, bytes: Bytes): Whole | undefined {
  const batch = rawBatch([{ bytes }]);
  if (batch.columns.drop[0] !== 0) return undefined;
  if ((batch.columns.decodeFlags[0]! & DECODE_FRAGMENT) === 0) p.load(batch, 0, 0);
  else if (!defragmenter.add(batch, 0, p)) return undefined;
  const packet = p.bytes.slice(p.l3Offset, p.l3End);
  expect(p.r[R_LENGTH]).toBe(packet.length);
  const whole = wholeOf([packet])!;
  expect(p.r[R_TOS]).toBe(whole.tos);
  return whole;
}
