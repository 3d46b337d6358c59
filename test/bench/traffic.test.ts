import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HARD_SHAPES } from '../../bench/rulesets/hard-shapes.ts';
import { rulesetText, SHAPES } from '../../bench/rulesets/ruleset.ts';
import {
  DEFAULT_TRAFFIC,
  generateTraffic,
  PROFILES,
  type TrafficOptions,
} from '../../bench/traffic/generate.loop.ts';
import { writeHostFolder } from '../../bench/traffic/host-folder.ts';
import { OUTCOME_FORWARDED } from '../../src/netfilter/outcome.ts';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';

const PACKETS = 5000;

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bench-traffic-'));
  writeHostFolder(dir);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function capture(options: Partial<TrafficOptions>): { bytes: Buffer; conversations: number } {
  const blocks: Buffer[] = [];
  const all = { ...DEFAULT_TRAFFIC, packets: PACKETS, flows: 500, ...options };
  const { conversations } = generateTraffic(all, [(block) => blocks.push(Buffer.from(block))]);
  return { bytes: Buffer.concat(blocks), conversations };
}

async function replay(
  bytes: Buffer,
  rules: string,
  rules6: string,
  conntrackDump = false,
  iface = 'eth0:in',
) {
  const files = { capture: join(dir, 'capture'), rules: join(dir, 'rules'), rules6: join(dir, 'rules6') };
  writeFileSync(files.capture, bytes);
  writeFileSync(files.rules, rules);
  writeFileSync(files.rules6, rules6);
  const config: ReplayConfig = {
    captures: [`${iface}=${files.capture}`],
    host: dir,
    rules: files.rules,
    rules6: files.rules6,
    midstream: 'kernel',
    // Every checksum has to be right, not only plausible.
    checksum: 'verify',
    workers: 0,
    seed: 0,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
    conntrackDump,
  };
  return (await runReplay(config)).result;
}

describe('generated traffic', () => {
  const cases: [string, Partial<TrafficOptions>][] = [
    ...PROFILES.map((profile): [string, Partial<TrafficOptions>] => [profile, { profile }]),
    ['IPv6', { ipv6: 0.5 }],
    ['large frames', { leastFrameBytes: 1514, frameBytes: 1514 }],
    ['frames of all sizes', { leastFrameBytes: 66, frameBytes: 1514 }],
    ['large frames, cut short', { frameBytes: 1514, snapBytes: 96 }],
    ['pcapng', { pcapng: true }],
    ['nanoseconds', { nanoseconds: true }],
    ['pcapng in nanoseconds, odd lengths', { pcapng: true, nanoseconds: true, frameBytes: 97 }],
  ];

  it.each(cases)('%s: all is forwarded, nothing INVALID, connections as generated', async (_, options) => {
    const { bytes, conversations } = capture(options);
    const translating = options.profile === 'translated';
    const rules = (family: 4 | 6) =>
      rulesetText({ shape: 'acl', rules: 20, stateful: true, seed: 1, family, translating });
    const result = await replay(bytes, rules(4), rules(6));
    expect(result.totals.packets).toBe(PACKETS);
    expect(result.totals.timeWentBack).toBe(0);
    expect(result.totals.timeInvalid).toBe(0);
    expect(new Set(result.paths.outcome)).toEqual(new Set([OUTCOME_FORWARDED]));
    expect(result.states.filter(({ state }) => state !== 'NEW' && state !== 'ESTABLISHED')).toEqual([]);
    expect(result.connections.reduce((sum, row) => sum + row.confirmed, 0)).toBe(conversations);
  });

  it('is translated both ways, and keeps its client ports, where everything is to be translated', async () => {
    const { bytes, conversations } = capture({ profile: 'translated' });
    const rules = rulesetText({
      shape: 'acl',
      rules: 20,
      stateful: true,
      seed: 1,
      family: 4,
      translating: true,
    });
    const { connections, conntrackDump } = await replay(bytes, rules, '', true);
    const begun = connections.reduce((sum, row) => sum + row.confirmed, 0);
    expect(begun).toBe(conversations);
    expect(conntrackDump).toHaveLength(begun);
    for (const line of conntrackDump) {
      const [, virtual, server, router] = [...line.matchAll(/(?:src|dst)=(\S+)/g)].map((match) => match[1]!);
      expect(virtual).toMatch(/^100\.(6[4-9]|7\d)\./);
      expect(server).toMatch(/^172\.(1[6-9]|2\d|3[01])\./);
      expect(router).toBe('10.0.0.1');
      const ports = [...line.matchAll(/[sd]port=(\d+)/g)].map((match) => match[1]);
      expect(ports.slice(2)).toEqual(ports.slice(0, 2).reverse());
    }
  });

  it('leaves as it came in, where both sides are captured', async () => {
    const { bytes } = capture({ bothSides: true, ipv6: 0.5 });
    const accept = '*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n';
    const { echoes, totals } = await replay(bytes, accept, accept, false, 'eth0');
    expect(totals.packets).toBe(PACKETS);
    expect(echoes).toEqual({ packets: PACKETS / 2, agreed: PACKETS / 2, disagreed: 0 });
  });

  it('is the same for the same seed, and another for another', () => {
    expect(capture({ seed: 7 }).bytes.equals(capture({ seed: 7 }).bytes)).toBe(true);
    expect(capture({ seed: 7 }).bytes.equals(capture({ seed: 8 }).bytes)).toBe(false);
  });

  it('has replies for about half of its packets, and the shares of protocols asked for', async () => {
    const { bytes } = capture({ packets: 20_000 });
    const count = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 172.16.0.0/12\n-A FORWARD -p tcp\nCOMMIT\n';
    const result = await replay(bytes, count, '');
    // Replies, TCP, and the policy, which counts all.
    const [replies, tcp] = [...result.packets].filter((n) => n > 0).sort((x, y) => x - y) as [number, number];
    expect(replies / 20_000).toBeGreaterThan(0.4);
    expect(replies / 20_000).toBeLessThan(0.55);
    expect(tcp / 20_000).toBeGreaterThan(0.6);
  });
});

describe('generated rulesets', () => {
  it.each(SHAPES)('%s: few packets match before the last rule', async (shape) => {
    const isHard = (HARD_SHAPES as readonly string[]).includes(shape);
    const rules = (family: 4 | 6) => rulesetText({ shape, rules: 1000, stateful: false, seed: 1, family });
    const result = await replay(capture({ ipv6: isHard ? 0 : 0.5 }).bytes, rules(4), isHard ? '' : rules(6));
    const last = Math.max(...result.packets);
    expect(last).toBeGreaterThan(0.4 * PACKETS);
  });
});
