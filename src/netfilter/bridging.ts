import type { Batch } from '../batch/batch.ts';
import { NO_OFFSET, PKT_HOST } from '../batch/layout.ts';
import { DIRECTION_IN } from '../direction/director.ts';
import type { Host } from '../host/types.ts';

/**
 * Frames that a bridge passes on between its ports, where br_netfilter has iptables see them
 * (`bridge-nf-call-iptables`): which rows they are, and by which ports they leave. A bridge learns behind which port
 * a hardware address is from the frames that come in; so does this, from the capture.
 */
export class Bridging {
  readonly #host: Host;
  /** [4] and [6]: br_netfilter is loaded and on for the family. */
  readonly #calls: readonly boolean[];
  /** Port by hardware address, 48 bits as a number. */
  readonly #learned = new Map<number, number>();

  private constructor(host: Host, calls: readonly boolean[]) {
    this.#host = host;
    this.#calls = calls;
  }

  /** Undefined where no bridge has iptables see its frames. */
  static of(host: Host): Bridging | undefined {
    // The keys are there only while br_netfilter is loaded.
    const isOn = (name: string): boolean =>
      host.sysctlText(`net.bridge.bridge-nf-call-${name}`)?.trim() === '1';
    const calls: boolean[] = [];
    calls[4] = isOn('iptables');
    calls[6] = isOn('ip6tables');
    const hasBridge = host.interfaces.some((iface) => iface?.kind === 'bridge');
    return hasBridge && (calls[4] || calls[6]) ? new Bridging(host, calls) : undefined;
  }

  /** Learns from row `i`, and says whether it is a frame for the bridge to pass on. */
  passesOn(batch: Batch, i: number): boolean {
    const c = batch.columns;
    const port = c.portId[i]!;
    const mac = c.macOffset[i]!;
    if (port === 0 || mac === NO_OFFSET || c.direction[i] !== DIRECTION_IN) return false;
    this.#learned.set(macAt(batch.data, mac + 6), port);
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
    if (known !== undefined) {
      ports[0] = known;
      return known === c.portId[i] ? 0 : 1;
    }
    let count = 0;
    for (const iface of this.#host.interfaces) {
      if (iface === undefined || iface.master !== c.ifaceId[i] || iface.id === c.portId[i] || !iface.isUp)
        continue;
      if (count < ports.length) ports[count++] = iface.id;
    }
    return count;
  }
}

function macAt(data: Uint8Array, at: number): number {
  let mac = 0;
  for (let k = 0; k < 6; k++) mac = mac * 256 + data[at + k]!;
  return mac;
}
