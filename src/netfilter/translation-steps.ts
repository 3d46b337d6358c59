import { type Arena, addressIn, wordsIn } from '../base/arena.ts';
import type { Family } from '../base/inet.ts';
import type { Nat } from '../nat/nat.ts';
import { type Translation, Translations } from '../nat/settled.ts';
import { MANIP_DST, MANIP_SRC } from '../packet/conntrack-access.ts';
import {
  STEP_ADDRESS,
  STEP_BYTES,
  STEP_DESTINATION,
  STEP_FLAGS,
  STEP_MASQ_OIF,
  STEP_PATH,
  STEP_PLAIN,
  STEP_PORT,
  STEP_STAYS,
} from './memo-layout.ts';

/** How a first packet goes on: where its destination is exchanged first, only what it is exchanged by is known. */
export interface Step {
  readonly destination: Translation | undefined;
  /** Undefined where the packet is dropped. */
  readonly source: Translation | undefined;
  /** -1: the destination is exchanged, and then the memo is asked again. */
  readonly path: number;
}

const FIRST_STEPS = 16;

/**
 * The steps by which first packets of translated connections go on (recall-translated.ts), each with a number of its own. Those
 * that come to the same for every packet are written down for wasm/begin-translated.ts, too: STEP_* in memo-layout.ts.
 */
export class TranslationSteps {
  readonly #nat: Nat;
  readonly #arena: Arena | undefined;
  readonly #translations = new Translations();
  readonly #steps: Step[] = [];
  readonly #numbers = new Map<Translation | undefined, Map<string, number>>();
  #words: Int32Array;
  readonly #moved: (place: number) => void;

  /** `moved` is told the address of what is written down, whenever it is another; 0 where it is out of the kernels' reach. */
  constructor(nat: Nat, arena: Arena | undefined, moved: (place: number) => void) {
    this.#nat = nat;
    this.#arena = arena;
    this.#moved = moved;
    this.#words = this.#allocate((FIRST_STEPS * STEP_BYTES) / 4);
  }

  #allocate(length: number): Int32Array {
    const words = wordsIn(this.#arena, length);
    this.#moved(this.#arena === undefined ? 0 : addressIn(this.#arena, words));
    return words;
  }

  at(number: number): Step {
    return this.#steps[number]!;
  }

  exchangingDestination(settled: Translation, family: Family): number {
    const destination = this.#translations.of(settled);
    return this.#numberOf({ destination, source: undefined, path: -1 }, destination, family);
  }

  /** The source is exchanged (or not), and the packet takes `path`. */
  exchangingSource(settled: Translation, family: Family, path: number): number {
    const source = this.#translations.of(settled);
    return this.#numberOf({ destination: undefined, source, path }, source, family);
  }

  /** The packet takes `path`, which drops it. */
  dropping(path: number): number {
    return this.#numberOf({ destination: undefined, source: undefined, path }, undefined, 4);
  }

  #numberOf(step: Step, by: Translation | undefined, family: Family): number {
    let those = this.#numbers.get(by);
    if (those === undefined) {
      those = new Map();
      this.#numbers.set(by, those);
    }
    const key = `${family} ${step.path}`;
    let number = those.get(key);
    if (number === undefined) {
      number = this.#steps.push(step) - 1;
      those.set(key, number);
      this.#write(number, step, family);
    }
    return number;
  }

  #write(number: number, { destination, source, path }: Step, family: Family): void {
    const size = STEP_BYTES / 4;
    if (size * (number + 1) > this.#words.length) {
      const grown = this.#allocate(2 * this.#words.length);
      grown.set(this.#words);
      this.#words = grown;
    }
    const step = this.#words.subarray(size * number, size * (number + 1));
    const by = destination ?? source;
    const manip = destination === undefined ? MANIP_SRC : MANIP_DST;
    const what = by === undefined ? undefined : this.#nat.exchange(by, manip, family);
    step[STEP_PATH / 4] = path + 1;
    if (what === undefined) return;
    step[STEP_FLAGS / 4] = STEP_PLAIN | (destination === undefined ? 0 : STEP_DESTINATION);
    step[STEP_MASQ_OIF / 4] = by!.oif;
    step[STEP_PORT / 4] = what.port;
    step.set(what.stays, STEP_STAYS / 4);
    step.set(what.address, STEP_ADDRESS / 4);
  }
}
