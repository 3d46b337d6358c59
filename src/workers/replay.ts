import { performance } from 'node:perf_hooks';
import { openCaptures } from '../capture/open.ts';
import type { CaptureReader } from '../capture/reader.ts';
import { loadHost } from '../host/load.ts';
import { type LoadedRulesets, loadRulesets, Machine, type MachineConfig } from '../netfilter/machine.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import type { ReplayConfig, ReplayObserver, ReplayOutput } from './config.ts';
import { runInline } from './inline.ts';
import { loadMachineConfig } from './load-config.ts';
import { surveySources } from './survey.ts';

/**
 * Replays captures through a machine's rules.
 * @throws UserError for what is wrong in the configuration, the host, the rulesets or the captures' link types.
 */
export async function runReplay(config: ReplayConfig, observer: ReplayObserver = {}): Promise<ReplayOutput> {
  const files = loadMachineConfig(config);
  const loaded = loadRulesets(files);
  const seenSources = await surveySources(config.captures, config.host, files.captureInterfaces);
  const { clockSkews: skews } = config;
  const reader = await openCaptures(config.captures, skews === undefined ? {} : { skews });
  const machineConfig = { ...files, seenSources, baseNs: reader.clock.baseNs };
  try {
    observer.onStart?.({
      baseNs: reader.clock.baseNs,
      host: loadHost(config.host, { captureInterfaces: machineConfig.captureInterfaces }),
      sources: reader.sources,
      rulesets: loaded.rulesets,
    });
    const start = performance.now();
    const { result, interrupted } =
      config.workers === 0
        ? await runHere(machineConfig, loaded, reader, observer)
        : await (await import('./pool.ts')).runOnPool(reader, machineConfig, config.workers, observer);
    const seconds = (performance.now() - start) / 1000;
    const host = loadHost(config.host, { captureInterfaces: machineConfig.captureInterfaces });
    for (const name of result.interfaces) host.interfaceId(name);
    return {
      config,
      host,
      rulesets: loaded.rulesets,
      sources: reader.sources,
      damage: reader.damage,
      result,
      warnings: loaded.warnings,
      unsupported: loaded.unsupported,
      interrupted,
      seconds,
    };
  } finally {
    reader.close();
  }
}

async function runHere(
  config: MachineConfig,
  loaded: LoadedRulesets,
  reader: CaptureReader,
  observer: ReplayObserver,
): Promise<{ result: ReplayResult; interrupted: boolean }> {
  const machine = new Machine(config, loaded);
  const interrupted = await runInline(reader, machine, config.checksum, observer);
  return { result: machine.result(reader.clock.baseNs), interrupted };
}
