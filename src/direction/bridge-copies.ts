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

  /** True when the packet of this fingerprint was seen a moment ago at the other layer. */
  isCopy(a: number, b: number, timeNs: number, iface: number, port: number, direction: number): boolean {
    if (port !== 0) return direction !== DIRECTION_IN && this.#leftByBridge.match(a, b, timeNs);
    return this.#isBridge(iface) && direction !== DIRECTION_OUT && this.#cameByPort.match(a, b, timeNs);
  }

  /** Remembers a packet that is no copy; its direction is settled. `isGroup`: the frame goes to all ports. */
  note(
    a: number,
    b: number,
    timeNs: number,
    iface: number,
    port: number,
    direction: number,
    isGroup: boolean,
  ): void {
    const cameIn = direction === DIRECTION_IN || direction === DIRECTION_UNSURE;
    if (port !== 0) {
      if (cameIn) this.#cameByPort.add(a, b, timeNs, false, 0);
      // Where the bridge itself was not captured, the first port tells of what was flooded to the others.
      else if (isGroup && direction === DIRECTION_OUT) this.#leftByBridge.add(a, b, timeNs, true, 0);
    } else if (this.#isBridge(iface) && (direction === DIRECTION_OUT || direction === DIRECTION_ECHO)) {
      // Flooded frames are seen at every port.
      this.#leftByBridge.add(a, b, timeNs, true, 0);
    }
  }

  #isBridge(iface: number): boolean {
    return this.#host.interfaces[iface]!.kind === 'bridge';
  }
}
