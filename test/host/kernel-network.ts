import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A network namespace with veth pairs v0..vN (the peers w0..wN in the same namespace, without addresses). */

export const canAskKernel =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('ip', ['netns', 'list'], { stdio: 'ignore' }).status === 0 &&
  spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status === 0;

export interface HostTexts {
  [file: string]: string;
}

export class KernelNetwork {
  readonly name: string;

  constructor(name: string) {
    this.name = `${name}-${process.pid}`;
    spawnSync('ip', ['netns', 'del', this.name], { stdio: 'ignore' });
    this.must('ip', ['netns', 'add', this.name]);
  }

  private must(command: string, args: readonly string[]): string {
    const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  /** Runs `ip -batch`; lines that the kernel refuses are passed over when `force`. */
  batch(lines: readonly string[], force = false, family?: 4 | 6): void {
    const done = spawnSync(
      'ip',
      [
        '-n',
        this.name,
        ...(family === undefined ? [] : [`-${family}`]),
        ...(force ? ['-force'] : []),
        '-batch',
        '-',
      ],
      {
        input: `${lines.join('\n')}\n`,
        encoding: 'utf8',
      },
    );
    if (!force && done.status !== 0) throw new Error(`ip -batch: ${done.stderr}`);
  }

  sysctl(settings: readonly string[]): void {
    this.must('ip', ['netns', 'exec', this.name, 'sysctl', '-q', '-w', ...settings]);
  }

  run(command: string, ...args: string[]): string {
    return this.must('ip', ['netns', 'exec', this.name, command, ...args]);
  }

  /** What HOST would hold. */
  hostTexts(): HostTexts {
    const ip = (...args: string[]) => this.must('ip', ['-n', this.name, '-j', ...args]);
    const settings = spawnSync('ip', ['netns', 'exec', this.name, 'sysctl', '-a'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }).stdout;
    return {
      'address.json': ip('-d', 'address', 'show'),
      'route.json': ip('route', 'show', 'table', 'all'),
      'route6.json': ip('-6', 'route', 'show', 'table', 'all'),
      'rule.json': ip('rule', 'show'),
      'rule6.json': ip('-6', 'rule', 'show'),
      'maddr.json': ip('maddress', 'show'),
      'sysctl.txt': settings
        .split('\n')
        .filter((line) =>
          /^net\.ipv[46]\.(conf\.\S+\.(forwarding|rp_filter|accept_local|route_localnet|src_valid_mark|send_redirects|bc_forwarding|ignore_routes_with_linkdown|use_oif_addrs_only)|ip_forward) /.test(
            line,
          ),
        )
        .join('\n'),
    };
  }

  /** The answers of `ip route get`, one for each query: JSON of the route, or the error's text. */
  routeGet(family: 4 | 6, queries: readonly string[]): (Record<string, unknown> | string)[] {
    const done = spawnSync('ip', ['-n', this.name, `-${family}`, '-j', '-force', '-batch', '-'], {
      input: queries.map((query) => `route get ${query}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const answers: (Record<string, unknown> | string)[] = new Array(queries.length);
    let message = '';
    for (const line of done.stderr.split('\n')) {
      const failed = /^Command failed -:(\d+)$/.exec(line);
      if (failed !== null) answers[Number(failed[1]) - 1] = message;
      else if (line !== '') message = line.replace(/^RTNETLINK answers: /, '');
    }
    const routes = done.stdout.split('\n').filter((line) => line.trim() !== '');
    let next = 0;
    for (let i = 0; i < answers.length; i++) {
      if (answers[i] !== undefined) continue;
      const line = routes[next++];
      if (line === undefined) throw new Error(`no answer to: route get ${queries[i]}\n${done.stderr}`);
      answers[i] = (JSON.parse(line) as Record<string, unknown>[])[0]!;
    }
    return answers;
  }

  close(): void {
    spawnSync('ip', ['netns', 'del', this.name], { stdio: 'ignore' });
  }
}

/** Writes HOST files into a new folder for the time of `use`. */
export function withHostFolder<T>(files: HostTexts, use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'host-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    return use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
