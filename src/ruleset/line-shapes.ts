import { HOOK_NAMES } from '../packet/registers.ts';
import type { RuleTarget } from './model.ts';
import type { RuleParts } from './rule-parser.ts';

/**
 * Lines that differ in names and addresses only. Long rulesets say the same over and over:
 *
 *     -A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
 *        └ chain ┘        └ address ┘                              └ chain to jump to   ┘
 *
 * What is left of such a line when these are cut out is its *shape*. The first line of a shape is read word by word
 * (rule-parser.ts); of the others only what was cut out is, and all else they share, matches and options too. A line that is
 * not of this form, says anything to warn of, or could mean something else by its chain, has no shape.
 *
 * One object for a table.
 */
export class LineShapes {
  readonly #known = new Map<string, Shape>();
  /** What was cut out of the line split last; undefined or '' where there is nothing of the kind. */
  chain = '';
  source: string | undefined;
  destination: string | undefined;
  jumpsTo = '';
  #shape = '';

  /**
   * Splits `line` from `from` on. `jumpable`: gives the name of a chain that a word means behind -j whatever else is there.
   * False for a line that has no shape.
   */
  split(line: string, from: number, jumpable: (name: string) => string | undefined): boolean {
    if (!line.startsWith('-A ', from)) return false;
    let end = endOfWord(line, from + 3);
    if (end < 0) return false;
    this.chain = line.slice(from + 3, end);
    this.source = undefined;
    this.destination = undefined;
    this.jumpsTo = '';
    // Some options are not for chains on some hooks.
    let shape = BUILTIN.has(this.chain) ? `${this.chain} ` : '';
    for (;;) {
      const isSource = line.startsWith(' -s ', end);
      if (!isSource && !line.startsWith(' -d ', end)) break;
      const behind = endOfWord(line, end + 4);
      if (behind < 0) return false;
      const text = line.slice(end + 4, behind);
      if ((isSource ? this.source : this.destination) !== undefined || text.includes(',')) return false;
      if (isSource) this.source = text;
      else this.destination = text;
      shape += isSource ? 's' : 'd';
      end = behind;
    }
    const jump = line.lastIndexOf(' -j ');
    if (jump >= end && endOfWord(line, jump + 4) === line.length) {
      this.jumpsTo = jumpable(line.slice(jump + 4)) ?? '';
    }
    this.#shape = shape + (this.jumpsTo === '' ? line.slice(end) : line.slice(end, jump + 4));
    return true;
  }

  /** What another line of the shape of the line split last has said; undefined when it is the first. */
  get known(): Shape | undefined {
    return this.#known.get(this.#shape);
  }

  /** The line split last, which nothing was to be said of, was read; its target means `target`. */
  learn(parts: RuleParts, target: RuleTarget): void {
    if (this.#known.size >= MOST_SHAPES || parts.isGoto || parts.unsupported.length > 0) return;
    // What was not cut out of this one is the same in others.
    if (parts.sources.length > 1 || parts.destinations.length > 1) return;
    if (
      this.jumpsTo !== ''
        ? parts.targetName !== this.jumpsTo
        : (parts.targetName !== '') !== (parts.target !== undefined)
    )
      return;
    this.#known.set(this.#shape, { parts, target });
  }
}

/** What the first line of a shape has said. `target` is that of all where none jumps to a chain of its own. */
export interface Shape {
  readonly parts: RuleParts;
  readonly target: RuleTarget;
}

/** Where nearly every line has a shape of its own, remembering them does not pay. */
const MOST_SHAPES = 4096;

const BUILTIN: ReadonlySet<string> = new Set(HOOK_NAMES);

/** So long are names and addresses at most; what is longer is refused by somebody. */
const MOST_CHARS = 64;

/** End of the plain word that begins at `from`; -1 when there is none, or it is too long or has quotes in it. */
function endOfWord(line: string, from: number): number {
  let i = from;
  for (; i < line.length; i++) {
    const c = line.charCodeAt(i);
    if (c === BLANK) break;
    if (c < BLANK || c > LAST_ASCII || c === QUOTE || c === BACKSLASH) return -1;
  }
  return i === from || i - from > MOST_CHARS ? -1 : i;
}

const BLANK = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const LAST_ASCII = 126;
