/** The numbers of a profile, on rulesets so small that they can be worked out by hand. */
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import type { ThreadRole } from '../../src/profile/profile.ts';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { fragment4, ipv4, udp } from '../kernel/packets.ts';
import { comparable } from '../workers/in-shares.ts';
import { countsOf, from, reasonsOf, run, times } from './small-host.ts';

/** Chain web: a packet of 10.1.0.9 returns, of others is dropped. */
const TO_WEB = '-A INPUT -p udp --dport 80 -j web';
const DNS = '-A INPUT -p udp --dport 53 -j ACCEPT';
const WEB_RETURN = '-A web -s 10.1.0.9 -j RETURN';
const WEB_DROP = '-A web -j DROP';
const WEB = [':INPUT ACCEPT [0:0]', ':web - [0:0]', TO_WEB, DNS, WEB_RETURN, WEB_DROP];

describe('checks and matches of rules', () => {
  // Two packets from .9 to port 80, three from .8 to port 80, four to port 53, one to port 99.
  const packets = [
    ...times(2, from('10.1.0.9', 1000, 80)),
    ...times(3, from('10.1.0.8', 1000, 80)),
    ...times(4, from('10.1.0.9', 1000, 53)),
    ...times(1, from('10.1.0.9', 1000, 99)),
  ];

  test('linear: every packet tries every rule up to the one that ends it', async () => {
    const output = await run(WEB, packets, { evaluator: 'linear' });
    expect(countsOf(output, TO_WEB)).toEqual([10, 5, 5]);
    // Not those that `web` dropped.
    expect(countsOf(output, DNS)).toEqual([7, 4, 4]);
    expect(countsOf(output, WEB_RETURN)).toEqual([5, 2, 2]);
    expect(countsOf(output, WEB_DROP)).toEqual([3, 3, 3]);
    expect(output.profile!.replay!.paths).toEqual({
      packets: 10,
      quick: 0,
      known: 0,
      recalled: 0,
      walked: 10,
    });
    expect(reasonsOf(output)).toEqual({ linear: 10 });
  });

  test('compiled: only the first packet of each flow tries rules; the packets counted are the same', async () => {
    const output = await run(WEB, packets);
    expect(countsOf(output, TO_WEB)).toEqual([4, 2, 5]);
    expect(countsOf(output, DNS)).toEqual([3, 1, 4]);
    expect(countsOf(output, WEB_RETURN)).toEqual([2, 1, 2]);
    expect(countsOf(output, WEB_DROP)).toEqual([1, 1, 3]);
    expect(output.profile!.replay!.paths).toEqual({
      packets: 10,
      quick: 0,
      known: 6,
      recalled: 0,
      walked: 4,
    });
    expect(reasonsOf(output)).toEqual({ 'not-known': 4 });
  });

  test('an index spares the rules that cannot match', async () => {
    const ports = Array.from({ length: 100 }, (_, i) => `-A INPUT -p udp --dport ${1000 + i} -j ACCEPT`);
    const sent = [...times(3, from('10.1.0.9', 1, 1007)), ...times(2, from('10.1.0.9', 1, 1093))];
    const linear = await run([':INPUT ACCEPT [0:0]', ...ports], sent, { evaluator: 'linear' });
    const compiled = await run([':INPUT ACCEPT [0:0]', ...ports], sent);
    const sum = (counts: Float64Array) => counts.reduce((total, n) => total + n, 0);
    expect(sum(linear.profile!.replay!.checks)).toBe(3 * 8 + 2 * 94);
    expect(sum(compiled.profile!.replay!.checks)).toBe(2);
    expect(countsOf(compiled, ports[7]!)).toEqual([1, 1, 3]);
    expect(countsOf(compiled, ports[93]!)).toEqual([1, 1, 2]);
  });

  test('chains: how often they were entered, and what their index was asked', async () => {
    const rules = [
      ...[':INPUT ACCEPT [0:0]', ':ports - [0:0]', '-A INPUT -p udp -j ports', '-A INPUT -p udp -j ports'],
      ...Array.from({ length: 100 }, (_, i) => `-A ports -p udp --dport ${1000 + i}`),
    ];
    // The first finds its rule twice, the second none.
    const packets = [...times(3, from('10.1.0.9', 1, 1007)), from('10.1.0.9', 1, 999)];
    const { chains } = (await run(rules, packets)).profile!.replay!;
    expect(chains).toMatchObject([
      { rules: 2, index: undefined, entered: 2, searches: 0, found: 0, probes: 0, candidates: 0 },
      { rules: 100, index: 'dport, hash', entered: 4, searches: 4, found: 2, probes: 4, candidates: 2 },
    ]);
    const linear = (await run(rules, packets, { evaluator: 'linear' })).profile!.replay!.chains;
    expect(linear).toMatchObject([
      { rules: 2, index: undefined, entered: 4 },
      { rules: 100, index: undefined, entered: 8, searches: 0 },
    ]);
  });

  test('fragments are tried rule by rule by the compiled evaluator, too', async () => {
    const whole = ipv4(
      { saddr: '10.1.0.9', daddr: '10.1.0.1', id: 7 },
      udp({ sport: 1, dport: 53, payload: new Uint8Array(64) }),
    );
    const output = await run([':INPUT ACCEPT [0:0]', '-A INPUT -f', '-A INPUT -p udp'], fragment4(whole, 32));
    // Put together before INPUT, since the packet is for this host.
    expect(reasonsOf(output)).toEqual({ odd: 2 });
    expect(countsOf(output, '-A INPUT -f')).toEqual([1, 0, 0]);
    expect(countsOf(output, '-A INPUT -p udp')).toEqual([1, 1, 1]);
  });
});

/** How a run may be worked on, and the parts of its threads then. */
const CREWS: readonly (readonly [Partial<ReplayConfig>, ...ThreadRole[]])[] = [
  [{ workers: 0 }, 'all'],
  [{ workers: 1 }, 'read', 'replay'],
  [{ workers: 2, shares: 1 }, 'read', 'replay', 'decode'],
  [{ workers: 2, shares: 2 }, 'share', 'share'],
  [{ workers: 3, shares: 3 }, 'share', 'share', 'share'],
];

for (const [options, ...roles] of CREWS) {
  test(`threads: ${roles.join(', ')}`, async () => {
    const packets = Array.from({ length: 200 }, (_, i) =>
      times(3, from(`10.1.0.${9 + (i % 40)}`, i, 80)),
    ).flat();
    const { profile, result } = await run(WEB, packets, options);
    const plain = await run(WEB, packets, { workers: 0, profile: false });
    expect(plain.profile).toBeUndefined();
    expect(comparable(result)).toEqual(comparable(plain.result));
    expect(profile!.threads.map(({ role }) => role)).toEqual(roles);
    expect(new Set(profile!.threads.map(({ thread }) => thread)).size).toBe(roles.length);
    for (const { seconds, cpuSeconds, sectionSeconds } of profile!.threads) {
      expect(sectionSeconds.reduce((sum, one) => sum + one, 0)).toBeCloseTo(seconds, 6);
      expect(Math.min(...sectionSeconds)).toBeGreaterThanOrEqual(0);
      if (process.platform === 'linux') expect(cpuSeconds).toBeGreaterThan(0);
    }
    // Each of the 200 flows walks once, whoever replays it.
    const { paths, checks, walks } = profile!.replay!;
    expect(paths).toEqual({ packets: 600, quick: 0, known: 400, recalled: 0, walked: 200 });
    expect(walks.reduce((sum, n) => sum + n, 0)).toBe(200);
    expect(Math.max(...checks)).toBe(200);
  });
}
