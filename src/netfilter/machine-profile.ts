import type { Batch } from '../batch/batch.ts';
import { ChainTally } from '../compile/chain-tally.ts';
import { linearTally } from '../compile/linear-tally.ts';
import { registerName } from '../compile/probe-index.ts';
import { ProfiledRunner } from '../compile/profiled-runner.ts';
import type { Program } from '../compile/program.ts';
import { RuleTally } from '../compile/rule-tally.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import type { DirectionStage } from '../direction/direction-stage.ts';
import { LinearRunner } from '../evaluate/linear.ts';
import type { RuntimeRuleset } from '../evaluate/runtime.ts';
import { TABLE_NAMES, type TableRunner } from '../evaluate/table-runner.ts';
import type { Host } from '../host/types.ts';
import type { Obstacle, ReplayProfile } from '../profile/profile.ts';
import {
  COLUMNS,
  DIRECTION,
  KNOWN_WAYS,
  LONG_WAY,
  LOOKING_UP,
  MEASURING,
  RECALLING,
  tableSection,
  WALK_CONNTRACK,
  WALK_NAT,
  WALK_ROUTING,
  WALKING,
} from '../profile/sections.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import type { Chain, Rule } from '../ruleset/model.ts';
import type { OrderedStage, OrderedStageParts } from './ordered-stage.ts';
import type { QuickColumns } from './quick-columns.loop.ts';
import type { QuickWay } from './quick-way.loop.ts';
import type { Recall } from './recall.ts';
import type { CounterIndex } from './ruleset-index.ts';
import { WalkReasons } from './walk-reasons.ts';

/** Parts of the ordered stage that are measured one by one. */
interface StageInternals extends Pick<OrderedStageParts, 'sharing' | 'rawFirst' | 'trail' | 'traversal'> {
  readonly quick: QuickWay;
  readonly quickColumns: QuickColumns;
  readonly recall: Recall;
}

interface WatchedMachine {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly direction: DirectionStage;
  readonly stage: OrderedStage;
}

/**
 * What a profiled run measures of one machine. The parts of the machine know nothing of it: it stands in for their
 * methods, on the objects of this machine alone (Stopwatch.watch), and gives the rules something to count by
 * (compile/rule-tally.ts). So an ordinary run pays nothing, and a profiled one gives the same answer.
 */
export class MachineProfile {
  readonly tally: RuleTally;
  readonly #stopwatch: Stopwatch;
  readonly #chains: ChainTally[] = [];
  readonly #hasTooManyClasses: boolean[] = [];
  readonly #obstacles: Obstacle[] = [];
  #reasons: WalkReasons | undefined;
  #quickPackets = 0;
  #quick: QuickWay | undefined;

  /** `counters`: how many there are. */
  constructor(stopwatch: Stopwatch, counters: number) {
    this.#stopwatch = stopwatch;
    this.tally = new RuleTally(counters);
  }

  /** The runner of a family's rules, which counts what it does: that of `program`, or the linear one without. */
  runner(family: 4 | 6, runtime: RuntimeRuleset, program?: Program): TableRunner {
    const { tally } = this;
    const chains = new ChainTally(runtime.chains, program);
    this.#chains.push(chains);
    const linear = new LinearRunner(runtime, linearTally(runtime.chains, tally, chains));
    const aside = (work: () => void): void => {
      const before = this.#stopwatch.to(MEASURING);
      work();
      this.#stopwatch.back(before);
    };
    const runner = program === undefined ? linear : new ProfiledRunner(program, linear, chains, aside);
    this.#watchTables(family, runner);
    return runner;
  }

  #watchTables(family: 4 | 6, runner: TableRunner): void {
    const stopwatch = this.#stopwatch;
    const run = runner.run.bind(runner);
    const sections = TABLE_NAMES.map((_, table) => tableSection(family, table));
    runner.run = (table, hook, p, trail) => {
      const before = stopwatch.to(sections[table]!);
      const verdict = run(table, hook, p, trail);
      stopwatch.back(before);
      return verdict;
    };
  }

  /** Rules of the family look at too much for a signature, so that no packets share paths. */
  noteTooManyClasses(family: 4 | 6, { digits }: Sharing): void {
    this.#hasTooManyClasses[family] = true;
    const kinds = digits
      .toSorted((a, b) => b.radix - a.radix)
      .map(({ register, radix }) => `${registerName(register)} (${radix} kinds)`);
    const why = `rules tell apart: ${kinds.join(', ')}`;
    this.#obstacles.push({ reason: 'too-many-classes', family, counter: -1, why });
  }

  /** `deciders`: rules of raw, and chains for their policy, for which raw runs before conntrack. */
  noteRawFirst(family: 4 | 6, deciders: readonly (Rule | Chain)[], counters: CounterIndex): void {
    for (const decider of deciders) {
      const counter = 'rules' in decider ? counters.ofPolicy(decider) : counters.ofRule(decider);
      this.#obstacles.push({
        reason: 'raw-first',
        family,
        counter,
        why: 'raw says what is tracked, so that it runs before the connection is known',
      });
    }
  }

  watchStage({ quick, quickColumns, recall, traversal, ...parts }: StageInternals): void {
    const stopwatch = this.#stopwatch;
    this.#quick = quick;
    const take = quick.take.bind(quick);
    quick.take = (batch: Batch, begin: number, end: number) => {
      const stop = take(batch, begin, end);
      this.#quickPackets += stop - begin;
      return stop;
    };
    stopwatch.watch(quick, 'take', KNOWN_WAYS);
    stopwatch.watch(quick, 'locate', LOOKING_UP);
    stopwatch.watch(quickColumns, 'fill', COLUMNS);
    for (const name of ['first', 'connection', 'note'] as const) stopwatch.watch(recall, name, RECALLING);
    this.#reasons = new WalkReasons({ ...parts, hasTooManyClasses: this.#hasTooManyClasses }, traversal);
    for (const name of ['inbound', 'outbound', 'output', 'loop', 'bridged'] as const)
      stopwatch.watch(traversal, name, WALKING);
  }

  watchMachine({ host, conntrack, direction, stage }: WatchedMachine): void {
    const stopwatch = this.#stopwatch;
    stopwatch.watch(direction, 'process', DIRECTION);
    stopwatch.watch(stage, 'process', LONG_WAY);
    stopwatch.watch(stage, 'observe', LONG_WAY);
    stopwatch.watch(conntrack, 'track', WALK_CONNTRACK);
    stopwatch.watch(conntrack, 'confirm', WALK_CONNTRACK);
    stopwatch.watch(conntrack.nat, 'finish', WALK_NAT);
    stopwatch.watch(host, 'routeInput', WALK_ROUTING);
    stopwatch.watch(host, 'routeOutput', WALK_ROUTING);
  }

  /** What `stage` has done so far. */
  data(stage: OrderedStage): ReplayProfile {
    const quick = this.#quickPackets - this.#quick!.recalled;
    return {
      paths: {
        packets: stage.paths.packets,
        quick,
        known: stage.cached - quick,
        recalled: stage.recalled,
        walked: stage.walked,
      },
      walks: this.#reasons!.packets.slice(),
      checks: this.tally.checks.slice(),
      matches: this.tally.matches.slice(),
      chains: this.#chains.flatMap((chains) => chains.counts()),
      unshared: this.tally.unshared(),
      obstacles: this.#obstacles,
    };
  }
}
