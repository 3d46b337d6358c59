import { parseArgs } from 'node:util';
import { ALL_GROUPS } from './groups/all.ts';
import { ALL_PROFILES } from './scene/profiles.ts';

export interface Options {
  readonly isHelp: boolean;
  readonly isSmoke: boolean;
  readonly isIdentical: boolean;
  readonly isContinued: boolean;
  readonly isShown: boolean;
  readonly packets: number;
  readonly rounds: number;
  readonly seed: number;
  readonly workers: readonly number[];
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly dir: string | undefined;
  readonly mostRules: number;
  readonly kernelSeconds: number;
  readonly tsharkPackets: number;
  /** Names of groups and profiles; all when empty. */
  readonly only: readonly string[];
}

/** What a kind of run does when no option says otherwise. */
interface Size {
  readonly packets: number;
  readonly rounds: number;
  readonly workers: string;
  readonly mostRules: number;
  readonly kernelSeconds: number;
  readonly tsharkPackets: number;
}

const USUAL: Size = {
  packets: 1_000_000,
  rounds: 3,
  workers: '0,1,2',
  mostRules: 100_000,
  kernelSeconds: 1,
  tsharkPackets: 100_000,
};
const FULL: Size = { ...USUAL, packets: 10_000_000, rounds: 5, kernelSeconds: 3, tsharkPackets: 200_000 };
const SMOKE: Size = {
  packets: 1000,
  rounds: 1,
  workers: '0,2',
  mostRules: 100,
  kernelSeconds: 0.1,
  tsharkPackets: 100,
};
const IDENTICAL: Size = { ...USUAL, packets: 200_000 };

export const USAGE = `usage: npm run bench -- [options]
  --full          ${FULL.packets.toLocaleString('en')} packets, ${FULL.rounds} rounds: the figures that count
  --smoke         ${SMOKE.packets.toLocaleString('en')} packets, one round, small rulesets: does it all still work?
  --identical     no times: is the output of each profile the same for all numbers of workers?
  --only NAME     only this group, or this profile (repeatable)
  --packets N     ${USUAL.packets.toLocaleString('en')}
  --rounds N      ${USUAL.rounds}
  --workers LIST  ${USUAL.workers}
  --seed N        1
  --json FILE     all figures of all rounds, written after each group
  --continue      leave out the groups that FILE has already
  --show          measure nothing: table, goals and picture of FILE
  --svg FILE      the picture (default: bench/dist/figures.svg)
  --dir DIR       keep captures, hosts and rules there (default: a temporary folder)

groups:   ${ALL_GROUPS.map(({ name }) => name).join(', ')}
profiles: ${ALL_PROFILES.map(({ name }) => name).join(', ')}
`;

/** @throws Error that says what is wrong, and how it is used. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      full: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      identical: { type: 'boolean', default: false },
      continue: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      packets: { type: 'string' },
      rounds: { type: 'string' },
      workers: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      svg: { type: 'string' },
      dir: { type: 'string' },
    },
  });
  for (const only of values.only) {
    const isGroup = ALL_GROUPS.some(({ name }) => name === only);
    // A group is left out when the file has it: a part of one must not look like the whole.
    if (values.continue && !isGroup) throw new Error(`--continue --only ${only}: not a group\n\n${USAGE}`);
    if (!isGroup && !ALL_PROFILES.some(({ name }) => name === only))
      throw new Error(`--only ${only}: no such name\n\n${USAGE}`);
  }
  if ((values.continue || values.show) && values.json === undefined)
    throw new Error(`--continue and --show need --json FILE\n\n${USAGE}`);
  const size = values.smoke ? SMOKE : values.full ? FULL : values.identical ? IDENTICAL : USUAL;
  return {
    ...size,
    isHelp: values.help,
    isSmoke: values.smoke,
    isIdentical: values.identical,
    isContinued: values.continue,
    isShown: values.show,
    packets: values.packets === undefined ? size.packets : whole('--packets', values.packets, 1),
    rounds: values.rounds === undefined ? size.rounds : whole('--rounds', values.rounds, 1),
    seed: whole('--seed', values.seed, 0),
    workers: (values.workers ?? size.workers).split(',').map((text) => whole('--workers', text, 0)),
    json: values.json,
    svg: values.svg,
    dir: values.dir,
    only: values.only,
  };
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${option} ${text}: a whole number from ${least} on is wanted\n\n${USAGE}`);
  return value;
}
