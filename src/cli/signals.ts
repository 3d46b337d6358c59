import process from 'node:process';

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
