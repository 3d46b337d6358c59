import { ElementTable } from './element-table.ts';

/** AHASH_INIT_SIZE: so many free slots are given back. */
const SPARE_SLOTS = 2;

/** A free slot of a bucket. */
const FREE = -1;

/**
 * The elements of a hash:net,iface that share a net, in the order of the kernel's hash bucket.
 *
 * All interfaces of one net are in one bucket, since the name is not hashed. That order shows: when a packet's net
 * is there for another interface, mtype_test_cidrs() looks at no shorter prefix; and when its own element is there
 * but does not match for its counters or its timeout, shorter ones are looked at only if no other element of the
 * net stands behind it. Slots are taken and freed as mtype_add() and mtype_del() do it
 * (net/netfilter/ipset/ip_set_hash_gen.h).
 */
export class NetBuckets {
  readonly #nets: ElementTable;
  /** By place of the net in #nets: places of the elements, FREE for free slots. */
  readonly #slots = new Map<number, number[]>();

  /** Words of a net as those of an element, with the interface's name taken out. */
  constructor(width: number) {
    this.#nets = new ElementTable(width);
  }

  /** Slots of the net, or undefined when there is none. */
  #of(net: Int32Array): number[] | undefined {
    const place = this.#nets.find(net);
    return place < 0 ? undefined : this.#slots.get(place);
  }

  /** True when another element of the net stands behind that of `place`; with place -1, when there is any. */
  hidesShorter(net: Int32Array, place: number): boolean {
    const slots = this.#of(net);
    if (slots === undefined) return false;
    const from = place < 0 ? 0 : slots.indexOf(place) + 1;
    for (let i = from; i < slots.length; i++) if (slots[i] !== FREE) return true;
    return false;
  }

  add(net: Int32Array, place: number): void {
    let at = this.#nets.find(net);
    if (at < 0) {
      at = this.#nets.insert(net);
      this.#slots.set(at, []);
    }
    const slots = this.#slots.get(at)!;
    const free = slots.indexOf(FREE);
    if (free < 0) slots.push(place);
    else slots[free] = place;
  }

  remove(net: Int32Array, place: number): void {
    const at = this.#nets.find(net);
    const slots = this.#slots.get(at)!;
    const index = slots.indexOf(place);
    if (index === slots.length - 1) slots.pop();
    else slots[index] = FREE;
    if (slots.every((one) => one === FREE)) {
      this.#slots.delete(at);
      this.#nets.remove(at);
    } else if (slots.filter((one) => one === FREE).length >= SPARE_SLOTS) {
      this.#slots.set(
        at,
        slots.filter((one) => one !== FREE),
      );
    }
  }
}
