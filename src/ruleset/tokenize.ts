/**
 * Lines and words as iptables-restore sees them (iptables/xshared.c, add_param_to_argv()): words are separated
 * by blanks and tabs; double quotes keep blanks in a word, and within them a backslash keeps the next character.
 * A closing quote ends the word even when no blank follows.
 */
export interface Word {
  readonly text: string;
  /** Column of its first character in the line, from 1. */
  readonly column: number;
  /** Characters of the line it takes. */
  readonly lengthChars: number;
}

/** Longest word, in characters, that iptables takes. */
export const MAX_WORD_CHARS = 1023;
/** Most words of one rule that iptables takes (MAX_ARGC less what iptables-restore adds itself). */
export const MAX_WORDS = 250;
/** Longest line in bytes: a longer one would be cut in two by iptables-restore's buffer. */
export const MAX_LINE_BYTES = 10238;

export interface Tokenized {
  readonly words: Word[];
  /** Column of a quote that is not closed, or 0. */
  readonly openQuoteColumn: number;
}

const BLANK = 32;
const TAB = 9;
const QUOTE = 34;
const BACKSLASH = 92;

/** Words of `line` from index `start` on. */
export function tokenize(line: string, start = 0): Tokenized {
  const words: Word[] = [];
  const n = line.length;
  let i = start;
  let openQuoteColumn = 0;
  while (i < n) {
    const c = line.charCodeAt(i);
    if (c === BLANK || c === TAB) {
      i++;
      continue;
    }
    const from = i;
    let text = '';
    let pieceFrom = i;
    let ended = false;
    while (i < n && !ended) {
      const d = line.charCodeAt(i);
      if (d === BLANK || d === TAB) {
        text += line.slice(pieceFrom, i);
        pieceFrom = i;
        ended = true;
      } else if (d === QUOTE) {
        text += line.slice(pieceFrom, i);
        const openAt = i;
        const closeAt = readQuoted(line, i + 1);
        text += closeAt.text;
        i = closeAt.end;
        pieceFrom = i;
        if (!closeAt.closed) {
          openQuoteColumn = openAt + 1;
          // The word runs to the end of the line, and takes the line end with it.
          text += '\n';
        }
        ended = true;
      } else {
        i++;
      }
    }
    if (!ended) text += line.slice(pieceFrom, i);
    words.push({ text, column: from + 1, lengthChars: i - from });
  }
  return { words, openQuoteColumn };
}

/** The inside of a quoted piece that starts at `from`, behind its quote; `end` is behind the closing quote. */
function readQuoted(line: string, from: number): { text: string; end: number; closed: boolean } {
  let text = '';
  let pieceFrom = from;
  let i = from;
  while (i < line.length) {
    const c = line.charCodeAt(i);
    if (c === QUOTE) return { text: text + line.slice(pieceFrom, i), end: i + 1, closed: true };
    if (c === BACKSLASH) {
      text += line.slice(pieceFrom, i);
      pieceFrom = i + 1;
      i++;
    }
    i++;
  }
  return { text: text + line.slice(pieceFrom, line.length), end: line.length, closed: false };
}
