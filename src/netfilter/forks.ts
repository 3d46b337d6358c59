import type { RuntimeMatch } from '../evaluate/runtime.ts';
import { ANSWER_HOTDROP, type Trail } from '../evaluate/trail.ts';
import type { Packet } from '../packet/packet.ts';
import { HOOK_FORWARD, HOOK_POSTROUTING, R_HOOK, R_TOS, R_TTL, REGISTER_COUNT } from '../packet/registers.ts';

/**
 * Ways that split. A match that must see each packet (payload, limit, recent, statistic …) does not keep a packet from the way
 * that others took: up to the match all packets that could share a path come the same way, and what it says decides how they go
 * on. So a way is remembered as a tree: at a fork stands the match, and what the registers are then; behind each of its answers
 * the next fork, or the path. A packet that comes to a fork asks the match, in its turn, as a walk would, and nothing else.
 *
 *   children of a fork, by ANSWER_*:   0: not known yet | path + 1 | -1 - fork
 *
 * Where an answer leads is not known before some packet has walked on from there: that walk is told what was answered so far
 * (Trail.askedBefore), for a match may count those that it sees.
 */
export class Forks {
  readonly #matches: RuntimeMatch[] = [];
  /** By fork: registers that are others than at the fork before (on arrival, for the first), each with its value. */
  readonly #changes: Int32Array[] = [];
  #children = new Int32Array(3 << 8);

  /** Asks the matches on the way of `p` from fork `number` on. The path; -1 when it has to walk. */
  follow(number: number, p: Packet, trail: Trail): number {
    trail.forkCount = 0;
    trail.askedBefore = 0;
    trail.unsharable = false;
    for (let fork = number; ; ) {
      this.#change(p, this.#changes[fork]!);
      const answer = trail.ask(this.#matches[fork]!, p);
      const child = this.#children[3 * fork + answer]!;
      if (child > 0) return child - 1;
      if (child === 0) return -1;
      fork = -1 - child;
    }
  }

  /**
   * A packet that arrived with registers `arrived` has walked `path`, by the forks of `trail`, of which there are some. They are
   * entered under fork `root`, or a new one (-1): its number, or -1 where that cannot be.
   */
  note(root: number, arrived: Int32Array, trail: Trail, path: number): number {
    const { forkMatches, forkAnswers, forkCount } = trail;
    const first = root >= 0 ? root : this.#add(forkMatches[0]!, this.#changesAt(arrived, trail, 0));
    let fork = first;
    for (let k = 0; fork >= 0; k++) {
      // Another match than the one that stands there: what the way depends on is not all known.
      if (this.#matches[fork] !== forkMatches[k]) return -1;
      const at = 3 * fork + forkAnswers[k]!;
      if (k === forkCount - 1) {
        this.#children[at] = path + 1;
        return first;
      }
      const child = this.#children[at]!;
      if (child < 0) fork = -1 - child;
      else {
        fork = this.#add(forkMatches[k + 1]!, this.#changesAt(arrived, trail, k + 1));
        if (fork >= 0) this.#children[at] = -1 - fork;
      }
    }
    return -1;
  }

  #add(match: RuntimeMatch, changes: Int32Array | undefined): number {
    const number = this.#matches.length;
    if (changes === undefined || number === MOST) return -1;
    this.#matches.push(match);
    this.#changes.push(changes);
    if (3 * number + ANSWER_HOTDROP >= this.#children.length) {
      const grown = new Int32Array(2 * this.#children.length);
      grown.set(this.#children);
      this.#children = grown;
    }
    return number;
  }

  /** What has changed between fork k of `trail` and the one before; undefined where that says nothing of other packets. */
  #changesAt(arrived: Int32Array, { forkRegisters }: Trail, k: number): Int32Array | undefined {
    const changes: number[] = [];
    const at = k * REGISTER_COUNT;
    for (let register = 0; register < REGISTER_COUNT; register++) {
      const before = k === 0 ? arrived[register]! : forkRegisters[at - REGISTER_COUNT + register]!;
      const now = forkRegisters[at + register]!;
      if (now === before) continue;
      if (register === R_TTL && !(now === before - 1 && isPastRouting(forkRegisters[at + R_HOOK]!)))
        return undefined;
      changes.push(register, now);
    }
    return Int32Array.from(changes);
  }

  #change(p: Packet, changes: Int32Array): void {
    const { r } = p;
    for (let i = 0; i < changes.length; i += 2) {
      const register = changes[i]!;
      // Whatever it was: forwarding takes one away.
      r[register] = register === R_TTL ? r[R_TTL]! - 1 : changes[i + 1]!;
      if (register === R_TTL || register === R_TOS) p.touch();
    }
  }
}

function isPastRouting(hook: number): boolean {
  return hook === HOOK_FORWARD || hook === HOOK_POSTROUTING;
}

/** Forks at most: some 30 MiB. Beyond, packets walk. */
const MOST = 1 << 18;
