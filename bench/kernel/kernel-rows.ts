import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure, warm } from '../base/measure.ts';
import { compileC, has, isRootOnLinux } from '../base/programs.ts';
import type { Row, Sample } from '../replay/row.ts';
import { NORMAL, type Profile } from '../scene/profiles.ts';
import type { Scene } from '../scene/scene.ts';

export const BACKENDS = ['legacy', 'nft'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The router of the benchmarks, but with another arm for what leaves, since a TUN that is read would cost time. */
const NETWORK = `set -e
ip link set lo up
sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
sysctl -q -w net.ipv4.conf.in0.rp_filter=0 net.ipv4.conf.out0.rp_filter=0
ip address add 10.0.0.1/24 dev in0
ip link set in0 up
ip link set out0 up
ip route add 10.128.0.0/9 dev out0
ip route add 172.16.0.0/12 dev out0
`;

export interface KernelRow extends Omit<Row, 'run'> {
  readonly backend: Backend;
  readonly profile: Profile;
}

/** Rows of the running kernel. */
export class KernelRows {
  readonly #scene: Scene;
  readonly #seconds: number;
  readonly #program: string;
  #files = 0;

  private constructor(scene: Scene, seconds: number, program: string) {
    this.#scene = scene;
    this.#seconds = seconds;
    this.#program = program;
  }

  /** `seconds`: bound of each measurement. Where the kernel cannot be asked, says why. */
  static async open(scene: Scene, seconds: number): Promise<KernelRows | string> {
    if (!isRootOnLinux) return 'the kernel is asked as root on Linux only';
    for (const tool of ['ip', 'iptables-legacy-restore', 'iptables-nft-restore']) {
      if (!has(tool, '-V')) return `${tool} is not installed`;
    }
    const program = compileC('tun-forward', scene.options.dir);
    if (program === undefined) return 'there is no C compiler';
    const probe = scene.captures.get({ ...scene.captureSpec(NORMAL), packets: 1 });
    try {
      await measure([program, probe.files[0]!, '1', '1', NETWORK, ':']);
    } catch (error) {
      return `the kernel cannot be asked here: ${(error as Error).message.trim().split('\n').at(-1)}`;
    }
    return new KernelRows(scene, seconds, program);
  }

  /** The profile's capture through FORWARD, as far as it gets in the time. */
  row({ backend, profile, ...rest }: KernelRow): Row {
    const scene = this.#scene;
    const spec = scene.captureSpec(profile);
    let isCompared = false;
    const run = async (): Promise<Sample> => {
      const file = scene.captures.get(spec).files[0]!;
      const saved = join(scene.options.dir, `kernel-${++this.#files}.save`);
      const setup = `${NETWORK}iptables-${backend}-restore < ${scene.ruleset(profile)}`;
      const after = `iptables-${backend}-save -c > ${saved}`;
      warm(file);
      const command = [this.#program, file, `${spec.packets}`, `${this.#seconds}`, setup, after];
      const { stdout, ...cost } = await measure(command, { stdout: true });
      const [packets, wallSeconds] = stdout.split(' ').map(Number) as [number, number];
      if (!isCompared) await this.#compare(profile, packets, saved);
      isCompared = true;
      return { ...cost, packets, wallSeconds, startSeconds: 0 };
    };
    return { ...rest, run };
  }

  /** The kernel's counters have to be those of a replay of the same packets. */
  async #compare(profile: Profile, packets: number, kernelSave: string): Promise<void> {
    const scene = this.#scene;
    const capture = scene.captures.get({ ...scene.captureSpec(profile), packets });
    const ourSave = `${kernelSave}.ours`;
    await measure(scene.replay(profile, capture.files, '--save', ourSave));
    const difference = firstDifference(tablesOf(kernelSave), tablesOf(ourSave));
    if (difference !== undefined) throw new Error(`the kernel counted otherwise: ${difference}`);
  }
}

/** Lines by table, without comments. */
function tablesOf(file: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('*')) {
      lines = [];
      tables.set(line, lines);
    } else if (line !== '' && !line.startsWith('#')) lines.push(line);
  }
  return tables;
}

function firstDifference(
  kernel: ReadonlyMap<string, readonly string[]>,
  ours: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  for (const [table, lines] of kernel) {
    const others = ours.get(table) ?? [];
    for (let i = 0; i < Math.max(lines.length, others.length); i++) {
      if (lines[i] !== others[i]) return `${table}: ${lines[i]} where the replay has ${others[i]}`;
    }
  }
  return undefined;
}
