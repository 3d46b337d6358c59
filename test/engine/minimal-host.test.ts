/** Without HOST: what is assumed, and said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { replay } from '../../src/index.ts';
import { fragment4, ipv4, pcap, udp } from '../kernel/packets.ts';
import { savedText } from './run-case.ts';

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-minimal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT
-A FORWARD -i eth0 -o eth1
-A FORWARD -i eth0 -o eth2
-A FORWARD -i eth1 -o eth0
COMMIT
`;

function capture(name: string, ...packets: (readonly [saddr: string, daddr: string, at: number])[]): string {
  const path = join(folder, `${name}.pcap`);
  const records = packets.map(([saddr, daddr, at]) => ({
    time: 1_700_000_000 + at,
    bytes: ipv4({ saddr, daddr, id: at }, udp({ sport: 1000 + at, dport: 53 })),
  }));
  writeFileSync(path, pcap(101, records));
  return `${name}=${path}`;
}

async function counters(captures: string[]): Promise<string[]> {
  const rules = join(folder, 'rules');
  writeFileSync(rules, RULES);
  const output = await replay({ captures, rules });
  expect(output.result.assumptions.join(' ')).toContain('Neither addresses nor routes of the host are known');
  return savedText(output, 4)!
    .split('\n')
    .filter((line) => line.startsWith('['));
}

it('takes what comes in by the only interface as addressed to the host', async () => {
  const one = capture('eth0', ['192.0.2.9', '192.0.2.1', 1], ['192.0.2.9', '198.51.100.1', 2]);
  expect((await counters([one]))[0]).toBe('[2:56] -A INPUT');
});

it('forwards to the interface behind which the destination was seen, even if it speaks only later', async () => {
  const captures = [
    capture('eth0', ['192.0.2.9', '10.2.0.2', 1]),
    capture('eth1', ['10.1.0.1', '192.0.2.9', 2]),
    capture('eth2', ['10.2.0.2', '192.0.2.9', 3]),
  ];
  expect(await counters(captures)).toEqual([
    '[0:0] -A INPUT',
    '[0:0] -A FORWARD -i eth0 -o eth1',
    '[1:28] -A FORWARD -i eth0 -o eth2',
    '[1:28] -A FORWARD -i eth1 -o eth0',
  ]);
});

it('takes packets of a family that has no rules', async () => {
  const rules6 = join(folder, 'rules6');
  writeFileSync(rules6, RULES);
  const whole = ipv4(
    { saddr: '192.0.2.9', daddr: '192.0.2.1', id: 9 },
    udp({ sport: 1, dport: 2, payload: new Uint8Array(64) }),
  );
  const path = join(folder, 'fragments.pcap');
  const parts = fragment4(whole, 24);
  writeFileSync(
    path,
    pcap(
      101,
      parts.map((bytes, i) => ({ time: 1_700_000_000 + i, bytes })),
    ),
  );
  const { result } = await replay({ captures: [`eth0=${path}`], rules6 });
  expect([...result.paths.packets].reduce((sum, n) => sum + n, 0)).toBe(2);
});
