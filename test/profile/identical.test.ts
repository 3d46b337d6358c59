/** A profiled run gives the same answer as an ordinary one, to the byte, whatever the number of workers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { fakeStreams } from '../cli/fake-streams.ts';
import { type Scenario, scenarios } from '../scenarios/scenarios.ts';

/**
 * A node's rules, fragments and both families, a bridge, helpers and NAT; with the reasons for which the compiled evaluator
 * walks there.
 */
const SCENARIOS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes-nodeport': ['rule', 'not-known', 'begins', 'rejected', 'loopback'],
  'fragments-and-errors': ['raw-first', 'loopback'],
  'bridge-firewall': ['bridged', 'not-known', 'begins', 'rejected'],
  ftp: ['raw-first'],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-profile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run({ folder: place, captures }: Scenario, ...more: string[]) {
  const verdicts = path.join(folder, 'verdicts.csv');
  const save = path.join(folder, 'save');
  const streams = fakeStreams(false);
  const status = await main(
    ['run', '--host', path.join(place, 'host'), ...captures, '--verdicts', verdicts, '--save', save, ...more],
    streams,
  );
  return {
    status,
    stdout: streams.stdout.text,
    stderr: streams.stderr.text,
    verdicts: readFileSync(verdicts, 'utf8'),
    save: readFileSync(save, 'utf8'),
  };
}

const withoutTime = (text: string) => text.replace(/^Replayed in .*$/m, '');

for (const scenario of scenarios().filter(({ name }) => name in SCENARIOS)) {
  for (const evaluator of ['compiled', 'linear']) {
    test(`${scenario.name}, ${evaluator}`, async () => {
      const options = ['--evaluator', evaluator];
      const plain = await run(scenario, ...options, '--workers', '0');
      const { timing, ...plainJson } = JSON.parse(
        (await run(scenario, ...options, '--workers', '0', '--format', 'json')).stdout,
      );
      for (const workers of evaluator === 'linear' ? ['0'] : ['0', '1', '2']) {
        const text = await run(scenario, ...options, '--workers', workers, '--profile');
        const at = text.stdout.indexOf('\nProfile: ');
        expect(at).toBeGreaterThan(0);
        const report = { ...text, stdout: withoutTime(text.stdout.slice(0, at)) };
        expect(report).toEqual({ ...plain, stdout: withoutTime(plain.stdout) });

        const json = await run(
          scenario,
          ...options,
          ...['--workers', workers, '--profile', '--format', 'json'],
        );
        const { timing: profiledTiming, profile, ...profiledJson } = JSON.parse(json.stdout);
        expect(JSON.stringify(profiledJson)).toBe(JSON.stringify(plainJson));
        expect(profile.paths.walked).toBe(profiledTiming.walked);
        expect(profile.paths.recalled).toBe(profiledTiming.recalled);
        expect(profile.paths.quick + profile.paths.known).toBe(profiledTiming.cached);
        expect(profile.paths.packets).toBe(plainJson.totals.packets);
        const reasons = profile.reasons as { reason: string; packets: number }[];
        expect(reasons.reduce((sum, { packets }) => sum + packets, 0)).toBe(profiledTiming.walked);
        // In shares each walks for itself.
        if (profile.threads[0].role === 'share') continue;
        for (const name of ['walked', 'recalled', 'cached']) expect(profiledTiming[name]).toBe(timing[name]);
        if (evaluator === 'compiled')
          expect(reasons.map(({ reason }) => reason)).toEqual(SCENARIOS[scenario.name]);
        expect(profile.threads).toHaveLength(1 + Number(workers));
      }
    });
  }
}
