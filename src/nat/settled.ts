import type { NatRange } from '../packet/conntrack-access.ts';

/** What settled one side of a connection's translation: no rule ("as it is"), SNAT or DNAT, or one of the others. */
export const SETTLED_AS_IT_IS = 0;
export const SETTLED_BY_RANGE = 1;
export const SETTLED_BY_NETMAP = 2;
export const SETTLED_BY_REDIRECT = 3;
export const SETTLED_BY_MASQUERADE = 4;

/** How a first packet has one side of its connection's translation settled: Nat.apply does the same for another packet. */
export interface Translation {
  /** SETTLED_*. */
  readonly kind: number;
  /** What the rule says; undefined where none does. */
  readonly range: NatRange | undefined;
  /** Of MASQUERADE: the interface by which the packet leaves, and the next hop where its route has one. */
  readonly oif: number;
  readonly hasNextHop: boolean;
  readonly nextHop: Int32Array;
}

/** An address and a port are exchanged: the bits of the address that stay, those it gets, and the port, -1 where that stays. */
export interface Exchange {
  readonly stays: Int32Array;
  readonly address: Int32Array;
  readonly port: number;
}

/** The same of the packet that had it settled last: packet `number`. */
export class Settled implements Translation {
  number = -1;
  kind: number = SETTLED_AS_IT_IS;
  range: NatRange | undefined;
  oif = 0;
  hasNextHop = false;
  readonly nextHop = new Int32Array(4);

  note(number: number, kind: number, range?: NatRange): void {
    this.number = number;
    this.kind = kind;
    this.range = range;
    this.oif = 0;
    this.hasNextHop = false;
  }
}

/** All translations that were asked for, each once. */
export class Translations {
  readonly #byRange = new Map<NatRange | undefined, Translation[]>();

  /** The one that is `settled` now. */
  of({ kind, range, oif, hasNextHop, nextHop }: Translation): Translation {
    let those = this.#byRange.get(range);
    if (those === undefined) {
      those = [];
      this.#byRange.set(range, those);
    }
    let found = those.find(
      (one) =>
        one.kind === kind &&
        one.oif === oif &&
        one.hasNextHop === hasNextHop &&
        (!hasNextHop || nextHop.every((word, k) => one.nextHop[k] === word)),
    );
    if (found === undefined) {
      found = { kind, range, oif, hasNextHop, nextHop: nextHop.slice() };
      those.push(found);
    }
    return found;
  }
}
