import { performance } from 'node:perf_hooks';
import { openCaptures } from '../capture/open.ts';
import type { CaptureReader } from '../capture/reader.ts';
import type { Share } from '../decode/share.ts';
import { loadHost } from '../host/load.ts';
import { type LoadedRulesets, loadRulesets, Machine, type MachineConfig } from '../netfilter/machine.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import { sharable } from '../netfilter/sharable.ts';
import type { RunProfile } from '../profile/profile.ts';
import { LOADING, REST } from '../profile/sections.ts';
import { Stopwatch } from '../profile/stopwatch.ts';
import type { ReplayConfig, ReplayObserver, ReplayOutput } from './config.ts';
import { runInline } from './inline.ts';
import { loadMachineConfig } from './load-config.ts';
import type { Crew } from './replay.ts';
import type { ShareStart } from './shares.ts';
import { surveySources } from './survey.ts';
import type { Threads } from './threads.ts';
import { isWorthReadingTwice, isWorthSharing } from './worth-sharing.ts';

/** The run itself, with the threads that were made for it: whatever comes of it, they are ended. */
export async function runEngine(
  config: ReplayConfig,
  observer: ReplayObserver,
  { shares, threads }: Crew,
): Promise<ReplayOutput> {
  const work = new Work(shares, threads, config.profile ? new Stopwatch() : undefined);
  try {
    return await replay(config, observer, work);
  } finally {
    await work.end();
  }
}

async function replay(config: ReplayConfig, observer: ReplayObserver, work: Work): Promise<ReplayOutput> {
  const { stopwatch } = work;
  stopwatch?.to(LOADING);
  const files = loadMachineConfig(config);
  const { clockSkews: skews } = config;
  const open = () => openCaptures(config.captures, skews === undefined ? {} : { skews });
  const opened = async () => {
    const seen = await surveySources(config.captures, config.host, files.captureInterfaces);
    return { seenSources: seen, firstReader: await open() };
  };
  const { seenSources, firstReader } = await opened().catch((error: unknown) => {
    // What is wrong in the rules is said first.
    loadRulesets(files);
    throw error;
  });
  let reader = firstReader;
  const machineConfig = { ...files, seenSources, baseNs: reader.clock.baseNs };
  try {
    const start = await work.startShares(config, machineConfig);
    const loaded = loadRulesets(files);
    observer.onStart?.({
      baseNs: reader.clock.baseNs,
      host: loadHost(config.host, { captureInterfaces: machineConfig.captureInterfaces }),
      sources: reader.sources,
      rulesets: loaded.rulesets,
    });
    stopwatch?.to(REST);
    const startMs = performance.now();
    let run: Run | undefined;
    const how = start === undefined ? undefined : sharable(machineConfig, loaded);
    if (
      start !== undefined &&
      how !== undefined &&
      isWorthSharing(how, reader.position.fileBytesTotal, config.shares)
    ) {
      run = await work.runShares(reader, machineConfig, loaded, start, how.by, observer);
      if (run === undefined) {
        // It was tried in vain. What was set up is spent, but the thread that replays now sets up its own.
        reader.close();
        reader = await open();
      }
    }
    run ??= await work.runWhole(reader, config, machineConfig, loaded, observer);
    const { result, interrupted, profile } = run;
    const seconds = (performance.now() - startMs) / 1000;
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
      profile,
    };
  } finally {
    reader.close();
  }
}

interface Run {
  readonly result: ReplayResult;
  readonly interrupted: boolean;
  readonly profile: RunProfile | undefined;
}

/** How a run is done by its work. */
class Work {
  /** This thread's, in a profiled run. */
  readonly stopwatch: Stopwatch | undefined;
  readonly #shares: number;
  readonly #threads: Threads | undefined;
  #start: ShareStart | undefined;

  constructor(shares: number, threads: Threads | undefined, stopwatch: Stopwatch | undefined) {
    this.#shares = shares;
    this.#threads = threads;
    this.stopwatch = stopwatch;
  }

  /** Undefined where there will be no shares, whatever the rules. */
  async startShares(config: ReplayConfig, machineConfig: MachineConfig): Promise<ShareStart | undefined> {
    if (this.#shares === 1) return undefined;
    if (config.shares === undefined && !(await isWorthReadingTwice(config.captures, machineConfig.rulesets)))
      return undefined;
    const { startShares } = await import('./shares.ts');
    const profiles = this.stopwatch !== undefined;
    this.#start = startShares(config, machineConfig, this.#threads!, this.#shares, profiles);
    return this.#start;
  }

  async runShares(
    reader: CaptureReader,
    machineConfig: MachineConfig,
    loaded: LoadedRulesets,
    start: ShareStart,
    by: Share['by'],
    observer: ReplayObserver,
  ): Promise<Run | undefined> {
    const { runShares } = await import('./shares.ts');
    return runShares(reader, machineConfig, loaded, start, by, observer, this.stopwatch);
  }

  async runWhole(
    reader: CaptureReader,
    { workers }: ReplayConfig,
    machineConfig: MachineConfig,
    loaded: LoadedRulesets,
    observer: ReplayObserver,
  ): Promise<Run> {
    if (workers === 0) return runHere(machineConfig, loaded, reader, observer, this.stopwatch);
    const { runOnPool } = await import('./pool.ts');
    // Threads that were to take shares have loaded the engine: they are worth more than new ones.
    this.#start?.board.abort();
    const threads = this.#threads!;
    return runOnPool(reader, machineConfig, threads, workers > threads.count, observer, this.stopwatch);
  }

  async end(): Promise<void> {
    this.#start?.board.abort();
    await this.#threads?.end();
  }
}

async function runHere(
  config: MachineConfig,
  loaded: LoadedRulesets,
  reader: CaptureReader,
  observer: ReplayObserver,
  stopwatch: Stopwatch | undefined,
): Promise<Run> {
  stopwatch?.to(LOADING);
  const machine = new Machine({ ...config, arena: 'own' }, loaded, stopwatch);
  stopwatch?.to(REST);
  const interrupted = await runInline(reader, machine, config.checksum, observer, stopwatch);
  const result = machine.result(reader.clock.baseNs);
  return { result, interrupted, profile: stopwatch?.runProfile('all', machine.profileData()) };
}
