import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { threadId } from 'node:worker_threads';
import type { ReplayProfile, RunProfile, ThreadProfile, ThreadRole } from './profile.ts';
import { MEASURING, REST, SECTIONS } from './sections.ts';

/**
 * Where one thread's time goes. The thread says `to(section)` when it turns to something else: the time since the last
 * such moment belongs to what it was at before. So the sections add up to the thread's time, nested or not.
 *
 * Looking at the clock costs some 50 ns, which is much beside a table's walk. What one change of section costs is
 * measured beforehand, taken off each section for each time it was left, and shown as a section of its own (MEASURING).
 *
 * It exists in profiled runs alone. What is done for each packet is measured by standing in for methods of single
 * objects (`watch`), so that the loops themselves know nothing of it.
 */
export class Stopwatch {
  readonly #ms = new Float64Array(SECTIONS.length);
  /** How often each section was left. */
  readonly #changes = new Float64Array(SECTIONS.length);
  readonly #calls = new Float64Array(SECTIONS.length);
  readonly #began: number;
  readonly #cpuBeganMs: number | undefined;
  #since: number;
  #section = REST;

  /** Begins to measure the calling thread. */
  constructor() {
    this.#cpuBeganMs = threadCpuMs();
    this.#began = performance.now();
    this.#since = this.#began;
  }

  /** The thread turns to `section`; gives the one that it was at. */
  to(section: number): number {
    const before = this.#section;
    this.#calls[section]! += 1;
    this.back(section);
    return before;
  }

  /** It goes on with `section`, at which it was before. */
  back(section: number): void {
    const now = performance.now();
    this.#ms[this.#section]! += now - this.#since;
    this.#changes[this.#section]! += 1;
    this.#since = now;
    this.#section = section;
  }

  /** Has the time of every call of `object[name]` belong to `section`. Other objects of its class stay as they are. */
  watch<K extends string>(object: Record<K, (...args: never[]) => unknown>, name: K, section: number): void {
    const method = object[name] as (...args: unknown[]) => unknown;
    object[name] = (...args: unknown[]) => {
      const before = this.to(section);
      try {
        return method.apply(object, args);
      } finally {
        this.back(before);
      }
    };
  }

  /** What has been measured until now: what the thread's part was, and what its machine measured, where it has one. */
  runProfile(role: ThreadRole, replay?: ReplayProfile): RunProfile {
    return { threads: [this.#threadProfile(role)], replay };
  }

  #threadProfile(role: ThreadRole): ThreadProfile {
    this.back(this.#section);
    const ms = this.#ms.slice();
    const costMs = costOfChangeMs();
    for (let section = 0; section < ms.length; section++) {
      const cost = Math.min(ms[section]!, costMs * this.#changes[section]!);
      ms[section]! -= cost;
      ms[MEASURING]! += cost;
    }
    const cpuMs = threadCpuMs();
    return {
      role,
      thread: threadId,
      seconds: (this.#since - this.#began) / 1000,
      cpuSeconds:
        cpuMs === undefined || this.#cpuBeganMs === undefined ? undefined : (cpuMs - this.#cpuBeganMs) / 1000,
      sectionSeconds: ms.map((one) => one / 1000),
      sectionCalls: this.#calls.slice(),
    };
  }
}

const CALIBRATION_CALLS = 2000;
const CALIBRATION_ROUNDS = 5;
let knownCostMs: number | undefined;

/** What one change of section costs by way of `watch`, the least of a few rounds. Some milliseconds, once a thread. */
function costOfChangeMs(): number {
  if (knownCostMs !== undefined) return knownCostMs;
  const stopwatch = new Stopwatch();
  const watched = { call: (n: number) => n };
  stopwatch.watch(watched, 'call', MEASURING);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < CALIBRATION_ROUNDS; round++) {
    const begin = performance.now();
    for (let i = 0; i < CALIBRATION_CALLS; i++) watched.call(i);
    least = Math.min(least, performance.now() - begin);
  }
  knownCostMs = least / (2 * CALIBRATION_CALLS);
  return knownCostMs;
}

/** Processor time of the calling thread; undefined where neither Node (23.9 on) nor Linux gives it. */
function threadCpuMs(): number | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1000;
  }
  try {
    // Nanoseconds on a processor, nanoseconds waiting for one, time slices.
    const [ns] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return Number(ns) / 1e6;
  } catch {
    return undefined;
  }
}
