/**
 * Cases that depend on real time, on a machine that has other things to do.
 *
 * A packet that is played late, or a tick that falls on the wrong side of it, makes the kernel's answer one to another
 * case. Such an answer is asked for again, a few times; a case without times is believed at once, since there the
 * kernel has no excuse. A real difference does not hide: it is there in every play, and in the recording.
 */

/** So often a case is played in all. The judge itself begins anew, within one play, when it notices to be late. */
export const PLAYS = 4;

export interface Paced {
  readonly packets: readonly { readonly at?: number }[];
}

export function isPaced({ packets }: Paced): boolean {
  return packets.some(({ at }) => at !== undefined);
}

export interface Settled<R> {
  readonly answer: R;
  /** Why the last answer is not believed; empty when it is. */
  readonly doubts: readonly string[];
}

/**
 * The answers to the cases, in their order. Paced ones in whose answer `doubt` finds something are asked for again, by
 * themselves, until it finds nothing or they have been played PLAYS times.
 */
export async function settle<C extends Paced, R>(
  cases: readonly C[],
  ask: (cases: readonly C[]) => Promise<readonly R[]>,
  doubt: (one: C, answer: R, number: number) => readonly string[],
): Promise<Settled<R>[]> {
  const look = (answers: readonly R[], numbers: readonly number[]) =>
    answers.map((answer, i) => ({ answer, doubts: doubt(cases[numbers[i]!]!, answer, numbers[i]!) }));
  const everyone = cases.map((_one, number) => number);
  const settled = look(await ask(cases), everyone);
  for (let play = 2; play <= PLAYS; play++) {
    const open = everyone.filter((number) => settled[number]!.doubts.length > 0 && isPaced(cases[number]!));
    if (open.length === 0) break;
    const again = look(await ask(open.map((number) => cases[number]!)), open);
    for (const [i, number] of open.entries()) settled[number] = again[i]!;
  }
  return settled;
}

/** Says, once a case, that it was not judged by the kernel this time. */
export function say(id: string, doubts: readonly string[], instead: string): void {
  console.warn(`${id}: played ${PLAYS} times, and still ${doubts[0]!.slice(0, 200)}; ${instead}`);
}
