/**
 * The prefix lengths that the elements of a set have in one of their nets, longest first, each with the number of
 * its elements: struct net_prefixes of net/netfilter/ipset/ip_set_hash_gen.h, mtype_add_cidr() and mtype_del_cidr().
 */
export class PrefixLengths {
  /** Longest first. */
  lengths: readonly number[] = [];
  readonly #counts = new Int32Array(129);

  add(length: number): void {
    if (this.#counts[length]!++ > 0) return;
    this.lengths = [...this.lengths, length].sort((a, b) => b - a);
  }

  remove(length: number): void {
    if (--this.#counts[length]! > 0) return;
    this.lengths = this.lengths.filter((one) => one !== length);
  }
}
