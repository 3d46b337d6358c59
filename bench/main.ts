import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { MAIN } from './base/programs.ts';
import { ALL_GROUPS } from './groups/all.ts';
import { Bench, type GroupPlan } from './groups/bench.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { checkIdentical } from './replay/identical.ts';
import { type GroupFigures, runRounds } from './replay/rounds.ts';
import { chart } from './report/chart.ts';
import type { RunFigures } from './report/figures.ts';
import { figuresTable, goalsTable } from './report/table.ts';
import { ALL_PROFILES, NORMAL } from './scene/profiles.ts';
import { Scene } from './scene/scene.ts';

/** Where the picture goes when nobody says otherwise: next to the built benchmarks. */
const PICTURE = fileURLToPath(new URL('../figures.svg', import.meta.url));

function machineText(): string {
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${gigabytes} GiB, ${process.platform} ${release()}, node ${process.version}`;
}

const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/**
 * What an earlier run left in the file that is to be continued.
 * @throws Error when it was another kind of run.
 */
function earlier({ json, isContinued, ...options }: Options): RunFigures | undefined {
  if (!isContinued || json === undefined || !existsSync(json)) return undefined;
  const figures = readFigures(json);
  for (const name of ['packets', 'rounds', 'seed'] as const) {
    if (figures[name] !== options[name])
      throw new Error(`${json} was measured with --${name} ${figures[name]}`);
  }
  return figures;
}

function readFigures(json: string): RunFigures {
  return JSON.parse(readFileSync(json, 'utf8')) as RunFigures;
}

async function run(options: Options, dir: string): Promise<RunFigures> {
  const { packets, rounds, seed, workers, isSmoke } = options;
  const scene = new Scene({ dir, packets, seed, mostRules: options.mostRules, progress: note });
  const bench = new Bench(scene, {
    workers,
    measuresStart: !isSmoke,
    kernelSeconds: options.kernelSeconds,
    tsharkPackets: options.tsharkPackets,
  });
  const before = earlier(options);
  const known = before?.groups ?? [];
  const isKnown = (name: string): boolean => known.some((group) => group.name === name);
  const isNamed = ({ name }: { name: string }): boolean =>
    options.only.length === 0 || options.only.includes(name);
  const isWanted = (plan: GroupPlan): boolean =>
    isNamed(plan) || plan.profiles.some((profile) => profile !== NORMAL && isNamed(profile));
  const plans = ALL_GROUPS.filter(
    (plan) => isWanted(plan) && !isKnown(plan.name) && (isSmoke || plan.isOnlySmoke !== true),
  );
  const measured: GroupFigures[] = [...known];
  const figures = (): RunFigures => {
    const order = ALL_GROUPS.map(({ name }) => name);
    const groups = measured.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    return { ...before, machine: machineText(), packets, rounds, seed, workers, groups };
  };
  const save = (all: RunFigures): void => {
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(all, undefined, 1)}\n`);
  };
  if (options.isIdentical) {
    const profiles = ALL_PROFILES.filter(isNamed);
    const all = { ...figures(), identical: await checkIdentical(scene, profiles) };
    save(all);
    return all;
  }
  for (const [i, plan] of plans.entries()) {
    // Two at once in smoke mode: nobody looks at the times.
    const atOnce = isSmoke ? availableParallelism() : 1;
    const group = await plan.make(bench, (profile) => isNamed(plan) || isNamed(profile));
    measured.push(await runRounds(group, { rounds, atOnce, progress: note }));
    const needed = plans.slice(i + 1).flatMap(({ profiles }) => profiles);
    scene.captures.keepOnly(needed.map((profile) => scene.captureSpec(profile)));
    save(figures());
  }
  return figures();
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) {
    process.stdout.write(USAGE);
    return;
  }
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build first`);
  if (options.isShown) {
    show(readFigures(options.json!), options);
    return;
  }
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));
  mkdirSync(dir, { recursive: true });
  const clear = (): void => {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clear();
      process.exit(130);
    });
  }
  try {
    show(await run(options, dir), options);
  } finally {
    clear();
  }
}

/** Prints the table and, since they are not about small rulesets, the goals of all but smoke runs. */
function show(figures: RunFigures, { svg = PICTURE, isSmoke }: Options): void {
  writeFileSync(svg, chart(figures));
  const head = `${figures.machine}\n${figures.packets.toLocaleString('en')} packets, medians of ${figures.rounds}`;
  const goals = isSmoke ? '' : `\n${goalsTable(figures)}\n`;
  process.stdout.write(`${head}\n\n${figuresTable(figures)}\n${goals}\npicture: ${svg}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
