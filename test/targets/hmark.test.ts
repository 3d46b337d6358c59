import { expect, test } from 'vitest';
import type { Family } from '../../src/base/inet.ts';
import { R_FAMILY, R_LENGTH, R_MARK } from '../../src/packet/registers.ts';
import {
  destinationOptions,
  icmpError,
  icmpv6Error,
  ipv4,
  ipv6,
  type Layer,
  tcp,
} from '../kernel/packets.ts';
import { packet, ready } from '../matches/packets.ts';

/**
 * Where the capture, not the packet, ends before what HMARK reads, the mark stays as it is: the kernel saw more. What it
 * makes of packets that are whole, or themselves too short, the kernel says (test/kernel/cases/target-hmark.ts).
 */

const ADDRESSES = {
  4: { saddr: '192.0.2.9', daddr: '198.51.100.7' },
  6: { saddr: '2001:db8::9', daddr: '2001:db8:f::7' },
};
const OLD_MARK = 99;

/** The mark of a packet of which `captured` bytes were captured. */
function mark(family: Family, bytes: Uint8Array, captured: number): number {
  const [rule] = ready(
    ['-j HMARK --hmark-tuple src,dst,sport,dport --hmark-rnd 1 --hmark-mod 10 --hmark-offset 1000'],
    { family },
  );
  const p = packet({ mark: OLD_MARK });
  p.r[R_FAMILY] = family;
  p.r[R_LENGTH] = bytes.length;
  p.bytes = bytes;
  p.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  p.l3End = captured;
  rule!.apply(p);
  return p.r[R_MARK]!;
}

const build = (family: Family, layer: Layer) =>
  family === 4 ? ipv4(ADDRESSES[4], layer) : ipv6(ADDRESSES[6], layer);
const segment = tcp({ sport: 1, dport: 2 });

test.each<readonly [family: Family, what: string, layer: Layer, needed: number]>([
  [4, 'ports', segment, 20 + 4],
  [6, 'ports', segment, 40 + 4],
  [4, 'an error', icmpError({ type: 3 }, build(4, segment)), 20 + 8 + 20 + 4],
  [6, 'an error', icmpv6Error({ type: 1 }, build(6, segment)), 40 + 8 + 40 + 4],
  [6, 'extension headers', destinationOptions(segment), 40 + 8 + 4],
])('IPv%i: is not guessed where the capture ends within %s', (family, _, layer, needed) => {
  const bytes = build(family, layer);
  const whole = mark(family, bytes, bytes.length);
  expect(whole).toBeGreaterThanOrEqual(1000);
  expect(mark(family, bytes, needed)).toBe(whole);
  const header = family === 4 ? 20 : 40;
  for (let captured = header; captured < needed; captured++) {
    expect(mark(family, bytes, captured), `${captured} bytes`).toBe(OLD_MARK);
  }
});
