/** Replays in shares on threads: the same answer as a whole, for any number of them, and when something comes up. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { ShareBoard } from '../../src/workers/share-board.ts';
import { sharesOf } from '../../src/workers/share-count.ts';
import {
  isWorthReadingTwice,
  isWorthSharing,
  MOST_BYTES_WITH_DRAWS,
} from '../../src/workers/worth-sharing.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Bytes, filler, icmp, ip, tcp, udp } from '../kernel/packets.ts';
import { comparable, howShared, replayInShares } from './in-shares.ts';
import { ShareBench } from './share-bench.ts';

const bench = new ShareBench();
afterAll(() => bench.remove());

const PACKETS = 40_000;

/** Connections of all kinds between a few hosts, on one wire. */
function traffic(odd: (i: number) => Bytes | undefined = () => undefined): string {
  const dice = new Dice(3);
  const packets = Array.from({ length: PACKETS }, (_, i) => {
    const client = `10.1.0.${1 + dice.below(40)}`;
    const server = `10.2.0.${1 + dice.below(5)}`;
    const sport = 20000 + dice.below(60);
    const back = dice.chance(40);
    const [saddr, daddr] = back ? [server, client] : [client, server];
    const ports = (dport: number) => (back ? { sport: dport, dport: sport } : { sport, dport });
    const layer = dice.chance(60)
      ? tcp({ ...ports(80), flags: dice.pick(['S', 'SA', 'A', 'A', 'A', 'PA', 'FA', 'R']), seq: 7, ack: 9 })
      : dice.chance(80)
        ? udp({ ...ports(53), payload: filler(dice.below(90)) })
        : icmp({ type: back ? 0 : 8, id: sport, seq: 1 });
    return { at: i / 200, bytes: odd(i) ?? ip({ saddr, daddr, ttl: 60 }, layer) };
  });
  return bench.capture(packets);
}

const RULES = `*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j MARK --set-mark 1
-A PREROUTING -m mark --mark 1 -j CONNMARK --save-mark
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p tcp -s 10.1.0.0/27 -m tcp --dport 80 -j ACCEPT
-A FORWARD -p udp -d 10.2.0.3 -j REJECT
-A FORWARD -p udp -m length --length 0:60 -j ACCEPT
-A FORWARD -m statistic --mode random --probability 0.5 -j ACCEPT
-A FORWARD -m connbytes --connbytes 3 --connbytes-mode packets --connbytes-dir both -j ACCEPT
COMMIT
`;

function config(file: string, rules = RULES, more: Partial<ReplayConfig> = {}): ReplayConfig {
  return bench.config([`eth0:in=${file}`], { rules4: rules }, more);
}

const file = traffic();

describe('a replay in shares', () => {
  it('gives what one as a whole gives, on however many threads', async () => {
    const one = config(file);
    const whole = comparable((await runReplay(one)).result);
    expect(whole.connections.length).toBeGreaterThan(2);
    expect(howShared(one)).toMatchObject({ by: 'addresses' });
    for (const shares of [2, 3, 8]) {
      const { result } = await runReplay({ ...one, workers: shares, shares });
      expect(comparable(result)).toEqual(whole);
    }
    for (const by of ['addresses', 'ports'] as const)
      expect(comparable((await replayInShares(one, 2, by))!)).toEqual(whole);
  });

  it.each([
    '-A POSTROUTING -s 10.1.0.0/27 -j SNAT --to-source 192.0.2.1',
    '-A POSTROUTING -s 10.1.0.0/27 -j NETMAP --to 192.0.2.0/24',
    '-A PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.2.1.0/24',
  ])('does so where connections are translated: %s', async (rule) => {
    const chains = ':PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]';
    const one = config(file, `*nat\n${chains}\n${rule}\nCOMMIT\n${RULES}`);
    const whole = comparable((await runReplay(one)).result);
    expect(howShared(one)).toMatchObject({ by: 'ports' });
    const { result } = await runReplay({ ...one, workers: 2, shares: 2 });
    expect(comparable(result)).toEqual(whole);
  });

  it('is given up, and done as a whole, when packets turn out to need it', async () => {
    const cut = ip({ saddr: '10.1.0.1', daddr: '10.2.0.1' }, tcp({ sport: 1, dport: 2 }));
    cut[6] = 0x20;
    const one = config(traffic((i) => (i === PACKETS - 10 ? cut : undefined)));
    expect(await replayInShares(one, 2, 'addresses')).toBeUndefined();
    const whole = comparable((await runReplay(one)).result);
    const { result } = await runReplay({ ...one, workers: 2, shares: 2 });
    expect(comparable(result)).toEqual(whole);
  });

  it('is given up when ports are drawn or changed', async () => {
    const to = (words: string) =>
      `*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${words}\nCOMMIT\n${RULES}`;
    for (const words of [
      // All clients' ports 20000 and up, of one address then: there are clashes.
      '-A POSTROUTING -j SNAT --to-source 192.0.2.1',
      '-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination :60000',
    ]) {
      const one = config(file, to(words));
      expect(howShared(one)).toMatchObject({ by: 'ports' });
      expect(await replayInShares(one, 2, 'ports')).toBeUndefined();
      const whole = comparable((await runReplay(one)).result);
      expect(comparable((await runReplay({ ...one, workers: 2, shares: 2 })).result)).toEqual(whole);
    }
  });

  it('is given up when the table of connections is nearly full', async () => {
    const host = bench.router('net.netfilter.nf_conntrack_max = 300\n');
    const one = config(file, RULES, { host });
    expect(await replayInShares(one, 2, 'addresses')).toBeUndefined();
    const whole = comparable((await runReplay(one)).result);
    expect(comparable((await runReplay({ ...one, workers: 2, shares: 2 })).result)).toEqual(whole);
  });

  it('ends early at one packet for all', async () => {
    const one = config(file);
    const stop = new AbortController();
    const { result, interrupted } = await runReplay(
      { ...one, workers: 3, shares: 3 },
      { signal: stop.signal, onProgress: () => stop.abort() },
    );
    expect(interrupted).toBe(true);
    expect(result.totals.packets).toBeGreaterThan(0);
    expect(result.totals.packets).toBeLessThan(PACKETS);
    expect(result.paths.packets.reduce((a, b) => a + b, 0)).toBe(result.totals.packets);
  });

  it('complains of what is wrong as a whole does', async () => {
    const one = { ...config(file), captures: [`eth0:in=${file}`, join(bench.folder, 'missing.pcap')] };
    const message = await runReplay(one).catch((error: Error) => error.message);
    expect(message).toMatch(/no such file/);
    await expect(runReplay({ ...one, workers: 2, shares: 2 })).rejects.toThrow(message as string);
  });
});

it('is not tried on large captures where rules translate sources', () => {
  const drawing = howShared(config(file, `*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n${RULES}`));
  const plain = howShared(
    config(file, `*nat\n-A PREROUTING -j DNAT --to-destination 10.2.0.1\nCOMMIT\n${RULES}`),
  );
  const much = MOST_BYTES_WITH_DRAWS + 1;
  expect(isWorthSharing(drawing, MOST_BYTES_WITH_DRAWS, undefined)).toBe(true);
  expect(isWorthSharing(drawing, much, undefined)).toBe(false);
  expect(isWorthSharing(drawing, much, 2)).toBe(true);
  expect(isWorthSharing(plain, much, undefined)).toBe(true);
  expect(isWorthSharing({ because: 'so' }, 1, 2)).toBe(false);
});

it('is not tried where to read each packet twice costs more than to replay it', async () => {
  const frames = (bytes: number) =>
    bench.capture([
      {
        at: 0,
        bytes: ip(
          { saddr: '10.1.0.1', daddr: '10.2.0.1' },
          udp({ sport: 1, dport: 53, payload: filler(bytes) }),
        ),
      },
    ]);
  const rules = (match: string) => [
    { family: 4 as const, file: 'rules', text: `-A FORWARD ${match} -j DROP` },
  ];
  const [short, long] = [frames(50), frames(1000)].map((file) => [`eth0:in=${file}`]);
  expect(await isWorthReadingTwice(short!, rules('-p udp'))).toBe(true);
  expect(await isWorthReadingTwice(long!, rules('-p udp'))).toBe(false);
  expect(await isWorthReadingTwice(long!, rules('-m string --string x --algo bm'))).toBe(true);
});

describe('rules that look at more than one connection', () => {
  it.each([
    ['-m limit --limit 1/s', '-m limit in filter FORWARD 1'],
    ['-m hashlimit --hashlimit-upto 1/s --hashlimit-name a --hashlimit-mode srcip', '-m hashlimit'],
    ['-m recent --set', '-m recent'],
    ['-m connlimit --connlimit-above 3', '-m connlimit'],
    ['-m quota --quota 1000', '-m quota'],
    ['-m statistic --mode nth --every 2 --packet 0', '-m statistic'],
    ['-m helper --helper ftp', '-m helper'],
    ['-j RATEEST --rateest-name a --rateest-interval 1s --rateest-ewmalog 2s\n-A FORWARD', '-j RATEEST'],
  ])('%s: not shared', (words, because) => {
    const rules = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${words} -j ACCEPT\nCOMMIT\n`;
    expect(howShared(config(file, rules))).toEqual({ because: expect.stringContaining(because) });
  });

  it.each([
    ['raw', 'PREROUTING -p tcp --dport 21 -j CT --helper ftp', '-j CT'],
    ['nat', 'POSTROUTING -j SNAT --to-source 192.0.2.1-192.0.2.9', '-j SNAT'],
    ['nat', 'POSTROUTING -p tcp -j MASQUERADE --to-ports 1000-2000', '-j MASQUERADE'],
  ])('%s %s: not shared', (table, rule, because) => {
    const rules = `*${table}\n:${rule.split(' ')[0]} ACCEPT [0:0]\n-A ${rule}\nCOMMIT\n`;
    expect(howShared(config(file, rules))).toEqual({ because: expect.stringContaining(because) });
  });

  it('nor captures whose packets may be echoes, connections that stood before, or packets that are listed', () => {
    const before = bench.file(
      'ipv4     2 udp      17 29 src=10.1.0.1 dst=10.2.0.1 sport=1 dport=2 src=10.2.0.1 dst=10.1.0.1 sport=2 dport=1 mark=0 use=1\n',
    );
    expect(howShared(config(file, RULES, { conntrack: before }))).toHaveProperty('because');
    expect(howShared(config(file, RULES, { perPacket: true }))).toHaveProperty('because');
    expect(howShared(config(file, RULES, { captures: [file] }))).toHaveProperty('because');
  });
});

describe('the number of shares', () => {
  it('is one where they cannot be', () => {
    const one = config(file);
    expect(sharesOf(one)).toBe(1);
    expect(sharesOf({ ...one, workers: 4, shares: 4 })).toBe(4);
    expect(sharesOf({ ...one, workers: 4, shares: 4, perPacket: true })).toBe(1);
    expect(sharesOf({ ...one, workers: 4, shares: 4, captures: ['eth0:in=-'] })).toBe(1);
  });

  it('comes to an agreement where to stop', () => {
    const board = ShareBoard.allocate(2);
    board.stop();
    expect(board.isStopping).toBe(true);
    board.end(1);
    expect(board.meet(0, 5)).toBeGreaterThan(1e9);
    const other = ShareBoard.from(board.buffer);
    expect(other.noteConnections(0, 7)).toBe(7);
    expect(board.noteConnections(1, 3)).toBe(10);
    board.abort();
    expect(other.isAborted).toBe(true);
  });
});
