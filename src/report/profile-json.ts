import type { RunProfile } from '../profile/profile.ts';
import type { ReplayOutput } from '../workers/config.ts';
import {
  chainProfileRows,
  obstacleRows,
  pathCount,
  reasonRows,
  ruleProfileRows,
  stageRows,
  threadRows,
  walkPartRows,
} from './profile-rows.ts';

/** The member `profile` of the JSON report, see json-schema.md. */
export function profileJson(output: ReplayOutput, profile: RunProfile): Record<string, unknown> {
  const paths = profile.replay?.paths;
  return {
    stages: stageRows(profile).map(({ name, seconds }) => ({ stage: name, seconds })),
    threads: threadRows(profile).map((row) => ({
      thread: row.thread,
      role: row.role,
      seconds: row.seconds,
      busySeconds: row.busySeconds,
      waitingSeconds: row.waitingSeconds,
      cpuSeconds: row.cpuSeconds ?? null,
      stages: row.stages.map(({ name, seconds }) => ({ stage: name, seconds })),
    })),
    walks: walkPartRows(profile).map(({ family, part, seconds, times }) => ({
      family: family === 0 ? null : family,
      part,
      seconds,
      times,
    })),
    paths: {
      packets: paths?.packets ?? 0,
      quick: paths?.quick ?? 0,
      known: paths?.known ?? 0,
      recalled: paths?.recalled ?? 0,
      walked: paths?.walked ?? 0,
      paths: pathCount(output),
    },
    reasons: reasonRows(profile).map(({ name, packets }) => ({ reason: name, packets })),
    obstacles: obstacleRows(output, profile).map(({ reason, family, extension, why, packets, rule }) => ({
      reason,
      family,
      extension: extension ?? null,
      why,
      packets: packets ?? null,
      table: rule?.table ?? null,
      chain: rule?.chain ?? null,
      number: rule?.number ?? null,
      rule: rule?.text ?? null,
    })),
    chains: chainProfileRows(output, profile).map((row) => ({
      family: row.family,
      table: row.table,
      chain: row.chain,
      rules: row.rules,
      checks: row.checks,
      matches: row.matches,
      entered: row.entered,
      index: row.index ?? null,
      searches: row.searches,
      found: row.found,
      probes: row.probes,
      candidates: row.candidates,
    })),
    rules: ruleProfileRows(output, profile).map((row) => ({
      family: row.family,
      table: row.table,
      chain: row.chain,
      number: row.number,
      checks: row.checks,
      matches: row.matches,
      packets: row.packets,
      rule: row.text,
    })),
  };
}
