import type { CaptureSource } from '../capture/source.ts';
import { numberCounters } from '../netfilter/ruleset-index.ts';
import type { ReplayStart } from '../workers/config.ts';
import { type Decider, deciderOf } from './decider.ts';

/** What output of single packets has to know of the run: numbers in a batch's columns become names here. */
export interface PacketContext {
  /** Time from which batches count: nanoseconds since the epoch. */
  readonly baseNs: bigint;
  source(index: number): CaptureSource;
  /**
   * Name of an interface. HOST may not know it: its number was then given out for the first packet that was captured
   * there, so that packet's source and interface index tell its name.
   */
  interfaceName(id: number, sourceIndex: number, ifindex: number): string;
  decider(counterId: number): Decider;
}

export function packetContext(start: ReplayStart): PacketContext {
  const counters = numberCounters(start.rulesets.map(({ ruleset }) => ruleset));
  const deciders: Decider[] = [];
  const met: string[] = [];
  return {
    baseNs: start.baseNs,
    source: (index) => start.sources[index]!,
    interfaceName: (id, sourceIndex, ifindex) => {
      met[id] ??= start.host.interfaces[id]?.name ?? capturedName(start.sources[sourceIndex]!, ifindex);
      return met[id];
    },
    decider: (id) => {
      deciders[id] ??= deciderOf(counters.owners[id]!);
      return deciders[id];
    },
  };
}

/** As direction/director.ts names what HOST does not know. */
function capturedName({ ifaceName }: CaptureSource, ifindex: number): string {
  return ifaceName !== undefined && ifaceName !== 'any' ? ifaceName : `if${ifindex}`;
}
