import { performance } from 'node:perf_hooks';
import { openCaptures } from '../capture/open.ts';
import { Machine } from '../netfilter/machine.ts';
import type { ReplayConfig, ReplayObserver, ReplayOutput } from './config.ts';
import { runInline } from './inline.ts';
import { loadMachineConfig } from './load-config.ts';

/**
 * Replays captures through a machine's rules.
 * @throws UserError for what is wrong in the configuration, the host, the rulesets or the captures' link types.
 */
export async function runReplay(config: ReplayConfig, observer: ReplayObserver = {}): Promise<ReplayOutput> {
  const machineConfig = loadMachineConfig(config);
  const machine = new Machine(machineConfig);
  const reader = await openCaptures(config.captures);
  try {
    const start = performance.now();
    const interrupted = await runInline(reader, machine, config.checksum, observer);
    const seconds = (performance.now() - start) / 1000;
    return {
      config,
      host: machine.host,
      rulesets: machine.loaded.rulesets,
      sources: reader.sources,
      damage: reader.damage,
      result: machine.result(reader.clock.baseNs),
      warnings: machine.loaded.warnings,
      unsupported: machine.loaded.unsupported,
      interrupted,
      seconds,
    };
  } finally {
    reader.close();
  }
}
