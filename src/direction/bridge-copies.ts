import type { Batch } from '../batch/batch.ts';
import type { Host } from '../host/types.ts';
import { DIRECTION_ECHO, DIRECTION_IN, DIRECTION_OUT, DIRECTION_UNSURE } from './director.ts';
import { EchoTable } from './echo.ts';

/**
 * Copies that a capture on a bridge and on its ports holds (`tcpdump -i any` on a container host): a packet that comes
 * in by a port is seen again on the bridge, and one that leaves by the bridge is seen again at the port it takes, or at
 * all of them. Nothing is translated in between, so the fingerprints are equal. Iptables saw such a packet once.
 */
export class BridgeCopies {
  readonly #host: Host;
  readonly #cameByPort = new EchoTable();
  readonly #leftByBridge = new EchoTable();

  private constructor(host: Host) {
    this.#host = host;
  }

  /** Undefined for a host without bridges. */
  static of(host: Host): BridgeCopies | undefined {
    return host.interfaces.some((iface) => iface?.kind === 'bridge') ? new BridgeCopies(host) : undefined;
  }

  /** True when row `i`, whose fingerprint is `a` and `b`, was seen a moment ago at the other layer. */
  isCopy(batch: Batch, i: number, a: number, b: number, direction: number): boolean {
    const { timeNs, ifaceId, portId } = batch.columns;
    const number = batch.firstPacket + i;
    if (portId[i] !== 0)
      return direction !== DIRECTION_IN && this.#leftByBridge.match(a, b, timeNs[i]!, number);
    if (direction === DIRECTION_OUT || !this.#isBridge(ifaceId[i]!)) return false;
    return this.#cameByPort.match(a, b, timeNs[i]!, number);
  }

  /** Remembers a packet that is no copy; its direction is settled. `isGroup`: the frame goes to all ports. */
  note(batch: Batch, i: number, a: number, b: number, direction: number, isGroup: boolean): void {
    const { ifaceId, portId } = batch.columns;
    const timeNs = batch.columns.timeNs[i]!;
    const number = batch.firstPacket + i;
    const cameIn = direction === DIRECTION_IN || direction === DIRECTION_UNSURE;
    if (portId[i] !== 0) {
      if (cameIn) this.#cameByPort.add(a, b, timeNs, false, number, 0);
      // Where the bridge itself was not captured, the first port tells of what was flooded to the others.
      else if (isGroup && direction === DIRECTION_OUT) this.#leftByBridge.add(a, b, timeNs, true, number, 0);
    } else if (this.#isBridge(ifaceId[i]!) && (direction === DIRECTION_OUT || direction === DIRECTION_ECHO)) {
      // Flooded frames are seen at every port.
      this.#leftByBridge.add(a, b, timeNs, true, number, 0);
    }
  }

  #isBridge(iface: number): boolean {
    return this.#host.interfaces[iface]!.kind === 'bridge';
  }
}
