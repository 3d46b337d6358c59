import type { Host } from '../host/types.ts';
import { InterfaceNames } from './interface-names.ts';
import type { IpSet } from './types.ts';

/**
 * The sets of one run by name, as `ipset save` gave them. Both families look into the same sets, and SET targets
 * change them: every run has sets of its own.
 */
export class SetRegistry {
  readonly interfaces = new InterfaceNames();
  readonly #sets = new Map<string, IpSet>();

  get(name: string): IpSet | undefined {
    return this.#sets.get(name);
  }

  put(set: IpSet): void {
    this.#sets.set(set.name, set);
  }

  remove(name: string): void {
    this.#sets.delete(name);
  }

  get size(): number {
    return this.#sets.size;
  }

  [Symbol.iterator](): IterableIterator<IpSet> {
    return this.#sets.values();
  }

  /** The host whose interfaces elements of hash:net,iface name. */
  useHost(host: Pick<Host, 'interfaces'>): void {
    this.interfaces.useHost(host);
  }
}
