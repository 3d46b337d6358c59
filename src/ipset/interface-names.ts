import type { Host } from '../host/types.ts';

/**
 * Interface names as numbers, for elements of hash:net,iface. Sets are read before the host is known, and interfaces
 * may turn up during a run: names are numbered when they are first seen.
 */
export class InterfaceNames {
  readonly #numbers = new Map<string, number>();
  #host: Pick<Host, 'interfaces'> | undefined;
  /** By interface id: number of its name, 0 when not asked yet. */
  #byId = new Int32Array(16);

  useHost(host: Pick<Host, 'interfaces'>): void {
    this.#host = host;
    this.#byId.fill(0);
  }

  readonly numberOfName = (name: string): number => {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size + 1;
      this.#numbers.set(name, number);
    }
    return number;
  };

  nameOf(number: number): string {
    for (const [name, one] of this.#numbers) if (one === number) return name;
    return '';
  }

  numberOfId(id: number): number {
    const known = this.#byId[id] ?? 0;
    if (known !== 0) return known;
    if (id >= this.#byId.length) {
      const grown = new Int32Array(2 * id);
      grown.set(this.#byId);
      this.#byId = grown;
    }
    const number = this.numberOfName(this.#host?.interfaces[id]?.name ?? '');
    this.#byId[id] = number;
    return number;
  }
}
