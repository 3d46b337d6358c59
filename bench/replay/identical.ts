import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from '../base/measure.ts';
import type { IdenticalFigures } from '../report/figures.ts';
import type { Profile } from '../scene/profiles.ts';
import type { Scene } from '../scene/scene.ts';

const WORKERS = [0, 1, 2, 3, 8];

/**
 * Does the answer depend on the number of workers? Compares the JSON report (without its timing, with the connections that
 * stand at the end) and the saved ruleset, byte by byte.
 */
export async function checkIdentical(scene: Scene, profiles: readonly Profile[]): Promise<IdenticalFigures> {
  const same: string[] = [];
  const different: string[] = [];
  for (const profile of profiles) {
    const capture = scene.captures.get(scene.captureSpec(profile));
    const digests = new Map<string, number[]>();
    for (const workers of WORKERS) {
      scene.options.progress(`identical: ${profile.name}, workers ${workers}`);
      const digest = await digestOf(scene, profile, capture.files, workers);
      digests.set(digest, [...(digests.get(digest) ?? []), workers]);
    }
    if (digests.size === 1) same.push(profile.name);
    else {
      const split = [...digests.values()].map((workers) => workers.join(', ')).join(' | ');
      different.push(`${profile.name} (${split})`);
    }
    scene.captures.keepOnly([]);
  }
  return { workers: WORKERS, packets: scene.options.packets, same, different };
}

async function digestOf(
  scene: Scene,
  profile: Profile,
  files: readonly string[],
  workers: number,
): Promise<string> {
  const { dir } = scene.options;
  const isIpv6 = scene.rulesetOptions(profile).family === 6;
  const saved = join(dir, 'identical.save');
  const more = ['--format', 'json', '--conntrack-table', isIpv6 ? '--save6' : '--save', saved];
  const command = scene.replay(profile, files, '--workers', `${workers}`, ...more);
  const { stdout } = await measure(command, { stdout: true });
  const { timing: _, ...report } = JSON.parse(stdout) as Record<string, unknown>;
  return createHash('sha256').update(JSON.stringify(report)).update(readFileSync(saved)).digest('hex');
}
