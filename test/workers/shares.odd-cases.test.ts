/** What ties packets of different shares together, one deliberate case each: the same as a whole, or not shared. */
import { afterAll, describe, expect, it } from 'vitest';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { protoWord, tupleHash } from '../../src/conntrack/tuple.ts';
import { ownerOfTuple } from '../../src/decode/share.ts';
import { loadHost } from '../../src/host/load.ts';
import { numberCounters } from '../../src/netfilter/ruleset-index.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { address4, concat, dccp, icmpv6, ip, tcp, udp } from '../kernel/packets.ts';
import { expectSame, ShareBench, type Timed, table } from './share-bench.ts';

const bench = new ShareBench();
afterAll(() => bench.remove());

const TCP = 6;
const CLIENTS = Array.from({ length: 12 }, (_, i) => 9 + i);
const FILTER = { INPUT: 'ACCEPT', FORWARD: 'ACCEPT', OUTPUT: 'ACCEPT' };
const NAT = { PREROUTING: 'ACCEPT', POSTROUTING: 'ACCEPT' };
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'];
const countStates = (chain: string) => STATES.map((state) => `${chain} -m conntrack --ctstate ${state}`);

describe('errors and answers', () => {
  it('ICMPv6 redirects belong to the connection of the packet that they carry', async () => {
    const packets = CLIENTS.flatMap((n) => {
      const client = `2001:db8:1::${n.toString(16)}`;
      const sent = ip({ saddr: client, daddr: '2001:db8:2::9' }, udp({ sport: 20000 + n, dport: 53 }));
      const option = concat(Uint8Array.of(4, 8, 0, 0, 0, 0, 0, 0), sent.slice(0, 56));
      const redirect = icmpv6({ type: 137, code: 0, payload: concat(new Uint8Array(32), option) });
      return [sent, ip({ saddr: 'fe80::99', daddr: client, ttl: 255 }, redirect)];
    });
    const captures = [`eth0:in=${bench.capture(packets)}`];
    const rules6 = table(
      'filter',
      FILTER,
      'INPUT -m conntrack --ctstate RELATED',
      'FORWARD -m conntrack --ctstate RELATED',
    );
    const one = bench.config(captures, { rules6 });
    expect(await expectSame(one)).toEqual(['addresses', 'addresses', 'addresses']);
    expect(await expectSame(one, [2, 3, 7], 'ports')).toEqual(['ports', 'ports', 'ports']);
  });

  it('a reset that answers a packet that was given another port, as it enters OUTPUT', async () => {
    const inbound: Timed[] = [];
    const outbound: Timed[] = [];
    for (const [i, n] of CLIENTS.entries()) {
      const client = `10.1.0.${n}`;
      const syn = tcp({ sport: 500 + n, dport: 80, flags: 'S', seq: 7 });
      inbound.push({ at: i / 10, bytes: ip({ saddr: client, daddr: '10.1.0.254' }, syn) });
      const reset = tcp({ sport: 8080, dport: 500 + n, flags: 'RA', seq: 0, ack: 8 });
      outbound.push({ at: i / 10 + 0.01, bytes: ip({ saddr: '10.1.0.254', daddr: client }, reset) });
    }
    const captures = [`eth0:in=${bench.capture(inbound)}`, `eth0:out=${bench.capture(outbound)}`];
    const rules4 =
      table('nat', NAT, 'PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080') +
      table('filter', FILTER, 'INPUT -p tcp -j REJECT --reject-with tcp-reset', ...countStates('OUTPUT'));
    expect(await expectSame(bench.config(captures, { rules4 }))).not.toContain('ports');
  });

  it('a reset that answers a packet behind which many others died', async () => {
    const syn = tcp({ sport: 20000, dport: 80, flags: 'S', seq: 7 });
    const others = Array.from({ length: 20 }, (_, i) =>
      ip({ saddr: '10.1.0.9', daddr: `10.2.0.${i + 1}` }, udp({ sport: 20000, dport: 53 })),
    );
    const inbound = [ip({ saddr: '10.1.0.9', daddr: '10.1.0.254' }, syn), ...others];
    const reset = tcp({ sport: 80, dport: 20000, flags: 'RA', ack: 8 });
    const outbound = [{ at: 0.5, bytes: ip({ saddr: '10.1.0.254', daddr: '10.1.0.9' }, reset) }];
    const captures = [`eth0:in=${bench.capture(inbound)}`, `eth0:out=${bench.capture(outbound)}`];
    const rules4 =
      table('nat', { ...NAT, OUTPUT: 'ACCEPT' }) +
      table(
        'filter',
        { ...FILTER, FORWARD: 'DROP' },
        'INPUT -p tcp -j REJECT --reject-with tcp-reset',
        ...countStates('OUTPUT'),
      );
    // Entries for packets that are dropped: the compiled evaluator spares itself most of them.
    const one = bench.config(captures, { rules4 }, { evaluator: 'linear' });
    expect(await expectSame(one, [2])).toEqual(['addresses']);
    // Its connection's translation was settled when the packet came: nobody asks for it again.
    const { result, rulesets } = await runReplay(one);
    const nat = rulesets[0]!.ruleset.tables.find(({ name }) => name === 'nat')!;
    const output = nat.chains.find(({ name }) => name === 'OUTPUT')!;
    const { ofPolicy } = numberCounters(rulesets.map(({ ruleset }) => ruleset));
    expect(result.packets[ofPolicy(output)]).toBe(0);
  });

  it('exactly as many refusals wait for their answer as may', async () => {
    const half = [2048, 2048];
    const inbound: Timed[] = [];
    const saddr = '10.1.0.9';
    for (let sport = 1024; half[0]! + half[1]! > 0; sport++) {
      const owner = ownerOfTuple(TCP, sport, 80, { index: 0, count: 2, by: 'ports' });
      if (half[owner]! === 0) continue;
      half[owner]!--;
      const bytes = ip({ saddr, daddr: '10.1.0.254' }, tcp({ sport, dport: 80, flags: 'S' }));
      inbound.push({ at: inbound.length / 100_000, bytes });
    }
    const reset = tcp({ sport: 80, dport: 1024, flags: 'RA', ack: 1 });
    const outbound = [{ at: 0.2, bytes: ip({ saddr: '10.1.0.254', daddr: saddr }, reset) }];
    const captures = [`eth0:in=${bench.capture(inbound)}`, `eth0:out=${bench.capture(outbound)}`];
    const rules4 = table(
      'filter',
      FILTER,
      'INPUT -p tcp -j REJECT --reject-with tcp-reset',
      ...countStates('OUTPUT'),
    );
    await expectSame(bench.config(captures, { rules4 }), [2], 'ports');
  });

  it('refusals of connections whose tuples have the same hash', async () => {
    const pairs = sameHash(200_000);
    expect(pairs.length).toBeGreaterThan(1);
    const inbound: Timed[] = [];
    const outbound: Timed[] = [];
    for (const [k, pair] of pairs.entries()) {
      for (const [i, { client, sport }] of pair.entries()) {
        const syn = tcp({ sport, dport: 80, flags: 'S', seq: 7 });
        inbound.push({ at: 2 * k + i / 100, bytes: ip({ saddr: client, daddr: '10.1.0.254' }, syn) });
        const reset = tcp({ sport: 80, dport: sport, flags: 'RA', ack: 8 });
        outbound.push({
          at: 2 * k + 0.1 + i / 100,
          bytes: ip({ saddr: '10.1.0.254', daddr: client }, reset),
        });
      }
    }
    const captures = [`eth0:in=${bench.capture(inbound)}`, `eth0:out=${bench.capture(outbound)}`];
    const rules4 = table(
      'filter',
      FILTER,
      'INPUT -p tcp -j REJECT --reject-with tcp-reset',
      ...countStates('OUTPUT'),
    );
    expect(await expectSame(bench.config(captures, { rules4 }))).toEqual(Array(3).fill('addresses'));
  });
});

interface End {
  readonly client: string;
  readonly sport: number;
}

/** Pairs of clients whose tuples to port 80 of the router have the same hash, found among so many. */
function sameHash(tries: number): [End, End][] {
  const dice = new Dice(1);
  const seen = new Map<number, End>();
  const pairs: [End, End][] = [];
  const tuple = new Int32Array(12);
  for (let i = 0; i < tries; i++) {
    const client = `${11 + dice.below(100)}.${dice.below(256)}.${dice.below(256)}.${dice.below(256)}`;
    const sport = 1024 + dice.below(60_000);
    const word = (address: string) => new DataView(address4(address).buffer).getInt32(0);
    tuple[0] = word(client);
    tuple[4] = word('10.1.0.254');
    const hash = tupleHash(tuple, 0, sport, 80, protoWord(TCP, 4), 0);
    const other = seen.get(hash);
    if (other !== undefined && other.client !== client) pairs.push([other, { client, sport }]);
    seen.set(hash, { client, sport });
  }
  return pairs;
}

describe('translation', () => {
  it('protocols whose ports conntrack does not know are one connection between two hosts', async () => {
    const packets = CLIENTS.map((n) =>
      ip({ saddr: '10.1.0.9', daddr: '10.2.0.9' }, dccp({ sport: 5000 + n, dport: 700, type: 'REQUEST' })),
    );
    const captures = [`eth0:in=${bench.capture(packets)}`];
    const rules4 =
      table('nat', NAT, 'PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.2.0.8') +
      table('filter', FILTER, ...countStates('FORWARD'));
    expect(await expectSame(bench.config(captures, { rules4 }))).toEqual(Array(3).fill('ports'));
  });

  it('a port that is taken by a connection of another share, for a packet that is dropped then', async () => {
    const packets = CLIENTS.flatMap((n) => {
      const ends = { saddr: `10.1.0.${n}`, daddr: '10.2.0.9' };
      return [
        ip(ends, udp({ sport: 500, dport: 8000 })),
        ip({ ...ends, daddr: '10.1.0.254' }, udp({ sport: 500, dport: 9000 + n })),
      ];
    });
    const captures = [`eth0:in=${bench.capture(packets)}`];
    const rules4 =
      table('nat', NAT, 'PREROUTING -d 10.1.0.254/32 -p udp -j DNAT --to-destination 10.2.0.9:8000-8003') +
      table(
        'filter',
        FILTER,
        'FORWARD -p udp -m conntrack --ctstate DNAT -m udp --dport 8000 -j DROP',
        'FORWARD -p udp -m conntrack --ctstate DNAT -m udp --dport 8001 -j DROP',
      );
    expect(await expectSame(bench.config(captures, { rules4 }))).not.toContain('ports');
  });
});

describe('routing', () => {
  it('what stays on lo has no next hop, whatever the packet before had', async () => {
    const address = (ifindex: number, ifname: string, ...locals: string[]) => ({
      ifindex,
      ifname,
      flags: ['UP'],
      addr_info: locals.map((local) => ({ family: 'inet', local, prefixlen: 16 })),
    });
    const addresses = [
      { ...address(1, 'lo', '10.8.0.1', '10.9.0.1'), flags: ['LOOPBACK', 'UP'] },
      address(2, 'eth0', '10.1.0.254'),
      address(3, 'eth1', '10.2.0.254'),
    ];
    const local = ['10.8.0.1', '10.9.0.1', '10.1.0.254', '10.2.0.254'];
    const host = bench.host({
      'address.json': JSON.stringify(addresses),
      'route.json': JSON.stringify([
        { dst: 'default', gateway: '10.8.0.77', dev: 'eth1', flags: ['onlink'] },
        ...local.map((dst) => ({ type: 'local', dst, dev: 'lo', table: 'local', scope: 'host' })),
      ]),
      'sysctl.txt': 'net.ipv4.ip_forward = 1\n',
    });
    const forwarded = CLIENTS.map((n) =>
      ip({ saddr: `10.1.0.${n}`, daddr: '192.0.2.9' }, udp({ sport: 20000 + n, dport: 53 })),
    );
    const own = CLIENTS.map((n, i) => ({
      at: i / 1000 + 0.0015,
      bytes: ip({ saddr: '10.1.0.254', daddr: '10.9.0.1' }, udp({ sport: 30000 + n, dport: 53 })),
    }));
    const captures = [`eth0:in=${bench.capture(forwarded)}`, `lo:out=${bench.capture(own)}`];
    const rules4 =
      table('nat', NAT, 'POSTROUTING -j MASQUERADE') +
      table('filter', FILTER, 'INPUT -s 10.8.0.1/32', 'INPUT -s 10.9.0.1/32');
    const one = bench.config(captures, { rules4 }, { host });
    expect(await expectSame(one)).toEqual(['ports', 'ports', 'ports']);
  });
});

describe('room for connections', () => {
  const roomOf = (max: number) =>
    new Conntrack({ host: loadHost(bench.router(`net.netfilter.nf_conntrack_max = ${max}\n`)), seed: 0 })
      .room;

  it('is what there is memory for, where more may be', () => {
    expect(roomOf(1000)).toBe(1000);
    expect(roomOf(100_000_000)).toBeLessThan(1 << 22);
    expect(roomOf(0)).toBeGreaterThan(1 << 20);
  });
});
