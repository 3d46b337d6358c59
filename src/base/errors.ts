/**
 * The errors of the user's kind. Each carries the exit status that design section "Command line" promises.
 * Errors of the packet's kind are never thrown: they are counted under a drop reason. Errors of ours are
 * assertions (assert.ts).
 */
export const EXIT_DONE = 0;
export const EXIT_DIFFERENCES = 1;
export const EXIT_USAGE = 2;
export const EXIT_DAMAGED_CAPTURE = 3;
export const EXIT_LIMITS = 4;

export type ExitStatus = 0 | 1 | 2 | 3 | 4;

/** A mistake in what the user gave us: rendered as a message, never as a stack trace. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly exitStatus: ExitStatus;
  /** One sentence that says what to do about it, or undefined. */
  readonly hint: string | undefined;

  constructor(message: string, options: { exitStatus?: ExitStatus; hint?: string | undefined } = {}) {
    super(message);
    this.exitStatus = options.exitStatus ?? EXIT_USAGE;
    this.hint = options.hint;
  }
}

/** Where in a text something was found. Lines and columns count from 1; the column is of the first character. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The whole source line without its line end. */
  readonly text: string;
  /** How many characters the caret line underlines (at least 1). */
  readonly lengthChars: number;
}

/** One finding in a text file (ruleset, sysctl, ipset dump …). */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly position: SourcePosition;
  readonly hint?: string | undefined;
}

/** Renders a finding as `file:line:column: severity: message`, the source line, a caret and the hint. */
export function renderFinding(finding: Finding): string {
  const { file, line, column, text, lengthChars } = finding.position;
  const lines = [`${file}:${line}:${column}: ${finding.severity}: ${finding.message}`];
  if (text !== '') {
    // Tabs are kept in the caret line so that the caret stands below its character in any terminal.
    const margin = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
    lines.push(`  ${text}`, `  ${margin}${'^'.repeat(Math.max(1, lengthChars))}`);
  }
  if (finding.hint !== undefined) lines.push(`  hint: ${finding.hint}`);
  return lines.join('\n');
}

/** All errors of one or more texts at once. */
export class FindingsError extends UserError {
  override readonly name = 'FindingsError';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(renderFinding).join('\n'));
    this.findings = findings;
  }
}
