/** Captures, rules and hosts for replays that are held in shares against the whole. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Share } from '../../src/decode/share.ts';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { type Bytes, type Captured, pcap } from '../kernel/packets.ts';
import { comparable, howShared, replayInShares } from './in-shares.ts';

const LINKTYPE_RAW = 101;
const EPOCH_SECONDS = 1_700_000_000;

/** A packet and when it came, in seconds from the beginning on; absent: a millisecond behind the one before. */
export interface Timed {
  readonly at?: number;
  readonly bytes: Bytes;
  readonly origLen?: number;
}

/** A ruleset of one table: its policies by chain, and its rules without `-A`. */
export function table(name: string, policies: Readonly<Record<string, string>>, ...rules: string[]): string {
  const chains = Object.entries(policies).map(([chain, policy]) => `:${chain} ${policy} [0:0]`);
  return [`*${name}`, ...chains, ...rules.map((rule) => `-A ${rule}`), 'COMMIT', ''].join('\n');
}

/** What a comparison found: how packets were dealt, or why they were not. */
export type Found = Share['by'] | { readonly because: string };

/** A folder of files for comparisons. */
export class ShareBench {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'iptables-replay-shares-'));
  #files = 0;

  file(content: Bytes | string): string {
    const path = join(this.folder, `${this.#files++}`);
    writeFileSync(path, content);
    return path;
  }

  /** A capture of packets without a link layer. */
  capture(packets: readonly (Bytes | Timed)[], linktype = LINKTYPE_RAW): string {
    let last = 0;
    const records = packets.map((packet): Captured => {
      const { at, ...record } = packet instanceof Uint8Array ? { at: undefined, bytes: packet } : packet;
      last = at ?? last + 0.001;
      return { ...record, time: EPOCH_SECONDS + last };
    });
    return this.file(pcap(linktype, records));
  }

  /** A HOST folder. */
  host(files: Readonly<Record<string, string>>): string {
    const host = mkdtempSync(join(this.folder, 'host-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(host, name), text);
    return host;
  }

  /** A router: eth0 is 10.1.0.254/16 and 2001:db8:1::1/64, eth1 the same with 2. */
  router(sysctl = ''): string {
    const addresses = [1, 2].map((net) => ({
      ifindex: net + 1,
      ifname: `eth${net - 1}`,
      flags: ['UP'],
      addr_info: [
        { family: 'inet', local: `10.${net}.0.254`, prefixlen: 16 },
        { family: 'inet6', local: `2001:db8:${net}::1`, prefixlen: 64 },
        { family: 'inet6', local: `fe80::${net}`, prefixlen: 64 },
      ],
    }));
    return this.host({
      'address.json': JSON.stringify(addresses),
      'sysctl.txt': `net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n${sysctl}`,
    });
  }

  config(
    captures: readonly string[],
    rules: { readonly rules4?: string; readonly rules6?: string },
    more: Partial<ReplayConfig> = {},
  ): ReplayConfig {
    return {
      captures,
      host: more.host ?? this.router(),
      ...(rules.rules4 === undefined ? {} : { rules: this.file(rules.rules4) }),
      ...(rules.rules6 === undefined ? {} : { rules6: this.file(rules.rules6) }),
      midstream: 'kernel',
      checksum: 'auto',
      workers: 0,
      seed: 5,
      onUnsupported: 'error',
      evaluator: 'compiled',
      perPacket: false,
      conntrackDump: true,
      ...more,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/**
 * Replays as a whole and in so many shares, dealt as the rules ask for (or `by`), and expects the same. Gives for each
 * number of shares how it was done.
 */
export async function expectSame(
  config: ReplayConfig,
  counts: readonly number[] = [2, 3, 7],
  by?: Share['by'],
): Promise<Found[]> {
  const how = howShared(config);
  if (!('by' in how)) return [how];
  const whole = comparable((await runReplay({ ...config, workers: 0 })).result);
  const found: Found[] = [];
  for (const count of counts) {
    const result = await replayInShares(config, count, by ?? how.by);
    if (result !== undefined) {
      const shared = comparable(result);
      for (const key of Object.keys(whole) as (keyof typeof whole)[])
        expect(shared[key], `${key} in ${count} shares`).toEqual(whole[key]);
    }
    found.push(result === undefined ? { because: 'its packets' } : (by ?? how.by));
  }
  return found;
}
