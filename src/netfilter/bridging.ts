import type { Batch } from '../batch/batch.ts';
import { NO_OFFSET, PKT_HOST } from '../batch/layout.ts';
import { DIRECTION_IN } from '../direction/director.ts';
import type { Host } from '../host/types.ts';

const ETHERTYPE_ARP = 0x0806;
const ETHERNET_BYTES = 14;
/** Offsets in an ARP packet for IPv4 over Ethernet: the sender's hardware and protocol addresses. */
const ARP_SENDER_MAC = 8;
const ARP_SENDER_ADDRESS = 14;
const ARP_BYTES = 28;

/** How far ahead the frame that tells where a neighbour is may lie, in packets; and how long the kernel asks for it. */
const LOOK_AHEAD_PACKETS = 4096;
const RESOLVED_WITHIN_NS = 3e9;

/**
 * Frames that a bridge passes on between its ports, where br_netfilter has iptables see them
 * (`bridge-nf-call-iptables`): which rows they are, and by which ports they leave. A bridge learns behind which port
 * a hardware address is from the frames that come in; so does this, from the capture, and from it and HOST's
 * neighbours, too, which hardware address a neighbour has.
 */
export class Bridging {
  readonly #host: Host;
  /** [4] and [6]: br_netfilter is loaded and on for the family. */
  readonly #calls: readonly boolean[];
  /** Port by hardware address, 48 bits as a number. */
  readonly #learned = new Map<number, number>();
  /** Hardware address by IP address. */
  readonly #neighbours4 = new Map<number, number>();
  readonly #neighbours6 = new Map<string, number>();
  readonly #assume: (sentence: string) => void;

  private constructor(host: Host, calls: readonly boolean[], assume: (sentence: string) => void) {
    this.#host = host;
    this.#calls = calls;
    this.#assume = assume;
    for (const { family, address, mac } of host.neighbours ?? []) this.#setNeighbour(family, address, 0, mac);
  }

  /** Undefined where no bridge has iptables see its frames. */
  static of(host: Host, assume: (sentence: string) => void): Bridging | undefined {
    // The keys are there only while br_netfilter is loaded.
    const isOn = (name: string): boolean =>
      host.sysctlText(`net.bridge.bridge-nf-call-${name}`)?.trim() === '1';
    const calls: boolean[] = [];
    calls[4] = isOn('iptables');
    calls[6] = isOn('ip6tables');
    const hasBridge = host.interfaces.some((iface) => iface?.kind === 'bridge');
    return hasBridge && (calls[4] || calls[6]) ? new Bridging(host, calls, assume) : undefined;
  }

  /** Iptables sees the frames of the family. */
  calls(family: number): boolean {
    return this.#calls[family] === true;
  }

  /** Learns from row `i`, a packet of whatever kind. */
  learn(batch: Batch, i: number): void {
    const c = batch.columns;
    const port = c.portId[i]!;
    const at = c.macOffset[i]!;
    if (port === 0 || at === NO_OFFSET || c.direction[i] !== DIRECTION_IN) return;
    const mac = macAt(batch.data, at + 6);
    this.#learned.set(mac, port);
    const family = c.family[i]!;
    if (family !== 0) this.#setNeighbour(family, c.saddr, 4 * i, mac, false);
    else if (isArp(batch, i)) {
      const arp = at + ETHERNET_BYTES;
      this.#neighbours4.set(
        batch.view.getInt32(arp + ARP_SENDER_ADDRESS),
        macAt(batch.data, arp + ARP_SENDER_MAC),
      );
    }
  }

  /** Whether row `i` is a frame for the bridge to pass on. */
  passesOn(batch: Batch, i: number): boolean {
    const c = batch.columns;
    if (c.portId[i] === 0 || c.macOffset[i] === NO_OFFSET || c.direction[i] !== DIRECTION_IN) return false;
    return c.skbPktType[i] !== PKT_HOST && this.#calls[c.family[i]!] === true;
  }

  /**
   * Ports by which the frame of row `i` leaves, written to `ports`; their number. A frame for a group, and one for an
   * address that has not spoken yet, goes to all ports but the one it came in by.
   */
  egress(batch: Batch, i: number, ports: Int32Array): number {
    const c = batch.columns;
    const mac = c.macOffset[i]!;
    const isGroup = (batch.data[mac]! & 1) !== 0;
    const known = isGroup ? undefined : this.#learned.get(macAt(batch.data, mac));
    if (known === undefined) return this.#flood(c.ifaceId[i]!, c.portId[i]!, ports);
    ports[0] = known;
    return known !== c.portId[i] || this.#host.interfaces[known]!.isHairpin === true ? 1 : 0;
  }

  /**
   * Ports by which a packet leaves that came in by row `i` and that translation has sent to the neighbour at
   * `words[at]` of the same bridge (br_nf_pre_routing_finish_bridge()); their number, 0 when it goes nowhere, as when
   * the neighbour never answers. It may be one that the bridge has to ask for: the answer then lies ahead.
   */
  egressTo(
    batch: Batch,
    i: number,
    ahead: readonly Batch[],
    words: Int32Array,
    at: number,
    ports: Int32Array,
  ): number {
    const c = batch.columns;
    const mac = this.#neighbour(c.family[i]!, words, at) ?? this.#askAhead(batch, i, ahead, words, at);
    if (mac === undefined) return 0;
    const known = this.#learned.get(mac);
    if (known === undefined) return this.#flood(c.ifaceId[i]!, c.portId[i]!, ports);
    ports[0] = known;
    if (known !== c.portId[i]) return 1;
    const { name, isHairpin } = this.#host.interfaces[known]!;
    if (isHairpin === undefined) {
      this.#assume(
        `Port ${name} is taken to send back what came in by it (hairpin), as translation asks for that: address.json does not say (ip -d -j address does).`,
      );
    }
    return isHairpin === false ? 0 : 1;
  }

  #flood(bridge: number, port: number, ports: Int32Array): number {
    let count = 0;
    for (const iface of this.#host.interfaces) {
      if (iface === undefined || iface.master !== bridge || iface.id === port || !iface.isUp) continue;
      if (count < ports.length) ports[count++] = iface.id;
    }
    return count;
  }

  /** With `isSure` false what is known stays: a router behind a port sends packets with the addresses of others. */
  #setNeighbour(family: number, words: Int32Array, at: number, mac: number, isSure = true): void {
    if (family === 4) {
      if (isSure || !this.#neighbours4.has(words[at]!)) this.#neighbours4.set(words[at]!, mac);
      return;
    }
    const key = key6(words, at);
    if (isSure || !this.#neighbours6.has(key)) this.#neighbours6.set(key, mac);
  }

  #neighbour(family: number, words: Int32Array, at: number): number | undefined {
    return family === 4 ? this.#neighbours4.get(words[at]!) : this.#neighbours6.get(key6(words, at));
  }

  /** Reads on until a frame from the neighbour has told its hardware address, and learns from all in between. */
  #askAhead(
    batch: Batch,
    i: number,
    ahead: readonly Batch[],
    words: Int32Array,
    at: number,
  ): number | undefined {
    const family = batch.columns.family[i]!;
    const until = batch.columns.timeNs[i]! + RESOLVED_WITHIN_NS;
    let there: Batch | undefined = batch;
    let row = i;
    for (let k = 0, distance = 1; distance <= LOOK_AHEAD_PACKETS; distance++) {
      row++;
      while (there !== undefined && row >= there.count) {
        there = ahead[k++];
        row = 0;
      }
      if (there === undefined || there.columns.timeNs[row]! > until) return undefined;
      this.learn(there, row);
      const mac = this.#neighbour(family, words, at);
      if (mac !== undefined) return mac;
    }
    return undefined;
  }
}

function isArp(batch: Batch, i: number): boolean {
  const c = batch.columns;
  const at = c.macOffset[i]!;
  if (at + ETHERNET_BYTES + ARP_BYTES > c.dataOffset[i]! + c.capLen[i]!) return false;
  return batch.view.getUint16(at + 12) === ETHERTYPE_ARP;
}

const key6 = (words: Int32Array, at: number): string =>
  `${words[at]} ${words[at + 1]} ${words[at + 2]} ${words[at + 3]}`;

function macAt(data: Uint8Array, at: number): number {
  let mac = 0;
  for (let k = 0; k < 6; k++) mac = mac * 256 + data[at + k]!;
  return mac;
}
