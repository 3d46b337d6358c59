import { type Command, type Cost, measure, warm } from '../base/measure.ts';
import type { Capture } from '../scene/captures.ts';

/** One way to take packets, measured once a round. */
export interface Row {
  /** Unique in its group. */
  readonly name: string;
  /** As the table shows it. */
  readonly label: string;
  /** What its rate is compared with. */
  readonly reference?: Reference | undefined;
  readonly run: () => Promise<Sample>;
}

/**
 * `whole`: the rates of whole processes, from their start to their end. `after start`: without the time that the same process
 * takes on a capture without packets (Node's start, reading and compiling rules).
 */
export type Basis = 'whole' | 'after start';

export interface Reference {
  /** A row of the same group. */
  readonly row: string;
  readonly basis: Basis;
}

export interface Sample extends Cost {
  readonly packets: number;
  /** Wall time of the same on a capture without packets; 0 where that is of no interest. */
  readonly startSeconds: number;
}

/** A process that reads capture files. */
export interface ReaderOptions {
  readonly name: string;
  readonly label: string;
  readonly reference?: Reference | undefined;
  readonly capture: Capture;
  readonly command: (files: readonly string[]) => Command;
  /** Also measure it on the empty capture. */
  readonly measuresStart: boolean;
  /** It reads only so many packets. */
  readonly packets?: number;
  /** It prints how many packets it has read, and that has to be right. */
  readonly counts?: boolean;
}

export function readerRow(options: ReaderOptions): Row {
  const { name, label, reference, capture, command } = options;
  const packets = options.packets ?? capture.spec.packets;
  const run = async (): Promise<Sample> => {
    const start = options.measuresStart ? await measure(command(capture.emptyFiles)) : undefined;
    for (const file of capture.files) warm(file);
    const { stdout, ...cost } = await measure(command(capture.files), { stdout: options.counts === true });
    if (options.counts === true && Number.parseInt(stdout, 10) !== packets) {
      throw new Error(`${label} has read ${stdout.trim()} of ${packets} packets`);
    }
    return { ...cost, packets, startSeconds: start?.wallSeconds ?? 0 };
  };
  return { name, label, reference, run };
}
