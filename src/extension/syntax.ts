/** How an extension is written in a ruleset. Filled in by the ruleset language (options, checks, save and list forms). */
export interface ExtensionSyntax<O> {
  readonly placeholder?: O;
}
