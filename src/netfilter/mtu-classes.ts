import { DECODE_DONT_FRAGMENT } from '../batch/layout.ts';
import type { Host } from '../host/types.ts';

/**
 * Puts packets into classes that no interface's MTU can tell apart: whether a packet may be forwarded depends on its
 * length and on its "don't fragment" flag as soon as it is longer than some MTU (Traversal: too big), so that packets
 * of one connection that differ in it have different ways.
 */
export class MtuClasses {
  /** MTUs of the interfaces that HOST knows, in ascending order. */
  readonly #mtus: Int32Array;
  /** Packets up to this length are in class 0. */
  readonly smallest: number;

  constructor(host: Host) {
    const mtus = new Set<number>();
    for (const iface of host.interfaces) if (iface?.ifindex !== undefined) mtus.add(iface.mtu);
    this.#mtus = Int32Array.from(mtus).sort();
    this.smallest = this.#mtus[0] ?? 0x7fffffff;
  }

  classOf(length: number, decodeFlags: number): number {
    if (length <= this.smallest) return 0;
    let below = 0;
    while (below < this.#mtus.length && this.#mtus[below]! < length) below++;
    return 2 * below + ((decodeFlags & DECODE_DONT_FRAGMENT) === 0 ? 0 : 1);
  }
}
