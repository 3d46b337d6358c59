import type { Batch } from '../batch/batch.ts';
import type { RuntimeChain, RuntimeRule, RuntimeRuleset } from '../evaluate/runtime.ts';
import { MANIP_SRC, NAT_MAP_IPS, NAT_PROTO_SPECIFIED, type NatRange } from '../packet/conntrack-access.ts';

/**
 * Reads the kernel's dice off the capture. Where a rule decides by chance (`statistic --mode random`), or a port is
 * drawn (MASQUERADE --random-fully, a clash), no replay can know what the kernel drew; but the echo of the packet, on
 * its way out, shows what came of it: the endpoint that was chosen, the port that was drawn.
 *
 * For each random rule, the translations that its target leads to are collected once. When the rule is tried for a
 * packet whose echo is known, it matches if the echo's address is one of these, and does not if the echo's address is
 * another. A rule that leads to no translation but to a DROP does not match a packet that came out again. In all other
 * cases the dice are ours: seeded, and counted.
 */
export class Dice {
  #batch: Batch | undefined;
  #row = 0;
  /** Throws that an echo has told, and throws of our own. */
  read = 0;
  drawn = 0;

  /** Takes charge of the random rules of a ruleset. */
  watch(runtime: RuntimeRuleset): void {
    for (const chain of runtime.chains) {
      for (const rule of chain.rules) {
        for (const { definition, options, state } of rule.matches) {
          if (definition.name !== 'statistic' || (options as { mode: string }).mode !== 'random') continue;
          const ways = new Ways();
          ways.follow(rule);
          Object.defineProperty(state, 'force', { get: () => this.#fall(ways) });
        }
      }
    }
  }

  /** The echo of the packet that walks now: row `row` of `batch`. */
  observe(batch: Batch, row: number): void {
    this.#batch = batch;
    this.#row = row;
  }

  /** The packet that walks now has no echo. */
  forget(): void {
    this.#batch = undefined;
  }

  /** Port (or ICMP identifier) that the echo shows for a translation of this kind: TupleSelector.chooser. */
  port(manip: 0 | 1): number | undefined {
    if (this.#batch === undefined) return undefined;
    const { sport, dport } = this.#batch.columns;
    return manip === MANIP_SRC ? sport[this.#row]! : dport[this.#row]!;
  }

  #fall(ways: Ways): -1 | 0 | 1 {
    const batch = this.#batch;
    if (batch === undefined || ways.isEmpty) {
      this.drawn++;
      return -1;
    }
    this.read++;
    const { saddr, daddr, sport, dport } = batch.columns;
    const at = 4 * this.#row;
    if (ways.destinations.some((range) => includes(range, daddr, at, dport[this.#row]!))) return 1;
    if (ways.sources.some((range) => includes(range, saddr, at, sport[this.#row]!))) return 1;
    return 0;
  }
}

/** Where the target of a rule leads: translations, or a drop. */
class Ways {
  readonly destinations: NatRange[] = [];
  readonly sources: NatRange[] = [];
  #drops = false;
  readonly #seen = new Set<RuntimeChain>();

  get isEmpty(): boolean {
    return this.destinations.length === 0 && this.sources.length === 0 && !this.#drops;
  }

  follow(rule: RuntimeRule): void {
    const { target } = rule;
    if (target.kind === 'jump' || target.kind === 'goto') {
      if (this.#seen.has(target.chain)) return;
      this.#seen.add(target.chain);
      for (const next of target.chain.rules) this.follow(next);
    } else if (target.kind === 'extension') {
      const { name } = target.definition;
      if (name === 'DNAT') this.destinations.push(target.options as NatRange);
      else if (name === 'SNAT') this.sources.push(target.options as NatRange);
      else if (name === 'DROP' || name === 'REJECT') this.#drops = true;
    }
  }
}

function includes(range: NatRange, words: Int32Array, at: number, port: number): boolean {
  if ((range.flags & NAT_MAP_IPS) !== 0 && !isBetween(range, words, at)) return false;
  if ((range.flags & NAT_PROTO_SPECIFIED) === 0) return true;
  return port >= range.minPort && port <= range.maxPort;
}

function isBetween({ minAddr, maxAddr }: NatRange, words: Int32Array, at: number): boolean {
  return compare(words, at, minAddr) >= 0 && compare(words, at, maxAddr) <= 0;
}

/** Compares two addresses of four words, as unsigned numbers. */
function compare(words: Int32Array, at: number, other: Int32Array): number {
  for (let i = 0; i < 4; i++) {
    const difference = (words[at + i]! >>> 0) - (other[i]! >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
