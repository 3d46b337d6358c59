import process from 'node:process';
import type { Readable } from 'node:stream';

export interface CaughtSignals {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The signal that came. */
  readonly received: NodeJS.Signals | undefined;
  /** Gives the signals back their usual meaning. */
  release(): void;
}

/**
 * The first Ctrl-C (or SIGTERM) ends the replay in good order and has it report what it has read; then signals mean
 * again what they always do, so that the second one ends the program at once.
 */
export function catchSignals(source: NodeJS.EventEmitter = process): CaughtSignals {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const catcher = (name: NodeJS.Signals) => {
    received = name;
    release();
    controller.abort();
  };
  const release = () => {
    source.off('SIGINT', catcher);
    source.off('SIGTERM', catcher);
  };
  source.on('SIGINT', catcher);
  source.on('SIGTERM', catcher);
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    release,
  };
}

/** How long a writer of standard input, who mostly got the same Ctrl-C, has to end by itself. */
const GRACE_MS = 300;

/**
 * Ends standard input after the signal. The replay looks at the signal between batches only, and would otherwise
 * wait for packets that may never come.
 */
export function endInputOnAbort(signal: AbortSignal, input: Readable): void {
  const end = () => {
    input.on('error', () => {});
    input.push(null);
  };
  signal.addEventListener('abort', () => setTimeout(end, GRACE_MS).unref());
}
