import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../base/measure.ts';
import { benchProgram, MAIN } from '../base/programs.ts';
import { type RulesetOptions, rulesetText } from '../rulesets/ruleset.ts';
import { DEFAULT_TRAFFIC } from '../traffic/generate.loop.ts';
import { CONNTRACK_MAX, writeHostFolder } from '../traffic/host-folder.ts';
import { type CaptureSpec, CaptureStore } from './captures.ts';
import type { Profile } from './profiles.ts';

export interface SceneOptions {
  /** Folder for all that is made. */
  readonly dir: string;
  readonly packets: number;
  /** Rulesets have no more rules than that: for quick runs. */
  readonly mostRules: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

const PACKETS_PER_FLOW = 50;
const LEAST_FLOWS = 100;

/** The files that a run of the benchmarks makes, and the commands that use them. */
export class Scene {
  readonly options: SceneOptions;
  readonly captures: CaptureStore;
  readonly #rulesets = new Map<string, string>();
  readonly #hosts = new Map<number, string>();

  constructor(options: SceneOptions) {
    this.options = options;
    this.captures = new CaptureStore(options.dir, options.progress);
  }

  captureSpec(profile: Profile): CaptureSpec {
    const packets = Math.ceil(this.options.packets * (profile.share ?? 1));
    const flows = Math.max(Math.ceil(packets / (profile.packetsPerFlow ?? PACKETS_PER_FLOW)), LEAST_FLOWS);
    const { seed } = this.options;
    return { ...DEFAULT_TRAFFIC, packets, flows, seed, ...profile.traffic, files: profile.files ?? 1 };
  }

  rulesetOptions(profile: Profile): RulesetOptions {
    const { seed, mostRules } = this.options;
    const all = { shape: 'acl', rules: 1000, stateful: true, seed, family: 4, ...profile.rules } as const;
    return { ...all, rules: Math.min(all.rules, mostRules) };
  }

  /** Path of the dump. */
  ruleset(profile: Profile): string {
    const options = this.rulesetOptions(profile);
    return this.#file(this.#rulesets, JSON.stringify(options), 'rules', (path) =>
      writeFileSync(path, rulesetText(options)),
    );
  }

  host({ conntrackMax = CONNTRACK_MAX }: Profile): string {
    return this.#file(this.#hosts, conntrackMax, 'host', (path) => writeHostFolder(path, conntrackMax));
  }

  #file<Key>(made: Map<Key, string>, key: Key, name: string, make: (path: string) => void): string {
    let path = made.get(key);
    if (path === undefined) {
      path = join(this.options.dir, `${name}-${made.size + 1}`);
      make(path);
      made.set(key, path);
    }
    return path;
  }

  /** `iptables-replay run` over these files, with more options. */
  replay(profile: Profile, files: readonly string[], ...more: string[]): Command {
    const rules = this.rulesetOptions(profile).family === 4 ? '--rules' : '--rules6';
    const given = ['--host', this.host(profile), rules, this.ruleset(profile), '--quiet'];
    const iface = this.captureSpec(profile).bothSides ? 'eth0' : 'eth0:in';
    return [process.execPath, MAIN, 'run', ...given, ...more, ...files.map((file) => `${iface}=${file}`)];
  }

  /** The generator, writing the profile's capture to standard output. */
  generator(profile: Profile): Command {
    const { packets, flows, seed, profile: traffic } = this.captureSpec(profile);
    const options = ['--packets', packets, '--flows', flows, '--seed', seed, '--profile', traffic];
    return [process.execPath, benchProgram('traffic/main.js'), ...options.map(String), '-'];
  }
}
