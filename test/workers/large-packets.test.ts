/** Packets so large that those which wait for their echoes would fill any ring. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { ipv4, pcap, udp } from '../kernel/packets.ts';

const PACKETS = 2000;
const PAYLOAD_BYTES = 9000;
/** The echo comes behind so many packets, fewer than ECHO_LINK_BYTES hold. */
const LATE_PACKETS = 20;

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-large-'));
afterAll(() => rmSync(folder, { recursive: true }));

function capture(name: string, ttl: number, laterSeconds: number): string {
  const path = join(folder, `${name}.pcap`);
  const payload = new Uint8Array(PAYLOAD_BYTES);
  const records = Array.from({ length: PACKETS }, (_, i) => {
    payload.fill(i & 255);
    const segment = udp({ sport: 1000 + (i % 50), dport: 53, payload });
    return {
      time: 1_700_000_000 + i / 1024 + laterSeconds,
      bytes: ipv4({ saddr: '10.1.0.1', daddr: '10.2.0.2', id: i, ttl }, segment),
    };
  });
  writeFileSync(path, pcap(101, records));
  return `${name}=${path}`;
}

it('gives the same answer whatever the number of workers', async () => {
  const rules = join(folder, 'rules');
  writeFileSync(
    rules,
    '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n',
  );
  const config: ReplayConfig = {
    captures: [capture('eth0', 64, 0), capture('eth1', 63, LATE_PACKETS / 1024)],
    rules,
    midstream: 'kernel',
    checksum: 'auto',
    workers: 0,
    seed: 0,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
  };
  const { result } = await runReplay(config);
  expect(result.totals.packets).toBe(2 * PACKETS);
  expect(result.echoes.packets).toBe(PACKETS);
  expect(result.echoes.agreed + result.echoes.disagreed).toBe(PACKETS);
  for (const workers of [1, 2, 3]) expect((await runReplay({ ...config, workers })).result).toEqual(result);
});
