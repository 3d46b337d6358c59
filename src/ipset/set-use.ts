import type { OptionCall } from '../extension/syntax.ts';
import { byteLength } from '../extension/values.ts';
import type { RegisterName } from '../packet/registers.ts';
import { MAX_SET_NAME_CHARS } from './parse.ts';

/** What is known of a set before any packet: decides how a rule that asks it may be evaluated. */
export interface SetTraits {
  /** Nothing in the run changes what the set answers: no SET target, no timeouts, no counters that are compared. */
  readonly isStatic: boolean;
  readonly reads: readonly (RegisterName | 'payload')[];
}

/**
 * A set as a rule names it: `NAME src,dst`. Rules are read without the sets; `bindSets` fills in the traits before the
 * rules are compiled. Until then the set is taken for one that changes.
 */
export class SetUse {
  readonly name: string;
  /** How many `src` and `dst` words there are. */
  readonly dimensions: number;
  /** Bit i: word i, from 0, is `src`. */
  readonly sources: number;
  traits: SetTraits | undefined;

  constructor(name: string, dimensions: number, sources: number) {
    this.name = name;
    this.dimensions = dimensions;
    this.sources = sources;
  }

  /** `NAME src,dst` */
  toString(): string {
    const words: string[] = [];
    for (let i = 0; i < this.dimensions; i++) words.push((this.sources & (1 << i)) !== 0 ? 'src' : 'dst');
    return `${this.name} ${words.join(',')}`;
  }
}

/** IPSET_DIM_MAX. */
const MAX_DIMENSIONS = 6;

/** Reads `NAME src[,dst…]`: parse_dirs() and get_set_byname() of libxt_set.h. */
export function parseSetUse(name: string, call: OptionCall): SetUse {
  const directions = call.nextWord();
  if (directions === undefined) call.fail(`--${call.option} requires two args.`);
  if (byteLength(name) > MAX_SET_NAME_CHARS) {
    call.fail(`setname \`${name}' too long, max ${MAX_SET_NAME_CHARS} characters.`);
  }
  let sources = 0;
  let dimensions = 0;
  for (const word of directions.split(',')) {
    if (dimensions === MAX_DIMENSIONS) {
      call.fail(`Can't be more src/dst options than ${MAX_DIMENSIONS}.`);
    }
    if (word !== 'src' && word !== 'dst') {
      call.fail("You must spefify (the comma separated list of) 'src' or 'dst'.");
    }
    if (word === 'src') sources |= 1 << dimensions;
    dimensions++;
  }
  return new SetUse(name, dimensions, sources);
}
