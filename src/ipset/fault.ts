/** What ipset says of a line that it does not take, in its own words; caught by the parser, which knows the word. */
export class SetFault extends Error {
  /** The word of the line that is meant; undefined for the one being read. */
  readonly word: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, options: { word?: string; hint?: string } = {}) {
    super(message);
    this.word = options.word;
    this.hint = options.hint;
  }
}

export function syntaxError(message: string, hint?: string): never {
  throw new SetFault(`Syntax error: ${message}`, hint === undefined ? {} : { hint });
}
