import type { MessagePort } from 'node:worker_threads';
import type { ArenaPlace } from '../base/arena.ts';
import type { ExitStatus } from '../base/errors.ts';
import type { BatchPlace } from '../batch/batch.ts';
import type { MachineConfig } from '../netfilter/machine.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import type { RunProfile } from '../profile/profile.ts';

/** What a worker is given for its one long task. */
export interface WorkerTask {
  /** 'decode': only that. 'replay': sorts and replays in order, and decodes what nobody does. */
  readonly role: 'decode' | 'replay';
  readonly ring: SharedArrayBuffer;
  /** Batches by slot. */
  readonly batches: readonly BatchPlace[];
  /** In which they lie, for the roles that replay: their table of connections has room in it. */
  readonly arena: ArenaPlace | undefined;
  /** Where replacements of batches come: { slot, place }, sent before the slot is handed on. */
  readonly port: MessagePort;
  /** Source table: length word and JSON text, see source-board.ts. */
  readonly sources: SharedArrayBuffer;
  readonly checksum: 'auto' | 'verify' | 'trust';
  /** For the roles that replay. */
  readonly machine: MachineConfig | undefined;
  readonly baseNs: bigint;
  /** The main thread takes finished batches (for per-packet output); else the replaying worker frees them. */
  readonly returnBatches: boolean;
  /** Measure where the time goes. */
  readonly profiles: boolean;
}

/** An error of the user's kind, on its way between threads. */
export interface WorkerFault {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitStatus: ExitStatus;
}

/** What a worker is given to replay a share of the connections (shares.ts). */
export interface ShareTask {
  readonly role: 'share';
  readonly captures: readonly string[];
  readonly clockSkews: ReadonlyMap<string, bigint> | undefined;
  readonly machine: MachineConfig;
  /** Which share, of how many. */
  readonly index: number;
  readonly count: number;
  readonly board: SharedArrayBuffer;
  /** Measure where the time goes. */
  readonly profiles: boolean;
}

/** Nothing: a thread that answers is through with what it was doing. */
export interface RestTask {
  readonly role: 'rest';
}

export interface ShareAnswer {
  /** Undefined when the capture has to be replayed as a whole. */
  readonly result: ReplayResult | undefined;
  readonly interrupted: boolean;
  readonly profile: RunProfile | undefined;
}

export interface WorkerAnswer {
  readonly fault?: WorkerFault;
  readonly result?: ReplayResult;
  readonly profile?: RunProfile | undefined;
}
