import type { Family } from '../base/inet.ts';
import type { Batch } from '../batch/batch.ts';
import type { CaptureDamage } from '../capture/damage.ts';
import type { CaptureSource } from '../capture/source.ts';
import type { Host } from '../host/types.ts';
import type { ReplayResult } from '../netfilter/result.ts';
import type { RunProfile } from '../profile/profile.ts';
import type { Ruleset } from '../ruleset/model.ts';

/** What a replay is asked to do: plain data, so that it can be handed to a worker. */
export interface ReplayConfig {
  /** CAPTURE arguments: `[IFACE[:in|:out]=]FILE`. */
  readonly captures: readonly string[];
  /** HOST folder. */
  readonly host?: string | undefined;
  /** Rulesets in place of the ones in HOST. */
  readonly rules?: string | undefined;
  readonly rules6?: string | undefined;
  readonly ipset?: string | undefined;
  /** `conntrack -L -o extended` output: connections that stood before the capture (in place of HOST's). */
  readonly conntrack?: string | undefined;
  /** Nanoseconds that are added to the time stamps of an interface, by its name (`--clock-skew`). */
  readonly clockSkews?: ReadonlyMap<string, bigint> | undefined;
  readonly midstream: 'kernel' | 'established';
  readonly checksum: 'auto' | 'verify' | 'trust';
  /** Worker threads; 0 runs everything in the calling thread. */
  readonly workers: number;
  /** Into how many shares connections are divided where they can be (shares.ts); absent: by `workers` and processors. */
  readonly shares?: number | undefined;
  readonly seed: number;
  readonly onUnsupported: 'error' | 'never-match';
  /** The reference evaluator instead of the compiled one; same answer, slower. */
  readonly evaluator: 'compiled' | 'linear';
  /** False: no loops in WebAssembly but the decoder's; the same answer, slower. */
  readonly kernels?: boolean | undefined;
  /** Fill the outcome columns of batches (for per-packet output). */
  readonly perPacket: boolean;
  /** List the connections that stand at the end (ReplayResult.conntrackDump): costs a line of text for each. */
  readonly conntrackDump?: boolean | undefined;
  /** Measure where the time goes (ReplayOutput.profile): costs time itself. */
  readonly profile?: boolean | undefined;
}

export interface Progress {
  packets: number;
  /** Bytes of capture read so far and in all; undefined when the input's size cannot be known. */
  bytesRead: number;
  bytesTotal: number | undefined;
}

/** What is known before the first batch. `sources` grows during the run; `host` is as HOST says it. */
export interface ReplayStart {
  readonly baseNs: bigint;
  readonly host: Host;
  readonly sources: readonly CaptureSource[];
  readonly rulesets: readonly { readonly ruleset: Ruleset }[];
}

/** Hooks of the caller into a run. */
export interface ReplayObserver {
  /** Called once, before the first batch. */
  onStart?(start: ReplayStart): void;
  /** Called now and then (about ten times a second). */
  onProgress?(progress: Progress): void;
  /** Called for each batch in capture order when the ordered stage is through with it (needs `perPacket`). */
  onBatch?(batch: Batch): void;
  /** Ends the run early: what was read so far is reported. */
  readonly signal?: AbortSignal;
}

/** Everything a report is made of. */
export interface ReplayOutput {
  readonly config: ReplayConfig;
  readonly host: Host;
  readonly rulesets: readonly { readonly family: Family; readonly file: string; readonly ruleset: Ruleset }[];
  readonly sources: readonly CaptureSource[];
  readonly damage: readonly CaptureDamage[];
  readonly result: ReplayResult;
  /** Warnings about rulesets and host, rendered. */
  readonly warnings: readonly string[];
  /** Rules whose extension is not supported and that never match by the user's wish: `file:line: rule`. */
  readonly unsupported: readonly string[];
  /** True when the run was ended before the end of the captures. */
  readonly interrupted: boolean;
  /** Wall-clock seconds of the replay (load excluded), measured by the caller's clock. */
  readonly seconds: number;
  /** Where the time went, of a run with `profile`. */
  readonly profile?: RunProfile | undefined;
}
