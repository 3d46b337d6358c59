/** Random fragments for the kernel to judge: whole trains, and all that can be wrong with one. */

import type { Dice } from '../conntrack/tcp-conversations.ts';
import { type Bytes, fragmentHeader, hopByHop, ipv4, ipv6, raw } from '../kernel/packets.ts';

interface Piece {
  offset: number;
  data: Bytes;
  more: boolean;
  tos: number;
  df: boolean;
}

/** Fragments of `packets` packets of a family, mixed. All go from 10.1.0.9 or 2001:db8:1::9 and a neighbour. */
export function fragmentTrain(dice: Dice, family: 4 | 6, packets: number): Bytes[] {
  const trains = Array.from({ length: packets }, (_, i) => train(dice, family, i));
  const mixed: Bytes[] = [];
  const window = dice.pick([1, 2, 6, packets]);
  for (;;) {
    const running = trains.filter((one) => one.length > 0).slice(0, window);
    if (running.length === 0) return mixed;
    mixed.push(dice.pick(running).shift()!);
  }
}

function train(dice: Dice, family: 4 | 6, number: number): Bytes[] {
  const total = dice.pick([1, 8, 24, 100, 256, 1000, 3000]);
  // The bytes name their packet and place, so that a mix-up shows.
  const content = Uint8Array.from({ length: total }, (_, i) => (number * 37 + i + (i >> 8)) & 255);
  const tos = dice.pick([0, 1, 2, 3, 0x20]);
  const df = dice.chance(20);
  const pieces: Piece[] = [];
  for (let at = 0; at < total; ) {
    const size = Math.min(total - at, 8 * (1 + dice.below(Math.max(1, total >> 5))));
    pieces.push({ offset: at, data: content.subarray(at, at + size), more: at + size < total, tos, df });
    at += size;
  }
  if (pieces.length === 1 && dice.chance(70)) return [build(dice, family, number, pieces[0]!)];
  disturb(dice, pieces, content);
  const order = dice.below(4);
  if (order === 0) pieces.reverse();
  if (order === 1) pieces.sort(() => dice.below(3) - 1);
  return pieces.map((piece) => build(dice, family, number, piece));
}

function disturb(dice: Dice, pieces: Piece[], content: Bytes): void {
  for (let times = dice.pick([0, 0, 1, 1, 2]); times > 0; times--) {
    const at = dice.below(pieces.length);
    const piece = pieces[at]!;
    switch (dice.below(13)) {
      case 0: // again
        pieces.push({ ...piece });
        break;
      case 1: // lost
        if (pieces.length > 1) pieces.splice(at, 1);
        break;
      case 2: // overlapping the next
        pieces.push({ ...piece, data: content.subarray(piece.offset, piece.offset + piece.data.length + 8) });
        break;
      case 3: // a part of it again
        if (piece.data.length >= 16) pieces.push({ ...piece, data: piece.data.subarray(0, 8), more: true });
        break;
      case 4: // says that more follow, and none does
        piece.more = true;
        break;
      case 5: // says that it is the last
        piece.more = false;
        break;
      case 6: // not a multiple of eight
        piece.data = piece.data.subarray(0, Math.max(1, piece.data.length - 3));
        break;
      case 7: // nothing in it
        pieces.splice(at, 0, { ...piece, data: new Uint8Array() });
        break;
      case 8: // too far
        pieces.push({
          ...piece,
          offset: 65528,
          data: content.subarray(0, dice.pick([7, 8, 20])),
          more: dice.chance(50),
        });
        break;
      case 9: // another ECN
        piece.tos = (piece.tos & ~3) | dice.below(4);
        break;
      case 10: // other flags
        piece.df = !piece.df;
        break;
      case 11: // two at once
        pieces.push({ ...piece, data: content.subarray(piece.offset, piece.offset + 2 * piece.data.length) });
        break;
      default: // behind the end
        pieces.push({ ...piece, offset: (content.length + 15) & ~7, more: dice.chance(50) });
    }
  }
}

function build(dice: Dice, family: 4 | 6, number: number, piece: Piece): Bytes {
  const source = number % 3 === 0 ? 9 : 10;
  const id = 100 + (number % 7 === 6 ? number - 1 : number);
  if (family === 4) {
    return ipv4(
      {
        saddr: `10.1.0.${source}`,
        daddr: '10.2.0.9',
        id,
        tos: piece.tos,
        df: piece.df,
        mf: piece.more,
        fragmentOffset: piece.offset,
        ...(number % 5 === 4 ? { options: Uint8Array.of(1, 1, 1, 0) } : {}),
      },
      // A protocol without ports: whatever the bytes are, it is sound.
      raw(number % 11 === 10 ? 200 : 201, piece.data),
    );
  }
  const fragment = fragmentHeader(raw(201, piece.data), { id, offset: piece.offset, more: piece.more });
  const layer = number % 5 === 4 ? hopByHop(fragment) : fragment;
  void dice;
  return ipv6({ saddr: `2001:db8:1::${source}`, daddr: '2001:db8:2::9', trafficClass: piece.tos }, layer);
}
