import type { Other } from '../replay/others.ts';
import type { Group } from '../replay/rounds.ts';
import { type Reference, type Row, readerRow } from '../replay/row.ts';
import type { Capture } from '../scene/captures.ts';
import { NORMAL, type Profile } from '../scene/profiles.ts';
import type { Scene } from '../scene/scene.ts';

export interface BenchOptions {
  /** Worker counts that the main rows are measured with, ascending. */
  readonly workers: readonly number[];
  /** Also measure what the start takes. */
  readonly measuresStart: boolean;
  /** Bound of each measurement of the kernel. */
  readonly kernelSeconds: number;
  /** tshark is so slow that it gets no more. */
  readonly tsharkPackets: number;
}

/** A group that is made when its turn comes, since that writes captures. */
export interface GroupPlan {
  readonly name: string;
  /** It is not about figures. */
  readonly isOnlySmoke?: boolean;
  /** Whose captures it needs. */
  readonly profiles: readonly Profile[];
  /** `isWanted`: which of its profiles were asked for; the ordinary one is needed in any case. */
  readonly make: (bench: Bench, isWanted: (profile: Profile) => boolean) => Promise<Group>;
}

/** What groups are made with. */
export class Bench {
  readonly options: BenchOptions;
  readonly scene: Scene;

  constructor(scene: Scene, options: BenchOptions) {
    this.scene = scene;
    this.options = options;
  }

  capture(profile: Profile): Capture {
    return this.scene.captures.get(this.scene.captureSpec(profile));
  }

  /** Without those that are the same as one before them, where rulesets are kept small. */
  ruleCounts(counts: readonly number[]): number[] {
    const { mostRules } = this.scene.options;
    return counts.filter((_, i) => i === 0 || counts[i - 1]! < mostRules);
  }

  /** Our engine with a profile's rules. */
  ours(row: Omit<Row, 'run'> & { capture: Capture; profile: Profile; workers: number }): Row {
    const { profile, workers, ...rest } = row;
    const { measuresStart } = this.options;
    const command = (files: readonly string[]) =>
      this.scene.replay(profile, files, '--workers', `${workers}`);
    return readerRow({ ...rest, command, measuresStart });
  }

  /** The same with each number of workers: `workers-0`, `workers-1` … */
  oursByWorkers(profile: Profile, capture: Capture, reference: Reference): Row[] {
    return this.options.workers.map((workers) => {
      const label = `iptables-replay, ${workersText(workers)}`;
      return this.ours({ name: `workers-${workers}`, label, reference, capture, profile, workers });
    });
  }

  others(capture: Capture, others: readonly (Other | undefined)[], reference: Reference): Row[] {
    const { measuresStart } = this.options;
    const there = others.filter((other) => other !== undefined);
    return there.map((other) => readerRow({ ...other, reference, capture, measuresStart }));
  }
}

export function workersText(workers: number): string {
  return workers === 0 ? 'no workers' : workers === 1 ? '1 worker' : `${workers} workers`;
}

/** The ordinary profile with so many rules of a shape. */
export function withRules(shape: Profile, rules: number): Profile {
  return { ...NORMAL, name: shape.name, rules: { ...shape.rules, rules } };
}

/** The shapes of rulesets, with and without an established rule in front. */
export const SHAPE_PROFILES: readonly Profile[] = [
  { name: 'acl', what: 'ACL, established rule in front', rules: { shape: 'acl' } },
  { name: 'acl-stateless', what: 'ACL, no established rule', rules: { shape: 'acl', stateful: false } },
  { name: 'kube', what: 'kube-proxy, established rule in front', rules: { shape: 'kube' } },
  {
    name: 'kube-stateless',
    what: 'kube-proxy, no established rule',
    rules: { shape: 'kube', stateful: false },
  },
];
