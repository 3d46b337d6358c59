import type { ReplayConfig, ReplayObserver, ReplayOutput } from './config.ts';
import { sharesOf } from './share-count.ts';
import type { Threads } from './threads.ts';

/** Who works on a run: this thread alone, or threads, which are made before anything is loaded. */
export interface Crew {
  /** Into how many shares the connections are divided, if they can be. */
  readonly shares: number;
  readonly threads: Threads | undefined;
}

/**
 * Replays captures through a machine's rules.
 * @throws UserError for what is wrong in the configuration, the host, the rulesets or the captures' link types.
 */
export async function runReplay(config: ReplayConfig, observer: ReplayObserver = {}): Promise<ReplayOutput> {
  const crew = await crewOf(config, observer);
  // Threads start while this one loads the engine, which takes them as long.
  const { runEngine } = await import('./engine-run.ts');
  return runEngine(config, observer, crew);
}

async function crewOf(config: ReplayConfig, observer: ReplayObserver): Promise<Crew> {
  if (config.workers === 0) return { shares: 1, threads: undefined };
  const { Threads } = await import('./threads.ts');
  const shares = observer.onBatch === undefined ? sharesOf(config) : 1;
  // Of the shares this thread takes one.
  return { shares, threads: new Threads(shares > 1 ? shares - 1 : config.workers) };
}
