import { UserError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { Batch } from '../batch/batch.ts';
import {
  NO_OFFSET,
  PKT_BROADCAST,
  PKT_HOST,
  PKT_MULTICAST,
  PKT_OTHERHOST,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
} from '../batch/layout.ts';
import type { CaptureSource } from '../capture/source.ts';
import type { Host, Interface } from '../host/types.ts';

/** Arrives at the interface: enters PREROUTING. */
export const DIRECTION_IN = 0;
/** Leaves by the interface: made by this host, or the echo of a forwarded one. */
export const DIRECTION_OUT = 1;
/** Seen on the loopback interface: OUTPUT, POSTROUTING, PREROUTING, INPUT. */
export const DIRECTION_LOOP = 2;
/** Neither the record nor addresses tell: inbound, unless it is the echo of another. */
export const DIRECTION_UNSURE = 3;
/** The same packet as one that came in shortly before: not replayed again. */
export const DIRECTION_ECHO = 4;
/**
 * `IFACE:out=`: made by this host, in the form in which it entered OUTPUT, before any translation. (What tcpdump sees
 * leave is DIRECTION_OUT: translated, and maybe the echo of another.)
 */
export const DIRECTION_OUTPUT = 5;
/** Seen before at the bridge or one of its ports: not replayed again. */
export const DIRECTION_COPY = 6;

const VLAN_NONE = 0xffff;

/**
 * Works out, packet by packet, by which interface it passed and which way. In this order: what the CAPTURE
 * argument says; loopback; what the record says (pcapng packet flags, SLL packet type); the Ethernet source
 * address against the interface's own; the IP source address against the host's own.
 */
export class Director {
  readonly #host: Host;
  /** Interface by source index; -1 not looked up yet, 0 decided per packet (SLL2). */
  #bySource = new Int32Array(64).fill(-1);
  readonly #said = new Set<string>();
  readonly #assume: (sentence: string) => void;

  /** Results of the last `classify`: interface id, bridge port id or 0, skb->pkt_type. */
  iface = 0;
  port = 0;
  pktType = PKT_HOST;

  constructor(host: Host, assume: (sentence: string) => void) {
    this.#host = host;
    this.#assume = assume;
  }

  /**
   * Direction of row `i`; sets `iface`, `port` and `pktType`.
   * @throws UserError when the packet's interface cannot be known; the hint says what to write.
   */
  classify(batch: Batch, i: number, sources: readonly CaptureSource[]): number {
    const c = batch.columns;
    const sourceIndex = c.source[i]!;
    const source = sources[sourceIndex]!;
    let id = sourceIndex < this.#bySource.length ? this.#bySource[sourceIndex]! : -1;
    if (id < 0) id = this.#resolve(source, sourceIndex);
    if (id === 0) id = this.#byIfindex(c.ifindex[i]!, source);
    let iface = this.#host.interfaces[id]!;
    const vlan = c.vlan[i]!;
    let isStrange = false;
    if (vlan !== VLAN_NONE && vlan !== 0) {
      const own = this.#vlan(iface, vlan);
      // __netif_receive_skb_core() hands on a tagged frame without a VLAN device as PACKET_OTHERHOST.
      isStrange = own === undefined && iface.ifindex !== undefined;
      if (own === undefined && !isStrange) this.#sayVlan(iface, vlan);
      iface = own ?? iface;
    }
    this.port = 0;
    if (iface.master !== 0 && this.#host.interfaces[iface.master]?.kind === 'bridge') {
      this.port = iface.id;
      iface = this.#host.interfaces[iface.master]!;
    }
    this.iface = iface.id;
    const recorded = c.pktType[i]!;
    this.pktType = recorded === PKT_UNKNOWN ? this.#pktType(batch, i, iface) : recorded;
    if (isStrange) this.pktType = PKT_OTHERHOST;
    if (source.direction !== undefined) {
      if (recorded === PKT_UNKNOWN && source.direction === 'out') this.pktType = PKT_HOST;
      return source.direction === 'in' ? DIRECTION_IN : DIRECTION_OUTPUT;
    }
    if (iface.isLoopback) return DIRECTION_LOOP;
    const stated = c.recordDirection[i]!;
    if (stated === RECORD_INBOUND) return DIRECTION_IN;
    if (stated === RECORD_OUTBOUND) return this.#outbound();
    const mac = c.macOffset[i]!;
    if (mac !== NO_OFFSET && iface.mac !== undefined) {
      if (sameMac(batch.data, mac + 6, iface.mac)) return this.#outbound();
      // At a bridge port others' frames go both ways.
      return this.port === 0 ? DIRECTION_IN : DIRECTION_UNSURE;
    }
    const family = c.family[i]!;
    if (family !== 0 && this.#host.isLocalAddress(family as Family, c.saddr, 4 * i)) return this.#outbound();
    return DIRECTION_UNSURE;
  }

  #outbound(): number {
    this.pktType = PKT_HOST;
    return DIRECTION_OUT;
  }

  #pktType(batch: Batch, i: number, iface: Interface): number {
    const mac = batch.columns.macOffset[i]!;
    if (mac === NO_OFFSET) return PKT_HOST;
    const { data } = batch;
    if ((data[mac]! & 1) !== 0) {
      for (let k = 0; k < 6; k++) if (data[mac + k] !== 0xff) return PKT_MULTICAST;
      return PKT_BROADCAST;
    }
    if (iface.mac === undefined || iface.isLoopback) return PKT_HOST;
    return sameMac(data, mac, iface.mac) ? PKT_HOST : PKT_OTHERHOST;
  }

  #resolve(source: CaptureSource, index: number): number {
    while (index >= this.#bySource.length) {
      const grown = new Int32Array(2 * this.#bySource.length).fill(-1);
      grown.set(this.#bySource);
      this.#bySource = grown;
    }
    const id = this.#interfaceOf(source);
    this.#bySource[index] = id;
    return id;
  }

  #interfaceOf(source: CaptureSource): number {
    if (source.ifaceName !== undefined && source.ifaceName !== 'any')
      return this.#host.interfaceId(source.ifaceName);
    if (source.linktype === LINKTYPE_LINUX_SLL2) return 0;
    const others = this.#host.interfaces.filter(
      (iface) => iface !== undefined && iface.id > 0 && !iface.isLoopback,
    );
    if (others.length === 1) return others[0]!.id;
    const known = others.map((iface) => iface.name).join(', ');
    throw new UserError(`${source.file}: by which interface these packets passed is not in the capture`, {
      hint: `write IFACE=${source.file}${known === '' ? '' : `, where IFACE is one of ${known}`}`,
    });
  }

  #byIfindex(ifindex: number, source: CaptureSource): number {
    const id = this.#host.findIfindex(ifindex);
    if (id !== 0) return id;
    const name = `if${ifindex}`;
    this.#sayOnce(
      `${source.file}: interface index ${ifindex} is not in HOST; its packets pass by an interface called ${name}`,
    );
    return this.#host.interfaceId(name);
  }

  /** The VLAN interface on top of `iface`, as HOST knows it. */
  #vlan(iface: Interface, vlan: number): Interface | undefined {
    return this.#host.interfaces.find((other) => other?.link === iface.id && other.vlanId === vlan);
  }

  #sayVlan(iface: Interface, vlan: number): void {
    this.#sayOnce(
      `packets of VLAN ${vlan} on ${iface.name} are taken as packets of ${iface.name}: nothing is known of its VLANs`,
    );
  }

  #sayOnce(sentence: string): void {
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.#assume(sentence);
  }
}

const LINKTYPE_LINUX_SLL2 = 276;

function sameMac(data: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let k = 0; k < 6; k++) if (data[at + k] !== mac[k]) return false;
  return true;
}
