/** Random traffic of every protocol but TCP for the kernel to judge: sound, broken, and errors about all of it. */

import {
  type Bytes,
  be16,
  be32,
  concat,
  crc32c,
  filler,
  icmp,
  icmpv6,
  ip,
  ipv4,
  ipv6,
  type Layer,
  raw,
  tcp,
  udp,
  udplite,
} from '../kernel/packets.ts';
import type { Dice, Segment } from './tcp-conversations.ts';

const INSIDE = ['10.1.0.9', '10.1.0.10'];
const OUTSIDE = ['10.2.0.9', '10.2.0.10'];
const INSIDE6 = ['2001:db8:1::9', '2001:db8:1::a'];
const OUTSIDE6 = ['2001:db8:2::9', '2001:db8:2::a'];
const PORTS = [1000, 1001, 53];

interface Sent {
  readonly saddr: string;
  readonly daddr: string;
  readonly bytes: Bytes;
}

export function protocolMix(dice: Dice, count: number): Segment[] {
  const sent: Sent[] = [];
  const segments: Segment[] = [];
  while (segments.length < count) {
    const isIpv6 = dice.chance(35);
    const fromClient = dice.chance(55);
    const near = dice.pick(isIpv6 ? INSIDE6 : INSIDE);
    const far = dice.pick(isIpv6 ? OUTSIDE6 : OUTSIDE);
    const [saddr, daddr] = fromClient ? [near, far] : [far, near];
    const layer = dice.chance(25)
      ? aboutAnother(dice, sent, { saddr, daddr }, isIpv6)
      : anyLayer(dice, isIpv6, fromClient);
    const outer = layer.outer ?? { saddr, daddr };
    const bytes = isIpv6
      ? ipv6({ ...outer, ...(dice.chance(5) ? { hopLimit: 255 } : {}) }, layer)
      : ipv4({ ...outer, id: 1 + dice.below(65535) }, layer);
    sent.push({ ...outer, bytes });
    segments.push({
      fromClient: outer.saddr.startsWith('10.1') || outer.saddr.startsWith('2001:db8:1'),
      bytes,
    });
  }
  return segments;
}

type Placed = Layer & { outer?: { saddr: string; daddr: string } };

function anyLayer(dice: Dice, isIpv6: boolean, fromClient: boolean): Placed {
  const [sport, dport] = fromClient ? [dice.pick(PORTS), 53] : [53, dice.pick(PORTS)];
  const what = dice.below(100);
  const bad = dice.chance(6) ? ('bad' as const) : undefined;
  if (what < 25) {
    const odd = dice.below(100);
    const payload = filler(dice.below(3) * 7);
    if (odd < 5) return udp({ sport, dport, payload, length: dice.pick([0, 7, 9, 200]) });
    if (odd < 10) return udp({ sport, dport, payload, checksum: 0 });
    if (odd < 13) return raw(17, concat(be16(sport), be16(dport), be16(8)).slice(0, dice.pick([0, 3, 4, 6])));
    return udp({ sport, dport, payload, checksum: bad });
  }
  if (what < 35) {
    const payload = filler(10);
    const odd = dice.below(100);
    if (odd < 10) return udplite({ sport, dport, payload, coverage: dice.pick([8, 12, 18]), checksum: bad });
    if (odd < 15) {
      return raw(
        136,
        concat(be16(sport), be16(dport), be16(dice.pick([1, 7, 19, 300])), be16(0x1234), payload),
      );
    }
    if (odd < 20) return udplite({ sport, dport, payload, checksum: 0 });
    return udplite({ sport, dport, payload, checksum: bad });
  }
  if (what < 60) return icmpQuery(dice, isIpv6, bad);
  if (what < 68) {
    const version = dice.pick([0, 1, 1, 2]);
    const protocol = dice.pick([0x880b, 0x880b, 0x0800]);
    const key = dice.pick([1, 2]);
    return raw(
      47,
      concat(be16(0x2000 | version), be16(protocol), be16(4), be16(key), filler(4)).slice(
        0,
        dice.pick([16, 16, 16, 3, 6]),
      ),
    );
  }
  if (what < 75) return raw(dice.pick([50, 89, 33, 4, 103]), filler(dice.pick([0, 8, 20])));
  return sctp(dice, sport, dport);
}

const QUERY_TYPES = [8, 8, 8, 0, 0, 13, 14, 15, 16, 17, 18, 9, 10, 19, 40, 1, 2, 7];
const QUERY_TYPES6 = [
  128, 128, 128, 129, 129, 139, 140, 130, 131, 132, 133, 134, 135, 136, 138, 141, 142, 143, 151, 152, 153,
  200, 255,
];

function icmpQuery(dice: Dice, isIpv6: boolean, checksum: 'bad' | undefined): Layer {
  const id = dice.pick([1, 2]);
  const code = dice.chance(10) ? 1 : 0;
  const cut = dice.chance(5) ? { cut: dice.pick([4, 7, 8]) } : {};
  if (isIpv6 && dice.chance(95))
    return icmpv6({ type: dice.pick(QUERY_TYPES6), code, id, checksum, payload: filler(24), ...cut });
  return icmp({ type: dice.pick(QUERY_TYPES), code, id, checksum, ...cut });
}

const ERROR_TYPES = [3, 3, 3, 4, 5, 11, 11, 12];
const ERROR_TYPES6 = [1, 1, 2, 3, 4, 5, 100, 127];

/** An ICMP error that quotes a packet sent before, or something like it. */
function aboutAnother(
  dice: Dice,
  sent: readonly Sent[],
  fallback: { saddr: string; daddr: string },
  isIpv6: boolean,
): Placed {
  const candidates = sent.filter(({ saddr }) => saddr.includes(':') === isIpv6);
  if (candidates.length === 0) return anyLayer(dice, isIpv6, true);
  const about = candidates[dice.below(candidates.length)]!;
  let quoted = about.bytes;
  const header = isIpv6 ? 40 : 20;
  if (dice.chance(10)) quoted = quoted.slice(0, header + dice.below(12));
  else if (dice.chance(60)) quoted = quoted.slice(0, header + 8);
  if (dice.chance(5)) quoted = quoted.slice(0, dice.below(header));
  if (dice.chance(4) && !isIpv6) {
    quoted = quoted.slice();
    quoted[7] = 9; // a later fragment
  }
  // Mostly back to the sender, from its end or from a router; now and then to a stranger.
  const daddr = dice.chance(88) ? about.saddr : fallback.daddr;
  const isNear = (address: string) => address.startsWith('10.1') || address.startsWith('2001:db8:1');
  let saddr = dice.chance(60) ? about.daddr : about.daddr.replace(/.$/, '7');
  if (isNear(saddr) === isNear(daddr))
    saddr = isNear(daddr) ? dice.pick(isIpv6 ? OUTSIDE6 : OUTSIDE) : dice.pick(isIpv6 ? INSIDE6 : INSIDE);
  const checksum = dice.chance(4) ? ('bad' as const) : undefined;
  const rest = be32(dice.below(3) * 1400);
  if (!isIpv6)
    return {
      ...icmp({ type: dice.pick(ERROR_TYPES), code: dice.below(4), rest, payload: quoted, checksum }),
      outer: { saddr, daddr },
    };
  if (dice.chance(15)) {
    // A redirect: target and destination address, then the option with the redirected header.
    const option = dice.pick([4, 4, 4, 2]);
    const length = dice.pick([1 + Math.ceil(quoted.length / 8), 0]);
    const payload = concat(filler(32), Uint8Array.of(option, length), filler(6), quoted).slice(
      0,
      dice.chance(90) ? undefined : dice.below(45),
    );
    const source = dice.chance(60) ? 'fe80::9' : saddr;
    return {
      ...icmpv6({ type: 137, code: dice.chance(10) ? 1 : 0, rest: be32(0), payload, checksum }),
      outer: { saddr: source, daddr },
    };
  }
  return {
    ...icmpv6({ type: dice.pick(ERROR_TYPES6), code: 0, rest, payload: quoted, checksum }),
    outer: { saddr, daddr },
  };
}

const TAGS = [0, 0x11111111, 0x22222222, 0x33333333];

function sctp(dice: Dice, sport: number, dport: number): Layer {
  const isFromServer = sport === 53;
  const chunks: Bytes[] = [];
  const count = dice.pick([1, 1, 1, 1, 2, 3]);
  let tag = dice.chance(75) ? TAGS[isFromServer ? 1 : 2]! : dice.pick(TAGS);
  for (let i = 0; i < count; i++) {
    const type = dice.pick([0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11, 11, 14, 14, 12, 130]);
    let body = filler(dice.pick([0, 4, 12]));
    if (type === 1 || type === 2) {
      // The tag that the sender wants to be addressed by.
      body = concat(
        be32(isFromServer ? 0x22222222 : dice.chance(85) ? 0x11111111 : 0x33333333),
        filler(12),
      ).slice(0, dice.chance(95) ? 16 : 8);
      if (type === 1 && dice.chance(90)) tag = 0;
    }
    const flags = type === 6 || type === 14 ? dice.below(2) : 0;
    const length = dice.chance(97) ? 4 + body.length : dice.pick([0, 3, 400]);
    chunks.push(concat(Uint8Array.of(type, flags), be16(length), body));
  }
  const packet = concat(be16(sport), be16(dport), be32(tag), be32(0), ...chunks).slice(
    0,
    dice.chance(97) ? undefined : dice.below(14),
  );
  if (packet.length >= 12) {
    const crc = crc32c(packet) ^ (dice.chance(3) ? 1 : 0);
    // The checksum is stored with its least significant byte first.
    new DataView(packet.buffer).setUint32(8, crc >>> 0, true);
  }
  return raw(132, packet);
}

/** TCP packets among the rest, so that errors quote them, too. */
export function openingSegment(dice: Dice): Sent {
  const saddr = dice.pick(INSIDE);
  const daddr = dice.pick(OUTSIDE);
  return { saddr, daddr, bytes: ip({ saddr, daddr }, tcp({ sport: 1000, dport: 80, flags: 'S' })) };
}
