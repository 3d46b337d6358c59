import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { ShareAnswer, ShareTask, WorkerAnswer, WorkerTask } from './tasks.ts';

/**
 * The worker threads of a run. They start, and load the engine, when this is made: early, while the main thread reads
 * files and rules.
 */
export class Threads {
  readonly count: number;
  readonly #pool: Piscina;
  readonly #staysAlive: NodeJS.Timeout;

  constructor(count: number) {
    this.count = count;
    this.#pool = new Piscina({
      filename: workerFile(),
      minThreads: count,
      maxThreads: count,
      concurrentTasksPerWorker: 1,
    });
    // Neither Atomics.waitAsync nor an idle worker keeps Node from ending: when all workers were done before this thread had
    // taken back the last batches, the process ended in the middle of the run, with exit status 13.
    this.#staysAlive = setInterval(() => undefined, 1000);
  }

  /** Hands a task to a thread that has none. */
  run(task: ShareTask): Promise<ShareAnswer>;
  run(task: WorkerTask): Promise<WorkerAnswer>;
  run(task: ShareTask | WorkerTask): Promise<ShareAnswer | WorkerAnswer> {
    return this.#pool.run(task, task.role === 'share' ? {} : { transferList: [task.port] });
  }

  /**
   * Ends the threads when they have done their tasks, and have loaded the engine: Node dies (of a failed assertion on
   * modules) when a thread is ended amid that.
   */
  async end(): Promise<void> {
    const rests = Array.from({ length: this.count }, () => this.#pool.run({ role: 'rest' }));
    await Promise.allSettled(rests);
    clearInterval(this.#staysAlive);
    await this.#pool.destroy();
  }
}

/** The worker's built file. From the sources (in tests) it is the one that `npm run build` has made. */
function workerFile(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith('.ts') ? '../../dist/worker.js' : './worker.js', here));
}
