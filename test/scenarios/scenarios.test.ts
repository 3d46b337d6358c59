/** The live recordings: the replay's counters are those that the firewall had, rule for rule. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { savedText } from '../engine/run-case.ts';
import { compareCounters, readCounters } from './counters.ts';
import { type Scenario, scenarios } from './scenarios.ts';

function configOf({ folder, captures }: Scenario, more: Partial<ReplayConfig> = {}): ReplayConfig {
  return {
    captures,
    host: join(folder, 'host'),
    midstream: 'kernel',
    checksum: 'auto',
    workers: 0,
    seed: 0,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
    ...more,
  };
}

describe.each(scenarios())('$name', (scenario) => {
  it.each(['compiled', 'linear'] as const)('has the counters of the live firewall (%s)', async (evaluator) => {
    const output = await runReplay(configOf(scenario, { evaluator }));
    for (const [family, file] of [
      [4, 'iptables.save'],
      [6, 'ip6tables.save'],
    ] as const) {
      const path = join(scenario.folder, 'expected', file);
      if (!existsSync(path)) continue;
      const expected = readFileSync(path, 'utf8');
      const actual = savedText(output, family) ?? '';
      expect(compareCounters(expected, actual)).toEqual([]);
      expect(readCounters(actual)).toHaveLength(readCounters(expected).length);
    }
  });
});
