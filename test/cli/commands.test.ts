import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
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

describe('check of rules that name an estimator', () => {
  const dump = (...rules: string[]) => ['*mangle', ...rules, 'COMMIT', ''].join('\n');
  const makes = (name: string) =>
    `-A PREROUTING -j RATEEST --rateest-name ${name} --rateest-interval 250ms --rateest-ewmalog 500ms`;
  const names = (name: string) =>
    `-A PREROUTING -m rateest --rateest ${name} --rateest-lt --rateest-bps 1mbit -j MARK --set-mark 1`;
  const old4 = file('old.v4', dump(makes('up')));
  const new4 = file('new.v4', dump(makes('down')));
  const up6 = file('up.v6', dump(names('up')));
  const down6 = file('down.v6', dump(names('down')));
  const up4 = file('up.v4', dump(names('up')));
  const both6 = file('both.v6', dump(makes('six'), names('six')));
  const six6 = file('six.v6', dump(names('six')));

  test.each([
    ['after the rules that make it', [old4, up6], 0],
    ['before the rules that make it, which are loaded first all the same', [up6, old4], 0],
    ['two pairs', [old4, up6, new4, down6], 0],
    ['two of IPv6 beside one of IPv4', [old4, both6, up6], 0],
    ['alone', [up6], 1],
    ['beside rules that make another', [new4, up6], 1],
    ['of the other pair', [old4, down6, new4, up6], 2],
    ['of another file of the same family', [old4, up4], 1],
    ['of another file of IPv6', [old4, both6, six6], 1],
  ])('%s', async (_, files, errors) => {
    const { status, stdout, stderr } = await call('check', ...files);
    expect(stderr.match(/error: .*\n/g) ?? []).toHaveLength(errors);
    expect(status).toBe(errors === 0 ? 0 : 2);
    // What is right is printed in the order in which it was given.
    expect(stdout.match(/(?<=^# ).*$/gm) ?? []).toEqual(
      files.length === 1 ? [] : files.filter((name) => !stderr.includes(`${name}:`)),
    );
  });
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
