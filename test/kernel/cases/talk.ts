/** Conversations with a helper's protocol: numbers and addresses as both ends see them, whatever NAT does in between. */

import type { CasePacket } from '../judge.ts';
import { type Bytes, ip, tcp, text, udp } from '../packets.ts';
import { addresses, arrives, type Family } from './build.ts';

/** Who talks to whom: an end has an interface behind which it lives, its own address, and the one the other end sees. */
export interface Ends {
  readonly clientIface: string;
  readonly client: string;
  /** The client as the server sees it. */
  readonly clientSeenAs: string;
  readonly serverIface: string;
  readonly server: string;
  /** The server as the client sees it. */
  readonly serverSeenAs: string;
}

/** A client inside and a server far outside, without translation. */
export function plain(family: Family): Ends {
  const a = addresses(family);
  return {
    clientIface: 'eth1',
    client: a.inside,
    clientSeenAs: a.inside,
    serverIface: 'eth0',
    server: a.far,
    serverSeenAs: a.far,
  };
}

/** The client inside is masqueraded. */
export function masqueraded(family: Family): Ends {
  return { ...plain(family), clientSeenAs: addresses(family).self };
}

/** A client outside reaches a server inside by DNAT of the router's address. */
export function destinationTranslated(family: Family): Ends {
  const a = addresses(family);
  return {
    clientIface: 'eth0',
    client: a.far,
    clientSeenAs: a.far,
    serverIface: 'eth1',
    server: a.inside,
    serverSeenAs: a.self,
  };
}

interface Line {
  /** Bytes that the other end sees more than were sent. */
  readonly grows?: number;
  /** No acknowledgement follows. */
  readonly quiet?: boolean;
  /** Sequence number to use instead of the next one; the count does not go on. */
  readonly again?: number;
  readonly options?: Uint8Array;
  readonly at?: number;
}

/** One TCP connection; each call adds its packets to `packets`. */
export class TcpTalk {
  readonly packets: CasePacket[];
  readonly #ends: Ends;
  readonly #sport: number;
  readonly #dport: number;
  /** The next number of the client and of the server, as they count, and by how much the other end sees it shifted. */
  clientSeq = 1000;
  serverSeq = 5000;
  #clientShift = 0;
  #serverShift = 0;

  constructor(ends: Ends, dport: number, options: { sport?: number; packets?: CasePacket[] } = {}) {
    this.#ends = ends;
    this.#dport = dport;
    this.#sport = options.sport ?? 40000;
    this.packets = options.packets ?? [];
  }

  open(): this {
    this.client('S', '', {});
    this.clientSeq++;
    this.server('SA', '', {});
    this.serverSeq++;
    this.client('A', '', {});
    return this;
  }

  /** The client says something; the server acknowledges it. */
  says(words: string, line: Line = {}): this {
    this.client('PA', words, line);
    this.clientSeq += line.again === undefined ? words.length : 0;
    this.#clientShift += line.grows ?? 0;
    if (line.quiet !== true) this.server('A', '', {});
    return this;
  }

  /** The server says something; the client acknowledges it. */
  answers(words: string, line: Line = {}): this {
    this.server('PA', words, line);
    this.serverSeq += line.again === undefined ? words.length : 0;
    this.#serverShift += line.grows ?? 0;
    if (line.quiet !== true) this.client('A', '', {});
    return this;
  }

  close(): this {
    this.client('FA', '', {});
    this.clientSeq++;
    this.server('FA', '', {});
    this.serverSeq++;
    this.client('A', '', {});
    return this;
  }

  client(flags: string, words: string, line: Line): void {
    const e = this.#ends;
    const layer = tcp({
      sport: this.#sport,
      dport: this.#dport,
      flags,
      seq: line.again ?? this.clientSeq,
      ack: flags === 'S' ? 0 : this.serverSeq + this.#serverShift,
      payload: latin1(words),
      ...(line.options === undefined ? {} : { options: line.options }),
    });
    const more = line.at === undefined ? {} : { at: line.at };
    this.packets.push(arrives(e.clientIface, ip({ saddr: e.client, daddr: e.serverSeenAs }, layer), more));
  }

  server(flags: string, words: string, line: Line): void {
    const e = this.#ends;
    const layer = tcp({
      sport: this.#dport,
      dport: this.#sport,
      flags,
      seq: line.again ?? this.serverSeq,
      ack: this.clientSeq + this.#clientShift,
      payload: latin1(words),
      ...(line.options === undefined ? {} : { options: line.options }),
    });
    const more = line.at === undefined ? {} : { at: line.at };
    this.packets.push(arrives(e.serverIface, ip({ saddr: e.server, daddr: e.clientSeenAs }, layer), more));
  }
}

/** A character a byte. */
function latin1(words: string): Bytes {
  return Uint8Array.from(words, (character) => character.charCodeAt(0));
}

/** The first three packets of a TCP connection and its first data: from one side of the router to the other. */
export function connects(
  from: { iface: string; address: string; port: number; seenAs?: string; seenPort?: number },
  to: { iface: string; address: string; port: number; seenAs?: string; seenPort?: number },
  more: Partial<CasePacket> = {},
): CasePacket[] {
  const forth = (flags: string, seq: number, ack: number, payload: Bytes = text('')) =>
    arrives(
      from.iface,
      ip(
        { saddr: from.address, daddr: to.seenAs ?? to.address },
        tcp({ sport: from.port, dport: to.seenPort ?? to.port, flags, seq, ack, payload }),
      ),
      more,
    );
  const back = (flags: string, seq: number, ack: number) =>
    arrives(
      to.iface,
      ip(
        { saddr: to.address, daddr: from.seenAs ?? from.address },
        tcp({ sport: to.port, dport: from.seenPort ?? from.port, flags, seq, ack }),
      ),
      more,
    );
  return [
    forth('S', 700, 0),
    back('SA', 900, 701),
    forth('A', 701, 901),
    forth('PA', 701, 901, text('data')),
    back('A', 901, 705),
  ];
}

/** A datagram from one address to another. */
export function datagram(
  iface: string,
  fields: { saddr: string; daddr: string; sport: number; dport: number },
  payload: string | Bytes,
  more: Partial<CasePacket> = {},
): CasePacket {
  const { saddr, daddr, sport, dport } = fields;
  const bytes = typeof payload === 'string' ? latin1(payload) : payload;
  return arrives(iface, ip({ saddr, daddr }, udp({ sport, dport, payload: bytes })), more);
}
