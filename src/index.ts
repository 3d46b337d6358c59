/**
 * The library face of iptables-replay.
 *
 * ```ts
 * import { replay } from 'iptables-replay';
 * const { result } = await replay({ captures: ['eth0=trace.pcap'], host: 'host/' });
 * ```
 */
import type { ReplayConfig, ReplayObserver, ReplayOutput } from './workers/config.ts';
import { runReplay } from './workers/replay.ts';

export { FindingsError, UserError } from './base/errors.ts';
export { OUTCOMES } from './netfilter/outcome.ts';
export type { ReplayResult } from './netfilter/result.ts';
export type { CounterIndex, CounterOwner } from './netfilter/ruleset-index.ts';
export { numberCounters } from './netfilter/ruleset-index.ts';
export type { Chain, Rule, Ruleset, Table } from './ruleset/model.ts';
export { parseRuleset } from './ruleset/parse.ts';
export { saveRuleset } from './ruleset/save.ts';
export type { Progress, ReplayConfig, ReplayObserver, ReplayOutput } from './workers/config.ts';

/** What `replay` takes: captures are needed, all else has the command line's defaults. */
export type ReplayOptions = Pick<ReplayConfig, 'captures'> & Partial<ReplayConfig>;

/**
 * Replays captures through a machine's iptables rules, as `iptables-replay run` does.
 *
 * @throws UserError (FindingsError for rulesets) when host, rules or captures cannot be used; a capture that is only
 *   damaged is replayed as far as it is sound, see `damage` of the answer.
 */
export function replay(options: ReplayOptions, observer: ReplayObserver = {}): Promise<ReplayOutput> {
  return runReplay(
    {
      midstream: 'kernel',
      checksum: 'auto',
      workers: 0,
      seed: 0,
      onUnsupported: 'error',
      evaluator: 'compiled',
      perPacket: observer.onBatch !== undefined,
      ...options,
    },
    observer,
  );
}
