import process from 'node:process';
import { EXIT_DAMAGED_CAPTURE, EXIT_DONE } from '../base/errors.ts';
import { describeDamage } from '../capture/damage.ts';
import type { ReplayConfig, ReplayObserver, ReplayOutput, ReplayStart } from '../workers/config.ts';
import { monotonicSeconds } from './clock.ts';
import { EXIT_INTERRUPTED, EXIT_TERMINATED, forTerminal, PROGRAM } from './errors.ts';
import { isStandardInput, type OutputOptions, type ReplayOptions, replayConfig } from './options.ts';
import { namedInputs, type Outputs, openOutputs } from './outputs.ts';
import type { PacketOutputs } from './packet-outputs.ts';
import type { ProgressBar } from './progress.ts';
import { catchSignals, endInputOnAbort } from './signals.ts';
import type { Printer, Streams } from './streams.ts';

export type RunReplay = (config: ReplayConfig, observer: ReplayObserver) => Promise<ReplayOutput>;

/** What a command has of its surroundings. */
export interface Surroundings {
  readonly streams: Streams;
  readonly stdout: Printer;
  readonly stderr: Printer;
  /** The engine; tests hand in their own. Loaded when it is needed, so that `--help` is quick. */
  readonly engine?: () => Promise<RunReplay>;
}

async function loadEngine(): Promise<RunReplay> {
  const { runReplay } = await import('../workers/replay.ts');
  return runReplay;
}

// What follows is loaded when it is needed: the run's threads are to start before (workers/replay.ts), and take as long.
const loadReports = () => import('./reports.ts');

async function progressBar(streams: Streams): Promise<ProgressBar> {
  const { ProgressBar } = await import('./progress.ts');
  return new ProgressBar(streams.stderr);
}

async function packetOutputsTo(outputs: Outputs): Promise<PacketOutputs> {
  const { PacketOutputs } = await import('./packet-outputs.ts');
  return new PacketOutputs(outputs);
}

/** `iptables-replay run`: gives the exit status. */
export async function run(
  captures: readonly string[],
  options: ReplayOptions & OutputOptions,
  surroundings: Surroundings,
): Promise<number> {
  const perPacket = options.verdicts !== undefined || options.writePcap !== undefined;
  const config = replayConfig(captures, options, perPacket);
  const outputs = openOutputs(options, namedInputs(captures, options));
  try {
    return await runInto(outputs, config, options, surroundings);
  } finally {
    outputs.abandon();
  }
}

async function runInto(
  outputs: Outputs,
  config: ReplayConfig,
  options: ReplayOptions & OutputOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { streams, stdout, stderr } = surroundings;
  const engine = await (surroundings.engine ?? loadEngine)();
  const showsProgress = options.progress && options.quiet !== true && streams.stderr.isTTY === true;
  const bar = showsProgress ? await progressBar(streams) : undefined;
  const packetOutputs = config.perPacket ? await packetOutputsTo(outputs) : undefined;
  const signals = catchSignals();
  if (config.captures.some(isStandardInput)) endInputOnAbort(signals.signal, process.stdin);
  let output: ReplayOutput;
  const begin = monotonicSeconds();
  try {
    output = await engine(config, observe(bar, packetOutputs, signals.signal));
  } finally {
    signals.release();
    bar?.clear();
  }
  // Standard input that ended for the signal, wherever it was, looks like any other end to the engine.
  if (signals.received !== undefined) {
    const damage = output.damage.filter(({ file, isCutShort }) => file !== '-' || !isCutShort);
    output = { ...output, interrupted: true, damage };
  }
  if (output.seconds === 0) output = { ...output, seconds: monotonicSeconds() - begin };
  packetOutputs?.finish();
  const { writeReports } = await loadReports();
  await writeReports(output, options, outputs, stdout);
  outputs.close();
  await printNotes(output, options, stderr);
  return exitStatus(output, signals.received);
}

function observe(
  bar: ProgressBar | undefined,
  packets: PacketOutputs | undefined,
  signal: AbortSignal,
): ReplayObserver & { onStart?: (start: ReplayStart) => void } {
  return {
    signal,
    ...(bar === undefined ? {} : { onProgress: (progress) => bar.update(progress) }),
    ...(packets === undefined
      ? {}
      : { onStart: (start) => packets.begin(start), onBatch: (batch) => packets.write(batch) }),
  };
}

/** Warnings and damage go to standard error whatever the format of the report. */
async function printNotes(
  output: ReplayOutput,
  options: ReplayOptions & OutputOptions,
  stderr: Printer,
): Promise<void> {
  const lines: string[] = [];
  if (options.quiet !== true) {
    const { unmatchedSkews, unmatchedView } = await loadReports();
    for (const warning of output.warnings) lines.push(forTerminal(warning));
    const notes = [...unmatchedView(output, options), ...unmatchedSkews(output)];
    lines.push(...notes.map((note) => `${PROGRAM}: ${note}`));
  }
  for (const damage of output.damage) lines.push(`${PROGRAM}: ${describeDamage(damage)}`);
  if (output.interrupted)
    lines.push(`${PROGRAM}: interrupted; the report is about the packets read until then`);
  if (lines.length > 0) await stderr.print(`${lines.join('\n')}\n`);
}

function exitStatus(output: ReplayOutput, signal: NodeJS.Signals | undefined): number {
  if (output.interrupted) return signal === 'SIGTERM' ? EXIT_TERMINATED : EXIT_INTERRUPTED;
  return output.damage.length > 0 ? EXIT_DAMAGED_CAPTURE : EXIT_DONE;
}
