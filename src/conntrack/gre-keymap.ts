import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT } from '../packet/conntrack-access.ts';

/**
 * Which call of PPTP a GRE packet belongs to: it names only the receiver's call, and the sender's is known from the
 * control connection. nf_ct_gre_keymap_add(), gre_keymap_lookup() and nf_ct_gre_keymap_destroy() in
 * net/netfilter/nf_conntrack_proto_gre.c. There are few calls: a list will do.
 */
export class GreKeymap {
  private readonly entries: { readonly owner: number; readonly dir: number; readonly tuple: Int32Array }[] =
    [];

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** A call of control connection `owner` in direction `dir`; false when it has another there already. */
  add(owner: number, dir: number, tuple: Int32Array): boolean {
    const own = this.entries.find((entry) => entry.owner === owner && entry.dir === dir);
    if (own !== undefined) return isSameCall(own.tuple, tuple, 0);
    this.entries.push({ owner, dir, tuple: tuple.slice() });
    return true;
  }

  /** The sender's call of a packet with the tuple at `at` of `words`, 0 when it is not known. */
  lookup(words: Int32Array, at: number): number {
    for (const { tuple } of this.entries) if (isSameCall(tuple, words, at)) return tuple[TUPLE_SPORT]!;
    return 0;
  }

  /** The calls of a control connection are over. */
  forget(owner: number): void {
    for (let i = this.entries.length - 1; i >= 0; i--)
      if (this.entries[i]!.owner === owner) this.entries.splice(i, 1);
  }
}

/** gre_key_cmpfn(): both addresses and the receiver's call. */
function isSameCall(tuple: Int32Array, words: Int32Array, at: number): boolean {
  for (let i = 0; i < 8; i++) if (tuple[i] !== words[at + i]) return false;
  return tuple[TUPLE_DPORT] === words[at + TUPLE_DPORT] && tuple[TUPLE_PROTO] === words[at + TUPLE_PROTO];
}
