import { expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { fakeStreams } from './fake-streams.ts';

async function call(...argv: string[]) {
  const streams = fakeStreams();
  const status = await main(argv, streams, () => {
    throw new Error('the engine must not be loaded');
  });
  return { status, stdout: streams.stdout.text, stderr: streams.stderr.text };
}

test('help and version are answers', async () => {
  const help = await call('--help');
  expect(help.status).toBe(0);
  expect(help.stdout).toContain('Exit status:');
  expect(help.stdout).not.toMatch(/^ *(trace|diff|order)\b/m);
  expect((await call('run', '--help')).stdout).toContain('Examples:');
  expect((await call('run', '--help')).stdout).not.toContain('--evaluator');
  expect((await call('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('no command at all: help on standard error', async () => {
  const { status, stdout, stderr } = await call();
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain('Usage: iptables-replay');
});

/** Arguments, and what the first line on standard error says behind the program's name. */
const REFUSED: readonly (readonly [readonly string[], string])[] = [
  [['trace', 'f'], '`trace` is not part of this version yet'],
  [['diff', '--candidate', 'x', 'f'], '`diff` is not part of this version yet'],
  [['order', 'f'], '`order` is not part of this version yet'],
  [['rn'], "unknown command 'rn'"],
  [['run'], "missing required argument 'capture'"],
  [['run', 'f'], 'no ruleset: neither --host nor --rules nor --rules6 is given'],
  [['run', '--fomat', 'json', 'f'], "unknown option '--fomat'"],
  [['run', '--format', 'xml', 'f'], '--format "xml": not known'],
  [['run', '--format'], "option '--format <text|json|csv|arrow>' argument missing"],
  ...['csv', 'arrow'].map(
    (format) =>
      [
        ['run', '--rules', 'package.json', '--format', format, '--profile', 'f'],
        `--profile: the table of rules that --format ${format} writes has no place for it`,
      ] as const,
  ),
  [['run', '--filter', 'tcp', 'f'], '--filter is not part of this version yet'],
  [['run', '--workers', '1e3', 'f'], '--workers "1e3": not a whole number from 0 to 256'],
  [['run', '--workers', '257', 'f'], '--workers "257": not a whole number from 0 to 256'],
  [['run', '--seed', '-1', 'f'], '--seed "-1": not a whole number from 0 to 4294967295'],
  [['run', '--seed', '4294967296', 'f'], '--seed "4294967296": not a whole number from 0 to 4294967295'],
  [['run', '--midstream', 'maybe', 'f'], '--midstream "maybe": not known'],
  [['run', '--checksum', '', 'f'], '--checksum "": not known'],
  [['run', '--table', 'Filter', 'f'], '--table "Filter": not known'],
  [['run', '--host', '/no/such', 'f'], '--host /no/such: no such file or directory'],
  [['run', '--host', 'package.json', 'f'], '--host package.json: not a directory'],
  [['run', '--host', 'src', 'f'], '--host src: has neither iptables.save nor ip6tables.save'],
  [['run', '--rules', '-', 'f'], '--rules -: standard input can be a capture only'],
  [['run', '--rules', '/no/such', 'f'], '--rules /no/such: no such file or directory'],
  [['run', '--rules', 'src', 'f'], '--rules src: is a directory'],
  [['run', '--save', '-', 'f'], '--save -: standard output holds the report'],
  [['run', '--html', '', 'f'], '--html: the file name is empty'],
  [
    ['run', '--verdicts', 'v.gz', 'f'],
    '--verdicts v.gz: the format is told by the extension, and ".gz" is none of them',
  ],
  [['run', '--write-pcap', 'x.pcapng', 'f'], '--write-pcap "x.pcapng": no verdict before a "="'],
  [['run', '--write-pcap', 'DROP,LOG=x', 'f'], '--write-pcap "DROP,LOG=x": "LOG" is not a verdict'],
  [['run', '--rules', 'package.json', '-', 'eth0=-'], 'standard input (-) can be read only once'],
];

for (const [argv, message] of REFUSED) {
  test(`refused: ${argv.join(' ')}`, async () => {
    const { status, stdout, stderr } = await call(...argv);
    expect(stderr.split('\n')[0]).toBe(`iptables-replay: ${message}`);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('    at ');
  });
}
