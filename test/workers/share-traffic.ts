/**
 * Long random captures for replays in shares: a few hosts speak TCP, UDP and more from ports that they use again, for
 * minutes and hours; others send errors, redirects and resets about what they said, and this host refuses it. Much of it
 * makes no sense, so that it meets what a connection has left behind.
 */
import { converse, type Dice } from '../conntrack/tcp-conversations.ts';
import {
  address6,
  type Bytes,
  concat,
  dccp,
  destinationOptions,
  filler,
  fragment4,
  fragment6,
  gre,
  hopByHop,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  ipv4,
  type Layer,
  raw,
  SCTP,
  sctp,
  sctpInit,
  tcp,
  udp,
  udplite,
} from '../kernel/packets.ts';

export type Family = 4 | 6;

/** Both networks of ShareBench.router(). */
const OUTSIDE = 1;
const INSIDE = 2;

export interface Sent {
  readonly timeSeconds: number;
  /** `eth0:in`, `lo` …: as CAPTURE arguments have it. */
  readonly source: string;
  readonly bytes: Bytes;
  readonly origLen?: number;
}

/** How a capture is made up: drawn once for each. */
interface Manner {
  readonly families: readonly Family[];
  /** Usual pause between packets, seconds. */
  readonly pauseSeconds: number;
  /** Chances in a thousand, a packet. */
  readonly leaps: number;
  readonly backwards: number;
  readonly fragments: number;
  readonly cut: number;
  readonly own: number;
  readonly strange: number;
  /** Ports that clients use; undefined: each has some of its own, so that translation need not draw others. */
  readonly sports: readonly number[] | undefined;
}

interface Flow {
  readonly family: Family;
  readonly client: string;
  readonly server: string;
  readonly sport: number;
  readonly dport: number;
  readonly kind: Kind;
  readonly protocol: Protocol;
  /** Of TCP: what is still to come. */
  readonly segments: { readonly fromClient: boolean; readonly bytes: Bytes }[];
  last: Bytes | undefined;
}

/** From where to where. */
type Kind = 'out' | 'in' | 'self' | 'own' | 'loopback';
type Protocol = 'tcp' | 'udp' | 'icmp' | 'sctp' | 'udplite' | 'dccp' | 'gre' | 'other';

const DPORTS = [22, 53, 80, 443, 8080, 5060];
const FLOWS = 60;

export function host(family: Family, net: number, n: number): string {
  return family === 4 ? `10.${net}.0.${n}` : `2001:db8:${net}::${n.toString(16)}`;
}

const self = (family: Family, net: number): string =>
  family === 4 ? `10.${net}.0.254` : `2001:db8:${net}::1`;

export class ShareTraffic {
  readonly #dice: Dice;
  readonly #manner: Manner;
  readonly #sent: Sent[] = [];
  #flows: Flow[] = [];
  #now = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
    const isTidy = dice.chance(40);
    const rarely = (per: number) => (dice.chance(25) ? per : 0);
    this.#manner = {
      families: dice.pick<readonly Family[]>([[4], [4], [6], [4, 6]]),
      pauseSeconds: dice.pick([0.00005, 0.01, 0.2, 2]),
      leaps: dice.pick([0, 0, 3, 20]),
      backwards: rarely(5),
      fragments: isTidy ? 0 : rarely(20),
      cut: rarely(20),
      own: dice.pick([0, 100, 300]),
      strange: dice.pick([0, 5, 30]),
      sports: isTidy
        ? undefined
        : dice.pick<readonly number[]>([
            Array.from({ length: 20 }, (_, i) => 20000 + i),
            Array.from({ length: 400 }, (_, i) => 40000 + i),
            [53, 500, 1000, 5000, 8000, 8080, 9000, 30000, 30001],
          ]),
    };
  }

  get families(): readonly Family[] {
    return this.#manner.families;
  }

  make(count: number): readonly Sent[] {
    while (this.#sent.length < count) this.#step();
    return this.#sent;
  }

  #permille(chances: number): boolean {
    return this.#dice.below(1000) < chances;
  }

  #step(): void {
    const dice = this.#dice;
    const manner = this.#manner;
    this.#now += (manner.pauseSeconds * dice.below(1000)) / 500;
    if (this.#permille(manner.leaps)) this.#now += dice.pick([1.1, 35, 125, 700, 4000]);
    if (this.#permille(manner.backwards)) this.#now -= Math.min(this.#now, dice.pick([0.3, 0.9, 5, 300]));
    if (this.#flows.length < 10 || dice.chance(8)) this.#begin();
    const flow = dice.pick(this.#flows);
    if (flow.last !== undefined && this.#permille(manner.strange)) this.#strange(flow);
    else if (flow.last !== undefined && dice.chance(6)) this.#error(flow, flow.last);
    else this.#next(flow);
  }

  #begin(): void {
    const dice = this.#dice;
    const family = dice.pick(this.#manner.families);
    const own = this.#permille(this.#manner.own);
    const kind = own
      ? dice.pick<Kind>(['own', 'loopback'])
      : dice.pick<Kind>(['out', 'out', 'out', 'in', 'self']);
    const inside = host(family, INSIDE, 10 + dice.below(12));
    const outside = host(family, OUTSIDE, 10 + dice.below(6));
    const loopback = family === 4 ? '127.0.0.1' : '::1';
    const [client, server] = {
      out: [inside, outside],
      in: [outside, inside],
      self: [dice.pick([inside, outside]), self(family, dice.pick([INSIDE, OUTSIDE]))],
      own: [self(family, OUTSIDE), outside],
      loopback: [loopback, loopback],
    }[kind];
    const { sports } = this.#manner;
    const sport = sports === undefined ? ownPort(client!, dice.below(30)) : dice.pick(sports);
    const dport = dice.pick(DPORTS);
    const protocol = dice.pick<Protocol>([
      ...([
        'tcp',
        'tcp',
        'tcp',
        'udp',
        'udp',
        'udp',
        'icmp',
        'sctp',
        'udplite',
        'dccp',
        'gre',
        'other',
      ] as const),
    ]);
    const ends = { client: client!, server: server!, clientPort: sport, serverPort: dport };
    const segments = protocol === 'tcp' ? converse(dice, ends, 3 + dice.below(25)) : [];
    const flow = {
      family,
      client: client!,
      server: server!,
      sport,
      dport,
      kind,
      protocol,
      segments,
      last: undefined,
    };
    if (this.#flows.length < FLOWS) this.#flows.push(flow);
    else this.#flows[dice.below(FLOWS)] = flow;
  }

  #next(flow: Flow): void {
    const dice = this.#dice;
    let fromClient = flow.last === undefined || dice.chance(55);
    let bytes: Bytes;
    if (flow.protocol === 'tcp') {
      const segment = flow.segments.shift();
      if (segment === undefined) {
        this.#flows = this.#flows.filter((one) => one !== flow);
        return;
      }
      ({ fromClient, bytes } = segment);
    } else bytes = this.#packet(flow, fromClient, this.#layer(flow, fromClient));
    // Answers to what was translated are for this host's address, or come from a server behind it.
    const [a, b] = [flow.family, flow.kind];
    if (!fromClient && dice.chance(30) && flow.protocol !== 'tcp' && (b === 'out' || b === 'in')) {
      const translated =
        b === 'out' ? { ...flow, client: self(a, OUTSIDE) } : { ...flow, server: host(a, INSIDE, 80) };
      bytes = this.#packet(translated, false, this.#layer(flow, false));
    }
    flow.last = bytes;
    this.#send(flow, fromClient, bytes);
    if (dice.chance(2)) this.#send(flow, fromClient, bytes);
  }

  #packet({ client, server }: Pick<Flow, 'client' | 'server'>, fromClient: boolean, layer: Layer): Bytes {
    const [saddr, daddr] = fromClient ? [client, server] : [server, client];
    const ttl = this.#dice.pick([64, 64, 64, 1, 2, 255]);
    const tos = this.#dice.pick([0, 0, 0x10, 0xb8]);
    if (saddr.includes(':')) {
      const wrapped = this.#permille(this.#manner.strange)
        ? this.#dice.pick([destinationOptions, hopByHop])(layer)
        : layer;
      return ip({ saddr, daddr, ttl, tos }, wrapped);
    }
    const options = this.#permille(this.#manner.strange) ? { options: Uint8Array.of(1, 1, 1, 0) } : {};
    return ipv4({ saddr, daddr, ttl, tos, id: 1 + this.#dice.below(60000), ...options }, layer);
  }

  #layer(flow: Flow, fromClient: boolean): Layer {
    const dice = this.#dice;
    const { family, sport, dport } = flow;
    const ports = fromClient ? { sport, dport } : { sport: dport, dport: sport };
    const payload = filler(dice.pick([0, 3, 40, 40, 400]));
    switch (flow.protocol) {
      case 'udp':
        return udp({ ...ports, payload, ...(dice.chance(2) ? { checksum: 'bad' as const } : {}) });
      case 'icmp': {
        const [query, reply] =
          family === 4 ? dice.pick([[8, 0] as const, [8, 0] as const, [13, 14] as const]) : [128, 129];
        return (family === 4 ? icmp : icmpv6)({
          type: fromClient ? query : reply,
          id: sport,
          seq: 1,
          payload,
        });
      }
      case 'sctp': {
        const type = dice.pick([
          SCTP.INIT,
          SCTP.INIT_ACK,
          SCTP.COOKIE_ECHO,
          SCTP.COOKIE_ACK,
          SCTP.DATA,
          SCTP.ABORT,
        ]);
        const isInit = type === SCTP.INIT || type === SCTP.INIT_ACK;
        const vtag = type === SCTP.INIT ? 0 : fromClient ? 22 : 11;
        return sctp({
          ...ports,
          vtag,
          chunks: [{ type, value: isInit ? sctpInit(fromClient ? 11 : 22) : filler(8) }],
        });
      }
      case 'udplite':
        return udplite({ ...ports, payload });
      case 'dccp':
        return dccp({ ...ports, type: fromClient ? 'REQUEST' : 'RESPONSE', payload });
      case 'gre':
        return gre({ payload });
      default:
        return raw(200, payload);
    }
  }

  /** Somebody reports that `about`, a packet of the flow, did not come through; now and then this host. */
  #error(flow: Flow, about: Bytes): void {
    const dice = this.#dice;
    const { family } = flow;
    const sender = addressOf(about, 'saddr');
    const isOurs = dice.chance(50);
    const saddr = isOurs
      ? self(family, dice.pick([INSIDE, OUTSIDE]))
      : dice.pick([addressOf(about, 'daddr'), host(family, OUTSIDE, 99)]);
    const keep = dice.pick([0, 3, 8, 8, 20, 100]);
    const bad = dice.chance(3) ? { checksum: 'bad' as const } : {};
    let layer: Layer;
    if (family === 4)
      layer = icmpError(
        { type: dice.pick([3, 3, 4, 5, 11, 12]), code: dice.pick([0, 1, 3, 13]), ...bad },
        about,
        keep,
      );
    else if (dice.chance(80))
      layer = icmpv6Error(
        { type: dice.pick([1, 1, 2, 3, 4, 100]), code: dice.pick([0, 1, 4]), ...bad },
        about,
        keep,
      );
    else {
      const option = concat(
        Uint8Array.of(dice.pick([4, 4, 2]), 9, 0, 0, 0, 0, 0, 0),
        about.slice(0, 40 + keep),
      );
      layer = icmpv6({ type: 137, code: 0, payload: concat(address6('fe80::9'), address6(saddr), option) });
      const bytes = ip({ saddr: 'fe80::99', daddr: sender, ttl: 255 }, layer);
      this.#put(`eth${dice.below(2)}:in`, bytes);
      return;
    }
    // A reset in place of the error.
    if (isOurs && flow.protocol === 'tcp' && dice.chance(60)) {
      const [sport, dport] = sender === flow.client ? [flow.dport, flow.sport] : [flow.sport, flow.dport];
      const reset = tcp({ sport, dport, flags: 'RA', seq: 0, ack: 1 });
      this.#put(sourceTo(sender), ip({ saddr: addressOf(about, 'daddr'), daddr: sender }, reset));
      return;
    }
    const bytes = ip({ saddr, daddr: sender, ttl: 64 }, layer);
    this.#put(isOurs ? sourceTo(sender) : `eth${dice.below(2)}:in`, bytes);
  }

  /** What fits nowhere: an error about an error, bytes that are no packet, a cut one, a message to a group. */
  #strange(flow: Flow): void {
    const dice = this.#dice;
    const about = flow.last!;
    switch (dice.below(5)) {
      case 0: {
        const error = ip(
          { saddr: host(flow.family, OUTSIDE, 99), daddr: addressOf(about, 'saddr') },
          flow.family === 4 ? icmpError({ type: 3, code: 1 }, about, 8) : icmpv6Error({ type: 1 }, about, 8),
        );
        this.#error(flow, error);
        return;
      }
      case 1:
        this.#put(
          'eth0:in',
          Uint8Array.from({ length: dice.below(70) }, () => dice.below(256)),
        );
        return;
      case 2: {
        const twisted = about.slice();
        twisted[dice.below(Math.min(48, twisted.length))] = dice.below(256);
        this.#send(flow, dice.chance(50), twisted);
        return;
      }
      case 3: {
        const group =
          flow.family === 4 ? dice.pick(['224.0.0.251', '255.255.255.255', '10.2.255.255']) : 'ff02::fb';
        this.#send(
          flow,
          true,
          this.#packet({ client: flow.client, server: group }, true, udp({ sport: flow.sport, dport: 5353 })),
        );
        return;
      }
      default:
        this.#send(flow, dice.chance(50), about.slice(0, 1 + dice.below(about.length)));
    }
  }

  #send({ kind, client, family }: Flow, fromClient: boolean, bytes: Bytes): void {
    let source: string;
    if (kind === 'loopback') source = 'lo:in';
    else if (kind === 'own') source = fromClient ? 'eth0:out' : 'eth0:in';
    else if (kind === 'out') source = fromClient ? 'eth1:in' : 'eth0:in';
    else if (kind === 'in') source = fromClient ? 'eth0:in' : 'eth1:in';
    else {
      const iface = client.startsWith(family === 4 ? '10.1.' : '2001:db8:1:') ? 'eth0' : 'eth1';
      source = `${iface}:${fromClient ? 'in' : 'out'}`;
    }
    if (kind === 'loopback') source = 'lo:out';
    const pieces = this.#permille(this.#manner.fragments) ? this.#fragments(bytes) : [bytes];
    for (const piece of pieces) this.#put(source, piece);
  }

  #fragments(bytes: Bytes): Bytes[] {
    const dice = this.#dice;
    const isIpv4 = bytes[0]! >>> 4 === 4;
    const l4proto = isIpv4 ? bytes[9] : bytes[6];
    // TCP in fragments is seldom, and not shared.
    if (bytes.length < 90 || (l4proto === 6 && !dice.chance(3))) return [bytes];
    const pieces = isIpv4 ? fragment4(bytes, 16, 24) : fragment6(bytes, dice.word(), [16, 24]);
    const what = dice.below(10);
    if (what === 0) pieces.pop();
    if (what === 1) pieces.reverse();
    if (what === 2) pieces.push(pieces[1]!);
    return pieces;
  }

  #put(source: string, bytes: Bytes): void {
    const timeSeconds = this.#now;
    const cut = this.#permille(this.#manner.cut)
      ? { bytes: bytes.slice(0, 1 + this.#dice.below(bytes.length)), origLen: bytes.length }
      : { bytes };
    if (bytes.length > 0) this.#sent.push({ timeSeconds, source, ...cut });
  }
}

/** One of the ports that no other client uses. */
function ownPort(client: string, n: number): number {
  const last = Number.parseInt(client.split(/[.:]/).at(-1)!, 16);
  const isInside = client.startsWith('10.2.') || client.startsWith('2001:db8:2:');
  return 20000 + 100 * (last % 128) + (isInside ? 50 : 0) + n;
}

/** The file of what this host sends to an address. */
function sourceTo(address: string): string {
  return address.startsWith('10.2.') || address.startsWith('2001:db8:2:') ? 'eth1:out' : 'eth0:out';
}

export function addressOf(bytes: Bytes, which: 'saddr' | 'daddr'): string {
  if (bytes[0]! >>> 4 === 4) {
    const at = which === 'saddr' ? 12 : 16;
    return [...bytes.subarray(at, at + 4)].join('.');
  }
  const at = which === 'saddr' ? 8 : 24;
  const words = Array.from({ length: 8 }, (_, i) =>
    ((bytes[at + 2 * i]! << 8) | bytes[at + 2 * i + 1]!).toString(16),
  );
  return words.join(':');
}
