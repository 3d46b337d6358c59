import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadHost } from '../../src/host/load.ts';
import { type Answer, compare } from './judge.ts';
import { canAskKernel, type HostTexts, withHostFolder } from './kernel-network.ts';
import { Dice, INTERFACES, type Query, queryText, randomNetwork, randomQueries } from './random-network.ts';

/**
 * Random networks, asked of the kernel by `ip route get`. As root on Linux new ones are made; elsewhere the recorded
 * ones serve. RECORD=1 records again; SEED and NETWORKS choose what is made, QUERIES how much is asked of each.
 */

interface Recording {
  family: 4 | 6;
  seed: number;
  kernel: string;
  host: HostTexts;
  queries: Query[];
  answers: Answer[];
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'recorded');
const firstSeed = Number(process.env.SEED ?? 1);
const networkCount = Number(process.env.NETWORKS ?? 6);
const queryCount = Number(process.env.QUERIES ?? 300);
const isRecording = process.env.RECORD === '1' && canAskKernel;

function make(family: 4 | 6, seed: number, count: number): Recording {
  const dice = new Dice(seed * 2 + (family === 6 ? 1 : 0));
  const { network, own } = randomNetwork(family, dice);
  try {
    const queries = randomQueries(family, dice, own, count);
    return {
      family,
      seed,
      kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
      host: network.hostTexts(),
      queries,
      answers: network.routeGet(family, queries.map(queryText)),
    };
  } finally {
    network.close();
  }
}

function differences(recording: Recording): string[] {
  const host = withHostFolder(recording.host, (dir) => loadHost(dir, { captureInterfaces: INTERFACES }));
  const found: string[] = [];
  recording.queries.forEach((query, i) => {
    const problem = compare(host, recording.family, query, recording.answers[i]!);
    if (problem !== undefined) found.push(`seed ${recording.seed}: ${queryText(query)}: ${problem}`);
  });
  return found;
}

/** How many queries of a network are kept. */
const RECORDED_QUERIES = 100;

/** One line for the network, one for each query with its answer. */
function writeRecording(recording: Recording, count: number): void {
  const { queries, answers, ...network } = recording;
  mkdirSync(folder, { recursive: true });
  const lines = [network, ...queries.slice(0, count).map((query, i) => [query, answers[i]])];
  writeFileSync(
    join(folder, `ipv${recording.family}-${recording.seed}.jsonl`),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}

function readRecording(name: string): Recording {
  const [network, ...asked] = readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line)) as [Omit<Recording, 'queries' | 'answers'>, ...[Query, Answer][]];
  return { ...network, queries: asked.map(([query]) => query), answers: asked.map(([, answer]) => answer) };
}

describe.skipIf(!canAskKernel)('routing agrees with the running kernel', () => {
  for (const family of [4, 6] as const)
    for (let seed = firstSeed; seed < firstSeed + networkCount; seed++)
      test(`IPv${family}, seed ${seed}`, () => {
        const recording = make(family, seed, queryCount);
        expect(differences(recording).slice(0, 10)).toEqual([]);
        if (!isRecording) return;
        writeRecording(recording, RECORDED_QUERIES);
      });
});

describe('routing agrees with the recorded kernel', () => {
  const names = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^ipv[46]-\d+\.jsonl$/.test(name))
    : [];
  test.each(names)('%s', (name) => {
    expect(differences(readRecording(name))).toEqual([]);
  });
});
