/** Runs of one small host, whose profile can be worked out by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { numberCounters } from '../../src/netfilter/ruleset-index.ts';
import { WALK_REASONS } from '../../src/netfilter/walk-reasons.ts';
import type { ReplayConfig, ReplayOutput } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { type Bytes, ip, LINKTYPE, pcap, udp } from '../kernel/packets.ts';

const ADDRESSES = [
  {
    ifindex: 2,
    ifname: 'eth0',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 1500,
    operstate: 'UP',
    link_type: 'none',
    addr_info: [{ family: 'inet', local: '10.1.0.1', prefixlen: 24, scope: 'global' }],
  },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'iptables-replay-counts-'));
  writeFileSync(path.join(folder, 'address.json'), JSON.stringify(ADDRESSES));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Adds a file to HOST. */
export function addFile(name: string, text: string): void {
  writeFileSync(path.join(folder, name), text);
}

/** A host at 10.1.0.1 with these rules in its filter table is sent these packets. */
export async function run(
  rules: readonly string[],
  packets: readonly Bytes[],
  options: Partial<ReplayConfig> = {},
): Promise<ReplayOutput> {
  writeFileSync(path.join(folder, 'iptables.save'), ['*filter', ...rules, 'COMMIT', ''].join('\n'));
  const file = path.join(folder, 'eth0.pcap');
  const stamped = packets.map((bytes, i) => ({ time: 1_700_000_000 + 0.001 * i, bytes }));
  writeFileSync(file, pcap(LINKTYPE.raw, stamped));
  return runReplay({
    captures: [`eth0:in=${file}`],
    host: folder,
    midstream: 'kernel',
    checksum: 'auto',
    workers: 0,
    seed: 0,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
    profile: true,
    ...options,
  });
}

export const from = (saddr: string, sport: number, dport: number) =>
  ip({ saddr, daddr: '10.1.0.1' }, udp({ sport, dport }));
export const times = (count: number, bytes: Bytes): Bytes[] => Array.from({ length: count }, () => bytes);

/** Checks, matches and packets of a rule of the ruleset. */
export function countsOf(
  { rulesets, result, profile }: ReplayOutput,
  rule: string,
): [number, number, number] {
  const { owners } = numberCounters(rulesets.map(({ ruleset }) => ruleset));
  const counter = owners.findIndex((owner) => owner.rule?.position.text === rule);
  const { checks, matches } = profile!.replay!;
  return [checks[counter]!, matches[counter]!, result.packets[counter]!];
}

export function reasonsOf({ profile }: ReplayOutput): Record<string, number> {
  const named = WALK_REASONS.map(({ name }, i) => [name, profile!.replay!.walks[i]!] as const);
  return Object.fromEntries(named.filter(([, packets]) => packets > 0));
}
