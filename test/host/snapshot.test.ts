import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SNAPSHOT_SCRIPT } from '../../src/cli/snapshot.ts';
import { loadHost } from '../../src/host/load.ts';
import { canAskKernel, KernelNetwork } from './kernel-network.ts';

const work = mkdtempSync(join(tmpdir(), 'snapshot-'));
const script = join(work, 'snapshot.sh');
writeFileSync(script, SNAPSHOT_SCRIPT);
afterAll(() => rmSync(work, { recursive: true, force: true }));

function isThere(command: string, ...args: string[]): boolean {
  return spawnSync(command, [...args, '-c', 'true'], { stdio: 'ignore' }).status === 0;
}

const shells = [['dash'], ['busybox', 'sh'], ['bash', '--posix']].filter(([command, ...args]) =>
  isThere(command!, ...args),
);

test('the script has no line of other shells', () => {
  expect(SNAPSHOT_SCRIPT.startsWith('#!/bin/sh\n')).toBe(true);
  expect(SNAPSHOT_SCRIPT).not.toMatch(/\[\[ |\blocal \w+=|\bfunction |<\(|&>|\becho -[en]/);
});

describe.skipIf(process.platform === 'win32' || shells.length === 0)('in any shell', () => {
  for (const [command, ...args] of shells) {
    test(`${command} parses it and shows the usage`, () => {
      const done = spawnSync(command!, [...args, script], { encoding: 'utf8' });
      expect(done.status).toBe(2);
      expect(done.stderr).toContain('usage: sh snapshot.sh FOLDER');
    });

    test(`${command} on a machine without any of the tools`, () => {
      const bin = mkdtempSync(join(work, 'bin-'));
      for (const tool of ['mkdir', 'rm', 'sed', 'mv', 'cat', 'grep', 'uname', 'find', 'tr', 'cmp']) {
        const path = ['/usr/bin', '/bin'].map((dir) => join(dir, tool)).find(existsSync);
        if (path !== undefined) symlinkSync(path, join(bin, tool));
      }
      const shell = ['/usr/bin', '/bin'].map((dir) => join(dir, command!)).find(existsSync)!;
      const target = join(bin, 'host');
      // The PATH that the script adds must not find the real tools.
      const text = SNAPSHOT_SCRIPT.replace(':/usr/sbin:/sbin:/usr/local/sbin', '');
      writeFileSync(join(bin, 's.sh'), text);
      const done = spawnSync(shell, [...args, join(bin, 's.sh'), target], {
        encoding: 'utf8',
        env: { PATH: bin },
      });
      // busybox finds its own applets whatever PATH says, so that only the outline is compared.
      expect(done.status).toBe(1);
      expect(done.stderr).toMatch(/iptables\.save: iptables-save is not installed/);
      expect(done.stderr).toMatch(
        /address\.json: (ip \(iproute2\) is not installed|this ip cannot write JSON)/,
      );
      expect(done.stderr).toContain('is usable');
      expect(loadHost(target).assumptions.length).toBeGreaterThan(0);
    });
  }
});

describe.skipIf(!canAskKernel)('in a network namespace', () => {
  for (const [command, ...args] of shells)
    test(`${command} collects a HOST that can be read`, () => {
      const network = new KernelNetwork(`replay-snap-${command}`);
      try {
        network.batch([
          'link set lo up',
          'link add v0 type veth peer name v1',
          'link add br0 type bridge',
          'link set v1 master br0',
          'link set v0 up',
          'link set v1 up',
          'address add 192.0.2.1/24 dev v0',
          'address add 2001:db8::1/64 dev v0 nodad',
          'route add default via 192.0.2.254',
          'rule add fwmark 7 lookup 100',
        ]);
        network.sysctl(['net.ipv4.ip_forward=1', 'net.ipv4.conf.v0.rp_filter=2']);
        for (const tool of ['iptables-legacy', 'iptables-nft'])
          spawnSync('ip', ['netns', 'exec', network.name, tool, '-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT']);
        const target = join(work, `host ${command}`);
        const done = spawnSync('ip', ['netns', 'exec', network.name, command!, ...args, script, target], {
          encoding: 'utf8',
        });
        expect([0, 1]).toContain(done.status);
        expect(readdirSync(target).filter((name) => name.startsWith('.'))).toEqual([]);
        const host = loadHost(target);
        expect(host.interfaces[host.interfaces[host.findInterface('v1')]!.master]!.name).toBe('br0');
        expect(host.sysctl('net.ipv4.ip_forward')).toBe(1);
        expect(host.interfaceSysctl(4, 'rp_filter', host.findInterface('v0'))).toBe(2);
        expect(host.isLocalAddress(4, Int32Array.of(0xc0000201), 0)).toBe(true);
        expect(host.isLocalAddress(6, Int32Array.of(0x20010db8, 0, 0, 1), 0)).toBe(true);
        expect(host.assumptions).toEqual([]);
        if (existsSync(join(target, 'iptables.save')))
          expect(readFileSync(join(target, 'iptables.save'), 'utf8')).toContain('-A INPUT -p tcp -j ACCEPT');
        expect(readFileSync(join(target, 'sysctl.txt'), 'utf8')).not.toContain('stable_secret');
      } finally {
        network.close();
      }
    });
});
