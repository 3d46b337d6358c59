import type { Packet } from '../packet/packet.ts';
import { REGISTER_COUNT } from '../packet/registers.ts';
import type { RuntimeMatch } from './runtime.ts';

/** So many matches that must see each packet a way may come to, and still stand for others' (netfilter/forks.ts). */
export const MOST_FORKS = 16;
/** What such a match said: no, yes, or that the packet be dropped at once (Packet.hotdrop). */
export const ANSWER_NO = 0;
export const ANSWER_YES = 1;
export const ANSWER_HOTDROP = 2;

/**
 * What one packet leaves behind on its way through the rules: the counters it hit, in order, who decided, and
 * whether its way may stand for other packets of its connection. One object for a run, reset for each packet.
 */
export class Trail {
  /** Counter ids in the order they were hit. */
  hits = new Int32Array(256);
  count = 0;
  /** Counter id of the rule or policy that ended the last table run, -1 when none has. */
  decider = -1;
  /**
   * Set when a match or target was evaluated whose answer depends on more than the path key holds: the way is
   * this packet's own.
   */
  unsharable = false;
  /** DEPENDS_* of compile/dependence.ts: what the compiled evaluator has found the way to depend on. */
  depends = 0;
  /** The matches that must see each packet, in the order in which they were asked; what they said; and the registers then. */
  readonly forkMatches: RuntimeMatch[] = [];
  readonly forkAnswers = new Uint8Array(MOST_FORKS);
  readonly forkRegisters = new Int32Array(MOST_FORKS * REGISTER_COUNT);
  forkCount = 0;
  /** Of these, so many have been asked before the walk began, and must not be asked again. */
  askedBefore = 0;
  /** skb->len at the start of the way. */
  startLength = 0;
  /** Bytes to add to counters beyond the start length, where a target has changed the packet's length. */
  private extraBytes: Map<number, number> | undefined;

  reset(length: number): void {
    this.count = 0;
    this.decider = -1;
    this.unsharable = false;
    this.depends = 0;
    this.forkCount = 0;
    this.askedBefore = 0;
    this.startLength = length;
  }

  /** `match`, which must see each packet, is asked about `p`: ANSWER_*. */
  ask(match: RuntimeMatch, p: Packet): number {
    const k = this.forkCount;
    let answer: number;
    if (k < this.askedBefore) {
      answer = this.forkAnswers[k]!;
      if (answer === ANSWER_HOTDROP) p.hotdrop = true;
    } else {
      const holds = match.definition.evaluate(match.options, p, match.state);
      answer = p.hotdrop ? ANSWER_HOTDROP : holds ? ANSWER_YES : ANSWER_NO;
    }
    if (k === MOST_FORKS) this.unsharable = true;
    else {
      this.forkMatches[k] = match;
      this.forkAnswers[k] = answer;
      this.forkRegisters.set(p.r, k * REGISTER_COUNT);
      this.forkCount = k + 1;
    }
    return answer;
  }

  /** A rule or policy counter is hit by a packet of `length` bytes. */
  hit(counter: number, length: number): void {
    if (this.count === this.hits.length) {
      const grown = new Int32Array(2 * this.count);
      grown.set(this.hits);
      this.hits = grown;
    }
    this.hits[this.count++] = counter;
    if (length !== this.startLength) this.addExtra(counter, length - this.startLength);
  }

  private addExtra(counter: number, bytes: number): void {
    // TCPMSS may make a packet longer; the counters behind it count the longer one.
    this.unsharable = true;
    this.extraBytes ??= new Map();
    this.extraBytes.set(counter, (this.extraBytes.get(counter) ?? 0) + bytes);
  }

  /** Adds what `hit` noted beyond the start lengths. */
  expandExtra(bytes: Float64Array): void {
    for (const [counter, extra] of this.extraBytes ?? []) bytes[counter]! += extra;
  }
}
