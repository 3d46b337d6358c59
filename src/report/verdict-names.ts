import { OUTCOMES } from '../netfilter/outcome.ts';

/**
 * The words by which `--write-pcap VERDICT=FILE` chooses packets: what a rule said (in capitals, as in a ruleset), or
 * what became of the packet (the outcome names), or `all`.
 */
const VERDICT_OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  ACCEPT: ['delivered', 'forwarded', 'sent', 'looped'],
  DROP: ['dropped'],
  REJECT: ['rejected'],
  QUEUE: ['queued'],
  STOLEN: ['stolen'],
};

/** Every word that `outcomesOf` knows, for messages and help. */
export const VERDICT_NAMES: readonly string[] = [
  ...Object.keys(VERDICT_OUTCOMES),
  ...OUTCOMES.map((outcome) => outcome.name),
  'all',
];

/** Outcome codes that a word stands for, or undefined when it is none. Capitals do not matter. */
export function outcomesOf(word: string): readonly number[] | undefined {
  if (word.toLowerCase() === 'all') return OUTCOMES.map((_, code) => code);
  const names: readonly string[] = VERDICT_OUTCOMES[word.toUpperCase()] ?? [word.toLowerCase()];
  const codes = names.map((name) => OUTCOMES.findIndex((outcome) => outcome.name === name));
  return codes.includes(-1) ? undefined : codes;
}
