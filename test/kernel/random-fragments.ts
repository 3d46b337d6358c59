/**
 * Random traffic whose packets arrive in fragments: the rules and packets of a random case, some packets cut, and the
 * pieces shuffled, repeated, lost, overlapping, changed on the way, and mixed with those of the packets around.
 */

import type { Case, CasePacket } from './judge.ts';
import { type Bytes, concat, fragment4, fragment6, hex, internetChecksum, unhex } from './packets.ts';
import { Random, randomCase } from './random.ts';

/** The case of a seed. Every other one has no rule that brings conntrack, and then fragments go by themselves. */
export function fragmentedCase(seed: number): Case {
  const one = randomCase(seed, { conntrack: seed % 2 === 0, conversations: 12 });
  const random = new Random(seed + 1_000_000);
  const trains = one.packets.map((packet, number) => train(random, packet, number + 1));
  const window = random.pick([1, 2, 5]);
  const packets: CasePacket[] = [];
  for (;;) {
    const running = trains.filter((pieces) => pieces.length > 0).slice(0, window);
    if (running.length === 0) break;
    packets.push(random.pick(running).shift()!);
  }
  return { ...one, id: `fragments/${seed}`, packets };
}

function train(random: Random, packet: CasePacket, id: number): CasePacket[] {
  const whole = unhex(packet.hex);
  if (packet.dir === 'out' || !random.chance(0.6)) return [packet];
  const pieces = cut(random, whole, id);
  if (pieces === undefined) return [packet];
  disturb(random, pieces);
  if (random.chance(0.5)) for (let i = pieces.length; i > 1; i--) swap(pieces, i - 1, random.below(i));
  return pieces.map((piece) => ({ ...packet, hex: hex(piece) }));
}

/** The packet in two to four pieces, or for IPv6 perhaps in one; undefined when it is a fragment, or too odd to cut. */
function cut(random: Random, whole: Bytes, id: number): Bytes[] | undefined {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  const isIpv4 = whole[0]! >>> 4 === 4;
  const header = isIpv4 ? (whole[0]! & 15) * 4 : 40;
  const length = isIpv4 ? view.getUint16(2) : 40 + view.getUint16(4);
  if (header < 20 || length !== whole.length || length <= header) return undefined;
  if (isIpv4 ? (view.getUint16(6) & 0x3fff) !== 0 : whole[6] === 0 || whole[6] === 44) return undefined;
  const slots = Math.ceil((length - header) / 8);
  const cuts = new Set<number>();
  for (let n = random.pick(isIpv4 ? [1, 1, 2, 3] : [0, 1, 1, 2, 3]); n > 0; n--) {
    if (slots > 1) cuts.add(8 * (1 + random.below(slots - 1)));
  }
  if (cuts.size === 0 && isIpv4) return undefined;
  const edges = [...cuts].sort((a, b) => a - b);
  if (!isIpv4) return fragment6(whole, id, edges);
  const named = whole.slice();
  named[4] = id >>> 8;
  named[5] = id & 255;
  return fragment4(named, ...edges);
}

function swap(items: Bytes[], i: number, j: number): void {
  [items[i], items[j]] = [items[j]!, items[i]!];
}

/** What may befall fragments on their way. */
function disturb(random: Random, pieces: Bytes[]): void {
  for (let times = random.pick([0, 0, 0, 1, 2]); times > 0 && pieces.length > 0; times--) {
    const at = random.below(pieces.length);
    const piece = pieces[at]!;
    switch (random.below(9)) {
      case 0:
        pieces.push(piece.slice());
        break;
      case 1:
        pieces.splice(at, 1);
        break;
      case 2: // longer than it should be, into the next
        pieces[at] = lengthened(piece, 8 * (1 + random.below(2)));
        break;
      case 3:
        pieces[at] = lengthened(piece, -(1 + random.below(9)));
        break;
      case 4:
        pieces.push(lengthened(piece, -8));
        break;
      case 5: // another place
        pieces[at] = fragmentField(piece, (field) => (field + (isIpv4(piece) ? 1 : 8)) & 0xffff);
        break;
      case 6: // more to follow, or not
        pieces[at] = fragmentField(piece, (field) => field ^ (isIpv4(piece) ? 0x2000 : 1));
        break;
      case 7: // the congestion bits
        pieces[at] = changed(
          piece,
          isIpv4(piece) ? [[1, piece[1]! ^ random.below(4)]] : [[1, piece[1]! ^ (random.below(4) << 4)]],
        );
        break;
      default: // the time to live
        pieces[at] = changed(piece, [[isIpv4(piece) ? 8 : 7, random.pick([1, 2, 64, 200])]]);
    }
  }
}

const isIpv4 = (packet: Bytes): boolean => packet[0]! >>> 4 === 4;

/** With these bytes; an IPv4 header is summed anew. */
function changed(packet: Bytes, bytes: readonly (readonly [number, number])[]): Bytes {
  const copy = packet.slice();
  for (const [at, value] of bytes) copy[at] = value;
  if (!isIpv4(copy)) return copy;
  copy[10] = 0;
  copy[11] = 0;
  const sum = internetChecksum(copy.subarray(0, (copy[0]! & 15) * 4));
  copy[10] = sum >>> 8;
  copy[11] = sum & 255;
  return copy;
}

function lengthened(packet: Bytes, by: number): Bytes {
  const least = isIpv4(packet) ? (packet[0]! & 15) * 4 : 48;
  const length = Math.max(least, packet.length + by);
  const bytes = concat(packet.subarray(0, length), new Uint8Array(Math.max(0, length - packet.length)));
  const told = isIpv4(packet) ? length : length - 40;
  const at = isIpv4(packet) ? 2 : 4;
  return changed(bytes, [
    [at, told >>> 8],
    [at + 1, told & 255],
  ]);
}

function fragmentField(packet: Bytes, change: (field: number) => number): Bytes {
  const at = isIpv4(packet) ? 6 : 42;
  const field = change((packet[at]! << 8) | packet[at + 1]!);
  return changed(packet, [
    [at, field >>> 8],
    [at + 1, field & 255],
  ]);
}
