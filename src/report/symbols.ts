/** The distinct words of one column, numbered in the order they came up. */
export class SymbolTable {
  readonly words: string[] = [];
  private readonly codes = new Map<string, number>();

  /** The word's number, a new one when it is new. */
  code(word: string): number {
    const known = this.codes.get(word);
    if (known !== undefined) return known;
    const code = this.words.length;
    this.words.push(word);
    this.codes.set(word, code);
    return code;
  }
}

/** A symbol that is absent. */
export const NO_SYMBOL = -1;
