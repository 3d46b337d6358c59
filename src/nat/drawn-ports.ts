import { type Family, formatIpv4, formatIpv6 } from '../base/inet.ts';
import {
  MANIP_SRC,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';

/** So many connections are named in the report; the rest are only counted. */
const NAMED = 1000;

/** A connection that was given a port by chance. */
interface Drawn {
  readonly original: Int32Array;
  readonly chosen: Int32Array;
  readonly manip: 0 | 1;
}

/**
 * Connections whose port (or ICMP identifier) the kernel draws at random: with --random, out of a range, and wherever
 * the natural one is taken. A replay draws from its seed, so what follows of the very number may differ there.
 */
export class DrawnPorts {
  count = 0;
  readonly #named: Drawn[] = [];

  /** `original`: the connection's tuple, at `at`; `chosen`: the same direction as it is from now on. */
  note(original: Int32Array, at: number, chosen: Int32Array, manip: 0 | 1): void {
    this.count++;
    if (this.#named.length >= NAMED) return;
    this.#named.push({ original: original.slice(at, at + TUPLE_WORDS), chosen: chosen.slice(), manip });
  }

  /** Those noted since there were `count` have come to nothing. */
  backTo(count: number): void {
    this.count = count;
    if (this.#named.length > count) this.#named.length = count;
  }

  /** `udp 10.0.0.9:5000 to 192.0.2.1:53, source now 192.0.2.7:61234`, in the order in which they were drawn. */
  named(): string[] {
    return this.#named.map(({ original, chosen, manip }) => {
      const proto = original[TUPLE_PROTO]!;
      const family = (proto >> 8) as Family;
      const source = end(original, family, TUPLE_SADDR, TUPLE_SPORT);
      const destination = end(original, family, TUPLE_DADDR, TUPLE_DPORT);
      const now =
        manip === MANIP_SRC
          ? `source now ${end(chosen, family, TUPLE_SADDR, TUPLE_SPORT)}`
          : `destination now ${end(chosen, family, TUPLE_DADDR, TUPLE_DPORT)}`;
      return `${protocolName(proto & 255)} ${source} to ${destination}, ${now}`;
    });
  }
}

const NAMES = new Map([
  [IPPROTO_TCP, 'tcp'],
  [IPPROTO_UDP, 'udp'],
  [IPPROTO_UDPLITE, 'udplite'],
  [IPPROTO_SCTP, 'sctp'],
  [IPPROTO_ICMP, 'icmp'],
  [IPPROTO_ICMPV6, 'icmpv6'],
]);

/** Only these have anything to draw. */
function protocolName(l4proto: number): string {
  return NAMES.get(l4proto) ?? `${l4proto}`;
}

function end(tuple: Int32Array, family: Family, address: number, port: number): string {
  return family === 4
    ? `${formatIpv4(tuple[address]!)}:${tuple[port]}`
    : `[${formatIpv6(tuple, address)}]:${tuple[port]}`;
}
