/**
 * Random TCP conversations for the kernel to judge: two ends that mostly behave, on a line that loses, repeats,
 * reorders and forges. A conversation is made of segments that a real stack, a broken one or an attacker may send.
 */

import { type Bytes, concat, filler, ipv4, ipv6, tcp, tcpOption } from '../kernel/packets.ts';

/** A small generator of random numbers, seeded: mulberry32. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  word(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(n: number): number {
    return this.word() % n;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

export interface Segment {
  /** From the side that spoke first. */
  readonly fromClient: boolean;
  readonly bytes: Bytes;
}

interface End {
  next: number;
  received: number;
  window: number;
  scale: number;
  hasScale: boolean;
  hasSack: boolean;
  finSent: boolean;
}

const SEQUENCE_SLIPS = [
  1, -1, 2, 100, -100, 1460, -1460, 5000, -5000, 65535, -65535, 66001, -66002, 200000, -200000, 0x7fffffff,
];

export interface Addresses {
  readonly client: string;
  readonly server: string;
  readonly clientPort: number;
  readonly serverPort: number;
}

/** One conversation of up to `length` segments. */
export function converse(dice: Dice, addresses: Addresses, length: number): Segment[] {
  const segments: Segment[] = [];
  const ends = [newEnd(dice), newEnd(dice)] as const;
  ends[0].received = ends[1].next;
  ends[1].received = ends[0].next;
  const send = (
    from: 0 | 1,
    flags: string,
    options: {
      seq?: number;
      ack?: number;
      payload?: number;
      syn?: boolean;
      window?: number;
      extra?: Bytes;
    } = {},
  ) => {
    const end = ends[from];
    const payload = filler(options.payload ?? 0);
    const isSyn = flags.includes('S');
    const parts: Bytes[] = [];
    if (isSyn) {
      if (dice.chance(80)) parts.push(tcpOption.mss(1460));
      if (end.hasScale) parts.push(tcpOption.windowScale(end.scale));
      if (end.hasSack) parts.push(tcpOption.sackPermitted());
    }
    if (dice.chance(25))
      parts.push(tcpOption.nop(), tcpOption.nop(), tcpOption.timestamps(dice.word(), dice.word()));
    if (options.extra !== undefined) parts.push(options.extra);
    let optionBytes = concat(...parts);
    if (optionBytes.length > 40) optionBytes = optionBytes.slice(0, 40);
    const layer = tcp({
      sport: from === 0 ? addresses.clientPort : addresses.serverPort,
      dport: from === 0 ? addresses.serverPort : addresses.clientPort,
      flags,
      seq: (options.seq ?? end.next) >>> 0,
      ack: flags.includes('A') || dice.chance(20) ? (options.ack ?? end.received) >>> 0 : 0,
      window: options.window ?? end.window,
      options: optionBytes,
      payload,
      checksum: dice.chance(1) ? 'bad' : undefined,
    });
    const [saddr, daddr] =
      from === 0 ? [addresses.client, addresses.server] : [addresses.server, addresses.client];
    const bytes = saddr.includes(':')
      ? ipv6({ saddr, daddr }, layer)
      : ipv4({ saddr, daddr, id: 1 + dice.below(65535) }, layer);
    // Some are lost before they reach us.
    if (!dice.chance(4)) segments.push({ fromClient: from === 0, bytes });
    return payload.length + (isSyn ? 1 : 0) + (flags.includes('F') ? 1 : 0);
  };

  const opening = dice.below(100);
  if (opening < 70) {
    ends[0].next += send(0, dice.pick(['S', 'S', 'S', 'SEC', 'SU']));
    if (dice.chance(10)) send(0, 'S', { seq: ends[0].next - 1 });
    ends[1].received = ends[0].next;
    if (dice.chance(90)) {
      ends[1].next += send(1, dice.pick(['SA', 'SA', 'SA', 'SAE']));
      ends[0].received = ends[1].next;
      if (dice.chance(85)) send(0, 'A');
    }
  } else if (opening < 80) {
    // Simultaneous open.
    ends[0].next += send(0, 'S');
    ends[1].next += send(1, 'S');
    ends[0].received = ends[1].next;
    ends[1].received = ends[0].next;
    send(0, dice.pick(['SA', 'A']), { seq: ends[0].next - 1 });
    send(1, dice.pick(['SA', 'A']), { seq: ends[1].next - 1 });
  } else if (opening < 90) {
    // In the middle.
    ends[0].next += send(0, dice.pick(['A', 'PA', 'FA', 'R', 'SA']), { payload: dice.below(3) * 100 });
    ends[1].received = ends[0].next;
  }

  while (segments.length < length) {
    const from = dice.below(2) as 0 | 1;
    const end = ends[from];
    const other = ends[1 - from]!;
    const action = dice.below(100);
    if (action < 30) {
      const sent = send(from, dice.pick(['PA', 'A']), { payload: dice.pick([0, 1, 10, 100, 536, 1000]) });
      end.next += sent;
      if (dice.chance(85)) other.received = end.next;
    } else if (action < 45) {
      end.received = dice.chance(80) ? other.next : end.received;
      send(from, 'A');
    } else if (action < 50 && segments.length > 0) {
      // Sent again, or late.
      const old = segments[dice.chance(60) ? segments.length - 1 : dice.below(segments.length)]!;
      for (let i = dice.pick([1, 1, 2, 4]); i > 0; i--) segments.push(old);
    } else if (action < 58) {
      end.next += send(from, dice.pick(['FA', 'FA', 'FPA']), { payload: dice.pick([0, 0, 50]) });
      if (dice.chance(80)) other.received = end.next;
    } else if (action < 64) {
      const seq = dice.pick([
        end.next,
        end.next,
        other.received,
        other.received + 1,
        end.next + 500,
        0,
        end.next - 1,
        end.next + dice.pick(SEQUENCE_SLIPS),
      ]);
      send(from, dice.pick(['R', 'RA']), {
        seq,
        ack: dice.pick([end.received, 0, end.received + 1]),
        window: dice.pick([0, end.window]),
      });
    } else if (action < 70) {
      send(from, dice.pick(['A', 'PA', 'FA']), {
        seq: end.next + dice.pick(SEQUENCE_SLIPS),
        payload: dice.pick([0, 100]),
      });
    } else if (action < 76) {
      send(from, dice.pick(['A', 'PA', 'FA', 'SA']), {
        ack: end.received + dice.pick(SEQUENCE_SLIPS),
        payload: dice.pick([0, 100]),
      });
    } else if (action < 83) {
      // A new SYN in the middle: the port used again, or a stray one.
      const fresh = dice.pick([end.next, end.next + 100000, dice.word(), end.next - 70000]);
      const flags = dice.pick(['S', 'S', 'SA']);
      send(from, flags, { seq: fresh });
      if (dice.chance(50)) {
        end.next = (fresh + 1) >>> 0;
        if (dice.chance(70)) {
          other.received = end.next;
          if (dice.chance(60)) other.next = dice.chance(50) ? dice.word() : other.next;
          const ack = end.next;
          other.next += send((1 - from) as 0 | 1, dice.pick(['SA', 'SA', 'A', 'RA', 'R']), { ack });
          end.received = other.next;
        }
      }
    } else if (action < 88) {
      end.window = dice.pick([0, 1, 100, 1000, 8192, 65535]);
      send(from, 'A', { window: end.window });
    } else if (action < 93) {
      const left = end.received + dice.pick([0, 1000, -3000]);
      const right = left + dice.pick([1, 1460, 3000]);
      const blocks = dice.chance(50)
        ? [left, right]
        : [left, right, right + 500, right + dice.pick([900, 70000])];
      send(from, 'A', { extra: tcpOption.sack(...blocks.map((edge) => edge >>> 0)) });
    } else if (action < 96) {
      send(from, dice.pick(['', 'P', 'F', 'SF', 'SR', 'SFRPAU', 'U', 'FU', 'AU', 'SAU', 'RP', 'SAF']));
    } else if (action < 98) {
      // Options that make no sense, and keep-alives.
      send(from, 'A', {
        seq: end.next - 1,
        extra: dice.pick([
          Uint8Array.of(3),
          Uint8Array.of(5, 1),
          Uint8Array.of(5, 40),
          Uint8Array.of(254, 4, 1, 2),
          new Uint8Array(),
        ]),
      });
    } else {
      end.window = dice.pick([100, 5000, 65535]);
    }
  }
  return segments;
}

function newEnd(dice: Dice): End {
  return {
    next: dice.chance(20) ? 0xffffff00 + dice.below(512) : dice.word(),
    received: 0,
    window: dice.pick([100, 1000, 8192, 29200, 65535]),
    scale: dice.pick([0, 2, 7, 14, 20]),
    hasScale: dice.chance(70),
    hasSack: dice.chance(60),
    finSent: false,
  };
}
