import type { Family } from '../base/inet.ts';
import type { ParsedAddress } from './addresses.ts';
import { formatAddressMask } from './save.ts';
import type { Word } from './tokenize.ts';

/**
 * A rule with an extension that is not known cannot be written anew: which of its words belong to the extension is
 * not known either. It is written as it stood, but for the command with its chain, and `-c` with its counters.
 */
export interface VerbatimWords {
  readonly line: string;
  readonly words: readonly Word[];
  /** Indices of words that are left out. */
  readonly leftOut: ReadonlySet<number>;
  /** Index of the word behind -s and -d; -1 when there is none. */
  readonly sourceIndex: number;
  readonly destinationIndex: number;
}

/**
 * The text of one of the rules that the line stands for: with `source` and `destination` in place of the lists that
 * were given. Blanks stay as they were.
 */
export function verbatimText(
  { line, words, leftOut, sourceIndex, destinationIndex }: VerbatimWords,
  family: Family,
  source: ParsedAddress | undefined,
  destination: ParsedAddress | undefined,
): string {
  let text = '';
  let end = 0;
  for (const [i, word] of words.entries()) {
    const from = word.column - 1;
    if (!leftOut.has(i)) {
      const one = i === sourceIndex ? source : i === destinationIndex ? destination : undefined;
      if (text !== '') text += line.slice(end, from);
      text +=
        one === undefined
          ? line.slice(from, from + word.lengthChars)
          : formatAddressMask(one.address, one.mask, family);
    }
    end = from + word.lengthChars;
  }
  return text;
}
