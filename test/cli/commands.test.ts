import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { RULES4, RULES6 } from '../report/fixture.ts';
import { fakeStreams } from './fake-streams.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function call(...argv: string[]) {
  const streams = fakeStreams();
  const status = await main(argv, streams);
  return { status, stdout: streams.stdout.text, stderr: streams.stderr.text };
}

function file(name: string, text: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
}

test('check prints the canonical form and finds mistakes', async () => {
  const good = await call('check', file('iptables.save', RULES4));
  expect(good).toEqual({ status: 0, stdout: RULES4.replace(/^#.*\n/gm, ''), stderr: '' });
  expect((await call('check', '--ipv6', file('six', RULES6))).status).toBe(0);
  const bad = await call(
    'check',
    file('bad.save', '*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\nCOMMIT\n'),
  );
  expect(bad.status).toBe(2);
  expect(bad.stdout).toBe('');
  expect(bad.stderr).toContain('bad.save:2:');
});

test('check of a file that is not there', async () => {
  const { status, stderr } = await call('check', path.join(folder, 'none'));
  expect(status).toBe(2);
  expect(stderr).toMatch(/^iptables-replay: cannot read .*none: no such file\n/);
});

test('snapshot prints a shell script', async () => {
  const { status, stdout } = await call('snapshot');
  expect(status).toBe(0);
  expect(stdout.startsWith('#!/bin/sh\n')).toBe(true);
});
