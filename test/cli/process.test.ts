import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The program as users run it: built by `npm run build`, which `npm test` does first. */
const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-'));
  writeFileSync(
    path.join(folder, 'rules'),
    '*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n',
  );
  writeFileSync(path.join(folder, 'eth0.pcap'), capture(2000));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A classic pcap of raw IPv4 UDP packets, each from another port. */
function capture(packets: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(101, 20);
  const records = Array.from({ length: packets }, (_, i) => {
    const record = Buffer.alloc(16 + 28);
    record.writeUInt32LE(1_700_000_000 + i, 0);
    record.writeUInt32LE(28, 8);
    record.writeUInt32LE(28, 12);
    Buffer.from('4500001c00000000401100000a0000010a000002', 'hex').copy(record, 16);
    record.writeUInt16BE(ipChecksum(record.subarray(16, 36)), 26);
    record.writeUInt16BE(1024 + i, 36);
    record.writeUInt16BE(53, 38);
    record.writeUInt16BE(8, 40);
    return record;
  });
  return Buffer.concat([header, ...records]);
}

function ipChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe.runIf(existsSync(PROGRAM))('as a process', () => {
  test('help and version', () => {
    expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run('run', '--help').status).toBe(0);
  });

  test('a replay, and the same bytes from any number of workers', () => {
    const args = ['run', '--rules', 'rules', 'eth0:in=eth0.pcap', '--format', 'csv', '--quiet'];
    const one = run(...args, '--workers', '0');
    expect(one.stderr).toBe('');
    expect(one.status).toBe(0);
    expect(one.stdout).toContain('4,filter,INPUT,0,2000,56000,DROP,-P INPUT DROP,0\n');
    expect(run(...args, '--workers', '2').stdout).toBe(one.stdout);
  });

  test('threads that were to take shares are ended in peace when rules cannot be shared, or are wrong', () => {
    const rules = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
    rules('limit', '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m limit --limit 1/s -j DROP\nCOMMIT\n');
    rules('wrong', '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j NOWHERE\nCOMMIT\n');
    for (const [name, status] of [
      ['limit', 0],
      ['wrong', 2],
    ] as const) {
      for (let i = 0; i < 4; i++) {
        const ended = run('run', '--rules', name, '--workers', '2', '--quiet', 'eth0:in=eth0.pcap');
        expect([name, ended.status, ended.stderr.includes('FATAL')]).toEqual([name, status, false]);
      }
    }
  });

  test('mistakes: status 2, a message, no stack trace', () => {
    const missing = run('run', '--rules', 'rules', 'nothing.pcap');
    expect(missing.status).toBe(2);
    expect(missing.stdout).toBe('');
    expect(missing.stderr).toMatch(/^iptables-replay: .*nothing\.pcap/);
    expect(missing.stderr).not.toContain('    at ');
    expect(run('trace', 'x').status).toBe(2);
  });

  test('a capture that is cut short: status 3, and what came before is replayed', () => {
    writeFileSync(path.join(folder, 'cut.pcap'), capture(10).subarray(0, -5));
    const { status, stdout, stderr } = run('run', '--rules', 'rules', 'eth0:in=cut.pcap', '--format', 'csv');
    expect(status).toBe(3);
    expect(stderr).toContain('cut.pcap: damaged at byte');
    expect(stdout).toContain('INPUT,0,9,252,DROP');
  });

  test('packets one by one, and pcapng, from the engine itself', () => {
    const args = ['--verdicts', 'v.csv', '--write-pcap', 'DROP=d.pcapng', '--quiet', '--no-summary'];
    expect(run('run', '--rules', 'rules', 'eth0:in=eth0.pcap', ...args).stderr).toBe('');
    expect(run('run', '--rules', 'rules', 'eth0:in=d.pcapng', '--format', 'csv').stdout).toContain(
      'INPUT,0,2000,56000',
    );
  });

  test('a reader that goes away (| head) is no error', async () => {
    const command = `"${process.execPath}" "${PROGRAM}" run --rules rules eth0=eth0.pcap --format json; echo $? >&2`;
    const child = spawn('sh', ['-c', `{ ${command}; } | head -c 1`], { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(stderr.trim().split('\n').at(-1)).toBe('0');
  });

  test.runIf(process.platform !== 'win32')(
    'Ctrl-C while waiting for packets: the report, and status 130',
    async () => {
      const child = spawn(
        process.execPath,
        [PROGRAM, 'run', '--rules', 'rules', 'eth0:in=-', '--format', 'json'],
        {
          cwd: folder,
        },
      );
      let stdout = '';
      child.stdout.on('data', (text) => {
        stdout += text;
      });
      // Ended amid a record: that is the signal's doing, and no damage.
      child.stdin.write(capture(20_000).subarray(0, -10));
      const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      const report = JSON.parse(stdout);
      expect(report.interrupted).toBe(true);
      expect(report.totals.packets).toBeGreaterThan(0);
      expect(report.damage).toEqual([]);
    },
  );
});
