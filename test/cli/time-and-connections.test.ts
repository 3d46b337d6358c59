/** `--clock-skew`, `--conntrack-save` and captures whose time stamps cannot be right, through the whole program. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { type Bytes, icmpv6, ip, type Layer, LINKTYPE, pcap, pcapng, tcp, udp } from '../kernel/packets.ts';
import { fakeStreams } from './fake-streams.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-time-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const T0 = 1_700_000_000;
const A = '10.1.0.9';
const B = '10.2.0.9';
const there = (layer: Layer) => ip({ saddr: A, daddr: B }, layer);
const back = (layer: Layer) => ip({ saddr: B, daddr: A }, layer);
const ask = there(udp({ sport: 1000, dport: 53 }));
const answer = back(udp({ sport: 53, dport: 1000 }));

/** Counts what conntrack makes of packets. */
const RULES = ['NEW', 'ESTABLISHED', 'INVALID'].map(
  (state) => `-A PREROUTING -m conntrack --ctstate ${state}`,
);
const dump = (...rules: string[]) => ['*mangle', ...rules, 'COMMIT', ''].join('\n');

function write(name: string, content: string | Bytes): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const capture = (name: string, packets: readonly (readonly [seconds: number, bytes: Bytes])[]): string =>
  write(
    name,
    pcap(
      LINKTYPE.raw,
      packets.map(([seconds, bytes]) => ({ time: seconds, bytes })),
    ),
  );

async function run(...args: string[]) {
  const rules = write('rules', dump(...RULES));
  const rules6 = write('rules6', dump(...RULES));
  const streams = fakeStreams(false);
  const status = await main(
    ['run', '--rules', rules, '--rules6', rules6, '--format', 'json', ...args],
    streams,
  );
  if (streams.stdout.text === '') return { status, stderr: streams.stderr.text };
  const report = JSON.parse(streams.stdout.text);
  const counts = report.rules
    .filter((row: { family: number; number: number }) => row.family === 4 && row.number > 0)
    .map((row: { packets: number }) => row.packets);
  return { status, stderr: streams.stderr.text, report, counts };
}

describe('--clock-skew', () => {
  // eth1's clock is 0.5 s behind: the answer seems to come before the question.
  const files = () => [
    `eth0:in=${capture('eth0.pcap', [[T0 + 0.5, ask]])}`,
    `eth1:in=${capture('eth1.pcap', [[T0 + 0.1, answer]])}`,
  ];

  test('puts time stamps forward before captures are merged', async () => {
    // Whoever comes first is the one that asks: both are of one connection, but NEW goes to the first only.
    const verdicts = path.join(folder, 'v.jsonl');
    await run(...files(), '--verdicts', verdicts);
    const order = () =>
      readFileSync(verdicts, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ sport, time }) => [sport, time]);
    expect(order()).toEqual([
      [53, '1700000000.100000000'],
      [1000, '1700000000.500000000'],
    ]);
    const { report, stderr } = await run(...files(), '--clock-skew', 'eth1=0.45', '--verdicts', verdicts);
    expect(order()).toEqual([
      [1000, '1700000000.500000000'],
      [53, '1700000000.550000000'],
    ]);
    expect(stderr).toBe('');
    expect(report.options.clockSkews).toEqual([{ interface: 'eth1', seconds: '0.450000000' }]);
  });

  test('takes the interfaces of pcapng, and both signs', async () => {
    const file = write(
      'any.pcapng',
      pcapng(
        [
          { linktype: LINKTYPE.raw, name: 'eth0' },
          { linktype: LINKTYPE.raw, name: 'eth1' },
        ],
        [
          { time: T0, bytes: ask, iface: 0, direction: 'in' },
          { time: T0 + 7200, bytes: answer, iface: 1, direction: 'in' },
        ],
      ),
    );
    const skewed = await run(file, '--clock-skew', 'eth1=-7199.5', '--clock-skew', 'eth0=0.000000001');
    expect(skewed.report.totals.first).toBe('1700000000.000000001');
    expect(skewed.report.totals.last).toBe('1700000000.500000000');
    expect(skewed.counts).toEqual([1, 1, 0]);
    expect((await run(file)).counts).toEqual([2, 0, 0]);
  });

  test('says what is wrong', async () => {
    const unknown = await run(...files(), '--clock-skew', 'eth9=1');
    expect(unknown.stderr).toContain('--clock-skew eth9: no CAPTURE argument and no pcapng block names such');
    for (const wrong of ['eth0', 'eth0=soon', '=1', 'eth0=1.0000000001']) {
      const { status, stderr } = await run(...files(), '--clock-skew', wrong);
      expect(status).toBe(2);
      expect(stderr).toContain('not IFACE=SECONDS');
    }
    expect((await run(...files(), '--clock-skew', 'eth0=1', '--clock-skew', 'eth0=2')).status).toBe(2);
  });
});

describe('time stamps that cannot be right', () => {
  test('put back by an hour: connections go on ageing', async () => {
    const file = capture('back.pcap', [
      [T0, ask],
      [T0 + 1, answer],
      // Back by an hour; 40 s later the entry, which lives for 30, is gone.
      [T0 - 3600, ask],
      [T0 - 3600 + 40, ask],
    ]);
    const { counts, report } = await run(`eth0:in=${file}`);
    expect(counts).toEqual([2, 2, 0]);
    expect(report.totals.timeWentBack).toBe(1);
    expect(report.assumptions.join('\n')).toContain('go back by more than a second (1 times)');
    // What is written shows the stamps as they were captured.
    expect(report.totals.last).toBe(`${T0 - 3560}.000000000`);
  });

  test('one packet from another century expires nothing', async () => {
    const file = capture('ahead.pcap', [
      [T0, ask],
      [T0 + 1, answer],
      [4_000_000_000, ask],
      [T0 + 2, ask],
    ]);
    const { counts, report } = await run(`eth0:in=${file}`);
    expect(counts).toEqual([1, 3, 0]);
    expect(report.assumptions.join('\n')).toContain('more than an hour ahead of those around them (1)');
  });

  test('a real pause expires what it should', async () => {
    const file = capture('pause.pcap', [
      [T0, ask],
      [T0 + 100_000, ask],
      [T0 + 100_001, ask],
    ]);
    expect((await run(`eth0:in=${file}`)).counts).toEqual([3, 0, 0]);
  });

  test('no time at all: none passes, and that is said', async () => {
    const file = capture('zero.pcap', [
      [0, ask],
      [0, answer],
      [0, ask],
    ]);
    const { counts, report } = await run(`eth0:in=${file}`);
    expect(counts).toEqual([1, 2, 0]);
    expect(report.assumptions.join('\n')).toContain('The packets have no time stamps');
  });
});

describe('--conntrack-save', () => {
  const A6 = '2001:db8:1::9';
  const B6 = '2001:db8:2::9';
  const packets: (readonly [number, Bytes])[] = [
    [T0, there(tcp({ sport: 1, dport: 80, flags: 'S', seq: 9 }))],
    [T0 + 0.1, back(tcp({ sport: 80, dport: 1, flags: 'SA', seq: 99, ack: 10 }))],
    [T0 + 0.2, there(tcp({ sport: 1, dport: 80, flags: 'A', seq: 10, ack: 100 }))],
    [T0 + 0.3, there(tcp({ sport: 2, dport: 80, flags: 'S', seq: 9 }))],
    [T0 + 0.4, ask],
    [T0 + 0.5, ip({ saddr: A6, daddr: B6 }, icmpv6({ type: 128, id: 7 }))],
    [T0 + 0.6, ip({ saddr: A6, daddr: B6 }, udp({ sport: 5, dport: 6 }))],
  ];

  test('writes what stands; --conntrack takes it, and it is written again', async () => {
    const first = path.join(folder, 'first.txt');
    const second = path.join(folder, 'second.txt');
    const one = await run(`eth0:in=${capture('one.pcap', packets)}`, '--conntrack-save', first);
    expect(one.status).toBe(0);
    expect(one.report.conntrack.table).toEqual([]);
    const saved = readFileSync(first, 'utf8');
    expect(saved.split('\n')).toHaveLength(6);
    expect(saved).toContain('tcp      6 431999 ESTABLISHED src=10.1.0.9 dst=10.2.0.9 sport=1 dport=80');
    expect(saved).toContain('ipv6     10 udp      17 30 src=2001:db8:1::9');
    // A packet that belongs to nothing and begins nothing: time stands still, the table stays.
    const nothing = capture('two.pcap', [[T0, back(tcp({ sport: 9, dport: 9, flags: 'R' }))]]);
    const two = await run(
      `eth0:in=${nothing}`,
      '--conntrack',
      first,
      '--conntrack-save',
      second,
      '--conntrack-table',
    );
    expect(readFileSync(second, 'utf8')).toBe(saved);
    expect(two.report.conntrack.table).toHaveLength(5);
    // And what was saved goes on.
    const on = capture('three.pcap', [
      [T0, back(tcp({ sport: 80, dport: 1, flags: 'A', seq: 5000, ack: 70000 }))],
    ]);
    expect((await run(`eth0:in=${on}`, '--conntrack', first)).counts).toEqual([0, 1, 0]);
    expect((await run(`eth0:in=${on}`)).counts).toEqual([1, 0, 0]);
  });

  test('is not one of the inputs', async () => {
    const table = write('table.txt', '');
    const { status, stderr } = await run(
      `eth0:in=${capture('c.pcap', packets)}`,
      '--conntrack',
      table,
      '--conntrack-save',
      table,
    );
    expect(status).toBe(2);
    expect(stderr).toContain('is the same file as the input');
  });
});
