/** Fails when something that only a bug of ours can break is broken. Not for checking input: see errors.ts. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}
