import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from '../base/measure.ts';
import { textTable } from '../base/table.ts';
import { rulesetText, SHAPES, type Shape } from '../rulesets/ruleset.ts';
import { fileSink } from '../traffic/capture-writer.loop.ts';
import { DEFAULT_TRAFFIC, generateTraffic, PROFILES, type Profile } from '../traffic/generate.loop.ts';
import { writeHostFolder } from '../traffic/host-folder.ts';
import { type Figures, runRounds, type Variant } from './rounds.ts';
import { describeSoundness, soundnessOf } from './soundness.ts';

/**
 * Share of packets that may be INVALID: in a long capture a seldom drawn ping is answered later than conntrack
 * remembers it (nf_conntrack_icmp_timeout, 30 s).
 */
const MOST_INVALID = 1e-4;

const USAGE = `usage: first-figure [options]
  --smoke         20,000 packets, one round: does it all still work?
  --packets N     ${DEFAULT_TRAFFIC.packets}
  --rounds N      5
  --profile NAME  ${PROFILES.join(', ')}
  --shape NAME    ${SHAPES.join(', ')}
  --rules N       1000
  --stateless     without the rule that accepts established connections
  --workers LIST  0,1,2
  --seed N        1
  --json FILE     all figures of all rounds
  --dir DIR       keep capture, host and rules there (default: a temporary folder)
`;

const SMOKE_PACKETS = 20_000;

/** The built program: this file is bench/dist/bench/replay/first-figure.js. */
const MAIN = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url));
const PCAP_PARSER_COUNT = fileURLToPath(new URL('./pcap-parser-count.js', import.meta.url));
const PCAP_PARSER = 'pcap-parser, reading only';
const TCPDUMP = "tcpdump -w /dev/null 'tcp port 80'";

function readOptions() {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      packets: { type: 'string' },
      rounds: { type: 'string' },
      profile: { type: 'string', default: 'mixed' },
      shape: { type: 'string', default: 'acl' },
      rules: { type: 'string', default: '1000' },
      stateless: { type: 'boolean', default: false },
      workers: { type: 'string', default: '0,1,2' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      dir: { type: 'string' },
    },
  });
  const whole = (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0) throw new Error(`${text} is not a whole number`);
    return value;
  };
  if (!PROFILES.includes(values.profile as Profile)) throw new Error(`no profile ${values.profile}`);
  if (!SHAPES.includes(values.shape as Shape)) throw new Error(`no shape ${values.shape}`);
  return {
    packets: whole(values.packets ?? `${values.smoke ? SMOKE_PACKETS : DEFAULT_TRAFFIC.packets}`),
    rounds: whole(values.rounds ?? (values.smoke ? '1' : '5')),
    profile: values.profile as Profile,
    shape: values.shape as Shape,
    rules: whole(values.rules),
    stateful: !values.stateless,
    workers: values.workers.split(',').map(whole),
    seed: whole(values.seed),
    json: values.json,
    dir: values.dir,
  };
}

type Options = ReturnType<typeof readOptions>;

interface Scene {
  readonly host: string;
  readonly rules: string;
  readonly capture: string;
  readonly emptyCapture: string;
  readonly conversations: number;
}

/** Writes capture, host folder and ruleset. */
function makeScene(dir: string, options: Options): Scene {
  mkdirSync(dir, { recursive: true });
  const host = join(dir, 'host');
  writeHostFolder(host);
  const rules = join(dir, 'rules.save');
  const { shape, rules: count, stateful, seed } = options;
  writeFileSync(rules, rulesetText({ shape, rules: count, stateful, seed, family: 4 }));
  const capture = join(dir, 'traffic.pcap');
  const emptyCapture = join(dir, 'empty.pcap');
  const conversations = writeCapture(capture, options, options.packets);
  writeCapture(emptyCapture, options, 0);
  return { host, rules, capture, emptyCapture, conversations };
}

function writeCapture(file: string, { profile, seed }: Options, packets: number): number {
  const fd = openSync(file, 'w');
  const summary = generateTraffic({ ...DEFAULT_TRAFFIC, profile, seed, packets }, [fileSink(fd)]);
  closeSync(fd);
  return summary.conversations;
}

function replayCommand({ host, rules }: Scene, capture: string, ...more: string[]): string[] {
  return [
    process.execPath,
    MAIN,
    'run',
    '--host',
    host,
    '--rules',
    rules,
    '--quiet',
    ...more,
    `eth0:in=${capture}`,
  ];
}

function variantsOf(scene: Scene, { workers }: Options): Variant[] {
  const variants: Variant[] = workers.map((n) => ({
    name: `iptables-replay, workers ${n}`,
    command: (capture) => replayCommand(scene, capture, '--workers', `${n}`),
  }));
  variants.push({
    name: PCAP_PARSER,
    command: (capture) => [process.execPath, '--no-deprecation', PCAP_PARSER_COUNT, capture],
  });
  if (spawnSync('tcpdump', ['--version'], { stdio: 'ignore' }).status === 0) {
    variants.push({
      name: TCPDUMP,
      command: (capture) => ['tcpdump', '-nr', capture, '-w', '/dev/null', 'tcp port 80'],
    });
  }
  return variants;
}

function machineText(): string {
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${gigabytes} GiB, ${process.platform} ${release()}, node ${process.version}`;
}

function tableOf(all: readonly Figures[], references: readonly string[]): string {
  const head = ['', 'seconds', 'of these start', 'cpu seconds', 'Mpps', 'Mpps after start', 'MiB'];
  for (const name of references) head.push(`x ${name.split(' ')[0]!.replace(',', '')}`);
  const fixed = (value: number | undefined, digits: number) =>
    value === undefined ? '-' : value.toFixed(digits);
  const rows = all.map((one) => [
    one.name,
    fixed(one.wallSeconds, 2),
    fixed(one.startSeconds, 2),
    fixed(one.cpuSeconds, 2),
    fixed(one.mpps, 3),
    fixed(one.mppsAfterStart, 3),
    fixed(one.maxRssBytes === undefined ? undefined : one.maxRssBytes / 2 ** 20, 0),
    ...references.map((name) => fixed(one.ratios[name], 2)),
  ]);
  return textTable(head, rows);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build first`);
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));
  const note = (text: string): boolean => process.stderr.write(`${text}\n`);
  try {
    note(`writing ${options.packets.toLocaleString('en')} packets to ${dir}`);
    const scene = makeScene(dir, options);
    const { stdout } = await measure(replayCommand(scene, scene.capture, '--format', 'json'), {
      stdout: true,
    });
    const soundness = soundnessOf(stdout);
    const variants = variantsOf(scene, options);
    const references = [PCAP_PARSER, TCPDUMP].filter((name) =>
      variants.some((variant) => variant.name === name),
    );
    const figures = await runRounds({ ...scene, variants, references, ...options, progress: note });
    const bytes = statSync(scene.capture).size;
    const title = `${options.profile} traffic, ${bytes.toLocaleString('en')} bytes; ${options.rules} ${options.shape} rules, ${options.stateful ? 'stateful' : 'stateless'}; medians of ${options.rounds}`;
    process.stdout.write(
      `${machineText()}\n${title}\n${describeSoundness(soundness, scene.conversations)}\n\n${tableOf(figures, references)}\n`,
    );
    if (options.json !== undefined) {
      const all = { machine: machineText(), options, captureBytes: bytes, soundness, figures };
      writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`);
    }
    const invalid = soundness.states.INVALID ?? 0;
    if (soundness.packets !== options.packets || invalid > MOST_INVALID * options.packets) {
      throw new Error('the generated capture is not sound: see the lines above the table');
    }
  } finally {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`first-figure: ${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 1;
}
