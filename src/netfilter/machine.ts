import type { Arena } from '../base/arena.ts';
import { type Finding, FindingsError, renderFinding } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import { allocateBatchIn, arenaBytes, type Batch } from '../batch/batch.ts';
import { CompiledRunner } from '../compile/compiled-runner.ts';
import { Dependence } from '../compile/dependence.ts';
import { compileProgram } from '../compile/program.ts';
import { Sharing } from '../compile/sharing.ts';
import { arenaFor, Conntrack } from '../conntrack/conntrack.ts';
import { NotSharable, ownerOfTuple, type Share } from '../decode/share.ts';
import { Defragmenter } from '../defrag/defragmenter.ts';
import { DirectionStage } from '../direction/direction-stage.ts';
import { LinearRunner } from '../evaluate/linear.ts';
import { makeRuntime } from '../evaluate/runtime.ts';
import { Trail } from '../evaluate/trail.ts';
import type { KernelObjects } from '../extension/syntax.ts';
import { loadHost } from '../host/load.ts';
import type { Host } from '../host/types.ts';
import { loadSets } from '../ipset/load.ts';
import type { SetRegistry } from '../ipset/registry.ts';
import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import type { ReplayProfile } from '../profile/profile.ts';
import type { Stopwatch } from '../profile/stopwatch.ts';
import { statedFamily } from '../ruleset/family.ts';
import type { Chain, Rule, Ruleset } from '../ruleset/model.ts';
import { parseRuleset } from '../ruleset/parse.ts';
import { ctTarget } from '../targets/CT.ts';
import { Bridging } from './bridging.ts';
import { Dice } from './dice.ts';
import { MachineProfile } from './machine-profile.ts';
import { OrderedStage } from './ordered-stage.ts';
import type { FragmentAssembler } from './own-fragments.ts';
import { MAX_PENDING } from './pending-answers.ts';
import type { ReplayResult } from './result.ts';
import { type CounterIndex, numberCounters } from './ruleset-index.ts';
import { type FamilyRules, Traversal } from './traverse.ts';

/** A ruleset as text, with the name to use in messages. */
export interface RulesetText {
  readonly family: Family;
  readonly file: string;
  readonly text: string;
}

/** An address that came in as a source by an interface: all that is known where nothing is known of the host. */
export interface SeenSource {
  readonly family: Family;
  readonly words: readonly number[];
  readonly iface: string;
}

/** What a machine is made of: plain data, the same in every thread. */
export interface MachineConfig {
  readonly host: string | undefined;
  /** Names of interfaces that CAPTURE arguments give. */
  readonly captureInterfaces: readonly string[];
  /** For a host of which neither addresses nor routes are known (workers/survey.ts). */
  readonly seenSources?: readonly SeenSource[];
  readonly rulesets: readonly RulesetText[];
  readonly conntrack: { readonly file: string; readonly text: string } | undefined;
  /** `nfct list timeout`; absent when there is none. */
  readonly timeoutPolicies?: { readonly file: string; readonly text: string } | undefined;
  /** `ipset save`; absent when there is none. */
  readonly ipset?: { readonly file: string; readonly text: string } | undefined;
  readonly midstream: 'kernel' | 'established';
  readonly checksum: 'auto' | 'verify' | 'trust';
  readonly seed: number;
  /** Nanoseconds since the epoch at which the run's clock stands at 0, for matches on the time of day. */
  readonly baseNs?: bigint;
  readonly onUnsupported: 'error' | 'never-match';
  readonly evaluator: 'compiled' | 'linear';
  readonly perPacket: boolean;
  /** The result lists the connections that stand at the end. */
  readonly conntrackDump: boolean;
  /** Some CAPTURE argument does not say which way its packets went, so that echoes may be among them. */
  readonly mayHoldEchoes: boolean;
  /** False: the quick way is gone without kernels. */
  readonly kernels?: boolean | undefined;
  /**
   * Where batches lie, so that kernels in WebAssembly may take the quick way; 'own': where this machine's `allocateBatch`
   * puts them. Not sent to other threads.
   */
  readonly arena?: Arena | 'own' | undefined;
  /** Replay this share of the packets alone; absent: all of them. */
  readonly share?: Share | undefined;
}

/** Those that wait for the echoes of their packets, and some more. */
const OWN_BATCHES = 24;

function arenaOf({ arena, kernels }: MachineConfig, host: Host): Arena | undefined {
  if (kernels === false) return undefined;
  return arena === 'own' ? arenaFor(host, arenaBytes(OWN_BATCHES)) : arena;
}

/** The rulesets of a run, parsed and numbered. */
export interface LoadedRulesets {
  readonly rulesets: readonly { readonly family: Family; readonly file: string; readonly ruleset: Ruleset }[];
  readonly counters: CounterIndex;
  /** The sets that the rules may name; new ones for each call. */
  readonly sets: SetRegistry;
  readonly warnings: readonly string[];
  readonly unsupported: readonly string[];
}

/**
 * Parses the rulesets of a run.
 * @throws FindingsError with the errors of all of them.
 */
export function loadRulesets(
  config: Pick<MachineConfig, 'rulesets' | 'onUnsupported' | 'ipset'>,
): LoadedRulesets {
  const rulesets: { family: Family; file: string; ruleset: Ruleset }[] = [];
  const errors: Finding[] = [];
  const warnings: string[] = [];
  const unsupported: string[] = [];
  const { onUnsupported } = config;
  const objects: KernelObjects = new Map();
  for (const { family, file, text } of config.rulesets) {
    const stated = statedFamily(text);
    if (stated !== undefined && stated !== family) {
      warnings.push(
        `${file}: warning: it says that it is of IPv${stated}, and is taken for rules of IPv${family}`,
      );
    }
    const { ruleset, findings } = parseRuleset(text, { family, file, onUnsupported, objects });
    for (const finding of findings) {
      if (finding.severity === 'error') errors.push(finding);
      else warnings.push(renderFinding(finding));
    }
    for (const rule of rulesOf(ruleset)) {
      if (rule.unsupported.length === 0) continue;
      unsupported.push(`${rule.position.file}:${rule.position.line}: ${rule.position.text}`);
    }
    rulesets.push({ family, file, ruleset });
  }
  if (rulesets.length > 0 && rulesets.every(({ ruleset }) => ruleset.tables.length === 0)) {
    const files = rulesets.map(({ file }) => file).join(', ');
    warnings.push(`${files}: warning: there is no table in it, so no packet meets a rule`);
  }
  const { sets, findings } = loadSets(
    config.ipset,
    rulesets.map(({ family, ruleset }) => ({ family, rules: [...rulesOf(ruleset)] })),
  );
  for (const finding of findings) errors.push(finding);
  if (errors.length > 0) throw new FindingsError(errors);
  const counters = numberCounters(rulesets.map(({ ruleset }) => ruleset));
  return { rulesets, counters, sets, warnings, unsupported };
}

function* rulesOf(ruleset: Ruleset): Generator<Rule> {
  for (const table of ruleset.tables) for (const chain of table.chains) yield* chain.rules;
}

/** One machine, ready to replay: the ordered stage with all it runs on. */
export class Machine {
  readonly host: Host;
  readonly loaded: LoadedRulesets;
  readonly direction: DirectionStage;
  readonly stage: OrderedStage;
  readonly #conntrack: Conntrack;
  readonly #families: (FamilyRules | undefined)[] = [];
  readonly #trail = new Trail();
  readonly #listsConntrack: boolean;
  readonly #dice = new Dice();
  /** In a profiled run: what its parts are measured by. */
  readonly #profile: MachineProfile | undefined;
  readonly #assumptions = new Set<string>();
  /** Those that came up before the first packet. */
  readonly #early: readonly string[];

  /**
   * `loaded`: what `loadRulesets(config)` gave, where it was asked already; it is this machine's alone from now on.
   * `stopwatch`: that of the thread, which measures the machine's parts.
   */
  constructor(config: MachineConfig, loaded = loadRulesets(config), stopwatch?: Stopwatch) {
    const assume = (sentence: string): void => void this.#assumptions.add(sentence);
    this.loaded = loaded;
    const profile =
      stopwatch === undefined ? undefined : new MachineProfile(stopwatch, loaded.counters.count);
    this.#profile = profile;
    this.host = loadHost(config.host, { captureInterfaces: config.captureInterfaces });
    const { host } = this;
    for (const { family, words, iface } of config.seenSources ?? []) {
      host.guess?.learnSource(family, Int32Array.from(words), 0, host.interfaceId(iface));
    }
    loaded.sets.useHost(host);
    const { seed, midstream, timeoutPolicies } = config;
    this.#conntrack = new Conntrack({
      host,
      seed,
      midstream,
      timeoutPolicies,
      assume,
      arena: arenaOf(config, host),
    });
    this.#conntrack.nat.selector.chooser = (_ct, _tuple, manip) => this.#dice.port(manip);
    const sharing: (Sharing | undefined)[] = [];
    const dependences: (Dependence | undefined)[] = [];
    const rawFirst: boolean[] = [];
    const defragmenters: (FragmentAssembler | undefined)[] = [];
    // For both families, whether they have rules or not: their packets are put together all the same.
    const ownDefragmenters: (FragmentAssembler | undefined)[] = [];
    for (const family of [4, 6] as const) ownDefragmenters[family] = new Defragmenter(family, host);
    const shared = new Map<string, unknown>();
    for (const { family, ruleset } of loaded.rulesets) {
      const runtime = makeRuntime(ruleset, {
        host,
        conntrack: this.#conntrack,
        sets: loaded.sets,
        seed: config.seed,
        baseNs: config.baseNs,
        firstCounters: loaded.counters.firstOf,
        shared,
        assume,
      });
      this.#dice.watch(runtime);
      const tracks = someRule(ruleset, bringsConntrack);
      const translates = ruleset.tables.some(({ name }) => name === 'nat');
      if (config.evaluator === 'linear') {
        const runner = profile?.runner(family, runtime) ?? new LinearRunner(runtime);
        this.#families[family] = { runner, tracks, translates };
      } else {
        const classes = new Sharing();
        const dependence = new Dependence();
        const program = compileProgram(runtime, classes, dependence, profile?.tally);
        const runner =
          profile?.runner(family, runtime, program) ?? new CompiledRunner(program, new LinearRunner(runtime));
        if (classes.seal()) {
          sharing[family] = classes;
          dependences[family] = dependence;
        } else profile?.noteTooManyClasses(family, classes);
        this.#families[family] = { runner, tracks, translates };
      }
      const deciders = tracks ? rawDeciders(ruleset) : [];
      rawFirst[family] = deciders.length > 0;
      if (config.evaluator !== 'linear') profile?.noteRawFirst(family, deciders, loaded.counters);
      if (tracks || someRule(ruleset, bringsDefrag)) defragmenters[family] = new Defragmenter(family, host);
    }
    if (config.conntrack !== undefined) {
      this.#conntrack.seed(config.conntrack.text, 0, config.conntrack.file);
    }
    this.#listsConntrack = config.conntrackDump;
    const mayMangle = loaded.rulesets.some(({ ruleset }) => {
      const hasHelpers =
        host.sysctl('net.netfilter.nf_conntrack_helper') !== 0 || someRule(ruleset, assignsHelper);
      return hasHelpers && ruleset.tables.some(({ name }) => name === 'nat');
    });
    this.direction = new DirectionStage(host, assume, config.mayHoldEchoes, mayMangle);
    this.stage = new OrderedStage({
      host,
      conntrack: this.#conntrack,
      families: this.#families,
      sharing,
      dependences,
      rawFirst,
      trail: this.#trail,
      traversal: new Traversal(host, this.#conntrack, this.#families, this.#trail),
      defragmenters,
      dice: this.#dice,
      ownDefragmenters,
      checksum: config.checksum,
      perPacket: config.perPacket,
      linksEchoes: this.direction.linksEchoes,
      isShare: config.share !== undefined,
      bridging: Bridging.of(host, assume),
      profile,
      assume,
    });
    profile?.watchMachine({ host, conntrack: this.#conntrack, direction: this.direction, stage: this.stage });
    if (config.share?.by === 'ports') this.#watchOwners(config.share);
    this.#early = [...new Set([...host.assumptions, ...this.#assumptions])];
  }

  /**
   * Asserts that nothing so far has been decided by looking at all connections, those of other shares as well.
   * @throws NotSharable
   */
  assertSharable({ count }: Share): void {
    const { drawnPorts, selector } = this.#conntrack.nat;
    if (drawnPorts.count + selector.portsRead > 0) throw new NotSharable('ports that translation has drawn');
    if (this.stage.mostPendingAnswers * count >= MAX_PENDING)
      throw new NotSharable('very many refusals that wait for their answer');
  }

  /** Connections that there is room for. */
  get roomForConnections(): number {
    return this.#conntrack.room;
  }

  /** Connections at most at a time, so far. */
  get mostConnections(): number {
    return this.#conntrack.core.table.high;
  }

  /** Both tuples of a connection have to be in the share, as soon as it has them: its packet may be refused, and answered. */
  #watchOwners(share: Share): void {
    const { core, nat } = this.#conntrack;
    nat.onReplyChanged = (ct) => {
      const at = this.#conntrack.tupleAt(ct, 1);
      const [sport, dport, proto] = [TUPLE_SPORT, TUPLE_DPORT, TUPLE_PROTO].map(
        (word) => core.words[at + word]!,
      );
      if (ownerOfTuple(proto! & 255, sport!, dport!, share) !== share.index)
        throw new NotSharable('ports that translation has changed');
    };
  }

  /** What was measured so far, in a profiled run. */
  profileData(): ReplayProfile | undefined {
    return this.#profile?.data(this.stage);
  }

  /** A batch for this machine. */
  allocateBatch(): Batch {
    return allocateBatchIn(this.#conntrack.arena);
  }

  /** What has been replayed so far. `baseNs` is the clock's base. */
  result(baseNs: bigint): ReplayResult {
    const { stage, loaded } = this;
    const count = loaded.counters.count;
    const packets = new Float64Array(count);
    const bytes = new Float64Array(count);
    stage.paths.expand(packets, bytes);
    this.#trail.expandExtra(bytes);
    const standing = new Map<string, number>();
    const nowNs = Number.isNaN(stage.clock.nowNs) ? 0 : stage.clock.nowNs;
    for (const ct of this.#conntrack.live(nowNs)) {
      const proto = this.#conntrack.words[this.#conntrack.tupleAt(ct, 0) + 10]!;
      const key = `${proto >>> 8} ${proto & 255}`;
      standing.set(key, (standing.get(key) ?? 0) + 1);
    }
    const confirmed = new Map(
      stage.statistics.confirmedRows().map((row) => [`${row.family} ${row.l4proto}`, row.confirmed]),
    );
    const connections = [...new Set([...confirmed.keys(), ...standing.keys()])].map((key) => {
      const [family, l4proto] = key.split(' ').map(Number);
      return {
        family: family as Family,
        l4proto: l4proto!,
        confirmed: confirmed.get(key) ?? 0,
        standing: standing.get(key) ?? 0,
      };
    });
    connections.sort((a, b) => a.family - b.family || a.l4proto - b.l4proto);
    if (this.#dice.drawn > 0) {
      this.#assumptions.add(
        'Random matches (statistic --mode random) that the capture does not tell draw from the seed, packet and rule: the kernel threw other dice.',
      );
    }
    for (const sentence of clockSentences(stage, baseNs)) this.#assumptions.add(sentence);
    const conntrackFamilies = ([4, 6] as const).filter((family) => this.#families[family]?.tracks === true);
    const lists = this.#listsConntrack;
    return {
      packets,
      bytes,
      paths: stage.paths.data(),
      totals: { ...stage.sums, baseNs },
      states: stage.statistics.states(),
      connections,
      invalid: stage.statistics.invalid(),
      conntrackFamilies,
      notIp: [...stage.notIp]
        .map(([etherType, row]) => ({ etherType, ...row }))
        .sort((a, b) => a.etherType - b.etherType),
      echoes: {
        packets: this.direction.echoPackets,
        agreed: stage.echoesAgreed,
        disagreed: stage.echoesDisagreed,
      },
      ports: {
        read: this.#conntrack.nat.selector.portsRead,
        drawn: this.#conntrack.nat.drawnPorts.count,
        drawnByHelpers: this.#conntrack.nat.helperDraws,
        connections: this.#conntrack.nat.drawnPorts.named(),
      },
      dice: { read: this.#dice.read, drawn: this.#dice.drawn },
      interfaces: this.host.interfaces
        .filter((iface) => iface !== undefined && iface.id > 0)
        .map(({ name }) => name),
      assumptions: inOrder(this.#early, [...this.host.assumptions, ...this.#assumptions]),
      assumptionsBefore: this.#early.length,
      conntrackDump: lists ? this.#conntrack.dump(nowNs).sort() : [],
      expectationDump: lists ? this.#conntrack.dumpExpectations(nowNs) : [],
      profile: { walked: stage.walked, recalled: stage.recalled, cached: stage.cached },
    };
  }
}

/** `early` ones first, the others by alphabet: the same whichever packets brought them up. */
export function inOrder(early: readonly string[], all: readonly string[]): string[] {
  const late = new Set(all);
  for (const sentence of early) late.delete(sentence);
  return [...early, ...[...late].sort()];
}

/** What was made of time stamps that cannot be right, or are none. */
function clockSentences(
  { clock, sums: { packets, firstNs, lastNs, timeWentBack } }: OrderedStage,
  baseNs: bigint,
): string[] {
  const sentences: string[] = [];
  if (clock.putBack > 0) {
    sentences.push(
      `Time stamps go back by more than a second (${clock.putBack} times): the replayed machine's clock went on from where it was, and as they do from there.`,
    );
  }
  if (clock.alone > 0) {
    sentences.push(
      `Single packets are stamped more than an hour ahead of those around them (${clock.alone}): they were taken to come at the time of the packet before.`,
    );
  }
  if (baseNs === 0n && packets > 1 && firstNs === lastNs && timeWentBack === 0) {
    sentences.push(
      'The packets have no time stamps: no time passes in this replay, so no connection expires, no limit fills up again, and UDP never becomes a stream.',
    );
  }
  return sentences;
}

type Extension = { readonly definition: unknown; readonly options: unknown };

function someRule(ruleset: Ruleset, test: (extension: Extension) => boolean): boolean {
  for (const rule of rulesOf(ruleset)) {
    if (rule.unsupported.length > 0) continue;
    if (rule.matches.some(test)) return true;
    if (rule.target.kind === 'extension' && test(rule.target)) return true;
  }
  return false;
}

function bringsConntrack({ definition, options }: Extension): boolean {
  const { bringsConntrack: brings } = definition as {
    bringsConntrack?: boolean | ((options: unknown) => boolean);
  };
  return typeof brings === 'function' ? brings(options) : brings === true;
}

function assignsHelper({ definition, options }: Extension): boolean {
  return definition === ctTarget && (options as { helper: string }).helper !== '';
}

function bringsDefrag({ definition }: Extension): boolean {
  return (definition as { bringsDefrag?: boolean }).bringsDefrag === true;
}

/** Targets that neither end a packet nor have a say in its tracking. */
const HARMLESS = new Set([
  'ACCEPT',
  'RETURN',
  'LOG',
  'NFLOG',
  'AUDIT',
  'TRACE',
  'MARK',
  'TOS',
  'DSCP',
  'TTL',
  'HL',
]);

/**
 * Rules of raw, and chains for their policy, for which raw must run before conntrack looks at a packet: a target or policy
 * there may drop it, or decide whether and how it is tracked (NOTRACK, CT), or a match asks for the state that conntrack
 * has not given yet.
 */
function rawDeciders(ruleset: Ruleset): (Rule | Chain)[] {
  const chains = ruleset.tables.find(({ name }) => name === 'raw')?.chains ?? [];
  return chains.flatMap((chain) => [
    ...chain.rules.filter(
      ({ matches, target }) =>
        matches.some(bringsConntrack) ||
        (target.kind === 'extension' && !HARMLESS.has(target.definition.name)),
    ),
    ...(chain.policy === 'DROP' ? [chain] : []),
  ]);
}
