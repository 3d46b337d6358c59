import { UserError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { Batch } from '../batch/batch.ts';
import { kernelsOf } from '../batch/kernels.ts';
import {
  NO_OFFSET,
  PKT_HOST,
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

/** Of a source whose direction is not told. */
const UNTOLD = -1;

/** What there is to know of packets that are captured at one interface with one VLAN tag. */
interface Way {
  /** Interface id; the bridge for a bridge port, the VLAN interface for a tag that has one. */
  readonly iface: number;
  /** Interface id of the bridge port, 0 when none. */
  readonly port: number;
  readonly isLoopback: boolean;
  /** A tag without an interface: __netif_receive_skb_core() hands such frames on as PACKET_OTHERHOST. */
  readonly isStrange: boolean;
  /** The interface's own address; NO_MAC, which no two bytes are, where it is not known. */
  readonly macHigh: number;
  readonly macLow: number;
}

const NO_MAC = -1;

/**
 * Works out, packet by packet, by which interface it passed and which way. In this order: what the CAPTURE
 * argument says; loopback; what the record says (pcapng packet flags, SLL packet type); the Ethernet source
 * address against the interface's own; the IP source address against the host's own.
 */
export class Director {
  readonly #host: Host;
  /** Interface by source index; -1 not looked up yet, 0 decided per packet (SLL2). */
  #bySource = new Int32Array(64).fill(-1);
  /** By interface id; and, of tagged packets, by id * 4096 + VLAN. */
  readonly #untagged: (Way | undefined)[] = [];
  readonly #tagged = new Map<number, Way>();
  readonly #said = new Set<string>();
  readonly #assume: (sentence: string) => void;

  constructor(host: Host, assume: (sentence: string) => void) {
    this.#host = host;
    this.#assume = assume;
  }

  /**
   * Writes the columns `direction` (DIRECTION_UNSURE where only echoes can tell), `ifaceId`, `portId` and `skbPktType`
   * of all rows. Neighbours mostly came the same way, which is looked up when it changes.
   * @throws UserError when a packet's interface cannot be known; the hint says what to write.
   */
  sort(batch: Batch, sources: readonly CaptureSource[]): void {
    const { view, count } = batch;
    const { source, vlan, pktType, ifindex, macOffset, recordDirection } = batch.columns;
    const { direction, ifaceId, portId, skbPktType } = batch.columns;
    let lastSource = -1;
    let lastIfindex = -1;
    let lastVlan = -1;
    let unsurePort = 0;
    let told = UNTOLD;
    let { iface, port, isLoopback, isStrange, macHigh, macLow } = NO_WAY;
    const kernels = kernelsOf(batch);
    for (let i = 0; i < count; i++) {
      if (source[i] !== lastSource || vlan[i] !== lastVlan || ifindex[i] !== lastIfindex) {
        lastSource = source[i]!;
        lastVlan = vlan[i]!;
        lastIfindex = ifindex[i]!;
        const from = sources[lastSource]!;
        told = toldBy(from);
        const way = this.#wayOf(this.#idOf(from, lastSource, lastIfindex), lastVlan);
        ({ iface, port, isLoopback, isStrange, macHigh, macLow } = way);
      }
      if (kernels !== undefined) {
        const [loopback, strange] = [isLoopback ? 1 : 0, isStrange ? 1 : 0];
        const { offset } = batch.place;
        const stop = kernels.sort(offset, i, count, iface, port, loopback, strange, macHigh, macLow, told);
        if (stop > i) {
          i = stop - 1;
          continue;
        }
      }
      ifaceId[i] = iface;
      portId[i] = port;
      const mac = macOffset[i]!;
      const hasMac = mac !== NO_OFFSET && macHigh !== NO_MAC;
      let type = pktType[i]!;
      const isUnicast = type === PKT_UNKNOWN;
      if (isUnicast) {
        const isOthers =
          hasMac && !isLoopback && (view.getInt32(mac + 2) !== macLow || view.getUint16(mac) !== macHigh);
        type = isOthers ? PKT_OTHERHOST : PKT_HOST;
      }
      if (isStrange) type = PKT_OTHERHOST;
      let way = told;
      if (told === UNTOLD) {
        if (isLoopback) way = DIRECTION_LOOP;
        else if (recordDirection[i] === RECORD_INBOUND) way = DIRECTION_IN;
        else if (recordDirection[i] === RECORD_OUTBOUND) way = DIRECTION_OUT;
        else if (hasMac) {
          if (view.getInt32(mac + 8) === macLow && view.getUint16(mac + 6) === macHigh) way = DIRECTION_OUT;
          // At a bridge port others' frames go both ways.
          else if (port === 0) way = DIRECTION_IN;
          else {
            way = DIRECTION_UNSURE;
            unsurePort = port;
          }
        } else way = this.#byAddress(batch, i);
        if (way === DIRECTION_OUT) type = PKT_HOST;
      } else if (told === DIRECTION_OUTPUT && isUnicast) type = PKT_HOST;
      skbPktType[i] = type;
      direction[i] = way;
    }
    if (unsurePort !== 0) {
      this.#sayOnce(
        'Captures of ports of a bridge do not say which way a frame went: one that was not seen before is taken to have come in. IFACE:in= and IFACE:out= say it, as do captures of -i any.',
      );
    }
  }

  #byAddress({ columns: c }: Batch, i: number): number {
    const family = c.family[i]!;
    const isOwn = family !== 0 && this.#host.isLocalAddress(family as Family, c.saddr, 4 * i);
    return isOwn ? DIRECTION_OUT : DIRECTION_UNSURE;
  }

  #wayOf(id: number, vlan: number): Way {
    if (vlan === VLAN_NONE || vlan === 0) {
      this.#untagged[id] ??= this.#makeWay(id, 0);
      return this.#untagged[id];
    }
    const key = id * 4096 + vlan;
    let way = this.#tagged.get(key);
    if (way === undefined) {
      way = this.#makeWay(id, vlan);
      this.#tagged.set(key, way);
    }
    return way;
  }

  #makeWay(id: number, tag: number): Way {
    let iface = this.#host.interfaces[id]!;
    let isStrange = false;
    if (tag !== 0) {
      const own = this.#vlan(iface, tag);
      isStrange = own === undefined && iface.ifindex !== undefined;
      if (own === undefined && !isStrange) this.#sayVlan(iface, tag);
      iface = own ?? iface;
    }
    let port = 0;
    if (iface.master !== 0 && this.#host.interfaces[iface.master]?.kind === 'bridge') {
      port = iface.id;
      iface = this.#host.interfaces[iface.master]!;
    }
    const { mac } = iface;
    const macHigh = mac === undefined ? NO_MAC : (mac[0]! << 8) | mac[1]!;
    const macLow = mac === undefined ? NO_MAC : (mac[2]! << 24) | (mac[3]! << 16) | (mac[4]! << 8) | mac[5]!;
    return { iface: iface.id, port, isLoopback: iface.isLoopback, isStrange, macHigh, macLow };
  }

  /** Interface by which a packet of a source passed; `ifindex` is what an SLL2 header says. */
  #idOf(source: CaptureSource, index: number, ifindex: number): number {
    let id = index < this.#bySource.length ? this.#bySource[index]! : -1;
    if (id < 0) id = this.#resolve(source, index);
    return id === 0 ? this.#byIfindex(ifindex, source) : id;
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

const NO_WAY: Way = {
  iface: 0,
  port: 0,
  isLoopback: false,
  isStrange: false,
  macHigh: NO_MAC,
  macLow: NO_MAC,
};

function toldBy({ direction }: CaptureSource): number {
  if (direction === undefined) return UNTOLD;
  return direction === 'in' ? DIRECTION_IN : DIRECTION_OUTPUT;
}
