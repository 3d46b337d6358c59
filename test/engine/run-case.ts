/** Runs a kernel case through the engine: its packets as captures, its host as a HOST folder. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rulesetHits } from '../../src/report/hits.ts';
import { savedRuleset } from '../../src/report/save.ts';
import type { ReplayConfig, ReplayOutput } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { hostFiles } from '../kernel/host-folder.ts';
import type { Case, Host } from '../kernel/judge.ts';
import { address4, address6, hex, internetChecksum, pcap, unhex } from '../kernel/packets.ts';

/** Time of the first packet: some moment; cases without times follow each other by this much. */
const EPOCH_SECONDS = 1_700_000_000;
const STEP_SECONDS = 0.000_02;

const LINKTYPE_RAW = 101;
const LINKTYPE_ETHERNET = 1;

/** The HOST folders of the hosts of these cases, by digest. */
export function describeHosts(
  hosts: readonly Host[],
): Promise<Map<string, Readonly<Record<string, string>>>> {
  return hostFiles(hosts);
}

/** What of a case cannot be said by a capture; undefined when all can. */
export function unsayable(one: Case): string | undefined {
  if (one.packets.some(({ mark }) => mark !== undefined)) return 'SO_MARK';
  if (one.packets.some(({ dir, hex: digits }) => dir === 'out' && isFragment(digits))) {
    return 'fragments from a raw socket';
  }
  if (one.packets.some(({ protocol }) => protocol !== undefined)) return 'link layer protocol';
  return undefined;
}

/**
 * A raw socket may send fragments, and without conntrack OUTPUT sees them one by one. What a host sends otherwise is
 * whole in OUTPUT and cut behind it, and that is how a replay takes fragments that left.
 */
function isFragment(digits: string): boolean {
  const bytes = unhex(digits);
  if (bytes[0]! >>> 4 === 4) return ((bytes[6]! & 0x3f) | bytes[7]!) !== 0;
  return bytes[6] === 44;
}

export interface CaseRun {
  readonly save4: string | undefined;
  readonly save6: string | undefined;
  readonly output: ReplayOutput;
}

export async function runCase(
  one: Case,
  host: Readonly<Record<string, string>>,
  refused: Readonly<Record<string, string>> = {},
  options: Partial<ReplayConfig> = {},
  /** Called with the configuration while its files are there. */
  also?: (config: ReplayConfig) => Promise<void>,
): Promise<CaseRun> {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-case-'));
  try {
    for (const [name, text] of Object.entries(host)) writeFileSync(join(folder, name), text);
    if (one.rules4 !== undefined) writeFileSync(join(folder, 'iptables.save'), one.rules4);
    if (one.rules6 !== undefined) writeFileSync(join(folder, 'ip6tables.save'), one.rules6);
    if (one.ipset !== undefined) writeFileSync(join(folder, 'ipset.save'), one.ipset);
    const config: ReplayConfig = {
      captures: writeCaptures(one, folder, refused),
      host: folder,
      midstream: 'kernel',
      checksum: 'verify',
      workers: 0,
      seed: 0,
      onUnsupported: 'error',
      evaluator: 'compiled',
      perPacket: false,
      conntrackDump: true,
      ...options,
    };
    const output = await runReplay(config);
    await also?.(config);
    return { save4: savedText(output, 4, one.counters), save6: savedText(output, 6, one.counters), output };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function savedText(output: ReplayOutput, family: 4 | 6, keepCounters = false): string | undefined {
  const at = output.rulesets.findIndex((ruleset) => ruleset.family === family);
  if (at < 0) return undefined;
  return savedRuleset(rulesetHits(output, keepCounters)[at]!);
}

/** One file an interface and direction; times keep the order of the case. */
function writeCaptures(one: Case, folder: string, refused: Readonly<Record<string, string>>): string[] {
  const kinds = new Map(one.host.interfaces.map(({ name, type }) => [name, type ?? 'tun']));
  // One file even for a case none of whose packets left the socket.
  const files = new Map<string, { linktype: number; packets: { time: number; bytes: Uint8Array }[] }>([
    [`${one.host.interfaces[0]!.name}:in`, { linktype: LINKTYPE_RAW, packets: [] }],
  ]);
  let last = 0;
  const own = new Set(
    [...(one.host.addresses ?? []), '127.0.0.1/8', '::1/128'].map((words) => hex(addressBytes(words))),
  );
  for (const [number, packet] of one.packets.entries()) {
    // What the system call refused for its route never was a packet; EPERM is the answer to a drop in OUTPUT.
    if ((refused[number] ?? 'EPERM') !== 'EPERM') continue;
    last = Math.max(last + STEP_SECONDS, packet.at ?? 0);
    const isLoopback = packet.iface === 'lo' || (packet.dir === 'out' && own.has(destination(packet.hex)));
    const key = isLoopback ? 'lo' : `${packet.iface}:${packet.dir}`;
    const isTap = packet.dir === 'in' && kinds.get(packet.iface) === 'tap';
    let file = files.get(key);
    if (file === undefined || file.packets.length === 0) {
      file = { linktype: isTap ? LINKTYPE_ETHERNET : LINKTYPE_RAW, packets: [] };
      files.set(key, file);
    }
    const bytes = unhex(packet.hex);
    if (packet.dir === 'out') finishHeader(bytes);
    file.packets.push({ time: EPOCH_SECONDS + last, bytes });
  }
  return [...files].map(([key, { linktype, packets }], i) => {
    const path = join(folder, `${i}.pcap`);
    writeFileSync(path, pcap(linktype, packets));
    return `${key}=${path}`;
  });
}

/** The address of the words of `ip address add`. */
function addressBytes(words: string): Uint8Array {
  const [address] = words.split('/');
  return address!.includes(':') ? address6(address!) : address4(address!);
}

/** What this host sends to itself is seen on lo, whatever interface has the address. */
function destination(digits: string): string {
  const bytes = unhex(digits);
  return hex(bytes[0]! >>> 4 === 4 ? bytes.subarray(16, 20) : bytes.subarray(24, 40));
}

/** A raw socket writes total length and checksum of an IPv4 header itself: raw_send_hdrinc(). */
function finishHeader(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // An IPv6 one is left alone, but what counts is the length of the buffer.
  if (bytes[0]! >>> 4 === 6) {
    if (view.getUint16(4) !== 0) view.setUint16(4, bytes.length - 40);
    return;
  }
  view.setUint16(2, bytes.length);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(bytes.subarray(0, 4 * (bytes[0]! & 15))));
}
