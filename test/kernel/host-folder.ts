/**
 * A case as the files that the product reads: its host as a HOST folder (design, section 3), its packets as captures.
 *
 * What the host says of itself is asked of the kernel once for each distinct host, and recorded in
 * `recorded/hosts.json`, so that the engine can be run on exactly the judge's machine where there is no judge.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askHosts, type Case, digest, type Host, isJudgeAvailable } from './judge.ts';
import { type Captured, LINKTYPE, pcap, unhex } from './packets.ts';

type Files = Readonly<Record<string, string>>;

const file = join(import.meta.dirname, 'recorded', 'hosts.json');

/** Captures begin then: a time that is surely not now. */
export const EPOCH_SECONDS = 1_700_000_000;

/** From packet to packet where a case says "as fast as possible". */
const STEP_SECONDS = 1e-6;

let recorded: Record<string, Files> | undefined;

function recordings(): Record<string, Files> {
  recorded ??= existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Files>) : {};
  return recorded;
}

/**
 * The files that describe these hosts, by the digest of each. Recorded ones are taken as they are; the kernel is
 * asked for those that are missing, or for all with RECORD=1, and what it says is recorded then.
 */
export async function hostFiles(hosts: readonly Host[]): Promise<Map<string, Files>> {
  const known = recordings();
  const distinct = new Map(hosts.map((host) => [digest(host), host]));
  const anew = process.env.RECORD === '1';
  const asked = [...distinct].filter(([key]) => anew || known[key] === undefined);
  if (asked.length > 0) {
    if (!isJudgeAvailable()) {
      throw new Error(
        `${asked.length} hosts are not in ${file}, and there is no kernel to ask: record with RECORD=1`,
      );
    }
    const answers = await askHosts(asked.map(([, host]) => host));
    for (const [i, [key]] of asked.entries()) known[key] = answers[i]!;
    if (anew) writeRecordings(known);
  }
  return new Map([...distinct.keys()].map((key) => [key, known[key]!]));
}

/** One line a host, in the order of their digests. */
function writeRecordings(all: Record<string, Files>): void {
  const lines = Object.keys(all)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(all[key])}`);
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
}

/** All files of the HOST folder of a case, by name: the host's own, and the case's rulesets and sets. */
export async function hostFolder(one: Case): Promise<Record<string, string>> {
  const host = (await hostFiles([one.host])).get(digest(one.host))!;
  return {
    ...host,
    ...(one.rules4 === undefined ? {} : { 'iptables.save': one.rules4 }),
    ...(one.rules6 === undefined ? {} : { 'ip6tables.save': one.rules6 }),
    ...(one.ipset === undefined ? {} : { 'ipset.save': one.ipset }),
  };
}

export async function writeHostFolder(one: Case, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(await hostFolder(one))) {
    writeFileSync(join(directory, name), content);
  }
}

export interface CaptureFile {
  /** As the command line names it, in front of `=FILE`: 'eth0:in', 'eth1:out', 'lo'. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

/**
 * The packets of a case as classic pcap files, one for each interface and direction. Time stamps rise by a
 * microsecond a packet, or follow `at`, so that merging the files gives the packets in the order of the case.
 */
export function captureFiles(one: Case): CaptureFile[] {
  const taps = new Set(one.host.interfaces.filter((i) => i.type === 'tap').map((i) => i.name));
  const bySource = new Map<string, { linktype: number; packets: Captured[] }>();
  let time = EPOCH_SECONDS;
  for (const packet of one.packets) {
    // Rounded to the microsecond: doubles near the epoch are no finer than a quarter of one.
    time = Math.max(time + STEP_SECONDS, EPOCH_SECONDS + (packet.at ?? 0));
    time = Math.round(time * 1e6) / 1e6;
    const source =
      packet.dir === 'in' ? `${packet.iface}:in` : packet.iface === 'lo' ? 'lo' : `${packet.iface}:out`;
    const linktype = packet.dir === 'in' && taps.has(packet.iface) ? LINKTYPE.ethernet : LINKTYPE.raw;
    const group = bySource.get(source) ?? { linktype, packets: [] };
    bySource.set(source, group);
    group.packets.push({ time, bytes: unhex(packet.hex) });
  }
  return [...bySource].map(([source, { linktype, packets }]) => ({ source, bytes: pcap(linktype, packets) }));
}

/**
 * Whether captures can say all that the case says: not the mark or the bound device of a sending socket, nor a
 * link layer that announces another protocol than the packet's version.
 */
export function canBeCaptured(one: Case): boolean {
  return one.packets.every(
    (packet) => packet.mark === undefined && packet.bind === undefined && packet.protocol === undefined,
  );
}
