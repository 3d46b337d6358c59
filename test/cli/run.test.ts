import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fromArrow } from 'arquero';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { main } from '../../src/cli/program.ts';
import type { RunReplay } from '../../src/cli/run.ts';
import type { ReplayConfig, ReplayStart } from '../../src/workers/config.ts';
import { makeBatch, PACKETS } from '../report/batches.ts';
import { type FixtureOptions, makeOutput, RULES4 } from '../report/fixture.ts';
import { fakeStreams } from './fake-streams.ts';

let folder: string;
let rules: string;
let capture: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-'));
  rules = path.join(folder, 'iptables.save');
  capture = path.join(folder, 'eth0.pcap');
  writeFileSync(rules, RULES4);
  writeFileSync(capture, 'the engine of these tests does not read it');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** An engine that replays nothing and gives the fixture; it plays the packets of batches.ts to the observer. */
function engine(
  options: FixtureOptions = {},
  seen?: (config: ReplayConfig) => void,
): () => Promise<RunReplay> {
  return async () => async (config, observer) => {
    seen?.(config);
    const output = makeOutput(options);
    const { onStart } = observer as { onStart?: (start: ReplayStart) => void };
    onStart?.({ ...output, baseNs: output.result.totals.baseNs });
    observer.onBatch?.(makeBatch(PACKETS));
    return { ...output, config };
  };
}

async function run(args: readonly string[], load = engine(), isTTY = false) {
  const streams = fakeStreams(isTTY);
  const status = await main(['run', '--rules', rules, ...args], streams, load);
  return { status, stdout: streams.stdout.text, bytes: streams.stdout.bytes, stderr: streams.stderr.text };
}

describe('exit status', () => {
  test('0 when all is well; warnings on standard error', async () => {
    const { status, stdout, stderr } = await run([capture]);
    expect(status).toBe(0);
    expect(stdout).toContain('Chain INPUT (policy DROP 80 packets, 8000 bytes)');
    expect(stderr).toBe('host/iptables.save:3:1: warning: something odd\n');
  });

  test('3 for a damaged capture, with the place, even with --quiet', async () => {
    const { status, stderr } = await run([capture, '--quiet'], engine({ damaged: true }));
    expect(status).toBe(3);
    expect(stderr).toBe('iptables-replay: eth0.pcap: damaged at byte 4096, packet 33: cut short\n');
  });

  test("2 for the user's mistakes, without a stack trace", async () => {
    const failing = async () => async () => {
      throw new UserError('eth0.pcap: neither pcap nor pcapng', { hint: 'look at it with `file`' });
    };
    const { status, stdout, stderr } = await run([capture], failing);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      'iptables-replay: eth0.pcap: neither pcap nor pcapng\n  hint: look at it with `file`\n',
    );
  });

  test("4 for the machine's limits", async () => {
    const failing = async () => async () => {
      throw new RangeError('Array buffer allocation failed');
    };
    const { status, stderr } = await run([capture], failing);
    expect(status).toBe(4);
    expect(stderr).toBe('iptables-replay: out of memory (Array buffer allocation failed)\n');
  });

  test('70 for a mistake of ours, with the stack and a request', async () => {
    const failing = async () => async () => {
      throw new Error('internal error: two packets in one slot');
    };
    const { status, stderr } = await run([capture], failing);
    expect(status).toBe(70);
    expect(stderr).toContain('internal error: this is a mistake of the program');
    expect(stderr).toContain('please report it');
  });

  test('130 after Ctrl-C, with the report of what was read; the second Ctrl-C is not caught', async () => {
    const listeners = process.listenerCount('SIGINT');
    const stopped = async () => async (config: ReplayConfig, observer: Parameters<RunReplay>[1]) => {
      expect(process.listenerCount('SIGINT')).toBe(listeners + 1);
      process.emit('SIGINT');
      expect(process.listenerCount('SIGINT')).toBe(listeners);
      return { ...makeOutput({ interrupted: observer.signal?.aborted === true }), config };
    };
    const { status, stdout, stderr } = await run([capture], stopped);
    expect(status).toBe(130);
    expect(stdout).toMatch(/^Interrupted: /);
    expect(stderr).toContain('interrupted; the report is about the packets read until then');
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });
});

describe('outputs are opened before the replay', () => {
  const never = async () => async () => {
    throw new Error('the replay began');
  };

  for (const option of ['--save', '--save6', '--html']) {
    test(`${option} into a folder that is not there`, async () => {
      const file = path.join(folder, 'none', 'out');
      const { status, stderr } = await run([capture, option, file], never);
      expect(status).toBe(2);
      expect(stderr).toBe(`iptables-replay: ${option} ${file}: no such file or directory\n`);
    });
  }

  test('--verdicts and --write-pcap onto a folder', async () => {
    const file = path.join(folder, 'x.csv');
    expect((await run([capture, '--verdicts', path.join(folder, 'none', 'x.csv')], never)).status).toBe(2);
    const { status, stderr } = await run(
      [capture, '--verdicts', file, '--write-pcap', `DROP=${folder}`],
      never,
    );
    expect(status).toBe(2);
    expect(stderr).toBe(`iptables-replay: --write-pcap ${folder}: is a directory\n`);
    expect(existsSync(file), 'what was opened before is taken away again').toBe(false);
  });

  test('a file that was there keeps its content when the replay fails', async () => {
    const file = path.join(folder, 'after.save');
    writeFileSync(file, 'precious');
    expect((await run([capture, '--save', file], never)).status).toBe(70);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  test('inputs are never overwritten, by whatever name', async () => {
    for (const file of [capture, `${folder}/../${path.basename(folder)}/eth0.pcap`, rules]) {
      const { status, stderr } = await run([`eth0:in=${capture}`, '--write-pcap', `all=${file}`], never);
      expect(status).toBe(2);
      expect(stderr).toContain('is the same file as the input');
    }
    expect(readdirSync(folder).sort()).toEqual(['eth0.pcap', 'iptables.save']);
  });

  test('neither the files of HOST nor a folder of captures are written to', async () => {
    const host = await run(['--host', folder, capture, '--save', path.join(folder, 'iptables.save')], never);
    expect(host.stderr).toContain('is the same file as the input');
    const captures = await run([folder, '--save', path.join(folder, 'new.save')], never);
    expect(captures.status).toBe(2);
    expect(captures.stderr).toContain('lies in a folder whose files are all read as captures');
  });

  test('no file for two outputs', async () => {
    const file = path.join(folder, 'out');
    const { status, stderr } = await run([capture, '--save', file, '--save6', file], never);
    expect(status).toBe(2);
    expect(stderr).toContain('is the same file as that of --save');
  });
});

describe('outputs', () => {
  test('all at once', async () => {
    const out = (name: string) => path.join(folder, name);
    const args = [
      ...[
        '--save',
        out('4.save'),
        '--save6',
        out('6.save'),
        '--html',
        out('r.html'),
        '--verdicts',
        out('v.csv'),
      ],
      ...['--write-pcap', `DROP,REJECT=${out('drop.pcapng')}`, '--write-pcap', `all=${out('all.pcapng')}`],
    ];
    const { status } = await run([capture, ...args]);
    expect(status).toBe(0);
    expect(readFileSync(out('4.save'), 'utf8')).toContain(':INPUT DROP [80:8000]\n');
    expect(readFileSync(out('6.save'), 'utf8')).toContain('[130:13000] -A INPUT -p ipv6-icmp -j ACCEPT\n');
    expect(readFileSync(out('v.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(1 + PACKETS.length);
    expect(readFileSync(out('r.html'), 'utf8')).toContain('<!doctype html>');
    expect(readFileSync(out('all.pcapng')).length).toBeGreaterThan(readFileSync(out('drop.pcapng')).length);
  });

  test('an existing longer file is replaced, not overlaid', async () => {
    const file = path.join(folder, 'after.save');
    writeFileSync(file, 'x'.repeat(100_000));
    await run([capture, '--save', file]);
    expect(readFileSync(file, 'utf8').endsWith('COMMIT\n')).toBe(true);
  });

  test('JSON', async () => {
    const report = JSON.parse((await run([capture, '--format', 'json'])).stdout);
    expect(report.schema).toBe('iptables-replay/run');
    expect(report.totals.packets).toBe(1234);
  });

  test('CSV', async () => {
    const { stdout } = await run([capture, '--format', 'csv', '--keep-counters']);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('family,table,chain,number,packets,bytes,target,rule,line');
    expect(lines).toContain(
      '4,filter,web,1,18446744073709551110,10384,ACCEPT,-A web -s 10.0.0.0/8 -j ACCEPT,16',
    );
  });

  test('Arrow', async () => {
    const { bytes } = await run([capture, '--format', 'arrow']);
    const table = fromArrow(bytes, { useBigInt: true });
    expect(table.numRows()).toBe(16);
    expect(table.get('packets', 4)).toBe(50n);
    expect(table.get('rule', 15)).toBe('-P OUTPUT ACCEPT');
  });
});

test('a table or chain that is not there is named', async () => {
  const { status, stdout, stderr } = await run([
    capture,
    '--table',
    'raw',
    '--chain',
    'KUBE-*',
    '--no-summary',
  ]);
  expect(status).toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('--table raw: the rulesets have no such table\n');
  expect(stderr).toContain('--chain KUBE-*: the rulesets have no such chain\n');
});

test('a small capture is replayed without threads, a folder or standard input with some', async () => {
  const workers: number[] = [];
  const load = engine({}, (config) => workers.push(config.workers));
  await run([capture], load);
  await run(['-'], load);
  expect(workers[0]).toBe(0);
  expect(workers[1]).toBeGreaterThan(0);
});

describe('progress', () => {
  const slow = async (): Promise<RunReplay> => async (config, observer) => {
    observer.onProgress?.({ packets: 1, bytesRead: 1, bytesTotal: 2 });
    return { ...makeOutput(), config };
  };

  test('the engine is asked for progress only when somebody looks', async () => {
    const asked: boolean[] = [];
    const load = async (): Promise<RunReplay> => async (config, observer) => {
      asked.push(observer.onProgress !== undefined);
      return { ...makeOutput(), config };
    };
    await run([capture], load, true);
    await run([capture], load, false);
    await run([capture, '--no-progress'], load, true);
    await run([capture, '--quiet'], load, true);
    expect(asked).toEqual([true, false, false, false]);
  });

  test('a quick run draws nothing', async () => {
    expect((await run([capture, '--quiet'], slow, true)).stderr).toBe('');
  });
});

test('a reader that goes away is no error', async () => {
  const streams = fakeStreams();
  streams.stdout.closesAfterWrites = 0;
  const status = await main(['run', '--rules', rules, capture, '--quiet'], streams, engine());
  expect(status).toBe(0);
  expect(streams.stderr.text).toBe('');
});

test('options reach the engine', async () => {
  let config: ReplayConfig | undefined;
  const args = ['--midstream', 'established', '--checksum', 'trust', '--workers', '3', '--seed', '42'];
  const more = ['--on-unsupported', 'never-match', '--evaluator', 'linear'];
  await run(
    [...args, ...more, `eth0:in=${capture}`, 'lo=-'],
    engine({}, (given) => {
      config = given;
    }),
  );
  expect(config).toMatchObject({
    captures: [`eth0:in=${capture}`, 'lo=-'],
    rules,
    midstream: 'established',
    checksum: 'trust',
    workers: 3,
    seed: 42,
    onUnsupported: 'never-match',
    evaluator: 'linear',
    perPacket: false,
  });
});
